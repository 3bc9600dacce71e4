import { describe, expect, it } from 'vitest';
import { findElements, parseElements, parseMaps } from '../../../../functions/core/modes/nftables-maps.ts';

/** As nft 1.0.6 lists it, with a comment of the map, two elements a line, and an element with a comment. */
const LISTED = `table ip kube-proxy {
	map service-ips {
		type ipv4_addr . inet_proto . inet_service : verdict
		comment "ClusterIP, ExternalIP and LoadBalancer IP traffic"
		elements = { 10.100.0.1 . tcp . 443 : goto service-2QRHZV4L-default/kubernetes/tcp/https,
			     10.100.0.10 . udp . 53 : goto service-FY5PMXPG-kube-system/kube-dns/udp/dns, 10.100.0.10 . tcp . 53 : goto service-AS2KJYAD-kube-system/kube-dns/tcp/dns-tcp }
	}
}
`;
const EMPTY = `table ip kube-proxy {
	map no-endpoint-services {
		type ipv4_addr . inet_proto . inet_service : verdict
		comment "vmap to drop or reject packets to services with no endpoints"
		elements = { 10.100.0.10 . udp . 53 comment "kube-system/kube-dns:dns" : goto reject-chain }
	}
}
`;
const SERVICES = { apiServer: '10.100.0.1', dns: '10.100.0.10' };

describe('what nft lists of a map', () => {
  it('is read as elements', () => {
    expect(parseMaps(LISTED)).toEqual([
      {
        map: 'service-ips',
        protocol: 'TCP',
        address: '10.100.0.1',
        port: 443,
        verdict: 'goto service-2QRHZV4L-default/kubernetes/tcp/https',
      },
      {
        map: 'service-ips',
        protocol: 'UDP',
        address: '10.100.0.10',
        port: 53,
        verdict: 'goto service-FY5PMXPG-kube-system/kube-dns/udp/dns',
      },
      {
        map: 'service-ips',
        protocol: 'TCP',
        address: '10.100.0.10',
        port: 53,
        verdict: 'goto service-AS2KJYAD-kube-system/kube-dns/tcp/dns-tcp',
      },
    ]);
  });

  it('may be of both maps, one after the other, with carriage returns', () => {
    const both = parseMaps(`${LISTED}${EMPTY}`.replaceAll('\n', '\r\n'));
    expect(both.map(({ map, port }) => `${map} ${port}`)).toEqual([
      'service-ips 443',
      'service-ips 53',
      'service-ips 53',
      'no-endpoint-services 53',
    ]);
  });

  it('may be an empty map', () => {
    expect(parseMaps('table ip kube-proxy {\n\tmap service-ips {\n\t\ttype ipv4_addr : verdict\n\t}\n}\n')).toEqual([]);
  });

  it.each([
    ['cut after a line', LISTED.split('\n').slice(0, 6).join('\n')],
    ['cut within an element', LISTED.slice(0, 300)],
    ['of another table', LISTED.replace('kube-proxy', 'filter')],
    ['with a line of an error', `Error: No such file or directory\n${LISTED}`],
    ['nothing but text', 'hello'],
    ['with an address that is none', LISTED.replace('10.100.0.1 ', '10.100.0.999 ')],
    ['with a port that is none', LISTED.replace('443 :', '99999 :')],
  ])('is refused if it is %s', (_what, text) => {
    expect(() => parseMaps(text)).toThrow('is not understood');
  });
});

describe('the elements of the API server and of DNS', () => {
  it('prove the node', () => {
    expect(findElements(parseMaps(LISTED), SERVICES)).toMatchObject({
      apiServer: { port: 443 },
      dns: [{ protocol: 'TCP' }, { protocol: 'UDP' }],
      problems: [],
    });
  });

  it('are all missed by name', () => {
    expect(findElements([], SERVICES).problems).toEqual([
      'no element for the API server (TCP 10.100.0.1 port 443) in the map service-ips',
      'no element for DNS (TCP 10.100.0.10 port 53) in the map service-ips',
      'no element for DNS (UDP 10.100.0.10 port 53) in the map service-ips',
    ]);
  });

  it('must have endpoints', () => {
    expect(findElements(parseMaps(`${LISTED}${EMPTY}`), SERVICES).problems).toEqual([
      'DNS (UDP 10.100.0.10 port 53) has no endpoint',
    ]);
  });

  it('are compared by what an IPv6 address means', () => {
    const lines = ['service-ips fd00:0:0::1 . 6 . 443 : goto service-2QRHZV4L-default/kubernetes/tcp/https'];
    expect(findElements(parseElements(lines), { apiServer: 'fd00::1', dns: 'fd00::a' }).apiServer).toMatchObject({
      protocol: 'TCP',
      address: 'fd00::1',
    });
  });

  it.each(['service-nodeports 10.100.0.1 . tcp . 443 : drop', '10.100.0.1 . tcp . 443 : drop', ''])(
    'are refused behind no map that is known: %j',
    (line) => {
      expect(() => parseElements([line])).toThrow('it must begin with service-ips or no-endpoint-services');
    },
  );
});
