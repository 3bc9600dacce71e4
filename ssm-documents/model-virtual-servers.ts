import { split } from '@nightshift/sandbox/nodes';
import ipaddr from 'ipaddr.js';

const bracketed = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** As /proc/net/ip_vs writes it: `0A640001:01BB`, IPv6 in full and in brackets. */
function hex(address: string, port: number): string {
  const parsed = ipaddr.parse(address);
  const bytes = parsed.toByteArray().map((byte) => byte.toString(16).padStart(2, '0'));
  const portHex = port.toString(16).toUpperCase().padStart(4, '0');
  if (parsed.kind() === 'ipv4') return `${bytes.join('').toUpperCase()}:${portHex}`;
  const groups = Array.from({ length: 8 }, (_, group) => bytes.slice(group * 2, group * 2 + 2).join(''));
  return `[${groups.join(':')}]:${portHex}`;
}

/** At most this many real servers of a virtual server are shown. */
const SHOWN = 4;

/**
 * One virtual server as validate-node.sh shows it, no trailing spaces.
 *
 * @param source `ipvsadm` sorts real servers by address; the kernel's own file has the newest first.
 */
export function showVirtualServer(
  source: 'ipvsadm' | 'proc',
  server: { protocol: 'TCP' | 'UDP'; address: string; port: number; scheduler: string },
  endpoints: readonly string[],
): string[] {
  const address = source === 'ipvsadm' ? bracketed : hex;
  const ordered = source === 'ipvsadm' ? endpoints : endpoints.toReversed();
  const lines = ordered.slice(0, SHOWN).map((endpoint) => {
    const real = split(endpoint);
    const shown = address(real.address, real.port);
    return `  -> ${source === 'ipvsadm' ? `${shown.padEnd(28)} ` : `${shown}      `}Masq    1      0          0`;
  });
  const rest = endpoints.length > SHOWN ? [`  ... ${endpoints.length - SHOWN} more`] : [];
  return [`${server.protocol}  ${address(server.address, server.port)} ${server.scheduler}`, ...lines, ...rest];
}
