import { describe, expect, it } from 'vitest';
import { reasonsOf } from './checks.ts';
import { writes } from './run.ts';
import { startedWorkflow } from './shared.ts';
import { REQUEST, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();

const addon = (minor: number) => ({ version: `1.${minor}`, addon: { version: `v1.${minor}.0-eksbuild.2` } });
/** Kubernetes 1.36 has the VPC CNI 1.23.0, its agent, and nodes with kernel 6.18: everything that nftables mode needs. */
const migrate = (cluster: object, request: object = {}) =>
  workflow.migrate(worldOf({ ...addon(36), ...cluster }), { ...REQUEST, target: { mode: 'nftables' }, ...request });

const CNI = { version: 'v1.23.0', networkPolicyAgent: 'v1.4.1' };
const OLDER = { version: 'v1.20.4', networkPolicyAgent: 'v1.2.7' };
const RECOMMENDED = (minor: number) =>
  `kube-proxy is 1.${minor}, and AWS recommends nftables mode from 1.36 on: before, a sync writes more than what changed, and takes minutes in large clusters`;
const SYNCS =
  'before 1.36 one sync of 5,006 Services with 250,011 endpoints has taken 2 min 13 s on kernel 6.12 and 13 min 15 s on kernel 6.1, in which no change of a Service takes effect';

it('a cluster that has everything is migrated', async () => {
  const ended = await migrate({});
  expect(ended.error).toBeUndefined();
  expect(reasonsOf(ended, 'WARN')).toEqual({});
  expect(ended.cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['nftables', 'nftables', 'nftables']);
});

describe('a cluster that lacks one thing is refused for it and nothing else, and nothing is written:', () => {
  it.each<[string, object, Record<string, string>]>([
    [
      'kernels of 5.13',
      { nodeGroups: [{ os: 'al2', count: 1 }] },
      {
        'node-kernels':
          'kube-proxy exits in nftables mode on kernels older than 5.13: ip-192-168-1-1.ec2.internal (i-08c7d82cd41065beb) Amazon Linux 2',
      },
    ],
    [
      'the VPC CNI 1.23.0',
      { cni: OLDER },
      {
        'vpc-cni':
          'the Amazon VPC CNI is 1.20.4: below 1.23.0 pods on secondary network interfaces reach no ClusterIP in nftables mode, and no proof on a node shows it',
      },
    ],
    [
      'a VPC CNI that leaves all of the service CIDR out of NAT',
      { cni: { ...OLDER, excludeSnatCidrs: ['10.100.0.0/17'] } },
      {
        'vpc-cni':
          'the Amazon VPC CNI is 1.20.4: below 1.23.0 pods on secondary network interfaces reach no ClusterIP in nftables mode, and no proof on a node shows it',
      },
    ],
    [
      'the network policy agent of its CNI',
      { cni: { ...CNI, networkPolicyAgent: 'v1.3.0' } },
      {
        'network-policy-agent':
          'the network policy agent 1.3.0 with the Amazon VPC CNI 1.23.0: from 1.23.0 on the CNI needs the agent 1.4.1 or newer, since their interface changed; network policies may not be enforced',
      },
    ],
    [
      'Calico whose data plane is known',
      { workloads: { calicoEbpf: false } },
      {
        calico:
          "unknown: whether Calico's data plane is nftables: its FelixConfiguration cannot be read (the API server refused it (403))",
      },
    ],
    [
      'NodeLocal DNSCache on an address of its own',
      { workloads: { nodeLocalDns: true } },
      {
        'node-local-dns':
          "NodeLocal DNSCache takes over the ClusterIP of DNS, 10.100.0.10, with iptables rules, which kube-proxy's do not know in nftables mode: pods may bypass the cache or lose DNS",
      },
    ],
    [
      'enough nodes that are Ready for kube-proxy to be rolled out',
      {
        nodeGroups: [
          { os: 'al2023', count: 3 },
          { os: 'al2023', count: 2, state: 'not-ready' },
        ],
      },
      {
        'rollout-possible':
          '2 of 5 kube-proxy pods do not work now, and whether their nodes are Ready cannot be read, and the DaemonSet kube-proxy replaces no other pod while 1 or more do not (maxUnavailable 10%): the restart would not begin',
      },
    ],
    [
      'a CNI with which Bottlerocket keeps its packets',
      { ...addon(34), cni: { ...OLDER, externalSnat: true }, nodeGroups: [{ os: 'bottlerocket', count: 1 }] },
      {
        bottlerocket:
          'Bottlerocket nodes with the Amazon VPC CNI 1.20.4 have lost packets after hours in nftables mode',
      },
    ],
  ])('%s', async (_, cluster, reasons) => {
    const ended = await migrate(cluster);
    expect(ended.error).toBe('PreflightRefused');
    expect(reasonsOf(ended, 'BLOCK')).toEqual(reasons);
    expect(writes(ended)).toEqual([]);
    expect(ended.cluster.accessEntries).toEqual([]);
  });

  it('a stable nftables mode, although its schema lists it', async () => {
    const world = worldOf(
      { ...addon(32), cni: CNI },
      { addonModes: { 'v1.32.0-eksbuild.2': ['iptables', 'ipvs', 'nftables'] } },
    );
    const request = { ...REQUEST, target: { mode: 'nftables' }, acknowledge: ['kube-proxy-version'] };
    const ended = await workflow.migrate(world, request);
    expect(ended.error).toBe('PreflightRefused');
    expect(reasonsOf(ended, 'BLOCK')).toEqual({
      'kube-proxy-version': 'kube-proxy is 1.32: nftables mode is stable, and supported by EKS, since 1.33',
    });
    expect(writes(ended)).toEqual([]);
  });

  it('a mode in the live schema, whatever is acknowledged', async () => {
    const world = worldOf(addon(36), { addonModes: { 'v1.36.0-eksbuild.2': ['iptables', 'ipvs'] } });
    const request = { ...REQUEST, target: { mode: 'nftables' }, acknowledge: ['schema-mode'] };
    const ended = await workflow.migrate(world, request);
    expect(ended.error).toBe('PreflightRefused');
    expect(reasonsOf(ended, 'BLOCK')).toEqual({
      'schema-mode': 'the schema of add-on v1.36.0-eksbuild.2 has no mode nftables: mode must be one of iptables, ipvs',
      'configuration-schema': 'the merged configuration breaks the live schema: mode must be one of iptables, ipvs',
    });
    expect(writes(ended)).toEqual([]);
  });
});

describe('a cluster is warned of one thing and nothing else, and is migrated:', () => {
  it.each<[string, object, Record<string, string>]>([
    ['a kube-proxy before 1.36', { ...addon(35), cni: CNI }, { 'kube-proxy-version': RECOMMENDED(35) }],
    [
      'more than 1,000 Services with such a kube-proxy',
      { ...addon(35), cni: CNI, services: 1_200 },
      {
        'kube-proxy-version': RECOMMENDED(35),
        'cluster-size': `1,200 Services and kube-proxy 1.35: ${SYNCS}`,
      },
    ],
    [
      'an older VPC CNI that leaves NAT to another router',
      { cni: { ...OLDER, externalSnat: true } },
      {
        'vpc-cni':
          'the Amazon VPC CNI is 1.20.4, and AWS names 1.23.0 as the first that works with nftables mode; pods on secondary network interfaces reach Services, since AWS_VPC_K8S_CNI_EXTERNALSNAT is true',
      },
    ],
    [
      'a scheduler that is lost',
      { addon: { ...addon(36).addon, configuration: '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}' } },
      { scheduler: 'the IPVS scheduler lc is lost: nftables mode has none, and chooses a backend at random' },
    ],
    [
      'NodeLocal DNSCache on an address of its own',
      { workloads: { nodeLocalDns: 'link-local' } },
      {
        'node-local-dns':
          'NodeLocal DNSCache listens on 169.254.20.10, not on the ClusterIP of DNS; it makes iptables rules, and nobody has confirmed that they work beside nftables mode (kubernetes/dns 682)',
      },
    ],
    [
      'a Service with a node port',
      { workloads: { nodePort: true } },
      {
        'node-port-addresses':
          'in nftables mode node ports answer only on the primary address of a node, and not on 127.0.0.1; 1 Service with node ports: default/app-1',
      },
    ],
    [
      'kernels before 6.1',
      { nodeGroups: [{ os: 'ubuntu', count: 1, kernel: '5.15.0-1084-aws' }] },
      {
        'node-kernels':
          'in nftables mode late packets may reset long TCP connections on kernels older than 6.1, which these nodes have or may have: ip-192-168-1-1.ec2.internal (i-08c7d82cd41065beb) Ubuntu 22.04',
      },
    ],
    [
      'Bottlerocket nodes',
      { nodeGroups: [{ os: 'bottlerocket', count: 1 }] },
      {
        bottlerocket:
          'on Bottlerocket the nft of kube-proxy 1.36 has crashed at every sync while /proxyMode answered nftables: ip-192-168-1-1.ec2.internal (i-08c7d82cd41065beb)',
        'localhost-node-ports':
          'unknown: use of node ports on 127.0.0.1, which do not answer there in nftables mode on nodes that run no scripts: ip-192-168-1-1.ec2.internal (i-08c7d82cd41065beb)',
        'host-firewall':
          'unknown: firewalls on nodes that drop what they do not know: kube-proxy opens nothing in nftables mode on nodes that run no scripts: ip-192-168-1-1.ec2.internal (i-08c7d82cd41065beb)',
      },
    ],
  ])('%s', async (_, cluster, reasons) => {
    const ended = await migrate(cluster);
    const { 'foreign-virtual-servers': _foreign, ...found } = reasonsOf(ended, 'WARN');
    expect(found).toEqual(reasons);
    expect(ended.error).toBeUndefined();
  });
});

describe('what only a node can report refuses the change before it begins, unless the request accepts it:', () => {
  it.each<[string, object, string]>([
    [
      'host-firewall',
      { nodeGroups: [{ os: 'al2023', count: 1, dropChains: ['inet/filter/input'] }] },
      'a firewall on the node drops what it does not know (inet/filter/input), and kube-proxy opens nothing in nftables mode (acknowledge host-firewall to accept that)',
    ],
    [
      'localhost-node-ports',
      { nodeGroups: [{ os: 'al2023', count: 1, localhostNodePorts: 214 }] },
      '214 packets to node ports on 127.0.0.1 were accepted: in nftables mode node ports do not answer there (acknowledge localhost-node-ports to accept that)',
    ],
  ])('%s', async (name, cluster, problem) => {
    const ended = await migrate(cluster);
    expect(ended.error).toBe('NodesNotPrepared');
    expect(ended.cause).toContain(problem);
    expect(ended.cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['iptables']);
    const accepted = await migrate(cluster, { acknowledge: [name] });
    expect(accepted.error).toBeUndefined();
  });
});

it('a VPC CNI that nobody can ask for is refused until the request vouches for it', async () => {
  const private_ = { endpoint: 'private' };
  const acknowledge = ['unlisted-nodes'];
  const refused = await migrate(private_, { acknowledge });
  expect(refused.error).toBe('PreflightRefused');
  expect(reasonsOf(refused, 'BLOCK')).toEqual({
    'vpc-cni':
      'unknown: the version of the Amazon VPC CNI, since with strategy pod-annotations nightshift does not reach the Kubernetes API',
  });
  const accepted = await migrate(private_, { acknowledge: [...acknowledge, 'vpc-cni'] });
  expect(accepted.error).toBeUndefined();
});
