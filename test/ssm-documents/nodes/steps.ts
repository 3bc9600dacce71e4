import type { ProxyMode } from '../../../functions/core/modes/proxy-mode.ts';
import type { Step } from './node-history.ts';

type Chosen = typeof iptables | typeof nftables | ReturnType<typeof ipvs>;

export const iptables = { mode: 'iptables' } as const;
export const ipvs = (scheduler: 'rr' | 'lc' | 'sed') => ({ mode: 'ipvs', scheduler }) as const;
export const nftables = { mode: 'nftables' } as const;
export const running = (mode: ProxyMode) => ({ running: true, mode }) as const;

export const start = (version: string, proxying: Chosen): Step => ({
  do: 'start',
  version,
  proxying,
  expect: running(proxying.mode),
});

export const passes = (proxying: Chosen, facts: Record<string, string | number>): Step => ({
  do: 'validate',
  proxying,
  expect: { pass: true, facts },
});

export const TWELVE = [
  'ip_vs',
  'ip_vs_rr',
  'ip_vs_wrr',
  'ip_vs_lc',
  'ip_vs_wlc',
  'ip_vs_lblc',
  'ip_vs_lblcr',
  'ip_vs_sh',
  'ip_vs_dh',
  'ip_vs_sed',
  'ip_vs_nq',
  'nf_conntrack',
];
export const ELEVEN =
  'ip_vs,ip_vs_rr,ip_vs_wrr,ip_vs_lc,ip_vs_wlc,ip_vs_lblc,ip_vs_lblcr,ip_vs_sh,ip_vs_dh,ip_vs_sed,ip_vs_nq';

/** Prepared at once for a scheduler, on a node whose kube-proxy runs in iptables mode. */
export const prepare = (scheduler: string): Step => ({
  do: 'prepare',
  scheduler,
  expect: { exitCode: 0, lines: { ipvsadm: 'installed', loaded: ELEVEN, builtin: '', missing: '', scheduler: 'ok' } },
});
