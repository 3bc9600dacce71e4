import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../../../functions/core/execution/request.ts';
import type { Ec2Node, InventoryNode, ManagedNode } from '../../../../functions/core/nodes/nodes.ts';
import type { ClusterSnapshot } from '../../../../functions/core/preflight/plan.ts';
import {
  CHECK_NAMES,
  CHECKS,
  type Check,
  type CheckName,
  preflight,
  subjectOf,
  type Workloads,
} from '../../../../functions/core/preflight/preflight.ts';
import {
  addon,
  CONFIG_MAP,
  cluster,
  daemonSet,
  ec2,
  KUBE_PROXY_SET,
  managed,
  QUIET,
  SCHEMA_WITH_NFTABLES,
} from '../fixtures.ts';

const node: InventoryNode = { id: 'i-1', name: 'node-1', address: '10.0.0.1', kind: 'al2023', handling: { by: 'ssm' } };
const bottlerocket: InventoryNode = {
  ...node,
  id: 'i-2',
  name: 'node-2',
  kind: 'bottlerocket',
  handling: { by: 'proxy-mode', mode: null },
};

interface Seen {
  snapshot?: Partial<ClusterSnapshot>;
  nodes?: InventoryNode[];
  managed?: ManagedNode[];
  ec2?: Ec2Node[];
  /** `null`: Kubernetes was not asked. */
  workloads?: Partial<Workloads> | null;
  request?: object;
  inVpc?: boolean;
}

function look(seen: Seen): Check[] {
  const request = parseRequest({ cluster: 'demo', target: { mode: 'ipvs', scheduler: 'rr' }, ...seen.request });
  const subject = subjectOf(cluster(seen.snapshot), seen.nodes ?? [node], request, {
    restartFor: 'demo-1',
    inVpc: seen.inVpc ?? false,
    ec2: seen.ec2 ?? [],
    managed: seen.managed ?? [managed('i-1')],
    workloads: seen.workloads === null ? null : { ...QUIET, ...seen.workloads },
  });
  return preflight(subject);
}

/** One check of a look as `VERDICT why`. */
const check = (name: string, seen: Seen): string => {
  const found = look(seen).find((each) => each.name === name);
  return found ? `${found.verdict} ${found.why}` : 'does not apply';
};
/** One test for each finding of a check: the finding, and in what it is found. */
function finds(table: Partial<Record<CheckName, Record<string, Seen | Seen[]>>>): void {
  for (const [name, findings] of Object.entries(table))
    for (const [expected, seen] of Object.entries(findings))
      it.each([seen].flat())(`${name}: ${expected}`, (each) => {
        expect(check(name, each)).toBe(expected);
      });
}
const refused: Workloads['daemonSets'] & { kind: 'unreadable' } = {
  kind: 'unreadable',
  why: 'the API server refused it (403)',
};
const read = <Value>(value: Value) => ({ kind: 'read' as const, value });

describe('the table of checks', () => {
  it('has one entry for each name, with its source', () => {
    expect(Object.keys(CHECKS).sort()).toEqual([...CHECK_NAMES].sort());
    for (const { source } of Object.values(CHECKS)) expect(source).toMatch(/^https:\/\//);
  });

  it('passes an ordinary cluster and warns of idle connections', () => {
    expect(look({}).map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
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
      'ipvs-deprecated PASS',
      'nodes PASS',
      'unlisted-nodes PASS',
      'foreign-virtual-servers WARN',
      'ssm-agent-version PASS',
      'kernel PASS',
      'restart PASS',
      'proof PASS',
      'idle-timeout WARN',
      'kube-proxy-replacement PASS',
      'config-map-edits PASS',
      'daemon-set-edits PASS',
      'kube-proxy-image PASS',
      'rollout-possible PASS',
      'external-ips PASS',
      'node-local-dns PASS',
      'metallb PASS',
      'security-groups-for-pods PASS',
    ]);
  });

  it('says how to fix whatever it warns of or blocks', () => {
    const snapshot = { status: 'UPDATING', autoMode: true, updateInFlight: true, addon: null, version: '2.0' };
    const daemonSets = refused;
    for (const { verdict, fix } of look({ snapshot, workloads: { daemonSets, services: refused } }))
      if (verdict !== 'PASS') expect(fix).toMatch(/\.$/);
  });
});

describe('docs/preflight.md', () => {
  const page = readFileSync(new URL('../../../../docs/preflight.md', import.meta.url), 'utf8');
  const sections = new Map(
    page
      .split(/^## /m)
      .slice(1)
      .map((section) => [/^`([a-z0-9-]+)`/.exec(section)?.[1] ?? section, section]),
  );

  it('has a section for each check, in the order of the table', () => {
    expect([...sections.keys()]).toEqual([...CHECK_NAMES]);
  });

  it.each(CHECK_NAMES)('tells of %s its source, verdicts, the way out, and whether it can be acknowledged', (name) => {
    const { source, acknowledgeable } = CHECKS[name];
    const section = sections.get(name) ?? 'the page has no section for it';
    expect(section).toContain(`([source](${source}))`);
    expect(section).toMatch(/^- Verdict: .*(BLOCK|WARN).*\.\n- Fix: \S.*\.$/m);
    expect(section).toContain(`- BLOCK can be acknowledged: ${acknowledgeable ? 'yes' : 'no'}\n`);
  });
});

describe('what AWS tells', () => {
  finds({
    'cluster-status': {
      'BLOCK the cluster is UPDATING': { snapshot: { status: 'UPDATING' } },
    },
    'auto-mode': {
      'BLOCK the cluster runs EKS Auto Mode': { snapshot: { autoMode: true } },
    },
    'update-in-flight': {
      'BLOCK an update of the cluster or the add-on is in progress': { snapshot: { updateInFlight: true } },
    },
    'addon-status': {
      'BLOCK the kube-proxy add-on is DEGRADED': { snapshot: addon({ status: 'DEGRADED' }) },
      'does not apply': { snapshot: { addon: null } },
    },
    'addon-issues': {
      'BLOCK the kube-proxy add-on has health issues: AccessDenied: no': {
        snapshot: addon({ issues: ['AccessDenied: no'] }),
      },
    },
    configuration: {
      'BLOCK The configuration values must be a mapping (JSON or YAML), but they are a string.': {
        snapshot: addon({ configuration: 'nonsense' }),
      },
      'BLOCK The configuration value podAnnotations must be a mapping.': {
        snapshot: addon({ configuration: '{"podAnnotations":[]}' }),
      },
      'BLOCK The configuration value mode is "userspace": only iptables, ipvs and nftables are known.': {
        snapshot: addon({ configuration: '{"mode":"userspace"}' }),
      },
      'PASS the values are json; kept as they are: podLabels': {
        snapshot: addon({ configuration: '{"podLabels":{"a":"b"}}' }),
      },
    },
    'schema-mode': {
      'BLOCK the schema of add-on v1.32.0-eksbuild.2 has no mode ipvs: mode must be one of iptables, nftables': {
        snapshot: addon({ schema: SCHEMA_WITH_NFTABLES }),
      },
    },
    'configuration-schema': {
      "BLOCK the merged configuration breaks the live schema: the configuration must not have the field 'tolerations'":
        { snapshot: addon({ configuration: '{"tolerations":[]}' }) },
    },
    version: {
      'BLOCK Kubernetes 2.0 is not a known version': { snapshot: { version: '2.0' } },
      'BLOCK kube-proxy of Kubernetes 1.43 has no ipvs mode any more': { snapshot: { version: '1.43' } },
    },
    'ipvs-deprecated': {
      'PASS ipvs mode is not deprecated in Kubernetes 1.32': { snapshot: { version: '1.32' } },
      'PASS ipvs mode is not deprecated in Kubernetes 1.34; nftables, its recommended successor, is there too': {
        snapshot: { version: '1.34' },
      },
      'BLOCK ipvs mode is deprecated in Kubernetes 1.35 and will be removed': { snapshot: { version: '1.35' } },
      'BLOCK ipvs mode is deprecated in Kubernetes 1.39 and will be removed': { snapshot: { version: '1.39' } },
      'does not apply': { snapshot: { version: '1.40' } },
    },
    'ipvs-disabled': {
      'does not apply': { snapshot: { version: '1.39' } },
      'BLOCK kube-proxy of Kubernetes 1.40 exits in ipvs mode unless its feature gate was switched on': {
        snapshot: { version: '1.40' },
      },
    },
  });

  it.each<[Record<string, string>, string]>([
    [{ 'aws:cloudformation:stack-name': 'eksctl-demo' }, 'the CloudFormation stack eksctl-demo'],
    [{ Terraform: 'true' }, 'Terraform'],
    [{ 'managed-by': 'OpenTofu' }, 'OpenTofu'],
    [{ ManagedBy: 'terraform' }, 'terraform'],
    [{ 'terraform:module': 'eks' }, 'Terraform'],
    [{ 'pulumi:stack': 'prod' }, 'Pulumi'],
    [{ 'crossplane-name': 'kube-proxy' }, 'Crossplane'],
    [{ 'alpha.eksctl.io/cluster-name': 'demo' }, 'eksctl'],
  ])('who owns what carries the tags %j', (tags, owner) => {
    expect(check('addon-owner', { snapshot: addon({ tags }) })).toBe(
      `WARN ${owner} owns the kube-proxy add-on and would revert the change`,
    );
    expect(check('addon-owner', { snapshot: { tags } })).toBe(
      `WARN ${owner} owns the cluster; if it owns the add-on too, it would revert the change`,
    );
  });

  it('who reconciles the ConfigMap, by the marks on it', () => {
    const marks = { labels: {}, annotations: { 'argocd.argoproj.io/tracking-id': 'infra' }, managers: [] };
    expect(check('addon-owner', { workloads: { configMapMarks: marks } })).toBe(
      'WARN Argo CD reconciles the ConfigMap kube-proxy-config and would revert the change',
    );
    expect(check('addon-owner', { workloads: { configMapMarks: { ...marks, annotations: {} } } })).toMatch(/^PASS/);
  });

  it('takes no other tag for that of an owner', () => {
    const tags = { team: 'terraform', env: 'prod', terraform: 'false', 'managed-by': 'checkout' };
    expect(check('addon-owner', { snapshot: { ...addon({ tags }), tags } })).toMatch(/^PASS/);
  });
});

describe('what nodes tell', () => {
  const blockedNode = (id: string): InventoryNode => ({
    ...node,
    id,
    name: id,
    handling: { by: 'blocked', reason: 'no agent' },
  });

  finds({
    nodes: {
      'BLOCK 1 node blocks the migration: i-7: no agent': { nodes: [node, blockedNode('i-7')] },
      'BLOCK 7 nodes block the migration: 1: no agent; 2: no agent; 3: no agent; 4: no agent; 5: no agent; and 2 more':
        { nodes: ['1', '2', '3', '4', '5', '6', '7'].map(blockedNode) },
      'BLOCK 1 node blocks the migration: node-1 (i-1): its kind is not known': {
        nodes: [{ ...node, kind: 'unknown' }],
      },
    },
  });

  it.each([
    ['3.3.2746.0', 'PASS each of 1 SSM agents is 3.3.2746.0 or newer'],
    ['3.3.3000.0', 'PASS each of 1 SSM agents is 3.3.2746.0 or newer'],
    ['4.0.0.0', 'PASS each of 1 SSM agents is 3.3.2746.0 or newer'],
    [
      '3.3.2745.9',
      'WARN SSM agents are older than 3.3.2746.0, the first that hands parameters to scripts as environment variables: node-1 (i-1) 3.3.2745.9',
    ],
    [
      '2.9.9999.0',
      'WARN SSM agents are older than 3.3.2746.0, the first that hands parameters to scripts as environment variables: node-1 (i-1) 2.9.9999.0',
    ],
    ['', 'WARN unknown: the version of SSM agents: node-1 (i-1)'],
  ])('judge SSM agent %j', (agentVersion, expected) => {
    expect(check('ssm-agent-version', { managed: [managed('i-1', { agentVersion })] })).toBe(expected);
  });

  it.each([
    ['Amazon Linux', '2023', 'PASS'],
    ['Amazon Linux', '2', 'WARN unknown'],
    ['Ubuntu', '22.04', 'PASS'],
    ['Ubuntu', '20.04', 'WARN unknown'],
    ['Debian GNU/Linux', '10', 'WARN kernels older than 5.9'],
    ['Debian GNU/Linux', '12', 'PASS'],
    ['Bottlerocket', '1.44.0', 'PASS'],
    ['Flatcar', '4230.2.4', 'WARN unknown'],
  ])('judge the kernel of %s %s by its system', (platformName, platformVersion, expected) => {
    const seen = { managed: [managed('i-1', { platformName, platformVersion })] };
    expect(check('kernel', seen)?.slice(0, expected.length)).toBe(expected);
  });

  it.each([
    ['5.10.245-241.976.amzn2.x86_64', 'PASS the kernel of each of 1 nodes is 5.9 or newer'],
    ['6.1.0', 'PASS the kernel of each of 1 nodes is 5.9 or newer'],
    [
      '5.4.209-116.367.amzn2',
      'WARN kernels older than 5.9 delay connections that reuse a source port, or send them to pods that are gone: node-1 (i-1) 5.4.209-116.367.amzn2',
    ],
    [
      '4.14.355',
      'WARN kernels older than 5.9 delay connections that reuse a source port, or send them to pods that are gone: node-1 (i-1) 4.14.355',
    ],
  ])('judge kernel %s itself where nodes can be read', (kernel, expected) => {
    const seen = { managed: [managed('i-1', { platformVersion: '2' })] };
    expect(check('kernel', { ...seen, workloads: { nodes: read([{ name: 'node-1', kernel }]) } })).toBe(expected);
  });
});

describe('nodes that only Kubernetes knows', () => {
  const closed = { snapshot: { endpoint: { public: false, private: true, publicCidrs: [] } }, workloads: null };
  const hybrid = { ...closed, snapshot: { ...closed.snapshot, hybridNetworks: true } };
  finds({
    'unlisted-nodes': {
      'PASS Kubernetes itself listed each node that runs kube-proxy': {},
      'WARN not looked at yet: nodes that only Kubernetes knows': { workloads: null },
      'BLOCK the Kubernetes API is not asked, and EC2 lists only the instances that have the tag of the cluster: a node without it would be neither prepared nor proven':
        closed,
      'BLOCK the Kubernetes API is not asked, and no node was seen, so it is not known whether there are any': {
        ...closed,
        nodes: [],
      },
      'BLOCK the Kubernetes API is not asked, and the cluster has networks for hybrid nodes, which nothing else lists':
        hybrid,
    },
  });

  it.each<[Seen, boolean]>([
    [closed, true],
    [{ ...closed, nodes: [] }, false],
    [hybrid, false],
  ])('can be accepted where nodes were seen and others cannot be', (seen, accepted) => {
    const request = { acknowledge: ['unlisted-nodes'] };
    expect(look({ ...seen, request }).find(({ name }) => name === 'unlisted-nodes')?.accepted).toBe(accepted);
  });
});

describe('how kube-proxy is restarted', () => {
  const closed = { endpoint: { public: false, private: true, publicCidrs: [] } };
  finds({
    restart: {
      'PASS kube-proxy is restarted through the Kubernetes API': {},
      'WARN with a private endpoint kube-proxy is restarted by a changed pod annotation, on all nodes at once and without a canary':
        { snapshot: closed },
      'WARN the endpoint is private: the strategy kubernetes-api, which the request chose, works only for functions in its VPC':
        { snapshot: closed, request: { strategy: 'kubernetes-api' } },
      'WARN with authentication mode CONFIG_MAP kube-proxy is restarted by a changed pod annotation, on all nodes at once and without a canary':
        { snapshot: { authenticationMode: 'CONFIG_MAP' } },
      'BLOCK with authentication mode CONFIG_MAP there are no access entries: nightshift cannot reach the Kubernetes API':
        { snapshot: { authenticationMode: 'CONFIG_MAP' }, request: { strategy: 'kubernetes-api' } },
      'WARN as the request chose, kube-proxy is restarted by a changed pod annotation, on all nodes at once and without a canary':
        { request: { strategy: 'pod-annotations' } },
      'BLOCK with a private endpoint the Kubernetes API cannot be asked, and nothing else proves Bottlerocket nodes: node-2':
        { snapshot: closed, nodes: [bottlerocket] },
      'BLOCK with a private endpoint the Kubernetes API is not used, and without it nobody can edit the ConfigMap': {
        snapshot: { ...closed, addon: null },
        request: { selfManaged: 'config-map' },
      },
      'BLOCK with a private endpoint the Kubernetes API is not used, and without it a rollback cannot write the former ConfigMap again':
        { snapshot: { ...closed, addon: null }, request: { selfManaged: 'create-addon' } },
    },
  });
});

describe('the DaemonSet kube-proxy', () => {
  const IMAGE = 'registry.example/eks/kube-proxy';
  const set = (part: Parameters<typeof daemonSet>[1]): Seen => ({
    workloads: { daemonSets: read([{ ...KUBE_PROXY_SET, ...part }]) },
  });
  const by = (manager: string, fields: unknown, subresource: string | null = null) => ({
    manager,
    subresource,
    fields,
  });
  const eks = by('eks', { 'f:spec': { 'f:template': { 'f:spec': { 'f:tolerations': {} } } } });

  finds({
    'daemon-set-edits': {
      'WARN unknown: who wrote the DaemonSet kube-proxy: it names no field managers': set({ fieldManagers: [] }),
      'PASS EKS alone wrote the DaemonSet kube-proxy': [
        set({
          fieldManagers: [eks, by('kube-controller-manager', { 'f:status': { 'f:numberReady': {} } }, 'status')],
        }),
        set({ fieldManagers: [eks, by('helm', eks.fields)] }),
      ],
      'BLOCK others wrote fields of the DaemonSet kube-proxy, and EKS would overwrite those that are its own: template.spec.containers[kube-proxy].env[A].value (kubectl-edit)':
        set({
          fieldManagers: [
            eks,
            by('kubectl-edit', {
              'f:spec': {
                'f:template': {
                  'f:spec': {
                    'f:containers': {
                      'k:{"name":"kube-proxy"}': { 'f:env': { 'k:{"name":"A"}': { '.': {}, 'f:value': {} } } },
                    },
                  },
                },
              },
            }),
          ],
        }),
      'BLOCK EKS did not write the DaemonSet kube-proxy, and would overwrite it: template.spec.tolerations (kubectl-client-side-apply)':
        set({ fieldManagers: [by('kubectl-client-side-apply', eks.fields)] }),
    },
  });

  finds({
    'kube-proxy-image': {
      [`BLOCK kube-proxy runs the image ${IMAGE}:v1.32.1-eksbuild.1, which is newer than the add-on's v1.32.0-eksbuild.2: its version would go down, and a rollback does not restore the image`]:
        set({ images: [`${IMAGE}:v1.32.1-eksbuild.1`] }),
      [`BLOCK kube-proxy runs the image ${IMAGE}:v1.32.0-eksbuild.1, which is older than the add-on's v1.32.0-eksbuild.2: its version would go up, and a rollback does not restore the image`]:
        set({ images: ['registry.example/sidecar:v9', `${IMAGE}:v1.32.0-eksbuild.1`] }),
      [`BLOCK unknown: whether kube-proxy's version would go down, from the image ${IMAGE}:latest to the add-on's v1.32.0-eksbuild.2; a rollback does not restore the image`]:
        set({ images: [`${IMAGE}:latest`] }),
    },
  });
});

describe('workloads', () => {
  const sets = (...value: ReturnType<typeof daemonSet>[]) => ({ daemonSets: read(value) });
  const cilium = daemonSet('cilium', { labels: { 'k8s-app': 'cilium' } });
  const calico = (env: Record<string, string>) => daemonSet('calico-node', { namespace: 'calico-system', env });
  const localDns = (...args: string[]) => sets(daemonSet('node-local-dns', { args }));
  const speaker = sets(daemonSet('x', { labels: { app: 'metallb', component: 'speaker' } }));
  const strict = { configMap: read(CONFIG_MAP.replace('excludeCIDRs: null', 'strictARP: true')) };
  const REWORDED = CONFIG_MAP.replace('1h0m0s', '1h')
    .replace('  min: 131072\n', '')
    .replace('conntrack:\n', 'conntrack:\n  max: 0\n')
    .replace('  minSyncPeriod: 0s\n', '');
  const edited = { snapshot: { addon: null }, request: { selfManaged: 'config-map' } };
  const adopted = { snapshot: { addon: null }, request: { selfManaged: 'create-addon' } };

  finds({
    'kube-proxy-replacement': {
      'BLOCK Cilium replaces kube-proxy': [
        { workloads: { ...sets(cilium), ciliumReplacement: read('true') } },
        { workloads: { ...sets(cilium), ciliumReplacement: read('strict') } },
      ],
      'WARN Cilium handles part of the Services itself (kube-proxy-replacement partial)': {
        workloads: { ...sets(cilium), ciliumReplacement: read('partial') },
      },
      'PASS Cilium runs and leaves Services to kube-proxy': {
        workloads: { ...sets(cilium), ciliumReplacement: read(null) },
      },
      'WARN unknown: whether Cilium replaces kube-proxy: its configuration cannot be read (the API server refused it (403))':
        { workloads: { ...sets(cilium), ciliumReplacement: refused } },
      'BLOCK Calico replaces kube-proxy with its eBPF data plane': [
        { workloads: sets(calico({ FELIX_BPFENABLED: 'true' })) },
        { workloads: { ...sets(calico({})), felixBpf: read(true) } },
      ],
      'PASS Calico runs and leaves Services to kube-proxy': {
        workloads: { ...sets(calico({ FELIX_BPFENABLED: 'false' })), felixBpf: read(true) },
      },
      "WARN unknown: whether Calico's eBPF data plane is on: its FelixConfiguration cannot be read (the API server refused it (403))":
        { workloads: { ...sets(calico({})), felixBpf: refused } },
      'BLOCK kube-router handles Services with IPVS of its own': { workloads: sets(daemonSet('kube-router')) },
      'WARN unknown: DaemonSets cannot be read: the API server refused it (403)': {
        workloads: { daemonSets: refused },
      },
    },
    'config-map-edits': {
      'BLOCK EKS would overwrite edits of the ConfigMap kube-proxy-config: conntrack.maxPerCore: 0 → 32768; conntrack.min: 131073 → 131072; nodePortAddresses: ["10.0.0.0/8"] → not set':
        {
          workloads: {
            configMap: read(
              CONFIG_MAP.replace('maxPerCore: 32768', 'maxPerCore: 0')
                .replace('nodePortAddresses: null', 'nodePortAddresses: ["10.0.0.0/8"]')
                .replace('  min: 131072\n', '  min: 131073\n'),
            ),
          },
        },
      'PASS the ConfigMap kube-proxy-config has nothing that EKS would overwrite': [
        { workloads: { configMap: read(CONFIG_MAP.replace('mode: "iptables"', 'mode: ipvs')) } },
        { workloads: { configMap: read(REWORDED) } },
      ],
      'BLOCK EKS would overwrite edits of the ConfigMap kube-proxy-config: iptables.masqueradeBit: 15 → 14': {
        workloads: { configMap: read(CONFIG_MAP.replace('masqueradeBit: 14', 'masqueradeBit: 017')) },
      },
      'BLOCK The ConfigMap kube-proxy-config cannot be edited in place: mode cannot be changed without changing other values':
        { ...edited, workloads: { configMap: read('mode: &m iptables\nhostnameOverride: *m\n') } },
      'BLOCK the ConfigMap kube-proxy-config is not a YAML mapping, and EKS would overwrite it': {
        workloads: { configMap: read('a: [') },
      },
      'BLOCK the ConfigMap kube-proxy-config has 40003 characters: too many to be kept for a rollback': {
        workloads: { configMap: read(`a: ${'x'.repeat(40_000)}`) },
      },
      'PASS the ConfigMap kube-proxy-config is not there: EKS writes it': { workloads: { configMap: read(null) } },
      'WARN unknown: the ConfigMap kube-proxy-config cannot be read: the API server refused it (403)': {
        workloads: { configMap: refused },
      },
      'BLOCK the ConfigMap kube-proxy-config, which is to be edited, cannot be read: the API server refused it (403)': {
        ...edited,
        workloads: { configMap: refused },
      },
      'BLOCK the ConfigMap kube-proxy-config, which is to be edited, is not there': {
        ...edited,
        workloads: { configMap: read(null) },
      },
      'BLOCK the ConfigMap kube-proxy-config asks for mode "userspace", or for a scheduler, that nightshift could not prove after a rollback':
        { ...edited, workloads: { configMap: read(CONFIG_MAP.replace('mode: "iptables"', 'mode: userspace')) } },
      'BLOCK the ConfigMap kube-proxy-config, which a rollback has to write again, cannot be read: the API server refused it (403)':
        { ...adopted, workloads: { configMap: refused } },
      'BLOCK the ConfigMap kube-proxy-config, which a rollback has to write again, is not there': {
        ...adopted,
        workloads: { configMap: read(null) },
      },
      'PASS the ConfigMap kube-proxy-config is edited in place: only mode and ipvs.scheduler change': {
        ...edited,
        workloads: strict,
      },
    },
    'external-ips': {
      'BLOCK in IPVS mode these Services would cut nodes off: default/web has 10.0.0.1 of node node-1': {
        workloads: { services: read([{ service: 'default/web', addresses: ['10.0.0.1', '192.0.2.17'] }]) },
      },
      'BLOCK in IPVS mode these Services would cut nodes off: default/web has 2600:1f14:0:0:0:0:b:1 of node node-1': {
        ec2: [ec2('i-1', { addresses: ['10.0.0.1', '2600:1f14::b:1'] })],
        workloads: { services: read([{ service: 'default/web', addresses: ['2600:1f14:0:0:0:0:b:1'] }]) },
      },
      'PASS no Service has the address of a node as an external IP or of its load balancer': {
        workloads: { services: read([{ service: 'default/web', addresses: ['192.0.2.17'] }]) },
      },
      'WARN unknown: the addresses of Services cannot be read: the API server refused it (403)': {
        workloads: { services: refused },
      },
    },
    'node-local-dns': {
      'BLOCK NodeLocal DNSCache listens on the ClusterIP of DNS, 10.100.0.10, which kube-proxy binds itself in IPVS mode: pods may lose DNS':
        { workloads: localDns('-localip', '169.254.20.10,10.100.0.10') },
      'PASS NodeLocal DNSCache listens on 169.254.20.10, not on the ClusterIP of DNS': {
        workloads: localDns('--localip=169.254.20.10'),
      },
      'WARN unknown: where NodeLocal DNSCache listens: its -localip is not among its arguments': {
        workloads: localDns('-conf', '/etc/Corefile'),
      },
    },
    metallb: {
      'BLOCK MetalLB runs and needs ipvs.strictARP, which the add-on cannot set and would erase: nodes would answer ARP for addresses that are not theirs':
        { workloads: { ...speaker, ...strict } },
      'BLOCK MetalLB runs and needs ipvs.strictARP, which the add-on cannot set: nodes would answer ARP for addresses that are not theirs':
        { workloads: speaker },
      'PASS MetalLB runs, and ipvs.strictARP is set': { ...edited, workloads: { ...speaker, ...strict } },
      'BLOCK MetalLB runs and needs ipvs.strictARP, which is not set': { ...edited, workloads: speaker },
    },
    'security-groups-for-pods': {
      'WARN 2 SecurityGroupPolicies: pods with security groups of their own may lose traffic': {
        workloads: { securityGroupPolicies: read(2) },
      },
      'PASS there is no SecurityGroupPolicy': { workloads: { securityGroupPolicies: read(0) } },
      'WARN unknown: SecurityGroupPolicies cannot be read (the API server refused it (403)), and the VPC CNI has them switched on':
        { workloads: sets(daemonSet('aws-node', { env: { ENABLE_POD_ENI: 'true' } })) },
      'WARN unknown: SecurityGroupPolicies cannot be read (the API server refused it (403))': {
        workloads: { daemonSets: refused },
      },
    },
  });

  const about: CheckName[] = [
    'kube-proxy-replacement',
    'config-map-edits',
    'daemon-set-edits',
    'kube-proxy-image',
    'rollout-possible',
    'external-ips',
    'node-local-dns',
    'metallb',
    'security-groups-for-pods',
  ];
  it.each(about)('%s is never a pass before Kubernetes was asked', (name) => {
    expect(check(name, { workloads: null })).toMatch(/^WARN not looked at yet: /);
    expect(check(name, { workloads: null, request: { strategy: 'pod-annotations' } })).toMatch(
      /^WARN unknown: .* cannot be read, since with strategy pod-annotations nightshift does not reach/,
    );
  });
});

describe('a risk is accepted', () => {
  const accepted = (name: CheckName, seen: Seen) =>
    look({ ...seen, request: { ...seen.request, acknowledge: [name] } })
      .filter((each) => each.accepted)
      .map((each) => `${each.name} ${each.verdict}`);

  it.each<[CheckName, Seen, string[]]>([
    ['ipvs-deprecated', { snapshot: { version: '1.35' } }, ['ipvs-deprecated BLOCK']],
    ['ipvs-disabled', { snapshot: { version: '1.40' } }, ['ipvs-disabled BLOCK']],
    ['ipvs-deprecated', { snapshot: { version: '1.40' } }, []],
    ['version', { snapshot: { version: '1.43' } }, []],
    ['idle-timeout', {}, ['idle-timeout WARN']],
    ['metallb', {}, []],
    ['config-map-edits', { workloads: { configMap: read('a: 1') } }, ['config-map-edits BLOCK']],
    ['config-map-edits', { workloads: { configMap: read(`a: ${'x'.repeat(40_000)}`) } }, []],
    ['schema-mode', { snapshot: addon({ schema: SCHEMA_WITH_NFTABLES }) }, []],
    ['cluster-status', { snapshot: { status: 'UPDATING' } }, []],
  ])('by its name and only where it may be: %s of %j', (name, seen, expected) => {
    expect(accepted(name, seen)).toEqual(expected);
  });
});
