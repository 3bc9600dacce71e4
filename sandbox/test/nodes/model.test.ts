import { describe, expect, test } from 'vitest';
import { modelMachine } from '../../nodes/model.ts';
import type { ProxyMode } from '../../region.ts';

const START = Date.parse('2026-11-20T22:00:00Z');

const SERVICES = [
  { namespace: 'default', name: 'kubernetes', clusterIp: '10.100.0.1', port: 443, protocol: 'TCP' as const },
  { namespace: 'default', name: 'idle', clusterIp: '10.100.0.20', port: 80, protocol: 'TCP' as const },
].map((service, index) => ({ ...service, endpoints: index === 0 ? ['192.168.1.1:443'] : [] }));

/** A node at a time of its own, on which kube-proxy of one version is started in one mode after the other. */
class NodeLife {
  #seconds = 0;
  readonly machine;

  constructor(options: Partial<Parameters<typeof modelMachine>[0]> = {}) {
    this.machine = modelMachine({
      os: 'al2023',
      name: 'node',
      address: '192.168.1.2',
      documents: new Map(),
      now: () => new Date(START + this.#seconds * 1_000),
      ...options,
    });
  }

  pass(seconds: number): void {
    this.#seconds += seconds;
  }

  start(mode: ProxyMode, version = '1.36') {
    const config = { mode, scheduler: mode === 'ipvs' ? 'rr' : '' };
    return this.machine.startKubeProxy(config, { version, serviceCidr: '10.100.0.0/16', services: SERVICES });
  }

  /** One metric's samples; no sample of it: an empty list. */
  async metric(name: string): Promise<string[]> {
    const answer = await this.machine.askKubeProxy?.('metrics');
    return (answer?.text ?? '').split('\n').filter((line) => new RegExp(`^${name}[{ ]`).test(line));
  }

  async health(): Promise<number | undefined> {
    return (await this.machine.askKubeProxy?.('healthz'))?.status;
  }
}

const NONE = { virtualServers: 0, rejectRules: 0, nftTables: 0 };

describe('a kube-proxy that changes its mode', () => {
  test.each<[ProxyMode[], typeof NONE]>([
    [['iptables'], NONE],
    [['nftables'], NONE],
    [['iptables', 'ipvs'], { virtualServers: 0, rejectRules: 1, nftTables: 0 }],
    [['ipvs', 'iptables'], { virtualServers: 2, rejectRules: 0, nftTables: 0 }],
    [['iptables', 'nftables'], NONE],
    [['ipvs', 'nftables'], NONE],
    [['iptables', 'ipvs', 'nftables'], NONE],
    [['ipvs', 'iptables', 'nftables', 'ipvs'], NONE],
    [['nftables', 'iptables'], NONE],
    [['nftables', 'ipvs', 'iptables'], { virtualServers: 2, rejectRules: 0, nftTables: 0 }],
  ])('by way of %j leaves %j', async (modes, leftovers) => {
    const node = new NodeLife();
    for (const mode of modes) expect(await node.start(mode)).toEqual({ running: true, mode });
    expect(await node.machine.report()).toMatchObject({ runningMode: modes.at(-1), leftovers });
  });

  test('and enters nftables deletes virtual servers of others, too', async () => {
    const node = new NodeLife({ foreignVirtualServers: ['tcp/10.0.0.5:80'] });
    await node.start('iptables');
    expect(await node.machine.report()).toMatchObject({ foreignVirtualServers: ['tcp/10.0.0.5:80'] });
    await node.start('nftables');
    expect(await node.machine.report()).toMatchObject({ foreignVirtualServers: [] });
  });

  test('leaves its tables in nftables only as often as it is scripted', async () => {
    const node = new NodeLife();
    node.machine.keepNftTables(1);
    for (const mode of ['nftables', 'iptables'] as const) await node.start(mode);
    expect(await node.machine.report()).toMatchObject({ leftovers: { ...NONE, nftTables: 2 } });
    await node.start('ipvs');
    expect(await node.machine.report()).toMatchObject({ leftovers: { nftTables: 0 } });
  });
});

test.each<[string, ProxyMode, string, string]>([
  ['6.1.158-180.294.amzn2023.x86_64', 'nftables', '1.36', 'runs'],
  ['5.13.0', 'nftables', '1.31', 'runs'],
  ['5.13.0', 'nftables', '1.30', 'KubeProxyConfiguration.Mode: Invalid value: "nftables"'],
  [
    '5.10.245-241.976.amzn2.x86_64',
    'nftables',
    '1.36',
    'kube-proxy in nftables mode requires kernel 5.13 or later, this one is 5.10.245-241.976.amzn2.x86_64',
  ],
  ['4.18.0-553.el8', 'iptables', '1.36', 'runs'],
  ['6.18.8', 'ipvs', '1.39', 'runs'],
  ['6.18.8', 'ipvs', '1.40', 'KubeProxyConfiguration.Mode: Invalid value: "ipvs"'],
  ['6.18.8', 'nftables', '1.40', 'runs'],
])('on kernel %s kube-proxy in %s of version %s: %s', async (kernel, mode, version, ending) => {
  const started = await new NodeLife({ kernel }).start(mode, version);
  expect(started.running ? 'runs' : started.reason).toBe(ending);
});

describe('syncs', () => {
  test('are reported without labels before 1.33, and then for each family of addresses', async () => {
    const node = new NodeLife();
    await node.start('nftables', '1.32');
    expect(await node.metric('kubeproxy_sync_proxy_rules_nftables_sync_failures_total')).toEqual([
      'kubeproxy_sync_proxy_rules_nftables_sync_failures_total 0',
    ]);
    expect(await node.metric('kubeproxy_sync_proxy_rules_last_timestamp_seconds')).toEqual([
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds 1.795212e+09',
    ]);
    expect(await node.metric('process_start_time_seconds')).toEqual(['process_start_time_seconds 1.795211999581e+09']);
    await node.start('nftables', '1.33');
    expect(await node.metric('kubeproxy_sync_proxy_rules_nftables_sync_failures_total')).toEqual([]);
    expect(await node.metric('kubeproxy_sync_proxy_rules_duration_seconds_count')).toEqual([
      'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"} 1',
      'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv6"} 1',
    ]);
  });

  test('follow one another every 30 seconds', async () => {
    const node = new NodeLife();
    await node.start('ipvs', '1.31');
    node.pass(61);
    expect(await node.metric('kubeproxy_sync_proxy_rules_duration_seconds_count')).toEqual([
      'kubeproxy_sync_proxy_rules_duration_seconds_count 3',
    ]);
    expect(await node.metric('kubeproxy_sync_proxy_rules_last_timestamp_seconds')).toEqual([
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds 1.79521206e+09',
    ]);
    expect(await node.health()).toBe(200);
  });

  test('that fail write no rules, count, and make kube-proxy unhealthy after a minute', async () => {
    const node = new NodeLife();
    node.machine.troubleSyncs('fail', 'nftables', Number.POSITIVE_INFINITY);
    await node.start('iptables', '1.32');
    await node.start('nftables', '1.32');
    expect(await node.machine.report()).toMatchObject({ runningMode: 'nftables', leftovers: NONE });
    const failures = 'kubeproxy_sync_proxy_rules_nftables_sync_failures_total';
    expect(await node.metric(failures)).toEqual([`${failures} 1`]);
    expect(await node.metric(failures)).toEqual([`${failures} 2`]);
    expect(await node.health()).toBe(200);
    node.pass(60);
    expect(await node.health()).toBe(503);
    expect(await node.metric('kubeproxy_sync_proxy_rules_last_timestamp_seconds')).toEqual([
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds 0',
    ]);
    await node.start('iptables', '1.32');
    expect(await node.machine.report()).toMatchObject({ leftovers: { nftTables: 0 } });
    expect(await node.health()).toBe(200);
  });

  test('that begin to fail leave the rules and the time of the last sync as they were', async () => {
    const node = new NodeLife();
    await node.start('nftables', '1.32');
    node.pass(40);
    node.machine.troubleSyncs('fail', 'nftables', 1);
    node.pass(3_600);
    expect(await node.metric('kubeproxy_sync_proxy_rules_last_timestamp_seconds')).toEqual([
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds 1.79521203e+09',
    ]);
    expect(await node.health()).toBe(503);
    await node.start('nftables', '1.32');
    expect(await node.health()).toBe(200);
  });

  test('that are slow write their rules after minutes', async () => {
    const node = new NodeLife();
    node.machine.troubleSyncs('slow', 'nftables', 1);
    await node.start('nftables', '1.32');
    node.pass(132);
    expect(await node.health()).toBe(503);
    expect(await node.metric('kubeproxy_sync_proxy_rules_duration_seconds_count')).toEqual([
      'kubeproxy_sync_proxy_rules_duration_seconds_count 0',
    ]);
    node.pass(1);
    expect(await node.health()).toBe(200);
    expect(await node.metric('kubeproxy_sync_proxy_rules_duration_seconds_sum')).toEqual([
      'kubeproxy_sync_proxy_rules_duration_seconds_sum 133',
    ]);
  });

  test('fail on a kernel without a module of nftables', async () => {
    const node = new NodeLife({ missingModules: ['nft_fib_ipv4'] });
    expect(await node.start('nftables')).toEqual({ running: true, mode: 'nftables' });
    node.pass(60);
    expect(await node.health()).toBe(503);
    expect(await node.machine.report()).toMatchObject({ runningMode: 'nftables' });
  });

  test('are not reported by a kube-proxy that does not run', async () => {
    const node = new NodeLife({ kernel: '5.4.0' });
    await node.start('nftables');
    expect(await node.machine.askKubeProxy?.('metrics')).toBe(null);
    expect(await node.machine.askKubeProxy?.('healthz')).toBe(null);
  });
});
