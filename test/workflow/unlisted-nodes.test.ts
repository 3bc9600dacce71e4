import { describe, expect, it } from 'vitest';
import { writes } from './run.ts';
import { startedWorkflow } from './shared.ts';
import { CLUSTER, ON_IPVS, REQUEST, UNLISTED, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();

/** A node that only Kubernetes knows, and that could not run the target. */
const OURS = { os: 'al2023', count: 1, startedBy: 'person', missingModules: ['ip_vs', 'ip_vs_rr'] };
const LISTED = { os: 'al2023', count: 2 };
const modes = ({ cluster }: { cluster: { nodes: { runningMode: string | null }[] } }) =>
  cluster.nodes.map(({ runningMode }) => runningMode);

describe('a node that only Kubernetes knows', () => {
  const blocks =
    '1 node blocks the migration: ip-192-168-1-3.ec2.internal: a kube-proxy pod runs on it, and neither EC2 nor SSM listed it';

  it('blocks the change if Kubernetes is asked', async () => {
    const ended = await workflow.migrate(worldOf({ nodeGroups: [LISTED, OURS] }));
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toContain(blocks);
    expect(writes(ended)).toEqual([]);
    expect(modes(ended)).toEqual(['iptables', 'iptables', 'iptables']);
  });

  it('is found in a cluster that is already configured for the target', async () => {
    const ended = await workflow.migrate(worldOf({ addon: ON_IPVS, nodeGroups: [LISTED, OURS] }));
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toContain(blocks);
    expect(writes(ended)).toEqual([]);
    expect(ended.cluster.accessEntries).toEqual([]);
  });

  it.each([
    ['changed', CLUSTER.addon],
    ['called compliant', ON_IPVS],
  ])('may be there where Kubernetes is not asked: nothing is %s', async (_, addon) => {
    const ended = await workflow.migrate(worldOf({ addon, endpoint: 'private', nodeGroups: [LISTED, OURS] }));
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toContain(
      'the Kubernetes API is not asked, and EC2 lists only the instances that have the tag of the cluster: a node without it would be neither prepared nor proven.',
    );
    expect(writes(ended)).toEqual([]);
  });
});

describe('without Kubernetes, whatever the request acknowledges', () => {
  it.each([
    ['no node at all', { nodeGroups: [OURS] }, 'no node was seen, so it is not known whether there are any'],
    ['nodes that need no proof alone', { nodeGroups: [{ os: 'windows', count: 1 }] }, 'no node was seen'],
    [
      'a network for hybrid nodes',
      { remoteNodeNetworks: ['10.200.0.0/16'] },
      'the cluster has networks for hybrid nodes, which nothing else lists',
    ],
  ])('%s refuses the change', async (_, cluster, cause) => {
    const ended = await workflow.migrate(worldOf({ endpoint: 'private', ...cluster }), { ...REQUEST, ...UNLISTED });
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toContain(cause);
    expect(writes(ended)).toEqual([]);
    expect(ended.path).not.toContain('AwaitWindow');
  });
});

it('a cluster that loses its last node before the lease is refused: only Kubernetes could confirm that there are no others', async () => {
  const terminated = { at: 'AcquireLease', node: 0, fault: 'terminated' };
  const world = worldOf({ endpoint: 'private', nodeGroups: [{ os: 'al2023', count: 1 }] });
  const ended = await workflow.migrate(world, { ...REQUEST, ...UNLISTED }, [terminated]);
  expect(ended.error).toBe('PreflightRefused');
  expect(writes(ended)).toEqual([]);
});

it('a check that blocks a change also blocks a change that only the nodes need', async () => {
  const garbage = { at: 'ProveCompliance', node: 0, fault: 'output-garbage', document: 'validate-node', times: 1 };
  const ended = await workflow.migrate(
    worldOf({ addon: ON_IPVS, workloads: { metallb: { strictArp: false } } }),
    REQUEST,
    [garbage],
  );
  expect(ended.error).toBe('PreflightRefused');
  expect(ended.cause).toContain('MetalLB runs and needs ipvs.strictARP');
  expect(writes(ended)).toEqual([]);
});
