import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { worldOf } from '../workflow/worlds.ts';
import { call } from './run.ts';
import { type Served, serve } from './serve.ts';

const addon = { version: 'v1.36.0-eksbuild.2', configuration: '{}' };
const WORLD = worldOf({ version: '1.36', services: 2_400, addon });

let folder: string;
let served: Served;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nightshift-'));
  const world = join(folder, 'world.json');
  writeFileSync(world, JSON.stringify(WORLD));
  served = await serve(world);
});
afterAll(async () => {
  await served.stop();
  rmSync(folder, { recursive: true });
});

/** Migrates the cluster, after `faults` were armed, and audits the execution as text and as JSON. */
async function migrate(faults: object[], ...more: string[]) {
  await fetch(`${served.endpoint}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(faults) });
  const options = ['--now', '--reason', 'CHG-1', '--acknowledge', 'ipvs-deprecated', '--json', ...more];
  const { name, ending, recovery } = JSON.parse((await call(['migrate', 'demo', ...options], served.env)).stdout);
  const { stdout } = await call(['audit', name], served.env);
  const json = await call(['audit', name, '--format', 'json'], served.env);
  const lines = stdout.split('\n').filter((line) => /^ {2}Effect|before and/.test(line));
  return { name, ending, recovery: recovery?.ending, lines, effect: JSON.parse(json.stdout).effect };
}

describe('the audit of a migration says what the change was worth', () => {
  const AT = { machine: 'nightshift-migrate-cluster' };

  test('to nftables, from iptables', async () => {
    expect(await migrate([], '--mode', 'nftables')).toMatchObject({
      ending: 'migrated',
      lines: [
        "  Effect     kube-proxy's sync took 242 ms before and 73 ms after (median of 3 nodes); a connection to the API server 174 µs before and 131 µs after.",
      ],
      effect: { sync: { before: 241_984, after: 73_246, nodes: 3 }, connect: { before: 174, after: 131, nodes: 3 } },
    });
  });

  test('nothing if the cluster was on its target already', async () => {
    expect(await migrate([], '--mode', 'nftables')).toMatchObject({
      ending: 'already-compliant',
      lines: [],
      effect: null,
    });
  });

  test('to IPVS, by a recovery that finished it', async () => {
    expect(await migrate([{ at: 'AwaitValidation', ...AT, execution: 'abort' }], '--mode', 'ipvs')).toMatchObject({
      ending: 'aborted',
      recovery: 'finished',
      lines: [
        "  Effect     kube-proxy's sync took 73 ms before and 132 ms after (median of 3 nodes); a connection to the API server 131 µs before and 133 µs after.",
      ],
      effect: { sync: { before: 73246, after: 132482, nodes: 3 }, connect: { before: 131, after: 133, nodes: 3 } },
    });
  });

  test('to nftables, from IPVS, with nodes that are prepared already', async () => {
    expect(await migrate([], '--mode', 'nftables')).toMatchObject({
      ending: 'migrated',
      lines: [
        "  Effect     kube-proxy's sync took 132 ms before and 73 ms after (median of 3 nodes); a connection to the API server 133 µs before and 131 µs after.",
      ],
      effect: { sync: { before: 132482, after: 73246, nodes: 3 }, connect: { before: 133, after: 131, nodes: 3 } },
    });
  });

  test('nothing after a rollback: the nodes run the mode that they ran before', async () => {
    const crash = {
      at: 'RestartDaemonSet',
      ...AT,
      node: 1,
      fault: 'kube-proxy-crash',
      times: 'every',
      mode: 'ipvs',
    };
    expect(await migrate([crash], '--mode', 'ipvs')).toMatchObject({
      ending: 'rolled-back',
      lines: [],
      effect: null,
    });
  });
});
