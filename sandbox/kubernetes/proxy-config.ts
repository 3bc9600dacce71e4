import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { KubeProxyConfig } from '../region.ts';
import type { ClusterData } from './cluster-data.ts';

/** What kube-proxy makes of its configuration: it runs with it, or exits with this line. */
export type ReadProxyConfig =
  | { ok: true; config: KubeProxyConfig & { metricsBindAddress: string } }
  | { ok: false; reason: string };

const configuration = z.looseObject({
  kind: z.literal('KubeProxyConfiguration'),
  // Linux kube-proxy takes an empty mode for iptables.
  mode: z.preprocess(
    (mode) => (mode === '' || mode === null ? 'iptables' : mode),
    z.enum(['iptables', 'ipvs', 'nftables']),
  ),
  ipvs: z.looseObject({ scheduler: z.string().nullish() }).nullish(),
  metricsBindAddress: z.string().nullish(),
});

/** Reads the key `config` of the ConfigMap `kube-proxy-config`. */
export function readProxyConfig(text: string | undefined): ReadProxyConfig {
  if (text === undefined)
    return { ok: false, reason: 'open /var/lib/kube-proxy-config/config: no such file or directory' };
  const document = parseDocument(text);
  const syntax = document.errors[0];
  if (syntax) return { ok: false, reason: `failed to decode: ${syntax.message.split('\n')[0] ?? ''}` };
  const parsed = configuration.safeParse(document.toJS());
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return {
      ok: false,
      reason: `KubeProxyConfiguration.${issue?.path.join('.') ?? ''}: Invalid value: ${issue?.message ?? ''}`,
    };
  }
  const { mode, ipvs, metricsBindAddress } = parsed.data;
  return {
    ok: true,
    config: { mode, scheduler: ipvs?.scheduler ?? '', metricsBindAddress: metricsBindAddress ?? '' },
  };
}

/** The same YAML with a different mode and scheduler: comments, order and everything else stay. */
export function writeProxyConfig(text: string, { mode, scheduler }: KubeProxyConfig): string {
  const document = parseDocument(text);
  document.setIn(['mode'], mode);
  document.setIn(['ipvs', 'scheduler'], scheduler);
  return document.toString();
}

/** The same YAML with fields that a person set, by their paths with dots. */
export function editedProxyConfig(text: string, edits: Record<string, unknown>): string {
  if (Object.keys(edits).length === 0) return text;
  const document = parseDocument(text);
  for (const [path, value] of Object.entries(edits)) document.setIn(path.split('.'), value);
  return document.toString();
}

/** The KubeProxyConfiguration that EKS writes, as the manual shows it. */
export function defaultProxyConfig(
  cluster: Pick<ClusterData, 'ipFamily'>,
  { mode, scheduler }: KubeProxyConfig,
): string {
  const any = cluster.ipFamily === 'ipv6' ? '"::"' : '0.0.0.0';
  const metrics = cluster.ipFamily === 'ipv6' ? '"[::]:10249"' : '0.0.0.0:10249';
  return `apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: ${any}
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
healthzBindAddress: ${cluster.ipFamily === 'ipv6' ? '"[::]:10256"' : '0.0.0.0:10256'}
hostnameOverride: ""
iptables:
  masqueradeAll: false
  masqueradeBit: 14
  minSyncPeriod: 0s
  syncPeriod: 30s
ipvs:
  excludeCIDRs: null
  minSyncPeriod: 0s
  scheduler: ${JSON.stringify(scheduler)}
  syncPeriod: 30s
kind: KubeProxyConfiguration
metricsBindAddress: ${metrics}
mode: ${JSON.stringify(mode)}
nodePortAddresses: null
oomScoreAdj: -998
portRange: ""
udpIdleTimeout: 250ms
`;
}
