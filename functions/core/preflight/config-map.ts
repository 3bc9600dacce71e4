import { parseDocument } from 'yaml';
import { serviceAddresses } from '../cluster-ip.ts';
import { isIpvsScheduler, type Proxying } from '../proxy-mode.ts';
import type { Way } from '../snapshot.ts';
import { type Checks, type Finding, named, pass, refuse, type Subject, unknown, workloadCheck } from './check.ts';
import type { Workloads } from './workloads.ts';

type Mapping = Record<string, unknown>;
const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Field → value, the path of a field with dots; lists are values. */
type Fields = Map<string, unknown>;

/** What EKS writes into kube-proxy-config, besides mode and scheduler. */
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
/** What a migration is to change, and nothing else. */
const MIGRATED = new Set(['mode', 'ipvs.scheduler']);
/** State data carries the text; kube-proxy's own is 1 KB. */
export const LONGEST_CONFIG_MAP = 32_768;

/** The text as a mapping; null where it is none. */
function read(text: string): Mapping | null {
  const document = parseDocument(text, { logLevel: 'error' });
  if (document.errors.length > 0) return null;
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return isMapping(value) ? value : null;
  } catch {
    // Too many aliases.
    return null;
  }
}

function flatten(value: Mapping, prefix = '', fields: Fields = new Map()): Fields {
  for (const [key, inner] of Object.entries(value)) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (isMapping(inner)) flatten(inner, path, fields);
    else fields.set(path, inner);
  }
  return fields;
}

/** kube-proxy takes an empty field for one that is not there. */
const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  (Array.isArray(value) && value.length === 0);

const shown = (value: unknown): string => {
  const text = isEmpty(value) ? 'not set' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
};

/**
 * The fields of a live KubeProxyConfiguration that EKS would overwrite, as `field: live → after`: the add-on's schema
 * cannot express them. Null where the text cannot be read.
 */
export function overwrittenFields(text: string, family: 'ipv4' | 'ipv6'): string[] | null {
  const live = read(text);
  if (live === null) return null;
  const fields = flatten(live);
  const after: Fields = new Map(Object.entries({ ...EKS_FIELDS, ...BOUND[family] }));
  return [...new Set([...fields.keys(), ...after.keys()])]
    .filter((field) => !MIGRATED.has(field))
    .filter((field) => {
      const [was, is] = [fields.get(field), after.get(field)];
      return !(isEmpty(was) && isEmpty(is)) && JSON.stringify(was) !== JSON.stringify(is);
    })
    .map((field) => `${field}: ${shown(fields.get(field))} → ${shown(after.get(field))}`)
    .sort();
}

/** What a ConfigMap's text makes kube-proxy run; null where it cannot be read or names what is not known. */
export function configMapProxying(text: string): Proxying | null {
  const live = read(text);
  if (live === null) return null;
  const mode = live['mode'];
  if (isEmpty(mode) || mode === 'iptables') return { mode: 'iptables' };
  if (mode !== 'ipvs') return null;
  const scheduler = isMapping(live['ipvs']) ? live['ipvs']['scheduler'] : undefined;
  const known = isEmpty(scheduler) ? 'rr' : scheduler;
  return isIpvsScheduler(known) ? { mode: 'ipvs', scheduler: known } : null;
}

/** `ipvs.strictARP` of a ConfigMap's text; null where the text cannot be read. */
export function strictArp(text: string): boolean | null {
  const live = read(text);
  return live === null ? null : isMapping(live['ipvs']) && live['ipvs']['strictARP'] === true;
}

const BY = 'the ConfigMap kube-proxy-config';

function configMapEdits({ configMap }: Workloads, subject: Subject): Finding | null {
  const { way } = subject;
  const lost = way === null || way === 'addon' ? null : lostForRollback(configMap, way);
  if (lost) return lost;
  if (configMap.kind === 'unreadable')
    return unknown(`${BY} cannot be read: ${configMap.why}`, 'Compare it with your own records before the change.');
  const text = configMap.value;
  if (text === null) return pass(`${BY} is not there: EKS writes it`);
  if (text.length > LONGEST_CONFIG_MAP)
    return refuse(`${BY} has ${text.length} characters: too many to be kept for a rollback`, 'Shorten it.');
  if (way === 'config-map') return pass(`${BY} is edited in place: only mode and ipvs.scheduler change`);
  const { family } = serviceAddresses(subject.snapshot.serviceCidr);
  const fields = overwrittenFields(text, family);
  const fix = 'Note what you need of it, since the add-on cannot keep it; then acknowledge config-map-edits.';
  if (fields === null) return { verdict: 'BLOCK', why: `${BY} is no YAML mapping, and EKS would overwrite it`, fix };
  if (fields.length === 0) return pass(`${BY} has nothing that EKS would overwrite`);
  return { verdict: 'BLOCK', why: `EKS would overwrite edits of ${BY}: ${named(fields, 10)}`, fix };
}

/** Where the way back goes through the ConfigMap: why it could not be gone, whatever risk is accepted; null if it can. */
function lostForRollback(configMap: Workloads['configMap'], way: Way): Finding | null {
  const use = way === 'config-map' ? 'which is to be edited' : 'which a rollback has to write again';
  if (configMap.kind === 'unreadable')
    return refuse(`${BY}, ${use}, cannot be read: ${configMap.why}`, 'Give nightshift access to it.');
  if (configMap.value === null)
    return refuse(`${BY}, ${use}, is not there`, 'Give kube-proxy its configuration in this ConfigMap first.');
  const live = read(configMap.value);
  if (live === null) return refuse(`${BY}, ${use}, is no YAML mapping`, 'Correct it first.');
  if (configMapProxying(configMap.value) !== null) return null;
  return refuse(
    `${BY} asks for mode ${shown(live['mode'])}, or for a scheduler, that nightshift could not prove after a rollback`,
    'Change kube-proxy to iptables or ipvs yourself first.',
  );
}

export const CONFIG_MAP_CHECKS = {
  'config-map-edits': {
    source: 'https://github.com/aws/containers-roadmap/issues/2318',
    acknowledgeable: true,
    changeOnly: true,
    find: workloadCheck('edits of the ConfigMap kube-proxy-config that EKS would overwrite', configMapEdits),
  },
} satisfies Checks;
