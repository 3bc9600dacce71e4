import { describe, expect, it } from 'vitest';
import { problemsOfSyncs, type SyncFacts, syncFactsOf } from '../../../../functions/core/evidence/syncs.ts';
import { SYNCED } from '../fixtures.ts';

/** As kube-proxy 1.36 answers, with a sample for each family of addresses. */
const METRICS = `# HELP process_start_time_seconds [STABLE] Start time of the process since unix epoch in seconds.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.7950000005e+09
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 1.79500000925e+09
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv6"} 1.79500000325e+09
kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv6"} 1.7e+09
kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv4"} 2
kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv6"} 1
kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family="IPv4",le="0.001"} 0
kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="IPv4"} 0.05
kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"} 1
kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="IPv6"} 0.01
kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv6"} 2
`;

describe('what kube-proxy reports', () => {
  it('counts both families of addresses, and the sync that is longer ago', () => {
    expect(syncFactsOf('ok', METRICS, METRICS.replace('"IPv6"} 1\n', '"IPv6"} 4\n'))).toEqual({
      healthz: 'ok',
      startedAt: 1_795_000_000.5,
      syncedAt: 1_795_000_003.25,
      syncFailures: 3,
      syncFailuresLater: 6,
      syncMicros: 20_000,
    });
  });

  it('has no failure if a counter with labels has no sample yet, and none is known if no sync is reported', () => {
    const healthy = METRICS.split('\n').filter((line) => !line.includes('failures'));
    const none = healthy.filter((line) => !line.includes('duration'));
    const read = (lines: string[]) => syncFactsOf('ok', lines.join('\n'), lines.join('\n'));
    expect(read(healthy)).toMatchObject({ syncFailures: 0, syncFailuresLater: 0, syncMicros: 20_000 });
    expect(read(none)).toMatchObject({ syncFailures: 'unknown', syncFailuresLater: 'unknown' });
  });

  it('is read without labels, as older versions print it', () => {
    const older = 'process_start_time_seconds 5\nkubeproxy_sync_proxy_rules_last_timestamp_seconds 7.5\n';
    expect(syncFactsOf('ok', older, older)).toEqual({
      healthz: 'ok',
      startedAt: 5,
      syncedAt: 7.5,
      syncFailures: 'unknown',
      syncFailuresLater: 'unknown',
      syncMicros: 'unknown',
    });
  });

  it('is unknown, not zero, if it did not come', () => {
    expect(syncFactsOf('unreachable', null, null)).toEqual({
      healthz: 'unreachable',
      startedAt: 'unknown',
      syncedAt: 'unknown',
      syncFailures: 'unknown',
      syncFailuresLater: 'unknown',
      syncMicros: 'unknown',
    });
  });
});

describe('a kube-proxy that says nftables', () => {
  it('is proven by syncs without a failure', () => {
    expect(problemsOfSyncs('nftables', SYNCED)).toEqual([]);
  });

  const FAILURES: [Partial<SyncFacts>, string][] = [
    [{ healthz: 'failed' }, 'kube-proxy says on /healthz that it is not healthy'],
    [{ healthz: 'unreachable' }, 'kube-proxy does not answer on /healthz'],
    [{ startedAt: 'unknown' }, 'kube-proxy does not say on /metrics when it last wrote its rules'],
    [{ syncedAt: 'unknown' }, 'kube-proxy does not say on /metrics when it last wrote its rules'],
    [{ syncedAt: 0 }, 'kube-proxy has not written its rules since it started'],
    [{ syncFailures: 'unknown' }, 'kube-proxy does not say on /metrics how often it failed to write its rules'],
    [{ syncFailuresLater: 1 }, 'kube-proxy fails to write its rules: 0 failures, and then 1'],
    [{ syncFailures: 3, syncFailuresLater: 3 }, 'kube-proxy has failed 3 times to write its rules since it started'],
  ];
  it.each(FAILURES)('is not proven by %j', (facts, problem) => {
    expect(problemsOfSyncs('nftables', { ...SYNCED, ...facts })).toEqual([problem]);
  });
});

it('in the other modes a failure that is over does not count, nor a counter that is not there', () => {
  for (const mode of ['iptables', 'ipvs'] as const)
    for (const count of [3, 'unknown'] as const)
      expect(problemsOfSyncs(mode, { ...SYNCED, syncFailures: count, syncFailuresLater: count })).toEqual([]);
});
