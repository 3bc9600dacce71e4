import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTables, UnparseableOutput, type VirtualServer } from '../../../../functions/core/modes/ipvs-tables.ts';
import { MANUAL_SAMPLE } from '../fixtures.ts';

const HEADER = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
`;
const PROC_HEADER = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
`;

const brief = ({ protocol, address, port, scheduler, flags, realServers }: VirtualServer): string =>
  [protocol, address, port, scheduler, ...flags, `${realServers.length} real`].join(' ');

describe('the tables of ipvsadm -Ln', () => {
  it('are read with every column', () => {
    const text = `${HEADER}TCP  10.100.0.1:443 rr\n  -> 192.168.1.10:443             Masq    1      2          3\n`;
    expect(parseTables(text)).toEqual([
      {
        protocol: 'TCP',
        address: '10.100.0.1',
        port: 443,
        scheduler: 'rr',
        flags: [],
        realServers: [
          {
            address: '192.168.1.10',
            port: 443,
            forward: 'Masq',
            weight: 1,
            activeConnections: 2,
            inactiveConnections: 3,
          },
        ],
      },
    ]);
  });

  it.each([
    ['TCP  10.0.0.1:80 rr persistent 10800', 'TCP 10.0.0.1 80 rr persistent 10800 0 real'],
    [
      'TCP  10.0.0.1:80 rr persistent 360 mask 255.255.255.0',
      'TCP 10.0.0.1 80 rr persistent 360 mask 255.255.255.0 0 real',
    ],
    ['UDP  10.0.0.1:53 rr ops', 'UDP 10.0.0.1 53 rr ops 0 real'],
    ['TCP  10.0.0.1:80 sh (sh-fallback,sh-port)', 'TCP 10.0.0.1 80 sh (sh-fallback,sh-port) 0 real'],
    ['UDP  10.0.0.1:5060 rr persistent 300 pe sip', 'UDP 10.0.0.1 5060 rr persistent 300 pe sip 0 real'],
    ['TCP  10.0.0.1:80 mh (mh-port)', 'TCP 10.0.0.1 80 mh (mh-port) 0 real'],
    ['SCTP 10.0.0.1:3868 wlc', 'SCTP 10.0.0.1 3868 wlc 0 real'],
    ['FWM  7 rr', 'FWM 7  rr 0 real'],
    ['FWM  7 IPv6 rr', 'FWM 7  rr 0 real'],
    ['TCP  [fd00::1]:443 rr', 'TCP fd00::1 443 rr 0 real'],
    ['TCP  [fd00::1]:8443 rr persistent 10800 mask 128', 'TCP fd00::1 8443 rr persistent 10800 mask 128 0 real'],
    ['TCP  10.100.0.1:https rr', 'TCP 10.100.0.1 443 rr 0 real'],
    ['UDP  10.100.0.10:domain rr', 'UDP 10.100.0.10 53 rr 0 real'],
    ['TCP  ip-10-0-0-1.ec2:https rr', 'TCP 10.0.0.1 443 rr 0 real'],
  ])('have the service %s', (line, expected) => {
    expect(parseTables(`${HEADER}${line}\n`).map(brief)).toEqual([expected]);
  });

  it.each(['Masq', 'Route', 'Tunnel', 'Local'])('have real servers forwarded by %s', (forward) => {
    const text = `TCP  10.0.0.1:80 rr\n  -> 10.0.1.1:80 ${forward} 0 0 0`;
    expect(parseTables(text)[0]?.realServers[0]).toMatchObject({ forward, weight: 0 });
  });

  it('may come one after the other, without titles, or with Windows line ends', () => {
    const one = `${HEADER}TCP  10.0.0.1:80 rr\n`;
    expect(parseTables(one + one)).toHaveLength(2);
    expect(parseTables('TCP  10.0.0.1:80 rr\n')).toHaveLength(1);
    expect(parseTables(one.replaceAll('\n', '\r\n'))).toHaveLength(1);
    expect(parseTables('')).toEqual([]);
  });
});

describe('the tables of ipvsadm -L', () => {
  it.each([
    ['[fd00::1]:https', 'fd00::1', 443],
    ['[fd00::a]:domain', 'fd00::a', 53],
    ['[i-0abc.us-west-2.compute.internal]:https', 'i-0abc.us-west-2.compute.internal', 443],
    ['[kube-dns]:9153', 'kube-dns', 9153],
    [
      '[one-name-of-a-host-with-much.part.us-west-2.compute.intern',
      'one-name-of-a-host-with-much.part.us-west-2.compute.intern',
      null,
    ],
    [
      '[one-name-of-a-host-with-much.part.us-west-2.compute.int]:8',
      'one-name-of-a-host-with-much.part.us-west-2.compute.int',
      null,
    ],
  ])('have IPv6 endpoints in brackets, addresses and names: %s', (endpoint, address, port) => {
    const text = `${HEADER}TCP  ${endpoint} rr\n  -> ${endpoint} Masq    1      0          0\n`;
    const [server] = parseTables(text);
    expect(server).toMatchObject({ address, port, realServers: [{ address, port }] });
    if (address.includes('::')) return;
    expect(() => parseTables(text, { dialect: 'ipvsadm', names: 'refused' })).toThrow('is a name, where numbers');
  });

  it('lose no port of an IPv6 endpoint because names of another family are cut at its width', () => {
    const narrow = 'TCP  ip-10-100-0-10.us-east-1 rr\nTCP  [fd12:3456:789a:1::]:6443 rr\n';
    expect(parseTables(narrow).map(({ port }) => port)).toEqual([null, 6443]);
  });

  it('give addresses back from names that were resolved and cut', () => {
    const servers = parseTables(MANUAL_SAMPLE);
    expect(servers.map(brief)).toEqual([
      'TCP 10.100.0.1  rr 2 real',
      'TCP 10.100.0.10  rr 2 real',
      'UDP 10.100.0.10  rr 2 real',
    ]);
    expect(servers[0]?.realServers[1]).toEqual({
      address: '192.168.162.166',
      port: null,
      forward: 'Masq',
      weight: 1,
      activeConnections: 1,
      inactiveConnections: 0,
    });
  });

  it.each([
    ['a name without its port', 'ip-192-168-113-81.us-east-1.', '192.168.113.81'],
    ['a port of which nothing is left', 'ip-10-0-62-110.ec2.internal:', '10.0.62.110'],
    ['a number that may have lost digits', 'ip-10-0-62-10.ec2.internal:4', '10.0.62.10'],
    ['a name of a port that lost its end', 'ip-172-20-0-1.ec2.internal:h', '172.20.0.1'],
    ['a name that another port may begin with', 'ip-10-0-0-1.eu-west-1.c:http', '10.0.0.1'],
  ])('have no port for %s, in a field of 28 characters', (_, endpoint, address) => {
    expect(endpoint).toHaveLength(28);
    const text = `TCP  10.0.0.9:80 rr\n  -> ${endpoint} Masq    1      0          0\nTCP  ${endpoint} rr\n`;
    const [first, second] = parseTables(text);
    expect(first?.realServers[0]).toMatchObject({ address, port: null });
    expect(second).toMatchObject({ address, port: null });
    expect(second).not.toHaveProperty('service');
  });

  it('have the port of a name that ends before its field does', () => {
    expect(parseTables('TCP  ip-10-0-0-1.example:3044 rr')[0]).toMatchObject({ address: '10.0.0.1', port: 3044 });
    expect(parseTables('TCP  ip-10-0-0-1.eu-west-1.:3044 rr')[0]).toMatchObject({ port: 3044 });
  });

  it('have no port at a width at which the same text cuts another name', () => {
    const narrow = 'TCP  ip-10-0-0-1.example:3044 rr\nTCP  ip-10-100-0-1.us-east-1. rr\n';
    expect(parseTables(narrow).map(({ port }) => port)).toEqual([null, null]);
  });

  it('never cut IPv6 addresses', () => {
    expect(parseTables(`${HEADER}TCP  [2001:db8::1111:2222:33]:443 rr\n`)[0]).toMatchObject({ port: 443 });
    expect(parseTables(`${HEADER}TCP  [2001:db8::111:2222:33]:443 rr\n`)[0]).toMatchObject({ port: 443 });
  });

  it('are refused where only numbers can be printed', () => {
    const name = 'TCP  ip-172-20-0-1.ec2.internal:h rr';
    expect(() => parseTables(name, { names: 'refused' })).toThrow(/is a name, where numbers are printed/);
    expect(() => parseTables('TCP  10.0.0.1:https rr', { names: 'refused' })).toThrow(/is a name/);
    expect(parseTables('TCP  10.0.0.1:443 rr', { names: 'refused' })).toHaveLength(1);
  });

  it('say the name of a service that has no number here', () => {
    expect(parseTables('TCP  10.0.0.1:postgresql rr')[0]).toMatchObject({ port: null, service: 'postgresql' });
  });
});

describe('/proc/net/ip_vs', () => {
  it('has addresses, ports and marks in hex', () => {
    const text = `${PROC_HEADER}TCP  0A640001:01BB rr 
  -> C0A8010A:01BB      Masq    1      0          0         
UDP  0A64000A:0035 rr ops persistent 1080000 FFFFFFFF
TCP  [fd00:0000:0000:0000:0000:0000:0000:0001]:01BB rr 
  -> [fd00:0000:0000:0000:0000:0000:0001:000a]:20FB      Masq    1      0          0
FWM  00000010 rr 
`;
    const servers = parseTables(text);
    expect(servers.map(brief)).toEqual([
      'TCP 10.100.0.1 443 rr 1 real',
      'UDP 10.100.0.10 53 rr ops persistent 1080000 0 real',
      'TCP fd00::1 443 rr 1 real',
      'FWM 16  rr 0 real',
    ]);
    expect(servers[0]?.realServers[0]).toMatchObject({ address: '192.168.1.10', port: 443 });
    expect(servers[2]?.realServers[0]).toMatchObject({ address: 'fd00::1:a', port: 8443 });
  });

  it('reads four digits of a port as hex only where it is certain who printed them', () => {
    const line = 'TCP  [2600:1f14:1234:5678:9abc:def1:1234:5678]:8443 rr';
    expect(parseTables(PROC_HEADER + line)[0]?.port).toBe(0x8443);
    expect(parseTables(HEADER + line)[0]?.port).toBe(8443);
    expect(parseTables(line, { dialect: 'proc' })[0]?.port).toBe(0x8443);
    expect(() => parseTables(line)).toThrow(/nobody knows whether the port is hex/);
  });
});

describe('what is not understood', () => {
  const service = 'TCP  10.0.0.1:80 rr\n';
  it.each([
    ['bash: ipvsadm: command not found', 1],
    [`${HEADER}No such service\n`, 4],
    [`${service}  -> 10.0.1.1:80 Masq 1 0`, 2],
    [`${service}  -> 10.0.1.1:80`, 2],
    [`${service}  -> 10.0.1.1:80 Mask 1 0 0`, 2],
    [`${service}  -> 10.0.1.1:80 Masq 1 0 0 0`, 2],
    [`${service}  -> 10.0.1.1:80 Masq -1 0 0`, 2],
    ['  -> 10.0.1.1:80 Masq 1 0 0', 1],
    ['TCP  10.0.0.1:80', 1],
    ['TCP  10.0.0.1:80 r', 1],
    ['TCP  10.0.0.1 rr', 1],
    ['TCP  10.0.0.1:70000 rr', 1],
    ['TCP  10.0.0.256:80 rr', 1],
    ['TCP  10.0.0.1:80 rr persist', 1],
    ['TCP  10.0.0.1:80 rr persistent', 1],
    ['TCP  10.0.0.1:80 rr surprise', 1],
    ['ICMP 10.0.0.1:80 rr', 1],
    ['FWM  x rr', 1],
    ['TCP  [fd00::1:443 rr', 1],
    ['TCP  [fd00::zz]:443 rr', 1],
    ['TCP  [name]443 rr', 1],
    ['TCP  [name]: rr', 1],
    ['TCP  [name rr', 1],
    ['TCP  [12]:443 rr', 1],
    ['TCP  short rr', 1],
    ['IP Virtual Server version 1.2.1 (siz', 1],
    ['IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Sched', 2],
    ['IP Virtual Server version 1.2.1 (size=4096)\nTCP  10.0.0.1:80 rr', 2],
    ['IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n', 4],
    [`${HEADER.replace(' InActConn', '')}`, 3],
    [
      'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port               CPS    InPPS   OutPPS    InBPS   OutBPS',
      2,
    ],
    [`${HEADER}TCP  0A640001:01BB rr`, 4],
    [`${PROC_HEADER}TCP  10.0.0.1:80 rr`, 4],
  ])('is refused with its line number: %j', (text, lineNumber) => {
    const caught = (() => {
      try {
        return parseTables(text);
      } catch (error) {
        return error;
      }
    })();
    expect(caught).toBeInstanceOf(UnparseableOutput);
    expect(caught).toMatchObject({ name: 'UnparseableOutput', lineNumber });
  });

  it('never ends in another error, and no cut real server gets through', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MANUAL_SAMPLE.length }), fc.string(), (cut, noise) => {
        const text = MANUAL_SAMPLE.slice(0, cut) + noise;
        try {
          const servers = parseTables(text);
          return servers.every(({ realServers }) => realServers.every(({ weight }) => Number.isInteger(weight)));
        } catch (error) {
          return error instanceof UnparseableOutput;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('reads back what ipvsadm prints for any table', () => {
    const ip = fc.tuple(...[0, 1, 2, 3].map(() => fc.integer({ min: 0, max: 255 }))).map((octets) => octets.join('.'));
    const server = fc.record({
      protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'),
      address: ip,
      port: fc.integer({ min: 1, max: 65_535 }),
      scheduler: fc.constantFrom('rr', 'lc', 'sed'),
      reals: fc.array(fc.record({ address: ip, port: fc.integer({ min: 1, max: 65_535 }), weight: fc.nat(9) })),
    });
    fc.assert(
      fc.property(fc.array(server), (servers) => {
        const text = servers.flatMap(({ protocol, address, port, scheduler, reals }) => [
          `${protocol.padEnd(4)} ${address}:${port} ${scheduler}`,
          ...reals.map(
            (real) => `  -> ${`${real.address}:${real.port}`.padEnd(27)} Masq    ${real.weight}      0          0`,
          ),
        ]);
        const read = parseTables(`${HEADER}${text.join('\n')}\n`).map((found) => ({
          protocol: found.protocol,
          address: found.address,
          port: found.port,
          scheduler: found.scheduler,
          reals: found.realServers.map((real) => ({ address: real.address, port: real.port, weight: real.weight })),
        }));
        expect(read).toEqual(servers);
      }),
    );
  });
});
