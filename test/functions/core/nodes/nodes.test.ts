import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../../functions/core/evidence/verdict.ts';
import {
  batches,
  buildInventory,
  countInventory,
  type InventoryNode,
  reconcile,
} from '../../../../functions/core/nodes/nodes.ts';
import { ec2, managed, pod } from '../fixtures.ts';

const one = (seen: Partial<Parameters<typeof buildInventory>[0]>): InventoryNode | undefined =>
  buildInventory({ ec2: [], managed: [], pods: null, fargateProfiles: 0, ...seen })[0];

describe('the inventory', () => {
  it.each([
    ['Amazon Linux', '2023', 'al2023'],
    ['Amazon Linux', '2023.6.20250107', 'al2023'],
    ['Amazon Linux', '2', 'al2'],
    ['Ubuntu', '22.04', 'ubuntu'],
    ['Debian GNU/Linux', '12', 'debian'],
    ['Red Hat Enterprise Linux', '9.3', 'rhel'],
    ['Red Hat Enterprise Linux', '8', 'rhel'],
    ['Rocky Linux', '9.6', 'rocky'],
    ['AlmaLinux', '8.10', 'almalinux'],
    ['Oracle Linux Server', '9.6', 'oracle'],
    ['Oracle Linux Server', '10.0', 'other-linux'],
    ['Amazon Linux AMI', '2018.03', 'other-linux'],
    ['Amazon Linux', '2027', 'other-linux'],
    ['SLES', '15.6', 'other-linux'],
  ])('handles %s %s by SSM as %s', (platformName, platformVersion, kind) => {
    const node = one({ ec2: [ec2('i-1')], managed: [managed('i-1', { platformName, platformVersion })] });
    expect(node).toMatchObject({ id: 'i-1', kind, handling: { by: 'ssm' } });
  });

  it.each([
    ['', 'Linux'],
    ['macOS', 'MacOS'],
  ])('blocks an operating system that it does not know: %s of type %s', (platformName, platformType) => {
    const node = one({ ec2: [ec2('i-1')], managed: [managed('i-1', { platformName, platformType })] });
    expect(node).toMatchObject({ kind: 'unknown', handling: { by: 'blocked' } });
  });

  const saysWindows = { platformType: 'Windows', platformName: 'Microsoft Windows Server 2022 Datacenter' };
  const kubeProxy = [pod('ip-i-1.eu-west-1.compute.internal')];
  it.each([
    [
      'an SSM agent that says Windows on an instance of Linux',
      { ec2: [ec2('i-1')], managed: [managed('i-1', saysWindows)], pods: kubeProxy },
      'EC2 says Linux, its SSM agent says Windows, the Linux kube-proxy runs on it',
    ],
    [
      'the same where Kubernetes was not asked',
      { ec2: [ec2('i-1')], managed: [managed('i-1', saysWindows)] },
      'EC2 says Linux, its SSM agent says Windows',
    ],
    [
      'an SSM agent that says Linux on an instance of Windows',
      { ec2: [ec2('i-1', { platform: 'windows' })], managed: [managed('i-1')], pods: [] },
      'EC2 says Windows, its SSM agent says Linux',
    ],
    [
      'the Linux kube-proxy on an instance of Windows',
      { ec2: [ec2('i-1', { platform: 'windows' })], pods: kubeProxy },
      'EC2 says Windows, the Linux kube-proxy runs on it',
    ],
  ] as const)('excuses no node by sources that contradict each other: %s', (_, seen, said) => {
    const node = one({
      ...seen,
      ec2: [...seen.ec2],
      managed: 'managed' in seen ? [...seen.managed] : [],
      pods: 'pods' in seen ? [...seen.pods] : null,
    });
    expect(node).toMatchObject({
      kind: 'unknown',
      handling: {
        by: 'blocked',
        reason: `its operating system is not known, since sources contradict each other: ${said}`,
      },
    });
  });

  it('excuses a stopped instance, unless a kube-proxy pod is still listed on it', () => {
    expect(one({ ec2: [ec2('i-1', { state: 'stopped' })] })).toMatchObject({
      kind: 'stopped',
      handling: { by: 'excluded', reason: 'the instance is stopped: it runs nothing now' },
    });
    expect(one({ ec2: [ec2('i-1', { state: 'stopping' })], pods: kubeProxy })).toMatchObject({
      kind: 'stopped',
      handling: { by: 'blocked' },
    });
  });

  it('proves Bottlerocket by its proxy mode, with or without a live SSM agent', () => {
    const seen = { ec2: [ec2('i-1')], managed: [managed('i-1', { platformName: 'Bottlerocket', ping: 'Inactive' })] };
    expect(one(seen)).toMatchObject({ kind: 'bottlerocket', handling: { by: 'proxy-mode', mode: null } });
    const pods = [pod('ip-i-1.eu-west-1.compute.internal', { proxyMode: 'iptables' })];
    expect(one({ ...seen, pods })).toMatchObject({ handling: { by: 'proxy-mode', mode: 'iptables' } });
  });

  describe('with two kube-proxy pods on one Bottlerocket node', () => {
    const NODE = 'ip-i-1.eu-west-1.compute.internal';
    const handlingBy = (...pods: Parameters<typeof pod>[1][]) =>
      one({
        ec2: [ec2('i-1')],
        managed: [managed('i-1', { platformName: 'Bottlerocket' })],
        pods: pods.map((part) => pod(NODE, part)),
      })?.handling;
    const NEW = { name: 'kube-proxy-new', proxyMode: null, ready: false };
    const OLD = { name: 'kube-proxy-old', proxyMode: 'ipvs' };

    it.each([
      ['before', [{ ...OLD, terminating: true }, NEW]],
      ['behind', [NEW, { ...OLD, terminating: true }]],
      ['alone', [{ ...OLD, terminating: true }]],
    ])('hears none that is being deleted: it is listed %s', (_, pods) => {
      expect(handlingBy(...pods)).toEqual({ by: 'proxy-mode', mode: null, syncs: null });
    });

    it('hears both where both stay and agree, and blocks the node where they do not', () => {
      expect(handlingBy({ ...NEW, proxyMode: 'ipvs' }, OLD)).toEqual({ by: 'proxy-mode', mode: 'ipvs', syncs: null });
      expect(handlingBy(NEW, OLD)).toEqual({
        by: 'blocked',
        reason:
          'its kube-proxy pods contradict each other on /proxyMode: kube-proxy-new does not answer, kube-proxy-old says ipvs',
      });
      expect(handlingBy(OLD, { ...NEW, proxyMode: 'iptables' })).toEqual({
        by: 'blocked',
        reason:
          'its kube-proxy pods contradict each other on /proxyMode: kube-proxy-old says ipvs, kube-proxy-new says iptables',
      });
    });
  });

  it('takes an address for that of the node whose pod stays', () => {
    const pods = [
      pod('new', { hostIp: '10.0.0.5', proxyMode: 'iptables' }),
      pod('old', { hostIp: '10.0.0.5', proxyMode: 'ipvs', terminating: true }),
    ];
    const nodes = buildInventory({
      ec2: [ec2('i-1', { addresses: ['10.0.0.5'] })],
      managed: [managed('i-1')],
      pods,
      fargateProfiles: 0,
    });
    expect(nodes.map(({ name, handling }) => [name, handling.by])).toEqual([
      ['new', 'ssm'],
      ['old', 'blocked'],
    ]);
  });

  it.each([
    [{ ec2: [ec2('i-1')] }, 'no SSM agent has registered for it'],
    [
      { ec2: [ec2('i-1')], managed: [managed('i-1', { ping: 'ConnectionLost' })] },
      'its SSM agent is not online (ConnectionLost)',
    ],
    [
      { ec2: [ec2('i-1')], managed: [managed('i-1')], pods: [] },
      'no kube-proxy pod runs on it: it has not joined, or is not a node of this cluster',
    ],
    [{ pods: [pod('stranger')] }, 'a kube-proxy pod runs on it, and neither EC2 nor SSM listed it'],
    [
      { ec2: [ec2('i-1', { tags: { 'eks:kubernetes-node-class-name': 'default' } })], managed: [managed('i-1')] },
      'EKS Auto Mode runs it: its kube-proxy is not the add-on',
    ],
    [
      { managed: [managed('mi-1')] },
      'it is a hybrid machine, and without Kubernetes nobody knows whether it is a node of this cluster',
    ],
  ])('blocks a node that it cannot account for: %#', (seen, reason) => {
    expect(one(seen)?.handling).toEqual({ by: 'blocked', reason });
  });

  it('excludes Windows and Fargate, and says so', () => {
    const nodes = buildInventory({
      ec2: [ec2('i-1', { platform: 'windows' })],
      managed: [],
      pods: [],
      fargateProfiles: 2,
    });
    expect(nodes.map(({ kind, name, handling }) => ({ kind, name, handling }))).toEqual([
      {
        kind: 'fargate',
        name: '2 Fargate profiles',
        handling: { by: 'excluded', reason: 'Fargate runs no kube-proxy DaemonSet pod' },
      },
      {
        kind: 'windows',
        name: 'ip-i-1.eu-west-1.compute.internal',
        handling: { by: 'excluded', reason: 'Windows runs no Linux kube-proxy' },
      },
    ]);
    expect(countInventory(nodes)).toEqual({ total: 2, ssm: 0, proxyMode: 0, excluded: 2, blocked: 0 });
  });

  it('leaves terminated instances and other machines of the account out', () => {
    const seen = {
      ec2: [ec2('i-1', { state: 'terminated' }), ec2('i-2', { state: 'shutting-down' })],
      managed: [managed('i-9'), managed('mi-9')],
      pods: [],
      fargateProfiles: 0,
    };
    expect(buildInventory(seen)).toEqual([]);
  });

  it('takes a hybrid machine where a kube-proxy pod runs on it', () => {
    const pods = [pod('mi-1', { proxyMode: 'iptables' })];
    expect(
      one({ managed: [managed('mi-1', { platformName: 'Ubuntu', platformVersion: '24.04' })], pods }),
    ).toMatchObject({
      kind: 'hybrid',
      handling: { by: 'ssm' },
      runningMode: 'iptables',
    });
  });

  it('joins pods by node name, by address and by resource-based name', () => {
    const nodes = buildInventory({
      ec2: [ec2('i-0a'), ec2('i-0b', { addresses: ['10.0.0.5'] }), ec2('i-0c')],
      managed: [managed('i-0a'), managed('i-0b'), managed('i-0c')],
      pods: [
        pod('ip-i-0a.eu-west-1.compute.internal'),
        pod('custom', { hostIp: '10.0.0.5' }),
        pod('i-0c.eu-west-1.compute.internal'),
      ],
      fargateProfiles: 0,
    });
    expect(nodes.map(({ name }) => name)).toEqual([
      'ip-i-0a.eu-west-1.compute.internal',
      'custom',
      'i-0c.eu-west-1.compute.internal',
    ]);
    expect(countInventory(nodes)).toEqual({ total: 3, ssm: 3, proxyMode: 0, excluded: 0, blocked: 0 });
  });

  it('never lets an unknown node be anything but blocked', () => {
    const platform = fc.record({ platformName: fc.string(), platformVersion: fc.string(), platformType: fc.string() });
    fc.assert(
      fc.property(platform, fc.constantFrom('running', 'pending', 'stopped'), (part, state) => {
        const node = one({ ec2: [ec2('i-1', { state })], managed: [managed('i-1', part)] });
        return node !== undefined && (node.kind !== 'unknown' || node.handling.by === 'blocked');
      }),
    );
  });
});

describe('batches', () => {
  it('hold 50 nodes unless told otherwise', () => {
    expect(batches(Array.from({ length: 120 }, (_, index) => index)).map((batch) => batch.length)).toEqual([
      50, 50, 20,
    ]);
    expect(batches([1, 2, 3], 2)).toEqual([[1, 2], [3]]);
    expect(batches([])).toEqual([]);
    expect(() => batches([1], 0)).toThrow(RangeError);
  });

  it('lose nothing and change no order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 60 }), (items, size) => {
        expect(batches(items, size).flat()).toEqual(items);
      }),
    );
  });
});

describe('reconciling verdicts with the nodes that must answer', () => {
  const verdict = (node: string, pass: boolean): Verdict => ({
    node,
    name: node,
    pass,
    reasons: [],
    facts: {},
    excerpt: '',
  });

  it('finds what is missing, unexpected, failed and passed', () => {
    const result = reconcile(['a', 'b', 'c'], [verdict('a', true), verdict('b', false), verdict('x', true)]);
    expect(result).toEqual({ missing: ['c'], unexpected: ['x'], failed: [verdict('b', false)], passed: ['a'] });
  });

  it('fails a node that answered twice and failed once', () => {
    expect(reconcile(['a'], [verdict('a', false), verdict('a', true)])).toMatchObject({
      passed: [],
      failed: [{ node: 'a' }],
    });
    expect(reconcile(['a'], [verdict('a', true), verdict('a', false)])).toMatchObject({
      passed: [],
      failed: [{ node: 'a' }],
    });
  });
});
