import { describe, expect, it } from 'vitest';
import { Look, reasonsOf, verdictOf } from './checks.ts';
import { changes, writes } from './run.ts';
import { startedWorkflow } from './shared.ts';
import { CLUSTER, REQUEST, UNLISTED, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();

const ADDON = CLUSTER.addon;
const nodeGroup = { os: 'al2023', count: 3 };
const one = { os: 'al2023', count: 1 };
const CONFLICT = { code: 'ConfigurationConflict', message: 'conflict with kubectl-edit' };

describe('checks block: the migration is refused and nothing is written', () => {
  it.each<[string, object, object, Record<string, string>]>([
    [
      'EKS Auto Mode that is changing, with a degraded add-on of strange values',
      {
        status: 'UPDATING',
        autoMode: true,
        addon: { ...ADDON, status: 'DEGRADED', issues: [CONFLICT], configuration: '{"tolerations":[]}' },
      },
      {},
      {
        'cluster-status': 'the cluster is UPDATING',
        'auto-mode': 'the cluster runs EKS Auto Mode',
        'update-in-flight': 'an update of the cluster or the add-on is in progress',
        'addon-status': 'the kube-proxy add-on is DEGRADED',
        'addon-issues': 'the kube-proxy add-on has health issues: ConfigurationConflict: conflict with kubectl-edit',
        'configuration-schema':
          "the merged configuration breaks the live schema: the configuration must not have the field 'tolerations'",
      },
    ],
    [
      'a self-managed kube-proxy',
      { addon: null },
      {},
      {
        'addon-present':
          'kube-proxy is not an EKS add-on of this cluster, and the request does not say how to change a self-managed one',
      },
    ],
    [
      'a deprecated mode',
      { version: '1.35', addon: { version: 'v1.35.0-eksbuild.2' } },
      {},
      { 'ipvs-deprecated': 'ipvs mode is deprecated in Kubernetes 1.35 and will be removed' },
    ],
    [
      'a mode that is switched off',
      { version: '1.40', addon: { version: 'v1.40.0-eksbuild.1' } },
      {},
      { 'ipvs-disabled': 'kube-proxy of Kubernetes 1.40 exits in ipvs mode unless its feature gate was switched on' },
    ],
    [
      'a mode that is gone',
      { version: '1.43', addon: { version: 'v1.43.0-eksbuild.1' } },
      { acknowledge: ['version', 'ipvs-disabled', 'ipvs-deprecated'] },
      { version: 'kube-proxy of Kubernetes 1.43 has no ipvs mode any more' },
    ],
    [
      'nodes without an SSM agent, of which sources contradict each other, in a warm pool, of a Linux that nobody tried',
      {
        nodeGroups: [
          nodeGroup,
          { ...one, ssm: 'none' },
          { ...one, claims: 'windows' },
          { ...one, state: 'stopped' },
          { os: 'sles', count: 1 },
        ],
      },
      {},
      {
        nodes:
          '2 nodes block the migration: ip-192-168-1-4.ec2.internal (i-02259da145d009a92): no SSM agent has registered for it; ip-192-168-1-5.ec2.internal (i-0df298ac7c60a4287): its operating system is not known, since sources contradict each other: EC2 says Linux, its SSM agent says Windows',
        'stopped-nodes':
          '1 instances are stopped, such as those of a warm pool, and cannot be prepared: ip-192-168-1-6.ec2.internal (i-06ee25c7217f88a57); they start later with the new mode, and are not proven now',
        'operating-system':
          'nightshift has not been tried on the operating system of these nodes: ip-192-168-1-7.ec2.internal (i-0278f1d09f2a9bb99) SLES 15.6',
      },
    ],
    [
      'Bottlerocket behind a private endpoint',
      { endpoint: 'private', nodeGroups: [{ os: 'bottlerocket', count: 1 }] },
      UNLISTED,
      {
        restart:
          'with a private endpoint the Kubernetes API cannot be asked, and nothing else proves Bottlerocket nodes: ip-192-168-1-1.ec2.internal',
      },
    ],
    [
      'a strategy that has no access entries to use',
      { authenticationMode: 'CONFIG_MAP' },
      { strategy: 'kubernetes-api' },
      {
        restart:
          'with authentication mode CONFIG_MAP there are no access entries: nightshift cannot reach the Kubernetes API',
      },
    ],
    [
      'workloads that IPVS mode or the change would break',
      {
        workloads: {
          cilium: true,
          configMapEdits: { 'conntrack.maxPerCore': 0, nodePortAddresses: ['10.0.0.0/8'] },
          externalIps: 'node',
          nodeLocalDns: true,
          metallb: { strictArp: false },
        },
      },
      // Two that no request accepts.
      { acknowledge: ['kube-proxy-replacement', 'external-ips'] },
      {
        'kube-proxy-replacement': 'Cilium replaces kube-proxy',
        'config-map-edits':
          'EKS would overwrite edits of the ConfigMap kube-proxy-config: conntrack.maxPerCore: 0 → 32768; nodePortAddresses: ["10.0.0.0/8"] → not set',
        'external-ips':
          'in IPVS mode these Services would cut nodes off: default/app-1 has 192.168.1.1 of node ip-192-168-1-1.ec2.internal',
        'node-local-dns':
          'NodeLocal DNSCache listens on the ClusterIP of DNS, 10.100.0.10, which kube-proxy binds itself in IPVS mode: pods may lose DNS',
        metallb:
          'MetalLB runs and needs ipvs.strictARP, which the add-on cannot set: nodes would answer ARP for addresses that are not theirs',
      },
    ],
    [
      "Calico's eBPF data plane in the place of kube-proxy",
      { workloads: { calicoEbpf: true } },
      {},
      { 'kube-proxy-replacement': 'Calico replaces kube-proxy with its eBPF data plane' },
    ],
  ])('%s', async (_, cluster, request, reasons) => {
    const ended = await workflow.migrate(worldOf(cluster), { ...REQUEST, ...request });
    expect(ended.error).toBe('PreflightRefused');
    for (const why of Object.values(reasons)) expect(ended.cause).toContain(why);
    expect(reasonsOf(ended, 'BLOCK')).toEqual(reasons);
    expect(writes(ended)).toEqual([]);
    expect(ended.cluster.accessEntries).toEqual([]);
  });

  it('an add-on whose schema has no ipvs, whatever is acknowledged', async () => {
    const world = worldOf({}, { addonModes: { 'v1.34.1-eksbuild.2': ['iptables', 'nftables'] } });
    const ended = await workflow.migrate(world, { ...REQUEST, acknowledge: ['schema-mode'] });
    expect(ended.error).toBe('PreflightRefused');
    expect(verdictOf(ended, 'schema-mode')).toEqual({
      verdict: 'BLOCK',
      why: 'the schema of add-on v1.34.1-eksbuild.2 has no mode ipvs: mode must be one of iptables, nftables',
      accepted: false,
    });
    expect(writes(ended)).toEqual([]);
  });
});

/** Always. */
const IDLE = {
  'idle-timeout': 'IPVS forgets TCP connections that are idle for 900 s: pools of database connections may be cut',
};

describe('checks warn: the migration goes on, and the history has the warning', () => {
  it.each<[string, object, Record<string, string>]>([
    [
      'an add-on of a CloudFormation stack, nodes and workloads that cannot be told',
      {
        addon: { ...ADDON, tags: { 'aws:cloudformation:stack-name': 'eksctl-demo-addons' } },
        nodeGroups: [
          { ...one, agentVersion: '3.1.1732.0' },
          { os: 'al2', count: 1 },
        ],
        workloads: { calicoEbpf: 'felix', securityGroupPolicies: 3 },
      },
      {
        'addon-owner':
          'the CloudFormation stack eksctl-demo-addons owns the kube-proxy add-on and would revert the change',
        'ssm-agent-version':
          'SSM agents are older than 3.3.2746.0, the first that hands parameters to scripts as environment variables: ip-192-168-1-1.ec2.internal (i-08c7d82cd41065beb) 3.1.1732.0',
        kernel:
          'unknown: the kernel of 1 of 2 nodes, whose system has had kernels older than 5.9: ip-192-168-1-2.ec2.internal (i-03a665d89cd918098) Amazon Linux 2',
        'kube-proxy-replacement':
          "unknown: whether Calico's eBPF data plane is on: its FelixConfiguration cannot be read (the API server refused it (403))",
        'security-groups-for-pods':
          'unknown: SecurityGroupPolicies cannot be read (the API server refused it (403)), and the VPC CNI has them switched on',
      },
    ],
    [
      'a cluster of Terraform',
      { tags: { 'managed-by': 'terraform' } },
      { 'addon-owner': 'terraform owns the cluster; if it owns the add-on too, it would revert the change' },
    ],
    [
      'a cluster with managed Argo CD',
      { capabilities: ['ARGOCD'] },
      {
        'addon-owner':
          'the EKS capability argocd (Argo CD) reconciles the resources that it owns; if it owns kube-proxy or its add-on, it would revert the change',
      },
    ],
  ])('%s', async (_, cluster, reasons) => {
    const ended = await workflow.migrate(worldOf(cluster));
    expect(ended.path).toContain('PrepareNodes');
    expect(reasonsOf(ended, 'WARN')).toEqual({ ...reasons, ...IDLE });
  });
});

describe('checks pass', () => {
  it.each<[string, object, Record<string, string>]>([
    [
      'Cilium beside kube-proxy, an external IP of nobody, a cache on its own address',
      { cilium: false, externalIps: 'other', nodeLocalDns: 'link-local' },
      {
        'kube-proxy-replacement': 'Cilium runs and leaves Services to kube-proxy',
        'external-ips': 'no Service has the address of a node as an external IP or of its load balancer',
        'node-local-dns': 'NodeLocal DNSCache listens on 169.254.20.10, not on the ClusterIP of DNS',
        'security-groups-for-pods':
          'security groups for pods are switched off in the VPC CNI: ENABLE_POD_ENI is not true',
      },
    ],
    [
      'Calico without eBPF',
      { calicoEbpf: false },
      { 'kube-proxy-replacement': 'Calico runs and leaves Services to kube-proxy' },
    ],
  ])('%s', async (_, workloads, reasons) => {
    const ended = await workflow.migrate(worldOf({ workloads }));
    expect(ended.path).toContain('PrepareNodes');
    expect(reasonsOf(ended, 'PASS')).toMatchObject(reasons);
  });
});

describe('a self-managed kube-proxy is changed in the way that the request chose', () => {
  it.each([
    ['create-addon', 'kube-proxy is self-managed; the add-on v1.34.0-eksbuild.2 adopts it, as the request chose'],
    ['config-map', 'kube-proxy is self-managed; its ConfigMap is edited, as the request chose'],
  ])('%s', async (selfManaged, why) => {
    const ended = await workflow.migrate(worldOf({ addon: null }), { ...REQUEST, selfManaged });
    expect(ended.path).toContain('PrepareNodes');
    expect(verdictOf(ended, 'addon-present')).toEqual({ verdict: 'PASS', why, accepted: false });
  });

  it('and its adoption is refused while EKS would overwrite edits of its ConfigMap', async () => {
    const world = worldOf({ addon: null, workloads: { configMapEdits: { 'ipvs.tcpTimeout': '2h' } } });
    const ended = await workflow.migrate(world, { ...REQUEST, selfManaged: 'create-addon' });
    expect(ended.error).toBe('PreflightRefused');
    expect(verdictOf(ended, 'config-map-edits')).toEqual({
      verdict: 'BLOCK',
      why: 'EKS would overwrite edits of the ConfigMap kube-proxy-config: ipvs.tcpTimeout: "2h" → not set',
      accepted: false,
    });
    expect(writes(ended)).toEqual([]);
    const edited = await workflow.migrate(world, { ...REQUEST, selfManaged: 'config-map' });
    expect(verdictOf(edited, 'config-map-edits')).toMatchObject({ verdict: 'PASS' });
  });
});

describe('an acknowledged block is an accepted risk that the history keeps', () => {
  const accepted: [string, object][] = [
    ['ipvs-deprecated', { version: '1.35', addon: { version: 'v1.35.0-eksbuild.2' } }],
    ['config-map-edits', { workloads: { configMapEdits: { 'conntrack.maxPerCore': 0 } } }],
    ['node-local-dns', { workloads: { nodeLocalDns: true } }],
    ['metallb', { workloads: { metallb: { strictArp: false } } }],
  ];

  it.each(accepted)('%s', async (name, cluster) => {
    const ended = await workflow.migrate(worldOf(cluster), { ...REQUEST, acknowledge: [name] });
    expect(ended.path).toContain('PrepareNodes');
    const looks = ended.history.filter(({ taskSucceededEventDetails: task }) =>
      task?.output?.includes(`"name":"${name}","verdict":"BLOCK"`),
    );
    expect(looks.length).toBeGreaterThan(0);
    for (const { taskSucceededEventDetails: task } of looks) {
      const checks = Look.parse(JSON.parse(task?.output ?? '')).Payload.plan.checks;
      expect(checks.find((check) => check.name === name)).toMatchObject({ verdict: 'BLOCK', accepted: true });
    }
  });

  it('under a name that no check has is an invalid request', async () => {
    const ended = await workflow.migrate(worldOf({}), { ...REQUEST, acknowledge: ['metal-lb'] });
    expect(ended.error).toBe('InvalidRequest');
    expect(ended.cause).toMatch(/acknowledge\.0 must be the name of a preflight check/);
    expect(changes(ended.calls)).toEqual([]);
  });
});

describe('nodes of every supported system are migrated', () => {
  it('the RHEL family', async () => {
    const nodeGroups = ['rhel', 'rocky', 'almalinux', 'oracle'].map((os) => ({ os, count: 1 }));
    const ended = await workflow.migrate(worldOf({ nodeGroups }));
    expect(ended.error).toBeUndefined();
    expect(ended.cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['ipvs', 'ipvs', 'ipvs', 'ipvs']);
  });

  it('an unsupported one that the request acknowledges, if preparation succeeds there', async () => {
    const request = { ...REQUEST, acknowledge: ['operating-system'] };
    const nodeGroups = [{ os: 'sles', count: 2 }];
    const ended = await workflow.migrate(worldOf({ nodeGroups }), request);
    expect(ended.cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['ipvs', 'ipvs']);
    const broken = await workflow.migrate(
      worldOf({ nodeGroups: [{ ...nodeGroups[0], missingModules: ['ip_vs'] }] }),
      request,
    );
    expect(broken.error).toBe('NodesNotPrepared');
    expect(writes(broken).filter((change) => change !== 'ssm SendCommand')).toEqual([]);
  });

  it('beside a warm pool that the request acknowledges, whose instances need no proof', async () => {
    const nodeGroups = [nodeGroup, { os: 'al2023', count: 2, state: 'stopped' }];
    const ended = await workflow.migrate(worldOf({ nodeGroups }), { ...REQUEST, acknowledge: ['stopped-nodes'] });
    expect(ended.error).toBeUndefined();
    const tagged = await workflow.migrate(
      worldOf({ nodeGroups: [nodeGroup, { ...nodeGroups[1], nodeTags: { 'nightshift:prepare': 'true' } }] }),
    );
    expect(verdictOf(tagged, 'stopped-nodes')).toMatchObject({ verdict: 'WARN' });
    expect(tagged.error).toBeUndefined();
  });
});

describe('virtual servers that kube-proxy did not make', () => {
  const foreignVirtualServers = ['tcp/10.0.0.5:80', 'fwm/7'];
  const nodeGroups = [nodeGroup, { os: 'al2023', count: 1, foreignVirtualServers }];

  it('block the change before anything is changed, with their addresses', async () => {
    const ended = await workflow.migrate(worldOf({ nodeGroups }));
    expect(ended.error).toBe('NodesNotPrepared');
    expect(ended.cause).toContain(
      'ip-192-168-1-4.ec2.internal (i-02259da145d009a92): kube-proxy in IPVS mode deletes virtual servers that it did not make: fwm/7, tcp/10.0.0.5:80 (move them, or acknowledge foreign-virtual-servers)',
    );
    expect(writes(ended).filter((change) => change !== 'ssm SendCommand')).toEqual([]);
  });

  it('are deleted if the request acknowledges it', async () => {
    const request = { ...REQUEST, acknowledge: ['foreign-virtual-servers'] };
    const ended = await workflow.migrate(worldOf({ nodeGroups }), request);
    expect(ended.error).toBeUndefined();
  });
});

it('the refusal of a node role without rights for SSM names the missing policy', async () => {
  const ended = await workflow.migrate(worldOf({ nodeGroups: [{ os: 'al2023', count: 2, ssm: 'none' }] }));
  expect(ended.cause).toContain('arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore');
  expect(ended.cause).toContain('Default Host Management Configuration');
});

it('with a private endpoint the workloads are reported as unknown', async () => {
  const ended = await workflow.migrate(worldOf({ endpoint: 'private' }));
  for (const name of ['external-ips', 'metallb', 'node-local-dns', 'kube-proxy-replacement', 'config-map-edits'])
    expect(verdictOf(ended, name)).toMatchObject({
      verdict: 'WARN',
      why: expect.stringMatching(/^unknown: .* does not reach the Kubernetes API$/),
    });
});
