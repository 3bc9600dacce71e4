import type { SyncFacts } from '../../../functions/core/evidence/syncs.ts';
import type {
  Ec2Node,
  Handling,
  InventoryNode,
  KubeProxyPod,
  ManagedNode,
} from '../../../functions/core/nodes/nodes.ts';
import type { ClusterSnapshot } from '../../../functions/core/preflight/plan.ts';
import type { DaemonSetSummary, Workloads } from '../../../functions/core/preflight/workloads.ts';

/** The schema of kube-proxy v1.28.8-eksbuild.5, shortened by its resources. https://github.com/aws/containers-roadmap/issues/2420 */
export const KUBE_PROXY_SCHEMA = JSON.stringify({
  $ref: '#/definitions/KubeProxy',
  $schema: 'http://json-schema.org/draft-06/schema#',
  definitions: {
    Ipvs: {
      additionalProperties: false,
      properties: { scheduler: { type: 'string' } },
      title: 'Ipvs',
      type: 'object',
    },
    KubeProxy: {
      additionalProperties: false,
      properties: {
        ipvs: { $ref: '#/definitions/Ipvs' },
        mode: { enum: ['iptables', 'ipvs'], type: 'string' },
        podAnnotations: { properties: {}, title: 'The podAnnotations Schema', type: 'object' },
        podLabels: { properties: {}, title: 'The podLabels Schema', type: 'object' },
      },
      title: 'KubeProxy',
      type: 'object',
    },
  },
});

/** The manual's own sample. https://docs.aws.amazon.com/eks/latest/best-practices/ipvs.html */
export const MANUAL_SAMPLE = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  ip-10-100-0-1.us-east-1. rr
  -> ip-192-168-113-81.us-eas Masq        1      0          0
  -> ip-192-168-162-166.us-ea Masq        1      1          0
TCP  ip-10-100-0-10.us-east-1 rr
  -> ip-192-168-104-215.us-ea Masq        1      0          0
  -> ip-192-168-123-227.us-ea Masq        1      0          0
UDP  ip-10-100-0-10.us-east-1 rr
  -> ip-192-168-104-215.us-ea Masq        1      0          0
  -> ip-192-168-123-227.us-ea Masq        1      0          0
`;

export const cluster = (part: Partial<ClusterSnapshot> = {}): ClusterSnapshot => ({
  name: 'demo',
  arn: 'arn:aws:eks:eu-west-1:111122223333:cluster/demo',
  version: '1.32',
  status: 'ACTIVE',
  api: { url: 'https://demo.example', certificateAuthority: 'Q0E=' },
  endpoint: { public: true, private: false, publicCidrs: [] },
  authenticationMode: 'API',
  serviceCidr: '10.100.0.0/16',
  autoMode: false,
  hybridNetworks: false,
  addon: {
    version: 'v1.32.0-eksbuild.2',
    status: 'ACTIVE',
    configuration: null,
    issues: [],
    schema: KUBE_PROXY_SCHEMA,
    tags: {},
  },
  offered: null,
  updateInFlight: false,
  capabilities: [],
  tags: {},
  ...part,
});

/** The snapshot's part with an add-on that differs in what is given. */
export const addon = (part: Partial<NonNullable<ClusterSnapshot['addon']>>): Partial<ClusterSnapshot> => {
  const { addon: base } = cluster();
  return base === null ? {} : { addon: { ...base, ...part } };
};

export const SCHEMA_WITH_NFTABLES = KUBE_PROXY_SCHEMA.replace('"ipvs"]', '"nftables"]');

/** kube-proxy-config as EKS writes it. https://docs.aws.amazon.com/eks/latest/best-practices/ipvs.html */
export const CONFIG_MAP = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
clientConnection:
  acceptContentTypes: ""
  burst: 10
  contentType: application/vnd.kubernetes.protobuf
  kubeconfig: /var/lib/kube-proxy/kubeconfig
  qps: 5
clusterCIDR: ""
configSyncPeriod: 15m0s
conntrack:
  maxPerCore: 32768
  min: 131072
  tcpCloseWaitTimeout: 1h0m0s
  tcpEstablishedTimeout: 24h0m0s
enableProfiling: false
healthzBindAddress: 0.0.0.0:10256
hostnameOverride: ""
iptables:
  masqueradeAll: false
  masqueradeBit: 14
  minSyncPeriod: 0s
  syncPeriod: 30s
ipvs:
  excludeCIDRs: null
  minSyncPeriod: 0s
  scheduler: ""
  syncPeriod: 30s
kind: KubeProxyConfiguration
metricsBindAddress: 0.0.0.0:10249
mode: "iptables"
nodePortAddresses: null
oomScoreAdj: -998
portRange: ""
udpIdleTimeout: 250ms
`;

export const daemonSet = (name: string, part: Partial<DaemonSetSummary> = {}): DaemonSetSummary => ({
  namespace: 'kube-system',
  name,
  labels: {},
  env: {},
  args: [],
  images: [],
  ...part,
});

/** kube-proxy's DaemonSet as EKS alone has written it. */
export const KUBE_PROXY_SET = daemonSet('kube-proxy', {
  images: ['602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/kube-proxy:v1.32.0-minimal-eksbuild.2'],
  fieldManagers: [{ manager: 'eks', subresource: null, fields: { 'f:spec': { 'f:updateStrategy': {} } } }],
  rollout: { strategy: 'RollingUpdate', maxUnavailable: '10%', maxSurge: 0, desired: 3, available: 3 },
});

/** A cluster in which nothing but kube-proxy handles Services. */
export const QUIET: Workloads = {
  daemonSets: { kind: 'read', value: [daemonSet('aws-node', { env: { ENABLE_POD_ENI: 'false' } }), KUBE_PROXY_SET] },
  configMap: { kind: 'read', value: CONFIG_MAP },
  services: { kind: 'read', value: [] },
  securityGroupPolicies: { kind: 'unreadable', why: 'the API server refused it (403)' },
  nodes: { kind: 'unreadable', why: 'the API server refused it (403)' },
};

export const ec2 = (id: string, part: Partial<Ec2Node> = {}): Ec2Node => ({
  id,
  privateDnsName: `ip-${id}.eu-west-1.compute.internal`,
  addresses: [],
  state: 'running',
  platform: 'linux',
  launchedAt: new Date('2026-01-01T00:00:00Z'),
  tags: {},
  ...part,
});

export const managed = (id: string, part: Partial<ManagedNode> = {}): ManagedNode => ({
  id,
  ping: 'Online',
  platformType: 'Linux',
  platformName: 'Amazon Linux',
  platformVersion: '2023',
  agentVersion: '3.3.2746.0',
  computerName: `ip-${id}.eu-west-1.compute.internal`,
  address: null,
  ...part,
});

export const pod = (nodeName: string, part: Partial<KubeProxyPod> = {}): KubeProxyPod => ({
  name: `kube-proxy-${nodeName}`,
  nodeName,
  hostIp: null,
  ready: true,
  terminating: false,
  restarts: 0,
  proxyMode: null,
  syncs: null,
  startedAt: null,
  ...part,
});

/** A node of an inventory; prepared and proven through SSM unless something else is given. */
export const inventoryNode = (id: string, handling: Handling = { by: 'ssm' }): InventoryNode => ({
  id,
  name: `ip-${id}`,
  address: null,
  kind: 'al2023',
  handling,
});
/** What a kube-proxy reports that has written its rules since it started. */
export const SYNCED: SyncFacts = {
  healthz: 'ok',
  startedAt: 1_795_000_000.5,
  syncedAt: 1_795_000_003.25,
  syncFailures: 0,
  syncFailuresLater: 0,
  syncMicros: 41_000,
};
