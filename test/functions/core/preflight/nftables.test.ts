import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../../../functions/core/execution/request.ts';
import { MODES } from '../../../../functions/core/modes/index.ts';
import type { InventoryNode, ManagedNode } from '../../../../functions/core/nodes/nodes.ts';
import type { ClusterSnapshot } from '../../../../functions/core/preflight/plan.ts';
import {
  type Check,
  type CheckName,
  preflight,
  subjectOf,
  type Workloads,
} from '../../../../functions/core/preflight/preflight.ts';
import { addon, cluster, daemonSet, KUBE_PROXY_SET, managed, QUIET, SCHEMA_WITH_NFTABLES } from '../fixtures.ts';

const node: InventoryNode = { id: 'i-1', name: 'node-1', address: '10.0.0.1', kind: 'al2023', handling: { by: 'ssm' } };
const bottlerocket: InventoryNode = {
  ...node,
  id: 'i-2',
  name: 'node-2',
  kind: 'bottlerocket',
  handling: { by: 'proxy-mode', mode: 'iptables' },
};
const isBottlerocket = managed('i-2', { platformName: 'Bottlerocket', platformVersion: '1.44.0' });

const read = <Value>(value: Value) => ({ kind: 'read' as const, value });
const refused = { kind: 'unreadable' as const, why: 'the API server refused it (403)' };

const CNI = 'registry.example/amazon-k8s-cni:v1.23.0-eksbuild.1';
const AGENT = 'registry.example/amazon/aws-network-policy-agent:v1.4.1-eksbuild.1';
const awsNode = (images: string[] = [CNI, AGENT], env: Record<string, string> = {}) =>
  daemonSet('aws-node', { images, env });
const sets = (...value: ReturnType<typeof daemonSet>[]): Partial<Workloads> => ({
  daemonSets: read([KUBE_PROXY_SET, ...value]),
});

/** A cluster of Kubernetes 1.36 in which nothing stands against nftables mode. */
const READY: Workloads = {
  ...QUIET,
  ...sets(awsNode()),
  serviceTotals: { count: 40, nodePorts: [] },
  nodes: read([{ name: 'node-1', kernel: '6.18.0-1.amzn2023.x86_64' }]),
};
const on = (minor: number, part: Parameters<typeof addon>[0] = {}): Partial<ClusterSnapshot> => ({
  version: `1.${minor}`,
  ...addon({ version: `v1.${minor}.0-eksbuild.2`, schema: SCHEMA_WITH_NFTABLES, ...part }),
});

interface Seen {
  snapshot?: Partial<ClusterSnapshot>;
  nodes?: InventoryNode[];
  managed?: ManagedNode[];
  /** `null`: Kubernetes was not asked. */
  workloads?: Partial<Workloads> | null;
  request?: object;
}

function look(seen: Seen): Check[] {
  const request = parseRequest({ cluster: 'demo', target: { mode: 'nftables' }, ...seen.request });
  const subject = subjectOf(cluster({ ...on(36), ...seen.snapshot }), seen.nodes ?? [node], request, {
    restartFor: 'demo-1',
    inVpc: false,
    ec2: [],
    managed: seen.managed ?? [managed('i-1'), isBottlerocket],
    workloads: seen.workloads === null ? null : { ...READY, ...seen.workloads },
  });
  return preflight(subject);
}

/** One check of a look as `VERDICT why`; undefined when it does not apply. */
const check = (name: CheckName, seen: Seen): string | undefined => {
  const found = look(seen).find((each) => each.name === name);
  return found && `${found.verdict} ${found.why}`;
};
const IPVS = { target: { mode: 'ipvs', scheduler: 'rr' } };

describe('a change to nftables', () => {
  it('of an ordinary cluster passes, but for what only its nodes can report', () => {
    const image = { ...KUBE_PROXY_SET, images: ['eks/kube-proxy:v1.36.0-minimal-eksbuild.2'] };
    const workloads = { daemonSets: read([image, awsNode()]) };
    expect(look({ workloads }).map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      'cluster-status PASS',
      'auto-mode PASS',
      'update-in-flight PASS',
      'addon-present PASS',
      'addon-status PASS',
      'addon-issues PASS',
      'addon-owner PASS',
      'configuration PASS',
      'schema-mode PASS',
      'configuration-schema PASS',
      'version PASS',
      'kube-proxy-version PASS',
      'scheduler PASS',
      'nodes PASS',
      'unlisted-nodes PASS',
      'foreign-virtual-servers WARN',
      'localhost-node-ports WARN',
      'host-firewall WARN',
      'ssm-agent-version PASS',
      'node-kernels PASS',
      'restart PASS',
      'proof PASS',
      'kube-proxy-replacement PASS',
      'config-map-edits PASS',
      'daemon-set-edits PASS',
      'kube-proxy-image PASS',
      'rollout-possible PASS',
      'node-local-dns PASS',
      'vpc-cni PASS',
      'network-policy-agent PASS',
      'calico PASS',
      'node-port-addresses PASS',
      'cluster-size PASS',
    ]);
  });

  it('names what to do about everything that it warns of or blocks', () => {
    const worst: Seen = {
      snapshot: on(34),
      nodes: [node, bottlerocket],
      workloads: { daemonSets: refused, services: refused, nodes: refused, endpoints: refused },
    };
    const own = look(worst).filter(({ name }) =>
      [...MODES.nftables.checks, 'calico', 'rollout-possible'].includes(name),
    );
    expect(own.filter(({ verdict }) => verdict !== 'PASS').length).toBeGreaterThan(9);
    for (const { verdict, fix, name } of own) if (verdict !== 'PASS') expect(fix, name).toMatch(/\.$/);
  });
});

describe('kube-proxy', () => {
  it.each<[string, Seen, string]>([
    [
      '1.32',
      { snapshot: on(32) },
      'BLOCK kube-proxy is 1.32: nftables mode is stable, and supported by EKS, since 1.33',
    ],
    [
      '1.33',
      { snapshot: on(33) },
      'WARN kube-proxy is 1.33, and AWS recommends nftables mode from 1.36 on: before, a sync writes more than what changed, and takes minutes in large clusters',
    ],
    [
      '1.35',
      { snapshot: on(35) },
      'WARN kube-proxy is 1.35, and AWS recommends nftables mode from 1.36 on: before, a sync writes more than what changed, and takes minutes in large clusters',
    ],
    ['1.36', { snapshot: on(36) }, 'PASS kube-proxy is 1.36'],
    [
      'that is behind its cluster',
      { snapshot: { ...on(32), version: '1.36' } },
      'BLOCK kube-proxy is 1.32: nftables mode is stable, and supported by EKS, since 1.33',
    ],
    [
      'self-managed, before Kubernetes was asked',
      { snapshot: { addon: null }, request: { selfManaged: 'config-map' }, workloads: null },
      'WARN not looked at yet: the version of kube-proxy',
    ],
    [
      'self-managed',
      {
        snapshot: { addon: null },
        request: { selfManaged: 'config-map' },
        workloads: { daemonSets: read([{ ...KUBE_PROXY_SET, images: ['eks/kube-proxy:v1.34.1-eksbuild.2'] }]) },
      },
      'WARN kube-proxy is 1.34, and AWS recommends nftables mode from 1.36 on: before, a sync writes more than what changed, and takes minutes in large clusters',
    ],
    [
      'self-managed, of an unknown version',
      {
        snapshot: { addon: null },
        request: { selfManaged: 'config-map' },
        workloads: { daemonSets: read([{ ...KUBE_PROXY_SET, images: ['mirror/kube-proxy:latest'] }]) },
      },
      "BLOCK unknown: the version of kube-proxy, whose nftables mode is stable since 1.33: its image's tag is not EKS's",
    ],
  ])('%s', (_, seen, expected) => {
    expect(check('kube-proxy-version', seen)).toBe(expected);
  });

  it.each<[string, Seen, string]>([
    [
      'with a scheduler of its own',
      { snapshot: on(36, { configuration: '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}' }), workloads: null },
      'WARN the IPVS scheduler lc is lost: nftables mode has none, and chooses a backend at random',
    ],
    [
      'with a scheduler in its ConfigMap alone',
      { workloads: { configMap: read('mode: ipvs\nipvs: {scheduler: sh}\n') } },
      'WARN the IPVS scheduler sh is lost: nftables mode has none, and chooses a backend at random',
    ],
    [
      'with the usual one',
      { snapshot: on(36, { configuration: '{"mode":"ipvs"}' }), workloads: null },
      'PASS no scheduler other than rr is configured, and nftables mode has none: it chooses a backend at random',
    ],
    [
      'in iptables mode with a scheduler that nobody reads',
      { snapshot: on(36, { configuration: '{"ipvs":{"scheduler":"lc"}}' }), workloads: null },
      'PASS no scheduler other than rr is configured, and nftables mode has none: it chooses a backend at random',
    ],
  ])('%s', (_, seen, expected) => {
    expect(check('scheduler', seen)).toBe(expected);
  });
});

describe('the kernels of nodes', () => {
  const kernel = (release: string): Seen => ({ workloads: { nodes: read([{ name: 'node-1', kernel: release }]) } });
  const system = (platformName: string, platformVersion: string): Seen => ({
    managed: [managed('i-1', { platformName, platformVersion })],
    workloads: { nodes: refused },
  });
  it.each<[string, Seen, string]>([
    ['6.1', kernel('6.1.115-126.197.amzn2023.x86_64'), 'PASS the kernel of each of 1 nodes is 6.1 or newer'],
    [
      '5.10',
      kernel('5.10.245-241.976.amzn2.x86_64'),
      'BLOCK kube-proxy exits in nftables mode on kernels older than 5.13: node-1 (i-1) 5.10.245-241.976.amzn2.x86_64',
    ],
    [
      '5.15',
      kernel('5.15.0-1050-aws'),
      'WARN in nftables mode late packets may reset long TCP connections on kernels older than 6.1, which these nodes have or may have: node-1 (i-1) 5.15.0-1050-aws',
    ],
    [
      'one that is not understood',
      kernel('custom'),
      'WARN unknown: the kernel of 1 of 1 nodes, whose system has had kernels older than 5.13: node-1 (i-1) custom',
    ],
    ['Amazon Linux 2023', system('Amazon Linux', '2023'), 'PASS the kernel of each of 1 nodes is 6.1 or newer'],
    [
      'Amazon Linux 2',
      system('Amazon Linux', '2'),
      'BLOCK kube-proxy exits in nftables mode on kernels older than 5.13: node-1 (i-1) Amazon Linux 2',
    ],
    [
      'Ubuntu 22.04',
      system('Ubuntu', '22.04'),
      'WARN in nftables mode late packets may reset long TCP connections on kernels older than 6.1, which these nodes have or may have: node-1 (i-1) Ubuntu 22.04',
    ],
    [
      'Debian 11',
      system('Debian GNU/Linux', '11'),
      'WARN unknown: the kernel of 1 of 1 nodes, whose system has had kernels older than 5.13: node-1 (i-1) Debian GNU/Linux 11',
    ],
    [
      'Rocky Linux 8',
      system('Rocky Linux', '8.10'),
      'BLOCK kube-proxy exits in nftables mode on kernels older than 5.13: node-1 (i-1) Rocky Linux 8.10',
    ],
    [
      'a Linux that nobody knows',
      system('Flatcar', '4230.2.4'),
      'WARN unknown: the kernel of 1 of 1 nodes, whose system has had kernels older than 5.13: node-1 (i-1) Flatcar 4230.2.4',
    ],
  ])('%s', (_, seen, expected) => {
    expect(check('node-kernels', seen)).toBe(expected);
  });

  it.each<[string, Seen, boolean]>([
    ['was read', kernel('5.10.245-241.976.amzn2.x86_64'), false],
    ['follows from the system', system('Amazon Linux', '2'), true],
  ])('that is too old and %s: can be acknowledged: %s %s', (_, seen, accepted) => {
    const request = { acknowledge: ['node-kernels'] };
    expect(look({ ...seen, request }).find(({ name }) => name === 'node-kernels')?.accepted).toBe(accepted);
  });
});

describe('what only nodes can report', () => {
  it.each<[CheckName, InventoryNode[], string | undefined]>([
    [
      'localhost-node-ports',
      [node],
      'WARN not looked at yet: use of node ports on 127.0.0.1, which do not answer there in nftables mode',
    ],
    [
      'localhost-node-ports',
      [node, bottlerocket],
      'WARN unknown: use of node ports on 127.0.0.1, which do not answer there in nftables mode on nodes that run no scripts: node-2 (i-2)',
    ],
    [
      'host-firewall',
      [node],
      'WARN not looked at yet: firewalls on nodes that drop what they do not know: kube-proxy opens nothing in nftables mode',
    ],
    ['host-firewall', [], undefined],
    [
      'foreign-virtual-servers',
      [node],
      'WARN not looked at yet: IPVS virtual servers of others on nodes, which kube-proxy would delete',
    ],
  ])('%s of %j', (name, nodes, expected) => {
    expect(check(name, { nodes })).toBe(expected);
  });
});

describe('Bottlerocket nodes', () => {
  const nodes = [node, bottlerocket];
  const CRASH =
    'on Bottlerocket the nft of kube-proxy 1.36 has crashed at every sync while /proxyMode answered nftables: node-2 (i-2)';
  it.each<[string, Seen, string | undefined]>([
    ['that are not there', { nodes: [node] }, undefined],
    ['with kube-proxy 1.36, of which one goes first', {}, `WARN ${CRASH}`],
    [
      'with kube-proxy 1.36, of which none can go first',
      { request: { strategy: 'pod-annotations' }, workloads: null },
      `BLOCK ${CRASH}; without the Kubernetes API no canary proves that it does not`,
    ],
    [
      'with kube-proxy 1.35',
      { snapshot: on(35) },
      'PASS nothing is known against nftables mode on these Bottlerocket nodes',
    ],
    [
      'with kube-proxy 1.34 and an older CNI, whatever its variables',
      {
        snapshot: on(34),
        workloads: sets(awsNode(['x/amazon-k8s-cni:v1.20.4-eksbuild.2'], { AWS_VPC_K8S_CNI_EXTERNALSNAT: 'true' })),
      },
      'BLOCK Bottlerocket nodes with the Amazon VPC CNI 1.20.4 have lost packets after hours in nftables mode',
    ],
    [
      'with kube-proxy 1.33 and an older CNI',
      { snapshot: on(33), workloads: sets(awsNode(['x/amazon-k8s-cni:v1.20.4-eksbuild.2'])) },
      'PASS nothing is known against nftables mode on these Bottlerocket nodes',
    ],
    [
      'with kube-proxy 1.34 and a CNI that is not known',
      { snapshot: on(34), workloads: sets() },
      'WARN unknown: the Amazon VPC CNI, with which Bottlerocket nodes lose packets after hours if it is older than 1.23.0',
    ],
    [
      'with kube-proxy 1.34, before Kubernetes was asked',
      { snapshot: on(34), workloads: null },
      'WARN not looked at yet: the Amazon VPC CNI, with which Bottlerocket nodes lose packets after hours if it is older than 1.23.0',
    ],
  ])('%s', (_, seen, expected) => {
    expect(check('bottlerocket', { nodes, ...seen })).toBe(expected);
  });
});

describe('the network plugin', () => {
  const older = 'registry.example/amazon-k8s-cni:v1.20.4-eksbuild.2';
  const BLOCKED =
    'BLOCK the Amazon VPC CNI is 1.20.4: below 1.23.0 pods on secondary network interfaces reach no ClusterIP in nftables mode, and no proof on a node shows it';
  it.each<[string, Seen, string]>([
    ['is new enough', {}, 'PASS the Amazon VPC CNI is 1.23.0'],
    [
      'is newer, of a mirror and with a digest',
      { workloads: sets(awsNode(['mirror:5000/amazon-k8s-cni:v1.24.0@sha256:00'])) },
      'PASS the Amazon VPC CNI is 1.24.0',
    ],
    ['is older', { workloads: sets(awsNode([older])) }, BLOCKED],
    [
      'is older and leaves NAT to another router',
      { workloads: sets(awsNode([older], { AWS_VPC_K8S_CNI_EXTERNALSNAT: 'true' })) },
      'WARN the Amazon VPC CNI is 1.20.4, and AWS names 1.23.0 as the first that works with nftables mode; pods on secondary network interfaces reach Services, since AWS_VPC_K8S_CNI_EXTERNALSNAT is true',
    ],
    [
      'is older and leaves the service CIDR out of NAT',
      {
        workloads: sets(awsNode([older], { AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: '192.168.0.0/16, 10.100.0.0/15' })),
      },
      'WARN the Amazon VPC CNI is 1.20.4, and AWS names 1.23.0 as the first that works with nftables mode; pods on secondary network interfaces reach Services, since AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS has the service CIDR 10.100.0.0/16',
    ],
    [
      'is older and leaves a part of the service CIDR out of NAT',
      { workloads: sets(awsNode([older], { AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: '10.100.0.0/17,nonsense' })) },
      BLOCKED,
    ],
    [
      'has an unknown version',
      { workloads: sets(awsNode(['registry.example/cni@sha256:00'])) },
      'BLOCK unknown: the version of the Amazon VPC CNI: its image has no version in its tag',
    ],
    [
      'cannot be read',
      { workloads: { daemonSets: refused } },
      'BLOCK unknown: the version of the Amazon VPC CNI: the API server refused it (403)',
    ],
    [
      'is another one',
      { workloads: sets() },
      'WARN unknown: whether the network plugin works with nftables mode: there is no DaemonSet aws-node, so it is not the Amazon VPC CNI',
    ],
    ['is asked for later', { workloads: null }, 'WARN not looked at yet: the version of the Amazon VPC CNI'],
    [
      'is never asked for',
      { workloads: null, request: { strategy: 'pod-annotations' } },
      'BLOCK unknown: the version of the Amazon VPC CNI, since with strategy pod-annotations nightshift does not reach the Kubernetes API',
    ],
  ])('%s', (_, seen, expected) => {
    expect(check('vpc-cni', seen)).toBe(expected);
  });

  const agent = (version: string) => `registry.example/amazon/aws-network-policy-agent:v${version}-eksbuild.1`;
  it.each<[string, string[], string]>([
    ['belongs to its CNI', [CNI, AGENT], 'PASS the network policy agent 1.4.1 with the Amazon VPC CNI 1.23.0'],
    [
      'is older than its CNI needs',
      [CNI, agent('1.3.0')],
      'BLOCK the network policy agent 1.3.0 with the Amazon VPC CNI 1.23.0: from 1.23.0 on the CNI needs the agent 1.4.1 or newer, since their interface changed; network policies may not be enforced',
    ],
    [
      'is as old as its CNI',
      [older, agent('1.2.7')],
      'PASS the network policy agent 1.2.7 with the Amazon VPC CNI 1.20.4',
    ],
    ['does not run', [CNI], 'PASS the Amazon VPC CNI runs without its network policy agent'],
    [
      'has no version',
      [CNI, 'registry.example/amazon/aws-network-policy-agent:latest'],
      'WARN unknown: whether the network policy agent belongs to the Amazon VPC CNI: an image has no version',
    ],
  ])('with a network policy agent that %s', (_, images, expected) => {
    expect(check('network-policy-agent', { workloads: sets(awsNode(images)) })).toBe(expected);
  });
});

describe('Calico', () => {
  const calico = (env: Record<string, string>, part: Partial<Workloads> = {}): Seen => ({
    workloads: { ...sets(daemonSet('calico-node', { namespace: 'calico-system', env })), ...part },
  });
  it.each<[string, Seen, string | undefined]>([
    ['does not run', {}, 'PASS Calico does not run'],
    ['uses nftables', calico({ FELIX_NFTABLESMODE: 'Enabled' }), "PASS Calico's data plane is nftables"],
    [
      'uses nftables by its FelixConfiguration',
      calico({}, { felixBpf: read(null), felixNftables: 'Enabled' }),
      "PASS Calico's data plane is nftables",
    ],
    [
      'follows kube-proxy',
      calico({}, { felixBpf: read(null), felixNftables: 'Auto' }),
      'PASS Calico chooses its data plane by the mode of kube-proxy (nftablesMode Auto)',
    ],
    [
      'does not use nftables, whatever its FelixConfiguration says',
      calico({ FELIX_NFTABLESMODE: 'Disabled' }, { felixBpf: read(null), felixNftables: 'Enabled' }),
      "BLOCK Calico's data plane is not nftables (nftablesMode disabled), and Calico does not work beside kube-proxy in nftables mode then",
    ],
    [
      'has no setting',
      calico({}, { felixBpf: read(null), felixNftables: null }),
      "BLOCK Calico's data plane is not nftables (nftablesMode is not set), and Calico does not work beside kube-proxy in nftables mode then",
    ],
    [
      'cannot be asked',
      calico({}, { felixBpf: refused }),
      "BLOCK unknown: whether Calico's data plane is nftables: its FelixConfiguration cannot be read (the API server refused it (403))",
    ],
    [
      'uses nftables while kube-proxy shall use IPVS',
      { ...calico({ FELIX_NFTABLESMODE: 'Enabled' }), request: IPVS },
      "BLOCK Calico's data plane is nftables, and it needs kube-proxy in nftables mode too",
    ],
    [
      'uses iptables while kube-proxy shall use IPVS',
      { ...calico({}, { felixBpf: refused }), request: IPVS },
      "PASS Calico's data plane is not nftables, or its configuration cannot be read",
    ],
    ['does not run in a cluster that shall use IPVS', { request: IPVS }, undefined],
  ])('%s', (_, seen, expected) => {
    expect(check('calico', seen)).toBe(expected);
  });
});

describe('NodeLocal DNSCache', () => {
  const cache = (...args: string[]): Seen => ({ workloads: sets(daemonSet('node-local-dns', { args })) });
  it.each<[string, Seen, string]>([
    [
      'on the ClusterIP of DNS',
      cache('-localip', '169.254.20.10,10.100.0.10'),
      "BLOCK NodeLocal DNSCache takes over the ClusterIP of DNS, 10.100.0.10, with iptables rules, which kube-proxy's do not know in nftables mode: pods may bypass the cache or lose DNS",
    ],
    [
      'on an address of its own',
      cache('-localip=169.254.20.10'),
      'WARN NodeLocal DNSCache listens on 169.254.20.10, not on the ClusterIP of DNS; it makes iptables rules, and nobody has confirmed that they work beside nftables mode (kubernetes/dns 682)',
    ],
    ['that does not run', {}, 'PASS NodeLocal DNSCache does not run'],
  ])('%s', (_, seen, expected) => {
    expect(check('node-local-dns', seen)).toBe(expected);
  });
});

describe('Services', () => {
  const totals = (count: number, nodePorts: string[] = []) => ({ serviceTotals: { count, nodePorts } });
  it.each<[string, Partial<Workloads>, string]>([
    ['without node ports', totals(3), 'PASS no Service has a node port'],
    [
      'with node ports',
      totals(3, ['shop/web']),
      'WARN in nftables mode node ports answer only on the primary address of a node, and not on 127.0.0.1; 1 Service with node ports: shop/web',
    ],
    [
      'with many node ports',
      totals(9, ['a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'a/6', 'a/7']),
      'WARN in nftables mode node ports answer only on the primary address of a node, and not on 127.0.0.1; 7 Services with node ports: a/1; a/2; a/3; a/4; a/5; and 2 more',
    ],
  ])('%s', (_, workloads, expected) => {
    expect(check('node-port-addresses', { workloads })).toBe(expected);
  });

  it('that cannot be read are unknown', () => {
    const { serviceTotals: _, ...without } = READY;
    const request = parseRequest({ cluster: 'demo', target: { mode: 'nftables' } });
    const subject = subjectOf(cluster(on(35)), [node], request, {
      restartFor: 'demo-1',
      inVpc: false,
      ec2: [],
      managed: [managed('i-1')],
      workloads: { ...without, services: refused },
    });
    const found = preflight(subject).filter(({ name }) => ['node-port-addresses', 'cluster-size'].includes(name));
    expect(found.map(({ verdict, why }) => `${verdict} ${why}`)).toEqual([
      'WARN unknown: which Services have node ports: the API server refused it (403)',
      'WARN unknown: how many Services there are: the API server refused it (403)',
    ]);
  });

  const SYNCS =
    'before 1.36 one sync of 5,006 Services with 250,011 endpoints has taken 2 min 13 s on kernel 6.12 and 13 min 15 s on kernel 6.1, in which no change of a Service takes effect';
  const endpoints = (count: number, atLeast = false) => ({ endpoints: read({ count, atLeast }) });
  it.each<[string, number, Partial<Workloads>, string]>([
    ['few', 35, { ...totals(1_000), ...endpoints(50_000) }, 'PASS 1,000 Services with 50,000 endpoints'],
    [
      'many, with kube-proxy 1.36',
      36,
      totals(30_000),
      'PASS kube-proxy 1.36 writes only what changed, in clusters of every size',
    ],
    ['many', 35, { ...totals(1_001), ...endpoints(9) }, `WARN 1,001 Services and kube-proxy 1.35: ${SYNCS}`],
    [
      'with many endpoints',
      34,
      { ...totals(600), ...endpoints(50_001, true) },
      `BLOCK the cluster has more than 50,000 endpoints and kube-proxy 1.34: ${SYNCS}`,
    ],
    [
      'few, with endpoints that cannot be counted',
      35,
      { ...totals(2), endpoints: refused },
      'WARN unknown: how many endpoints the 2 Services have: the API server refused it (403)',
    ],
    [
      'many, with endpoints that cannot be counted',
      35,
      { ...totals(2_000), endpoints: refused },
      `WARN 2,000 Services and kube-proxy 1.35: ${SYNCS}; endpoints cannot be counted: the API server refused it (403)`,
    ],
  ])('are %s', (_, minor, workloads, expected) => {
    expect(check('cluster-size', { snapshot: on(minor), workloads })).toBe(expected);
  });
});

describe('a rollout, in every mode,', () => {
  const rollout = (part: Partial<NonNullable<typeof KUBE_PROXY_SET.rollout>>, notReady = 288) => ({
    nodes: read(
      Array.from({ length: notReady }, (_, index) => ({
        name: `node-${index}`,
        kernel: '6.18.3',
        notReady: true as const,
      })),
    ),
    daemonSets: read([
      {
        ...KUBE_PROXY_SET,
        rollout: {
          strategy: 'RollingUpdate',
          maxUnavailable: '10%',
          maxSurge: 0,
          desired: 288,
          available: 288,
          ...part,
        },
      },
    ]),
  });
  it.each<[string, Partial<Workloads>, string]>([
    [
      'begins while fewer pods than maxUnavailable do not work',
      rollout({ available: 260 }),
      'PASS 260 of 288 kube-proxy pods work, enough for a rollout to begin',
    ],
    [
      'does not begin with as many',
      rollout({ available: 259 }),
      'BLOCK 29 of 288 kube-proxy pods do not work now, and the DaemonSet kube-proxy replaces no other pod while 29 or more do not (maxUnavailable 10%): the restart would not begin',
    ],
    [
      'does not begin with one in a small cluster',
      rollout({ desired: 3, available: 2 }),
      'BLOCK 1 of 3 kube-proxy pods do not work now, and the DaemonSet kube-proxy replaces no other pod while 1 or more do not (maxUnavailable 10%): the restart would not begin',
    ],
    [
      'begins if only few of them are on nodes that are NotReady',
      rollout({ available: 259 }, 3),
      'WARN 29 of 288 kube-proxy pods do not work now, though at most 3 of them because their nodes are NotReady: the rollout replaces them first, and stops if the new ones do not work either',
    ],
    [
      'may not begin if nobody can say which nodes are Ready',
      { ...rollout({ available: 259 }), nodes: refused },
      'BLOCK 29 of 288 kube-proxy pods do not work now, and whether their nodes are Ready cannot be read, and the DaemonSet kube-proxy replaces no other pod while 29 or more do not (maxUnavailable 10%): the restart would not begin',
    ],
    [
      'counts a number as it is',
      rollout({ maxUnavailable: 20, available: 269 }),
      'PASS 269 of 288 kube-proxy pods work, enough for a rollout to begin',
    ],
    [
      'may add pods instead',
      rollout({ maxUnavailable: 0, maxSurge: '5%', available: 270 }),
      'BLOCK 18 of 288 kube-proxy pods do not work now, and the DaemonSet kube-proxy replaces no other pod while 15 or more do not (maxUnavailable 0): the restart would not begin',
    ],
    [
      'never begins with another update strategy',
      rollout({ strategy: 'OnDelete' }),
      'BLOCK the DaemonSet kube-proxy has the update strategy OnDelete: a restart replaces no pod',
    ],
    [
      'is not understood',
      rollout({ maxUnavailable: 'some' }),
      'WARN unknown: whether the DaemonSet kube-proxy can be rolled out: its maxUnavailable is some',
    ],
    [
      'is not known',
      { daemonSets: refused },
      'WARN unknown: whether the DaemonSet kube-proxy can be rolled out: the API server refused it (403)',
    ],
  ])('%s', (_, workloads, expected) => {
    expect(check('rollout-possible', { workloads })).toBe(expected);
    expect(check('rollout-possible', { workloads, request: IPVS })).toBe(expected);
  });
});
