import { describe, expect, it } from 'vitest';
import { type AdviceFacts, adviceText, advise } from '../../../../functions/core/advice/advice.ts';

/** A cluster on IPVS with everything that nftables mode needs. */
const FACTS: AdviceFacts = {
  cluster: 'demo',
  version: '1.36',
  autoMode: false,
  running: 'ipvs',
  addon: { version: 'v1.36.0-eksbuild.2', modes: ['iptables', 'ipvs', 'nftables'] },
  services: 2_400,
  cni: 'v1.23.0-eksbuild.1',
  kernels: { tooOld: [], unknown: 0 },
};
const on = (minor: number): Partial<AdviceFacts> => ({
  version: `1.${minor}`,
  addon: { version: `v1.${minor}.0-eksbuild.2`, modes: ['iptables', 'ipvs', 'nftables'] },
});
const UPDATE = 'Update the cluster, and kube-proxy with it, to Kubernetes 1.36.';

describe('the advice', () => {
  it.each<[string, Partial<AdviceFacts>, string, string[]]>([
    ['on ipvs and 1.36', {}, 'nftables', []],
    ['on ipvs and 1.40', on(40), 'nftables', []],
    ['on ipvs and 1.35', on(35), 'nftables-later', [UPDATE]],
    ['on ipvs and 1.33', on(33), 'nftables-later', [UPDATE]],
    ['on ipvs and 1.32', on(32), 'nftables-later', [UPDATE]],
    ['on iptables and 1.36', { running: 'iptables' }, 'nftables', []],
    ['on iptables and 1.34', { running: 'iptables', ...on(34) }, 'nftables-later', [UPDATE]],
    ['on iptables and 1.32', { running: 'iptables', ...on(32) }, 'ipvs', []],
    ['on iptables and 1.36 with few Services', { running: 'iptables', services: 1_000 }, 'stay', []],
    ['on iptables and 1.36 with an unknown number of them', { running: 'iptables', services: null }, 'nftables', []],
    ['on ipvs and 1.36 with few Services', { services: 12 }, 'nftables', []],
    ['on nftables and 1.36', { running: 'nftables' }, 'stay', []],
    ['on nftables and 1.33', { running: 'nftables', ...on(33) }, 'stay', []],
    ['in Auto Mode', { autoMode: true }, 'stay', []],
    ['of a version that nobody knows', { version: '2.0' }, 'stay', []],
    ['of a self-managed kube-proxy on 1.36', { running: null, addon: null }, 'nftables', []],
    [
      'of a self-managed kube-proxy on 1.32',
      { running: null, addon: null, version: '1.32' },
      'nftables-later',
      [UPDATE],
    ],
    [
      'with an older VPC CNI',
      { cni: 'v1.20.4-eksbuild.2' },
      'nftables-later',
      ['Update the Amazon VPC CNI from 1.20.4 to 1.23.0 or newer.'],
    ],
    [
      'with Amazon Linux 2',
      { kernels: { tooOld: ['node-1 (i-1) Amazon Linux 2'], unknown: 0 } },
      'nftables-later',
      ['Replace the nodes whose kernel is older than 5.13: node-1 (i-1) Amazon Linux 2.'],
    ],
    [
      'with an add-on that is behind',
      { addon: { version: 'v1.34.1-eksbuild.2', modes: ['iptables', 'ipvs', 'nftables'] } },
      'nftables-later',
      ['Update the kube-proxy add-on from 1.34.1 to 1.36 or newer.'],
    ],
    [
      'with an add-on whose schema does not list the mode',
      { addon: { version: 'v1.36.0-eksbuild.2', modes: ['iptables', 'ipvs'] } },
      'nftables-later',
      ['Update the kube-proxy add-on to a version whose schema lists nftables.'],
    ],
    [
      'with everything to do',
      { ...on(34), cni: 'v1.19.0-eksbuild.1', kernels: { tooOld: ['i-1 Amazon Linux 2'], unknown: 0 } },
      'nftables-later',
      [
        UPDATE,
        'Update the Amazon VPC CNI from 1.19.0 to 1.23.0 or newer.',
        'Replace the nodes whose kernel is older than 5.13: i-1 Amazon Linux 2.',
      ],
    ],
  ])('for a cluster %s', (_, part, advice, after) => {
    const found = advise({ ...FACTS, ...part });
    expect(found).toMatchObject({ advice, after });
    expect(found.reasons.length).toBeGreaterThan(0);
  });

  it.each<[string, Partial<AdviceFacts>, string[]]>([
    [
      'of a cluster on ipvs',
      {},
      [
        'kube-proxy is configured for ipvs, which Kubernetes 1.43 does not have any more.',
        'AWS recommends nftables mode from Kubernetes 1.36 on.',
      ],
    ],
    [
      'of a cluster on iptables that is too early for nftables',
      { ...on(34), running: 'iptables', services: null },
      [
        'kube-proxy is configured for iptables, in which the first packet of a connection is slow with more than 1,000 Services. Not looked at: how many there are; with fewer the cluster can stay.',
        'kube-proxy of Kubernetes 1.34 has nftables mode, and AWS recommends it from 1.36 on: before, a sync takes minutes in large clusters.',
        'If it cannot wait: ipvs mode helps now, and the cluster has to leave it again before Kubernetes 1.40.',
      ],
    ],
    [
      'of a cluster that shows little',
      { running: null, addon: null, cni: null, kernels: null },
      [
        'Not looked at: the mode of kube-proxy, because it is not an EKS add-on or its values cannot be read.',
        'AWS recommends nftables mode from Kubernetes 1.36 on.',
        'Not looked at: the version of the Amazon VPC CNI, which must be 1.23.0 or newer.',
        'Not looked at: the kernels of the nodes, which must be 5.13 or newer (`kubectl get nodes -o wide`).',
      ],
    ],
    [
      'of a cluster with nodes of unknown systems',
      { kernels: { tooOld: [], unknown: 2 } },
      [
        'kube-proxy is configured for ipvs, which Kubernetes 1.43 does not have any more.',
        'AWS recommends nftables mode from Kubernetes 1.36 on.',
        'Not looked at: the kernels of 2 nodes, which must be 5.13 or newer (`kubectl get nodes -o wide`).',
      ],
    ],
  ])('has the reasons %s', (_, part, reasons) => {
    expect(advise({ ...FACTS, ...part }).reasons).toEqual(reasons);
  });
});

describe('the deadlines', () => {
  it('are those of Kubernetes and of EKS, which contradict each other, and what the schema shows', () => {
    expect(advise(FACTS).deadlines.map(({ version, what }) => `${version} ${what}`)).toEqual([
      '1.35 kube-proxy warns of ipvs mode: it is deprecated',
      '1.36 EKS announces that ipvs mode is removed, which contradicts the plan of Kubernetes; the schema of this add-on, v1.36.0-eksbuild.2, lists it',
      '1.40 kube-proxy exits in ipvs mode, unless a feature gate is set that the add-on cannot set',
      '1.40 nftables becomes the mode of a kube-proxy whose configuration names none',
      '1.43 kube-proxy has no ipvs mode any more',
    ]);
    for (const { source } of advise(FACTS).deadlines) expect(source).toMatch(/^https:\/\//);
  });

  it('are none for a cluster in a mode that stays', () => {
    expect(advise({ ...FACTS, running: 'nftables' }).deadlines).toEqual([]);
  });
});

it('is one paragraph for people', () => {
  expect(adviceText(advise({ ...FACTS, cni: 'v1.20.4-eksbuild.2' }))).toBe(
    'Move to nftables mode later. First: Update the Amazon VPC CNI from 1.20.4 to 1.23.0 or newer. kube-proxy is configured for ipvs, which Kubernetes 1.43 does not have any more. AWS recommends nftables mode from Kubernetes 1.36 on.',
  );
  expect(adviceText(advise({ ...FACTS, running: 'nftables' }))).toBe(
    'Stay in nftables mode. kube-proxy is configured for nftables, which no version removes.',
  );
});
