import * as z from 'zod/mini';
import type { ProxyMode } from '../modes/proxy-mode.ts';

const orUnknown = z.union([z.number(), z.literal('unknown')]);

/**
 * What kube-proxy reports about its own work, from `/healthz` (port 10256) and `/metrics` (port 10249). kube-proxy
 * answers `/proxyMode` with the mode that it started in, even if it fails to write a single rule:
 * https://github.com/kubernetes/kubernetes/issues/140898
 */
export const SyncFacts = z.object({
  healthz: z.enum(['ok', 'failed', 'unreachable']),
  /** When kube-proxy started, and when it last wrote all its rules: seconds since 1970, with fractions. */
  startedAt: orUnknown,
  syncedAt: orUnknown,
  /** How many times kube-proxy has failed to write its rules since it started; read twice, some seconds apart. */
  syncFailures: orUnknown,
  syncFailuresLater: orUnknown,
  /** How long kube-proxy has taken to write its rules, on average since it started. */
  syncMicros: orUnknown,
});
export type SyncFacts = z.output<typeof SyncFacts>;

/** kube-proxy's failures to write its rules, of any mode. Newer versions count each family of addresses on its own. */
const FAILURES = [
  'kubeproxy_sync_proxy_rules_iptables_restore_failures_total',
  'kubeproxy_sync_proxy_rules_nftables_sync_failures_total',
];

/** The samples of the metrics with these names, one for each set of labels. */
function samplesOf(metrics: string, names: readonly string[]): number[] {
  const samples = [...metrics.matchAll(/^([a-z_]+)(?:\{[^}]*\})? ([0-9.e+-]+)$/gm)];
  return samples.filter(([, name = '']) => names.includes(name)).map(([, , value]) => Number(value));
}

/** The sum of all samples of the metrics with these names; `unknown` if there is none. */
function sumOf(metrics: string, names: readonly string[]): number | 'unknown' {
  const samples = samplesOf(metrics, names);
  return samples.length === 0 ? 'unknown' : samples.reduce((sum, value) => sum + value, 0);
}

/**
 * The failures. A counter with labels, as kube-proxy has had since 1.33, has no sample before it counts for the first
 * time: if kube-proxy reports its syncs, no sample is no failure.
 */
function failuresIn(metrics: string): number | 'unknown' {
  const counted = sumOf(metrics, FAILURES);
  const syncs = sumOf(metrics, ['kubeproxy_sync_proxy_rules_duration_seconds_count']);
  return counted === 'unknown' && syncs !== 'unknown' ? 0 : counted;
}

/** The oldest of the samples: a family of addresses whose rules were not written must not hide behind the other. */
function oldestOf(metrics: string, name: string): number | 'unknown' {
  const samples = samplesOf(metrics, [name]);
  return samples.length === 0 ? 'unknown' : Math.min(...samples);
}

/**
 * Reads kube-proxy's reports. `metrics` and `later` are two answers on `/metrics`, in Prometheus' text format; null for
 * an answer that did not come.
 * https://kubernetes.io/docs/reference/instrumentation/metrics/
 */
export function syncFactsOf(healthz: SyncFacts['healthz'], metrics: string | null, later: string | null): SyncFacts {
  const last = later ?? metrics ?? '';
  const [sum, count] = ['sum', 'count'].map((part) =>
    sumOf(last, [`kubeproxy_sync_proxy_rules_duration_seconds_${part}`]),
  );
  const known = typeof sum === 'number' && typeof count === 'number' && count > 0;
  return {
    healthz,
    startedAt: oldestOf(last, 'process_start_time_seconds'),
    syncedAt: oldestOf(last, 'kubeproxy_sync_proxy_rules_last_timestamp_seconds'),
    syncFailures: metrics === null ? 'unknown' : failuresIn(metrics),
    syncFailuresLater: later === null ? 'unknown' : failuresIn(later),
    syncMicros: known ? Math.round((sum / count) * 1_000_000) : 'unknown',
  };
}

/**
 * Modes in which one failed sync since kube-proxy's start fails the proof. In the others a failure is usual: kube-proxy
 * writes only changes, and everything after such a failure.
 */
const STRICT: Readonly<Record<ProxyMode, boolean>> = { iptables: false, ipvs: false, nftables: true };

/** Why kube-proxy's own reports do not show that it works in this mode; empty if they show that it does. */
export function problemsOfSyncs(mode: ProxyMode, facts: SyncFacts): string[] {
  const { healthz, startedAt, syncedAt, syncFailures, syncFailuresLater } = facts;
  const problems: string[] = [];
  if (healthz === 'unreachable') problems.push('kube-proxy does not answer on /healthz');
  if (healthz === 'failed') problems.push('kube-proxy says on /healthz that it is not healthy');
  if (startedAt === 'unknown' || syncedAt === 'unknown')
    problems.push('kube-proxy does not say on /metrics when it last wrote its rules');
  else if (syncedAt <= startedAt) problems.push('kube-proxy has not written its rules since it started');
  if (syncFailures === 'unknown' || syncFailuresLater === 'unknown') {
    if (STRICT[mode]) problems.push('kube-proxy does not say on /metrics how often it failed to write its rules');
  } else if (syncFailuresLater > syncFailures)
    problems.push(`kube-proxy fails to write its rules: ${syncFailures} failures, and then ${syncFailuresLater}`);
  else if (STRICT[mode] && syncFailuresLater > 0)
    problems.push(`kube-proxy has failed ${syncFailuresLater} times to write its rules since it started`);
  return problems;
}
