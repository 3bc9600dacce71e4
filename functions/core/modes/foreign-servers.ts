import type { Rule } from '../evidence/report.ts';

/** The fact, and the check that a request acknowledges to accept it. */
export const FOREIGN_SERVERS = 'foreign-virtual-servers';

/** A virtual server: protocol, address and port, or a firewall mark. */
const SERVER = /^(?:(?:tcp|udp|sctp)\/(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]):\d{1,5}|fwm\/\d{1,10})$/;

/** Entries with commas between them, or nothing. */
export const listOf = (isEntry: (entry: string, index: number, all: readonly string[]) => boolean): Rule => ({
  test: (text) => text === '' || text.split(',').every(isEntry),
});
export const entries = (list: string | undefined): string[] =>
  list === undefined || list === '' ? [] : list.split(',');

/** The last entry may say how many more there are. */
export const FOREIGN_SERVERS_RULE = listOf(
  (entry, index, all) => SERVER.test(entry) || (index > 0 && index === all.length - 1 && /^\+\d{1,9}$/.test(entry)),
);

/**
 * What kube-proxy deletes in the new mode although it did not make it; null if there is nothing. In IPVS mode it deletes
 * every virtual server that no Service asks for. When it enters nftables mode it empties the node's whole IPVS table:
 * `platformCleanup` in https://github.com/kubernetes/kubernetes/blob/master/cmd/kube-proxy/app/server_linux.go
 */
export function lostServers(facts: ReadonlyMap<string, string>, mode: string): string | null {
  const foreign = entries(facts.get(FOREIGN_SERVERS));
  if (foreign.length === 0) return null;
  return `kube-proxy in ${mode} mode deletes virtual servers that it did not make: ${foreign.join(', ')}`;
}
