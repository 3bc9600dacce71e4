import { askKubeProxy, count, type ModelState } from '@nightshift/sandbox/nodes';

type Figure = number | 'unknown';

/** What the scripts make of kube-proxy's metrics; `later`: so many milliseconds from now. */
export function metricsOf(state: ModelState, later = 0) {
  const { metrics } = askKubeProxy(state, later);
  const samples = [...(metrics ?? '').matchAll(/^([a-z_]+)(?:\{.*\})? (\S+)$/gm)].map(
    ([, name, value]) => [name, Number(value)] as const,
  );
  const valuesOf = (...names: readonly string[]): number[] =>
    samples.flatMap(([name = '', value]) => (names.includes(name) ? [value] : []));
  const sum = (...names: readonly string[]): Figure => {
    const values = valuesOf(...names);
    return values.length === 0 ? 'unknown' : values.reduce((total, value) => total + value, 0);
  };
  const oldest = (name: string): string => {
    const values = valuesOf(name);
    return values.length === 0 ? 'unknown' : Math.min(...values).toFixed(6);
  };
  const [seconds, syncs] = ['sum', 'count'].map((part) => sum(`kubeproxy_sync_proxy_rules_duration_seconds_${part}`));
  const mean =
    typeof seconds === 'number' && typeof syncs === 'number' && syncs > 0
      ? Math.round((seconds / syncs) * 1e6)
      : 'unknown';
  const failures = sum(
    'kubeproxy_sync_proxy_rules_iptables_restore_failures_total',
    'kubeproxy_sync_proxy_rules_nftables_sync_failures_total',
  );
  return {
    startedAt: oldest('process_start_time_seconds'),
    syncedAt: oldest('kubeproxy_sync_proxy_rules_last_timestamp_seconds'),
    // A counter with labels has no sample before it counts for the first time.
    syncFailures: failures === 'unknown' && syncs !== 'unknown' ? 0 : failures,
    syncMicros: mean,
    localhostNodePorts: sum('kubeproxy_iptables_localhost_nodeports_accepted_packets_total'),
    invalidPackets: sum('kubeproxy_iptables_ct_state_invalid_dropped_packets_total'),
  };
}

/**
 * How long a connection through the API server's ClusterIP takes: with the number of Services in iptables mode. From
 * measurements on Debian's kernel.
 */
export function connectMicros(state: ModelState): Figure {
  const rules = state.kubeProxy === null ? null : state[state.kubeProxy];
  const apiServer = rules?.services.find(({ namespace, name }) => namespace === 'default' && name === 'kubernetes');
  if (state.kubeProxy === null || !apiServer?.endpoints.length) return 'unknown';
  return { iptables: 146 + Math.floor(count(rules).total / 83), ipvs: 133, nftables: 131 }[state.kubeProxy];
}
