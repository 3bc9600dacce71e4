import { parseTables } from '../functions/core/modes/ipvs-tables.ts';
import { type Bench, fastest, type Row } from './measure.ts';

const HEADER = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
`;

/** `ipvsadm -Ln`'s output for a cluster: four lines per service, three of them real servers. */
function table(lines: number, ipv6: boolean): string {
  const host = (index: number, net: string): string =>
    ipv6
      ? `[fd00:${net.length}::${((index % 65_535) + 1).toString(16)}]`
      : `${net}.${(index >> 8) & 255}.${index & 255}`;
  return (
    HEADER +
    Array.from({ length: lines / 4 }, (_, service) =>
      [
        `TCP  ${host(service, '10.100')}:443 rr${service % 10 === 0 ? ' persistent 10800' : ''}`,
        ...[0, 1, 2].map(
          (real) => `  -> ${host(service * 3 + real, '192.168')}:8443           Masq    1      0          0`,
        ),
      ].join('\n'),
    ).join('\n')
  );
}

/** Measures how the parser's time grows with the lines; the limit is 300 ms for 100,000 lines. */
export const bench: Bench = {
  title: 'ipvsadm -Ln: parse a whole table',
  rows: () =>
    [false, true].flatMap((ipv6) =>
      [1_000, 10_000, 100_000].map((lines): Row => {
        const text = table(lines, ipv6);
        const milliseconds = fastest(() => {
          const servers = parseTables(text);
          if (servers.length !== lines / 4) throw new Error(`${servers.length} services of ${lines / 4} were read`);
        });
        const what = `${lines.toLocaleString('en')} lines, ${ipv6 ? 'IPv6' : 'IPv4'}`;
        return { what, count: lines, milliseconds, ...(lines === 100_000 && { limit: 300 }) };
      }),
    ),
};
