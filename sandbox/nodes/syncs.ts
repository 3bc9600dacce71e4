import type { ProxyMode } from '../region.ts';

/** What makes the syncs of a kube-proxy other than usual. */
export type SyncTrouble = 'fail' | 'slow';

/** A running kube-proxy as far as its syncs are concerned: every one writes the rules of all Services. */
export interface Syncs {
  readonly mode: ProxyMode;
  /** Kubernetes minor version of kube-proxy, `1.34`. */
  readonly version: string;
  readonly startedAt: Date;
  /** When its first sync ends. */
  readonly firstEndsAt: Date;
  /** How long one takes. */
  readonly micros: number;
  /** Since when every sync fails. */
  failingSince: Date | null;
  /**
   * How many times it was asked for its metrics since then. Virtual time stands still between two questions, and a
   * kube-proxy whose syncs fail tries again with every change in the cluster: each answer counts one more failure.
   */
  asked: number;
}

/** `iptables.syncPeriod` and its like in the configuration that EKS writes. */
const PERIOD_MS = 30_000;
/** kube-proxy is not healthy any more if a change waits for so long: twice the sync period. */
const HEALTHY_MS = 60_000;
/** https://github.com/kubernetes/kubernetes/issues/135639: 2 min 13 s. */
const SLOW_MICROS = 133_000_000;

/** How long a sync takes in microseconds: something, and something more for each port of a Service. */
const COST: Readonly<Record<ProxyMode, readonly [base: number, each: number]>> = {
  iptables: [21_000, 92],
  ipvs: [34_000, 41],
  nftables: [18_000, 23],
};

/** kube-proxy that has become ready now: its container was started before, and its first sync has just ended. */
export function startSyncs(
  kubeProxy: { mode: ProxyMode; version: string; services: number },
  now: Date,
  trouble: SyncTrouble | undefined,
): Syncs {
  const { mode, version, services } = kubeProxy;
  const [base, each] = COST[mode];
  const micros = trouble === 'slow' ? SLOW_MICROS : base + each * services;
  const usual = { mode, version, micros, failingSince: null, asked: 0 };
  // A sync that takes long does not keep the container from being ready.
  if (trouble === 'slow') return { ...usual, startedAt: now, firstEndsAt: new Date(now.getTime() + micros / 1_000) };
  const startedAt = new Date(now.getTime() - 400 - Math.ceil(micros / 1_000));
  return { ...usual, startedAt, firstEndsAt: now, failingSince: trouble === 'fail' ? startedAt : null };
}

/** Lets every sync fail from now on: the rules stay as they are. */
export function failSyncs(syncs: Syncs, now: Date): void {
  syncs.failingSince = now;
  syncs.asked = 0;
}

/** Whether its rules have been written. */
export const hasSynced = ({ firstEndsAt, failingSince }: Syncs, now: Date): boolean =>
  firstEndsAt <= now && (failingSince === null || firstEndsAt <= failingSince);

/** What its reports say at one moment. */
export interface SyncReport {
  healthy: boolean;
  startedAt: Date;
  /** Null: no sync has ended well. */
  syncedAt: Date | null;
  /** Syncs that ended, well or not. */
  syncs: number;
  failures: number;
  micros: number;
}

export function reportSyncs(syncs: Syncs, now: Date): SyncReport {
  const { startedAt, firstEndsAt, failingSince, micros, asked } = syncs;
  const failing = failingSince === null ? 0 : now.getTime() - failingSince.getTime();
  const failures = failingSince === null ? 0 : 1 + Math.floor(failing / PERIOD_MS) + asked;
  const synced = hasSynced(syncs, now);
  const period = Math.max(PERIOD_MS, micros / 1_000);
  const more = Math.floor(((failingSince ?? now).getTime() - firstEndsAt.getTime()) / period);
  return {
    healthy: failingSince === null ? synced : failing < HEALTHY_MS,
    startedAt,
    syncedAt: synced ? new Date(firstEndsAt.getTime() + more * period) : null,
    syncs: (synced ? 1 + more : 0) + failures,
    failures,
    micros,
  };
}

/** A number as Go writes it in Prometheus' text format: with an exponent from a million on. */
function goNumber(value: number): string {
  if (value === 0 || Math.abs(value) < 1e6) return String(value);
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  return `${mantissa}e+${exponent.replace('+', '').padStart(2, '0')}`;
}

const seconds = (moment: Date): number => moment.getTime() / 1_000;

/** The counters of failed syncs that kube-proxy registers in each mode. */
const FAILURES: Readonly<Record<ProxyMode, string>> = {
  iptables: 'kubeproxy_sync_proxy_rules_iptables_restore_failures_total',
  ipvs: 'kubeproxy_sync_proxy_rules_iptables_restore_failures_total',
  nftables: 'kubeproxy_sync_proxy_rules_nftables_sync_failures_total',
};

/**
 * kube-proxy's answer on /metrics, as far as it is about its syncs. From 1.33 on each family of addresses is counted on
 * its own (https://github.com/kubernetes/kubernetes/pull/129173): a metric with a label has no sample before it has a
 * value, a counter of failures before the first one. `localhostNodePorts`: packets to node ports on 127.0.0.1 so far.
 */
export function metricsText(syncs: Syncs, now: Date, localhostNodePorts = 0): string {
  const { syncedAt, startedAt, syncs: count, failures, micros } = reportSyncs(syncs, now);
  syncs.asked += 1;
  const labelled = Number(syncs.version.split('.')[1]) >= 33;
  const families = labelled ? ['{ip_family="IPv4"}', '{ip_family="IPv6"}'] : [''];
  const metric = (name: string, type: string, values: readonly (readonly [suffix: string, value: number | null])[]) => {
    const samples = families.flatMap((labels) =>
      values.flatMap(([suffix, value]) =>
        value === null && labelled ? [] : [`${name}${suffix}${labels} ${goNumber(value ?? 0)}`],
      ),
    );
    return samples.length === 0 ? [] : [`# TYPE ${name} ${type}`, ...samples];
  };
  const accepted = 'kubeproxy_iptables_localhost_nodeports_accepted_packets_total';
  const dropped = 'kubeproxy_iptables_ct_state_invalid_dropped_packets_total';
  const ofIptables =
    syncs.mode === 'iptables' && Number(syncs.version.split('.')[1]) >= 32
      ? [
          ...[`# TYPE ${accepted} counter`, `${accepted} ${goNumber(localhostNodePorts)}`],
          ...[`# TYPE ${dropped} counter`, `${dropped} 0`],
        ]
      : [];
  const lines = [
    ...metric('kubeproxy_sync_proxy_rules_duration_seconds', 'histogram', [
      ['_sum', (count * micros) / 1e6],
      ['_count', count],
    ]),
    ...metric('kubeproxy_sync_proxy_rules_last_timestamp_seconds', 'gauge', [['', syncedAt && seconds(syncedAt)]]),
    ...metric(FAILURES[syncs.mode], 'counter', [['', failures === 0 ? null : failures]]),
    ...ofIptables,
    '# TYPE process_start_time_seconds gauge',
    `process_start_time_seconds ${goNumber(seconds(startedAt))}`,
  ];
  return `${lines.join('\n')}\n`;
}
