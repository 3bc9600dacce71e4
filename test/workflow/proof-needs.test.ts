import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { changes, type Ended, writes } from './run.ts';
import { startedWorkflow } from './shared.ts';
import { REQUEST, UNLISTED, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();

/** A world that was handed in with its right answer. */
const handed = (name: string) =>
  z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(new URL(`cases/${name}`, import.meta.url), 'utf8')));

const noProxy = {
  on: { service: 'kubernetes', operation: 'get pods/proxy' },
  error: 'ServiceUnavailable',
  times: 'every',
};

describe('what the proof needs is checked before the change', () => {
  it('a node that does not answer through the API server refuses the migration, with its port', async () => {
    const ended = await workflow.migrate(handed('world-bottlerocket-sg.json'), REQUEST, [noProxy]);
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toContain(
      'kube-proxy does not answer now on port 10249 through the API server on 2 of 2 nodes that are proven so: ip-192-168-1-4.ec2.internal (i-02259da145d009a92); ip-192-168-1-3.ec2.internal (i-040fa7d47d35124a0)',
    );
    expect(writes(ended)).toEqual([]);
    expect(ended.cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(Array(4).fill('iptables'));
  });

  it('a node whose health check does not answer with 200 refuses the migration, with its port', async () => {
    const nodeGroups = [{ os: 'bottlerocket', count: 1 }];
    const world = worldOf({
      nodeGroups,
      ...{ version: '1.36', addon: { version: 'v1.36.0-eksbuild.2', configuration: null } },
    });
    const ended = await workflow.migrate(world, { ...REQUEST, target: { mode: 'nftables' } }, [
      { node: 0, fault: 'syncs-fail', times: 'every', mode: 'iptables' },
    ]);
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toContain(
      "kube-proxy's health check on port 10256 does not answer with 200 now on 1 of 1 nodes",
    );
    expect(writes(ended)).toEqual([]);
  });

  it('a node that answers on a second try is not refused', async () => {
    const ended = await workflow.migrate(handed('world-bottlerocket-sg.json'), REQUEST, [{ ...noProxy, times: 2 }]);
    expect(ended.status).toBe('SUCCEEDED');
  });

  it('a kube-proxy with a different metrics address refuses the migration', async () => {
    const request = { ...REQUEST, selfManaged: 'config-map' };
    const ended = await workflow.migrate(handed('world-metrics-address.json'), request);
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toContain(
      'kube-proxy answers on 127.0.0.1:9249 (metricsBindAddress), but the proof asks on port 10249',
    );
    expect(writes(ended)).toEqual([]);
  });

  it.each([
    ['one that answers on 127.0.0.1 is proven by its own script', [{ os: 'al2023', count: 1 }], 'SUCCEEDED'],
    ['and not through the API server', [{ os: 'bottlerocket', count: 1 }], 'FAILED'],
  ])('%s', async (_, nodeGroups, status) => {
    const workloads = { configMapEdits: { metricsBindAddress: '127.0.0.1:10249' } };
    const world = worldOf({ addon: null, workloads, nodeGroups });
    const ended = await workflow.migrate(world, { ...REQUEST, selfManaged: 'config-map' });
    expect(ended.status).toBe(status);
    expect(ended.error).toBe(status === 'FAILED' ? 'PreflightRefused' : undefined);
  });
});

describe('the canary is one node for each way of proving', () => {
  const Restarted = z.object({ canaries: z.array(z.object({ node: z.object({ id: z.string() }) })) });
  const canariesOf = ({ history }: Ended) =>
    history.flatMap(({ taskSucceededEventDetails: task }) => {
      const parsed = z.object({ Payload: Restarted }).safeParse(task?.output && JSON.parse(task.output));
      return parsed.success ? parsed.data.Payload.canaries.map(({ node }) => node.id) : [];
    });

  it('which all prove the target before the other nodes are restarted', async () => {
    const ended = await workflow.migrate(handed('world-bottlerocket-sg.json'));
    expect(ended.status).toBe('SUCCEEDED');
    const ids = canariesOf(ended);
    const systems = ended.cluster.nodes.filter(({ id }) => ids.includes(id)).map(({ os }) => os);
    expect(systems.sort()).toEqual(['al2023', 'bottlerocket']);
  });

  it('for Bottlerocket alone, too', async () => {
    const ended = await workflow.migrate(worldOf({ nodeGroups: [{ os: 'bottlerocket', count: 3 }] }));
    expect(ended.status).toBe('SUCCEEDED');
    expect(canariesOf(ended)).toHaveLength(1);
  });

  it('and a canary that does not answer after its restart keeps the other nodes from being restarted', async () => {
    const world = worldOf({ nodeGroups: [{ os: 'bottlerocket', count: 3 }] });
    const ended = await workflow.migrate(world, REQUEST, [{ ...noProxy, at: 'CheckCanary', times: 12 }]);
    expect(ended.error).toBe('RolledBack');
    expect(ended.path).not.toContain('RestartDaemonSet');
    expect(ended.path).toContain('CanaryBroken');
  });
});

describe('a public endpoint that is restricted to some addresses', () => {
  const publicAccessCidrs = ['203.0.113.0/24'];

  it('is not used: kube-proxy is restarted by a pod annotation', async () => {
    const ended = await workflow.migrate(worldOf({ publicAccessCidrs }), { ...REQUEST, ...UNLISTED });
    expect(ended.status).toBe('SUCCEEDED');
    expect(ended.calls.filter(({ service, principal }) => service === 'kubernetes' && principal !== 'person')).toEqual(
      [],
    );
  });

  it('refuses with a reason what only the Kubernetes API can do', async () => {
    const nodeGroups = [{ os: 'bottlerocket', count: 1 }];
    const ended = await workflow.migrate(worldOf({ publicAccessCidrs, nodeGroups }));
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toContain(
      'with a public endpoint that answers only 203.0.113.0/24 the Kubernetes API cannot be asked, and nothing else proves Bottlerocket nodes',
    );
  });

  it('if restricted after the inspection, times out each call of a function after 15 s of virtual time', async () => {
    const ended = await workflow.migrate(worldOf({}), REQUEST, [], async () => {
      const { live, calls } = workflow.sandbox;
      const granted = () => calls.some(({ operation }) => operation === 'CreateAccessEntry');
      const get = () => (granted() ? publicAccessCidrs : undefined);
      Object.defineProperty(live.region.clusters.get('demo'), 'publicAccessCidrs', { get });
    });
    expect(ended.error).toBe('KubernetesUnreachable');
    expect(writes(ended)).toEqual([]);
    expect(ended.cluster.accessEntries).toEqual([]);
    const tried = ended.calls.filter(({ service, principal }) => service === 'kubernetes' && principal !== 'person');
    expect(tried.length).toBeGreaterThanOrEqual(5);
    const [first = '', last = ''] = [tried[0]?.at, tried.at(-1)?.at];
    expect(Date.parse(last) - Date.parse(first)).toBeGreaterThan(4 * 15_000);
  });

  it('refuses the strategy kubernetes-api', async () => {
    const ended = await workflow.migrate(worldOf({ publicAccessCidrs }), { ...REQUEST, strategy: 'kubernetes-api' });
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toContain('functions outside a VPC get no answer from it (publicAccessCidrs)');
    expect(changes(ended.calls)).toEqual([]);
  });
});
