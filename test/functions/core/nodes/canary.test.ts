import { describe, expect, it } from 'vitest';
import { type CanaryPod, canaryState, chooseCanaries } from '../../../../functions/core/nodes/canary.ts';
import type { Handling, InventoryNode } from '../../../../functions/core/nodes/nodes.ts';
import { inventoryNode as node } from '../fixtures.ts';

const pod = (id: string, changes: Partial<CanaryPod> = {}): CanaryPod => ({
  name: `kube-proxy-${id}`,
  uid: `uid-${id}`,
  nodeName: `ip-${id}`,
  ready: true,
  terminating: false,
  restarts: 0,
  waiting: null,
  ...changes,
});
const chosen = (nodes: InventoryNode[], pods: CanaryPod[], dns: string[] = []) => {
  const choice = chooseCanaries(nodes, pods, new Set(dns));
  if (choice.kind !== 'chosen') return [choice.kind, choice.reason];
  return choice.canaries.flatMap((canary) => [canary.node.id, canary.reason]);
};
const PLAIN = 'its kube-proxy is Ready, and it runs no CoreDNS pod';

describe('the canary', () => {
  it('is the first by id, however the list is ordered', () => {
    expect(chosen([node('i-2'), node('i-1')], [pod('i-2'), pod('i-1')])).toEqual(['i-1', PLAIN]);
  });

  it.each([
    ['is not Ready', { ready: false }],
    ['is being deleted', { terminating: true }],
  ])('is no node whose kube-proxy %s', (_, state) => {
    expect(chosen([node('i-1'), node('i-2')], [pod('i-1', state), pod('i-2')])).toEqual(['i-2', PLAIN]);
  });

  it('is one for each way of proving that the nodes have', () => {
    const asked: Handling = { by: 'proxy-mode', mode: 'iptables' };
    const nodes = [node('i-1', asked), node('i-2', { by: 'blocked', reason: '' }), node('i-3'), node('i-4', asked)];
    const pods = [pod('i-1'), pod('i-2'), pod('i-3'), pod('i-4')];
    expect(chosen(nodes, pods)).toEqual(['i-3', PLAIN, 'i-1', PLAIN]);
    expect(chosen([node('i-1', asked)], pods)).toEqual(['i-1', PLAIN]);
  });

  it('is missing where kube-proxy works on no node of one way, though it does on those of the other', () => {
    const nodes = [node('i-1', { by: 'proxy-mode', mode: 'iptables' }), node('i-2')];
    expect(chosen(nodes, [pod('i-2')])[0]).toBe('unhealthy');
  });

  it("is no node that answers the cluster's DNS", () => {
    expect(chosen([node('i-1'), node('i-2')], [pod('i-1'), pod('i-2')], ['ip-i-1'])).toEqual(['i-2', PLAIN]);
  });

  it('may be one where all do', () => {
    expect(chosen([node('i-1'), node('i-2')], [pod('i-1'), pod('i-2')], ['ip-i-1', 'ip-i-2'])).toEqual([
      'i-1',
      'its kube-proxy is Ready, and every such node runs CoreDNS pods',
    ]);
  });

  it('is impossible without a node that can be proven, and unhealthy without a kube-proxy that works', () => {
    expect(chosen([], [])[0]).toBe('impossible');
    expect(chosen([node('i-1')], [])[0]).toBe('unhealthy');
  });
});

describe('the canary has', () => {
  const FORMER = pod('i-1', { uid: 'former' });
  const state = (...pods: CanaryPod[]) => canaryState(pods, 'ip-i-1', 'former');

  it('come back when another pod is Ready on its node', () => {
    expect(state(pod('i-1'))).toEqual({ kind: 'done', pod: 'kube-proxy-i-1' });
  });

  it('not come back while its former pod is still there, though Ready', () => {
    expect(state(FORMER)).toEqual({ kind: 'starting', reason: 'there is no new pod' });
  });

  it('not come back for a pod on another node', () => {
    expect(state(pod('i-2'))).toEqual({ kind: 'starting', reason: 'there is no new pod' });
  });

  it('not come back while the new pod is being made', () => {
    expect(state(pod('i-1', { ready: false, waiting: 'ContainerCreating' }))).toEqual({
      kind: 'starting',
      reason: 'the new pod is not Ready',
    });
  });

  it('failed when the new pod restarts, even if it is Ready at this moment', () => {
    expect(state(pod('i-1', { restarts: 2 }))).toEqual({
      kind: 'failed',
      pod: 'kube-proxy-i-1',
      reason: '2 restarts',
    });
    expect(state(pod('i-1', { ready: false, waiting: 'CrashLoopBackOff' }))).toMatchObject({
      kind: 'failed',
      reason: '0 restarts, CrashLoopBackOff',
    });
  });
});
