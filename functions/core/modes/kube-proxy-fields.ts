import { goDuration } from '../values/go-duration.ts';
import { isMapping, type Mapping } from '../values/mapping.ts';

/** Fields of a KubeProxyConfiguration by their path with dots; lists are values. */
export type Fields = ReadonlyMap<string, unknown>;

/** The values of a configuration as fields. */
export function fieldsOf(values: Mapping): Fields {
  const fields = new Map<string, unknown>();
  const add = (mapping: Mapping, prefix: string) => {
    for (const [key, inner] of Object.entries(mapping)) {
      if (isMapping(inner)) add(inner, `${prefix}${key}.`);
      else fields.set(`${prefix}${key}`, inner);
    }
  };
  add(values, '');
  return fields;
}

const DURATIONS = new Set([
  'configSyncPeriod',
  'udpIdleTimeout',
  'logging.flushFrequency',
  ...['tcpCloseWaitTimeout', 'tcpEstablishedTimeout', 'udpStreamTimeout', 'udpTimeout'].map(
    (key) => `conntrack.${key}`,
  ),
  ...['iptables', 'ipvs', 'nftables'].flatMap((mode) => [`${mode}.minSyncPeriod`, `${mode}.syncPeriod`]),
  ...['tcpFinTimeout', 'tcpTimeout', 'udpTimeout'].map((key) => `ipvs.${key}`),
]);

/**
 * What kube-proxy takes for a field that is absent.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/proxy/apis/config/v1alpha1/defaults.go
 */
const DEFAULTS: Readonly<Record<string, string | number | boolean>> = {
  bindAddress: '0.0.0.0',
  'clientConnection.burst': 10,
  'clientConnection.contentType': 'application/vnd.kubernetes.protobuf',
  'clientConnection.qps': 5,
  configSyncPeriod: '15m',
  'conntrack.maxPerCore': 32_768,
  'conntrack.min': 131_072,
  'conntrack.tcpCloseWaitTimeout': '1h',
  'conntrack.tcpEstablishedTimeout': '24h',
  'iptables.localhostNodePorts': true,
  'iptables.masqueradeBit': 14,
  'iptables.minSyncPeriod': '1s',
  'iptables.syncPeriod': '30s',
  'ipvs.scheduler': 'rr',
  'ipvs.syncPeriod': '30s',
  mode: 'iptables',
  oomScoreAdj: -999,
  udpIdleTimeout: '250ms',
};

/** In these fields zero or false is a value of its own: only an absent one is the default. */
const OWN_ZERO = new Set([
  'conntrack.maxPerCore',
  'conntrack.min',
  'conntrack.tcpCloseWaitTimeout',
  'conntrack.tcpEstablishedTimeout',
  'iptables.localhostNodePorts',
  'iptables.masqueradeBit',
  'oomScoreAdj',
]);

/** The default address of a port follows the family of bindAddress. */
function defaultAddress(field: string, fields: Fields): string | undefined {
  const bind = fields.get('bindAddress');
  const isIpv6 = typeof bind === 'string' && bind.includes(':');
  if (field === 'healthzBindAddress') return isIpv6 ? '[::]:10256' : '0.0.0.0:10256';
  if (field === 'metricsBindAddress') return isIpv6 ? '[::1]:10249' : '127.0.0.1:10249';
  return undefined;
}

/** What a field means to kube-proxy: equal text for equal meanings; undefined for nothing. */
export function meaningOf(field: string, fields: Fields): string | undefined {
  const value = fields.get(field);
  const absent =
    value === undefined || value === null || value === '' || (isZero(field, value) && !OWN_ZERO.has(field));
  const meant = absent ? (DEFAULTS[field] ?? defaultAddress(field, fields)) : value;
  if (meant === undefined) return undefined;
  const duration = DURATIONS.has(field) && typeof meant === 'string' ? goDuration(meant) : null;
  if (duration !== null) return `${duration} ns`;
  return typeof meant === 'bigint' ? String(meant) : JSON.stringify(meant);
}

function isZero(field: string, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === 'string') return DURATIONS.has(field) && goDuration(value) === 0n;
  return value === false || value === 0 || value === 0n;
}
