import type { Ec2Node, KubeProxyPod, ManagedNode } from '../../../functions/core/nodes.ts';
import type { ClusterSnapshot } from '../../../functions/core/plan.ts';

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
  endpoint: { public: true, private: false },
  authenticationMode: 'API',
  serviceCidr: '10.100.0.0/16',
  autoMode: false,
  addon: {
    version: 'v1.32.0-eksbuild.2',
    status: 'ACTIVE',
    configuration: null,
    issues: [],
    schema: KUBE_PROXY_SCHEMA,
  },
  updateInFlight: false,
  tags: {},
  ...part,
});

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
  restarts: 0,
  proxyMode: null,
  startedAt: null,
  ...part,
});
