import { type KernelMachine, kernelMachine, kernelNodesAvailable } from '@nightshift/sandbox/nodes';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyOthers, made, type OthersOnNode, unmade } from './draw-others.ts';
import { EVERYTHING } from './nodes/foreign.ts';
import { runDocument } from './nodes/node-history.ts';

const availability = kernelNodesAvailable();

/** A run of all three scripts takes seconds on an emulated processor. */
const RUNS = 3;
const SEED = 11;

const NODE = '192.168.1.1';
const CLUSTER = {
  version: '1.34',
  serviceCidr: '',
  services: [
    {
      namespace: 'default',
      name: 'kubernetes',
      clusterIp: '10.100.0.1',
      port: 443,
      protocol: 'TCP' as const,
      endpoints: ['192.168.9.11:443'],
    },
    {
      namespace: 'default',
      name: 'idle',
      clusterIp: '10.100.0.9',
      port: 80,
      protocol: 'TCP' as const,
      endpoints: [],
    },
  ],
};

async function shell(machine: KernelMachine, script: string): Promise<string[]> {
  const result = await machine.shell(script);
  expect({ script, ...result }).toMatchObject({ exitCode: 0 });
  return result.stdout.split('\n').filter((line) => line !== '');
}

/** Leaves out rules of both modes in shared chains: the first switch to IPVS mode adds them, and they stay. */
const ofAll = async (machine: KernelMachine): Promise<string[]> =>
  (await shell(machine, EVERYTHING)).filter((line) => !line.includes('"kube-proxy firewall rules"'));

async function toIpvsAndBack(machine: KernelMachine, others: OthersOnNode): Promise<void> {
  await shell(machine, made(others));
  const rules = await ofAll(machine);
  await machine.startKubeProxy({ mode: 'ipvs', scheduler: 'rr' }, CLUSTER);
  // kube-proxy in IPVS mode deletes servers of others when it starts, so the test adds them afterwards.
  await shell(machine, others.servers.map((server) => `ipvsadm -A ${server} -s rr`).join('\n'));
  expect(await runDocument(machine, 'clean-node', { Mode: 'ipvs' })).toMatchObject({ exitCode: 0, stderr: '' });
  await machine.startKubeProxy({ mode: 'iptables', scheduler: '' }, CLUSTER);
  const cleaned = await runDocument(machine, 'clean-node', { Mode: 'iptables' });
  expect(cleaned).toMatchObject({ exitCode: 0, stderr: '' });
  expect(cleaned.stdout).not.toContain('warning=');
  const after = await ofAll(machine);
  const isServer = (line: string) => /^-[Aa] -[tuf] /.test(line);
  expect(after.filter((line) => !isServer(line))).toEqual(rules);
  expect(after.filter(isServer)).toHaveLength(others.servers.length);
  await shell(machine, unmade(others));
}

describe.skipIf(!availability.available)('every object of others on a node', () => {
  test(`is there after IPVS mode and cleaning, line for line (${RUNS} draws)`, async () => {
    const machine = kernelMachine({ name: 'drawn', address: NODE, ipvsadmInstalled: true });
    try {
      await machine.startKubeProxy({ mode: 'iptables', scheduler: '' }, CLUSTER);
      const property = fc.asyncProperty(anyOthers, (others) => toIpvsAndBack(machine, others));
      await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
    } finally {
      await machine.stop();
    }
  });
});
