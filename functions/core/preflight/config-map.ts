import { NightshiftError } from '../errors.ts';
import { fitsStateData } from '../execution/state-data.ts';
import { configMapProxying } from '../modes/configured.ts';
import { MODE_NAMES, OWN_FIELDS, settingNames } from '../modes/index.ts';
import { withProxying } from '../modes/kube-proxy-config.ts';
import { fieldsOf, meaningOf } from '../modes/kube-proxy-fields.ts';
import { kubeProxyValues } from '../modes/kube-proxy-text.ts';
import { serviceAddresses } from '../values/cluster-ip.ts';
import { named } from '../values/named.ts';
import { type Checks, type Finding, pass, refuse, type Subject, unknown, workloadCheck } from './check.ts';
import type { Way } from './snapshot.ts';
import type { Workloads } from './workloads.ts';

/** The fields that EKS writes into kube-proxy-config, besides mode and scheduler. */
const EKS_FIELDS: Readonly<Record<string, string | number>> = {
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  'clientConnection.burst': 10,
  'clientConnection.contentType': 'application/vnd.kubernetes.protobuf',
  'clientConnection.kubeconfig': '/var/lib/kube-proxy/kubeconfig',
  'clientConnection.qps': 5,
  configSyncPeriod: '15m0s',
  'conntrack.maxPerCore': 32768,
  'conntrack.min': 131072,
  'conntrack.tcpCloseWaitTimeout': '1h0m0s',
  'conntrack.tcpEstablishedTimeout': '24h0m0s',
  'iptables.masqueradeBit': 14,
  'iptables.minSyncPeriod': '0s',
  'iptables.syncPeriod': '30s',
  'ipvs.minSyncPeriod': '0s',
  'ipvs.syncPeriod': '30s',
  oomScoreAdj: -998,
  udpIdleTimeout: '250ms',
};
const BOUND = {
  ipv4: { bindAddress: '0.0.0.0', healthzBindAddress: '0.0.0.0:10256', metricsBindAddress: '0.0.0.0:10249' },
  ipv6: { bindAddress: '::', healthzBindAddress: '[::]:10256', metricsBindAddress: '[::]:10249' },
};
/** The only fields that a migration changes. */
const MIGRATED = new Set(['mode', ...OWN_FIELDS.map((field) => field.join('.'))]);
const shown = (value: unknown): string => {
  const isNothing = value === undefined || value === null || value === '' || value === false;
  if (isNothing || (Array.isArray(value) && value.length === 0)) return 'not set';
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
};

/**
 * The fields of a live KubeProxyConfiguration that EKS would overwrite, as `field: live → after`, because the add-on's
 * schema cannot express them. Values are compared as kube-proxy reads them. Null if the text cannot be read.
 */
export function overwrittenFields(text: string, family: 'ipv4' | 'ipv6'): string[] | null {
  const live = kubeProxyValues(text);
  if (live === null) return null;
  const fields = fieldsOf(live);
  const after = new Map<string, unknown>(Object.entries({ ...EKS_FIELDS, ...BOUND[family] }));
  return [...new Set([...fields.keys(), ...after.keys()])]
    .filter((field) => !MIGRATED.has(field) && meaningOf(field, fields) !== meaningOf(field, after))
    .map((field) => `${field}: ${shown(fields.get(field))} → ${shown(after.get(field))}`)
    .sort();
}

/** `ipvs.strictARP` of a ConfigMap's text; null if the text cannot be read. */
export function strictArp(text: string): boolean | null {
  const live = kubeProxyValues(text);
  return live === null ? null : fieldsOf(live).get('ipvs.strictARP') === true;
}

/** `metricsBindAddress` of a ConfigMap's text; empty if it is not set; null if it cannot be read or is not a string. */
export function metricsBindAddress(text: string): string | null {
  const live = kubeProxyValues(text);
  const value = live?.['metricsBindAddress'];
  if (typeof value === 'string') return value;
  return live !== null && (value === undefined || value === null) ? '' : null;
}

const BY = 'the ConfigMap kube-proxy-config';

function configMapEdits({ configMap }: Workloads, subject: Subject): Finding | null {
  const { way } = subject;
  if (configMap.kind === 'read' && configMap.value !== null && !fitsStateData(configMap.value))
    return refuse(`${BY} has ${configMap.value.length} characters: too many to be kept for a rollback`, 'Shorten it.');
  const lost = way === null ? null : way === 'addon' ? unprovable(configMap) : lostForRollback(configMap, way);
  if (lost) return lost;
  if (configMap.kind === 'unreadable')
    return unknown(`${BY} cannot be read: ${configMap.why}`, 'Compare it with your own records before the change.');
  const text = configMap.value;
  if (text === null) return pass(`${BY} is not there: EKS writes it`);
  if (way === 'config-map') return editableInPlace(text, subject);
  const { family } = serviceAddresses(subject.snapshot.serviceCidr);
  const fields = overwrittenFields(text, family);
  const fix = 'Note what you need of it, since the add-on cannot keep it; then acknowledge config-map-edits.';
  if (fields === null) return { verdict: 'BLOCK', why: `${BY} is not a YAML mapping, and EKS would overwrite it`, fix };
  if (fields.length === 0) return pass(`${BY} has nothing that EKS would overwrite`);
  return { verdict: 'BLOCK', why: `EKS would overwrite edits of ${BY}: ${named(fields, { most: 10 })}`, fix };
}

/** If a rollback writes the ConfigMap: why it could not, whatever risk is accepted; null if it can. */
function lostForRollback(configMap: Workloads['configMap'], way: Way): Finding | null {
  const use = way === 'config-map' ? 'which is to be edited' : 'which a rollback has to write again';
  if (configMap.kind === 'unreadable')
    return refuse(`${BY}, ${use}, cannot be read: ${configMap.why}`, 'Give nightshift access to it.');
  if (configMap.value === null)
    return refuse(`${BY}, ${use}, is not there`, 'Give kube-proxy its configuration in this ConfigMap first.');
  const live = kubeProxyValues(configMap.value);
  if (live === null) return refuse(`${BY}, ${use}, is not a YAML mapping`, 'Correct it first.');
  return unprovable(configMap);
}

/** Why no node could prove a rollback: the ConfigMap asks for an unknown mode or scheduler; null if nodes can. */
function unprovable(configMap: Workloads['configMap']): Finding | null {
  const text = configMap.kind === 'read' ? configMap.value : null;
  const live = text === null ? null : kubeProxyValues(text);
  if (text === null || live === null || configMapProxying(text) !== null) return null;
  return refuse(
    `${BY} asks for mode ${shown(live['mode'])}, or for a scheduler, that nightshift could not prove after a rollback`,
    `Change kube-proxy to ${MODE_NAMES.join(' or ')} yourself first.`,
  );
}

/** Tries the edit, so that a text that cannot be edited is refused before anything is written. */
function editableInPlace(text: string, { request }: Subject): Finding {
  try {
    withProxying(text, request.target);
    return pass(`${BY} is edited in place: only ${settingNames(request.target)} change`);
  } catch (error) {
    if (error instanceof NightshiftError) return refuse(error.message.replace(/\.$/, ''), error.nextStep);
    throw error;
  }
}

export const CONFIG_MAP_CHECKS = {
  'config-map-edits': {
    source: 'https://github.com/aws/containers-roadmap/issues/2318',
    acknowledgeable: true,
    changeOnly: true,
    find: workloadCheck('edits of the ConfigMap kube-proxy-config that EKS would overwrite', configMapEdits),
  },
} satisfies Checks;
