import { canonicalAddress } from '../values/cluster-ip.ts';
import { UnparseableOutput } from './ipvs-tables.ts';

/**
 * The maps of kube-proxy's nftables tables that a proof reads. Their names and the form of their elements are the same
 * in all versions, while chains and rules changed in kube-proxy 1.36.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/proxy/nftables/proxier.go
 */
export const SERVICE_MAPS = ['service-ips', 'no-endpoint-services'] as const;
export type ServiceMap = (typeof SERVICE_MAPS)[number];

/** One element: what kube-proxy does with packets to an address and port. */
export interface MapElement {
  map: ServiceMap;
  protocol: 'TCP' | 'UDP' | 'SCTP';
  /** In canonical form. */
  address: string;
  port: number;
  /** `goto service-2QRHZV4L-default/kubernetes/tcp/https`, `goto reject-chain`, `drop`. */
  verdict: string;
}

/** `nft -n` prints the numbers of protocols. */
const PROTOCOLS: Readonly<Record<string, MapElement['protocol']>> = {
  tcp: 'TCP',
  udp: 'UDP',
  sctp: 'SCTP',
  '6': 'TCP',
  '17': 'UDP',
  '132': 'SCTP',
};

const ELEMENT =
  /^([0-9A-Fa-f:.]{2,45}) \. (\w+) \. (\d{1,5})(?: comment "[^"]*")? : ((?:goto|jump) [\w./-]{1,200}|drop|accept)$/;

/**
 * Reads one element as `nft` prints it.
 * @throws UnparseableOutput
 */
export function parseElement(map: ServiceMap, text: string, lineNumber: number): MapElement {
  const [, address = '', protocolName = '', port = '', verdict = ''] = ELEMENT.exec(text) ?? [];
  const protocol = PROTOCOLS[protocolName];
  const canonical = canonicalAddress(address);
  if (protocol === undefined || canonical === null || Number(port) > 65_535)
    throw new UnparseableOutput(lineNumber, text, `it is not an element of the map ${map}`);
  return { map, protocol, address: canonical, port: Number(port), verdict };
}

/** A line in the tables of the validate document: the map, then the element. */
const LABELLED = /^(service-ips|no-endpoint-services) (.+)$/;

/**
 * Reads the elements that validate-node.sh printed, one a line: `service-ips 10.100.0.1 . tcp . 443 : goto …`.
 * @throws UnparseableOutput
 */
export function parseElements(lines: readonly string[]): MapElement[] {
  return lines.map((line, index) => {
    const [, name, element = ''] = LABELLED.exec(line) ?? [];
    const map = SERVICE_MAPS.find((known) => known === name);
    if (map === undefined)
      throw new UnparseableOutput(index + 1, line, `it must begin with ${SERVICE_MAPS.join(' or ')}`);
    return parseElement(map, element, index + 1);
  });
}

/** The lines of `nft list map` that hold no element. */
const FRAME =
  /^(?:table (?:ip|ip6) kube-proxy \{|map (?:service-ips|no-endpoint-services) \{|type [\w. ]+ : verdict|typeof .*|size \d+|flags [\w, ]+|comment ".*"|\}|)$/;

/**
 * Reads the whole output of `nft list map ip kube-proxy service-ips` (or of `no-endpoint-services`, or both after each
 * other).
 * @throws UnparseableOutput for a line that is not part of such an output, and for one that is cut off
 */
export function parseMaps(text: string): MapElement[] {
  const elements: MapElement[] = [];
  let map: ServiceMap | null = null;
  let inElements = false;
  let open = 0;
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  for (const [index, raw] of lines.entries()) {
    let line = raw.trim();
    const name = /^map (service-ips|no-endpoint-services) \{$/.exec(line)?.[1];
    if (name !== undefined) map = SERVICE_MAPS.find((known) => known === name) ?? null;
    if (!inElements && line.startsWith('elements = {')) {
      inElements = true;
      line = line.slice('elements = {'.length).trim();
    } else if (!inElements) {
      if (!FRAME.test(line)) throw new UnparseableOutput(index + 1, raw, 'it is not part of a map of kube-proxy');
      if (line.endsWith('{')) open += 1;
      if (line === '}') open -= 1;
      continue;
    }
    if (line.endsWith('}')) {
      inElements = false;
      line = line.slice(0, -1);
    }
    for (const element of line.split(',').map((part) => part.trim())) {
      if (element === '') continue;
      if (map === null) throw new UnparseableOutput(index + 1, raw, 'it is in no map');
      elements.push(parseElement(map, element, index + 1));
    }
  }
  if (inElements || open !== 0 || map === null)
    throw new UnparseableOutput(lines.length, '', 'the output is cut off, or has no map of kube-proxy');
  return elements;
}

/** What a node in nftables mode must have: the services without which nothing in the cluster works. */
export interface FoundElements {
  apiServer: MapElement | null;
  dns: MapElement[];
  problems: string[];
}

/** Looks for the API server on TCP 443 and DNS on TCP 53 and UDP 53; none of them may be without endpoints. */
export function findElements(
  elements: readonly MapElement[],
  expected: { apiServer: string; dns: string },
): FoundElements {
  const found: FoundElements = { apiServer: null, dns: [], problems: [] };
  const look = (what: string, protocol: MapElement['protocol'], address: string, port: number): MapElement | null => {
    const there = elements.filter(
      (each) => each.protocol === protocol && each.address === address && each.port === port,
    );
    const name = `${what} (${protocol} ${address} port ${port})`;
    if (there.some(({ map }) => map === 'no-endpoint-services')) found.problems.push(`${name} has no endpoint`);
    const element = there.find(({ map }) => map === 'service-ips') ?? null;
    if (element === null) found.problems.push(`no element for ${name} in the map service-ips`);
    return element;
  };
  found.apiServer = look('the API server', 'TCP', expected.apiServer, 443);
  for (const protocol of ['TCP', 'UDP'] as const) {
    const element = look('DNS', protocol, expected.dns, 53);
    if (element !== null) found.dns.push(element);
  }
  return found;
}
