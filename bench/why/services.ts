import { createHash } from 'node:crypto';

/** A Service with one port and two endpoints on other nodes. */
export interface Service {
  readonly name: string;
  readonly address: string;
  /** `address:port`, as they are reached from the node. */
  readonly endpoints: readonly string[];
}

const PORT = 80;
const TARGET_PORT = 8080;
/** All Services are in one namespace; their one port has this name. */
const NAMESPACE = 'shop';
export const ENDPOINT_NETWORK = '10.128.0.0/15';

/** The Service with this number, from 1 on. */
export function service(number: number): Service {
  const end = `${number >> 8}.${number & 255}`;
  return {
    name: `${NAMESPACE}/service-${number}:http`,
    address: `10.96.${end}`,
    endpoints: [`10.128.${end}:${TARGET_PORT}`, `10.129.${end}:${TARGET_PORT}`],
  };
}

export const services = (count: number): Service[] => Array.from({ length: count }, (_, index) => service(index + 1));

/** What stands in a name of a chain for the Service or endpoint: a hash in base 32, as kube-proxy makes it. */
function hash(text: string, length: number): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bytes = createHash('sha256').update(text).digest();
  return [...bytes.subarray(0, length)].map((byte) => letters[byte % 32]).join('');
}

const lines = (...parts: (string | readonly string[])[]): string => `${parts.flat().join('\n')}\n`;

const MASQUERADE = [
  '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
  '-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000',
  '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
  '-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000',
];
const FORWARD = [
  '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT',
  '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
];
const chains = (...names: string[]): string[] => names.map((name) => `:${name} - [0:0]`);

/** The jumps from the kernel's own chains, which kube-proxy makes once. */
const NAT_JUMPS = [
  '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
  '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
  '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
];
const FILTER_JUMPS = [
  '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
  '-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS',
  '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
  '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
  '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
];

const serviceChain = ({ name }: Service): string => `KUBE-SVC-${hash(`${name}tcp`, 16)}`;
const endpointChain = ({ name }: Service, endpoint: string): string => `KUBE-SEP-${hash(`${name}tcp${endpoint}`, 16)}`;

/** A rule in KUBE-SERVICES for each Service, and the chains of those that changed. */
function serviceLines(all: readonly Service[], changed: readonly Service[]): string[] {
  return [
    ...changed.flatMap((each) => chains(serviceChain(each), ...each.endpoints.map((to) => endpointChain(each, to)))),
    ...all.map(
      (each) =>
        `-A KUBE-SERVICES -m comment --comment "${each.name} cluster IP" -m tcp -p tcp -d ${each.address} --dport ${PORT} -j ${serviceChain(each)}`,
    ),
    ...changed.flatMap((each) =>
      each.endpoints.flatMap((to, index) => {
        const left = each.endpoints.length - index;
        const chance = left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}` : '';
        const chain = endpointChain(each, to);
        return [
          `-A ${serviceChain(each)} -m comment --comment "${each.name} -> ${to}"${chance} -j ${chain}`,
          `-A ${chain} -m comment --comment ${each.name} -s ${to.replace(/:\d+$/, '')} -j KUBE-MARK-MASQ`,
          `-A ${chain} -m comment --comment ${each.name} -m tcp -p tcp -j DNAT --to-destination ${to}`,
        ];
      }),
    ),
  ];
}

/**
 * A text for `iptables-restore --noflush`. kube-proxy writes KUBE-SERVICES, with a rule for each Service, at every sync;
 * the chains of one Service only when that Service changed (pkg/proxy/iptables/proxier.go, since Kubernetes 1.26).
 */
function iptablesText(all: readonly Service[], changed: readonly Service[], jumps: 'with jumps' | 'without'): string {
  const first = jumps === 'with jumps';
  return lines(
    '*filter',
    chains('KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-FORWARD', 'KUBE-NODEPORTS', 'KUBE-PROXY-FIREWALL'),
    FORWARD,
    first ? FILTER_JUMPS : [],
    'COMMIT',
    '*nat',
    chains('KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-MARK-MASQ'),
    serviceLines(all, changed),
    '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
    MASQUERADE,
    first ? NAT_JUMPS : [],
    'COMMIT',
  );
}

/**
 * The same in portions. iptables-nft 1.8.9 looks for each line's chain in a list of all chains that it has met: in one
 * text, as kube-proxy writes it, 10,000 Services would take minutes. nft would take more memory than a kernel node has.
 * The kernel has the same in the end.
 */
function inPortions(base: string, all: readonly Service[], size: number, text: (some: Service[]) => string): string[] {
  const starts = Array.from({ length: Math.ceil(all.length / size) }, (_, index) => index * size);
  return [base, ...starts.map((start) => text(all.slice(start, start + size)))];
}

const iptablesInPortions = (all: readonly Service[]): string[] =>
  inPortions(iptablesText([], [], 'with jumps'), all, 100, (some) => lines('*nat', serviceLines(some, some), 'COMMIT'));

/** The rules of IPVS mode (pkg/proxy/ipvs/proxier.go), which look Services up in a set: their number does not grow. */
function ipvsRules(jumps: 'with jumps' | 'without'): string {
  const first = jumps === 'with jumps';
  return lines(
    '*filter',
    chains('KUBE-FORWARD', 'KUBE-IPVS-FILTER'),
    FORWARD,
    '-A KUBE-IPVS-FILTER -m set --match-set KUBE-CLUSTER-IP dst,dst -j RETURN',
    '-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set KUBE-IPVS-IPS dst -j REJECT',
    first
      ? [
          '-A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER',
          '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
        ]
      : [],
    'COMMIT',
    '*nat',
    chains('KUBE-SERVICES', 'KUBE-POSTROUTING', 'KUBE-NODE-PORT', 'KUBE-MARK-MASQ'),
    '-A KUBE-SERVICES -s 127.0.0.0/8 -j RETURN',
    '-A KUBE-SERVICES -m comment --comment "Kubernetes service cluster ip + port for masquerade purpose" -m set --match-set KUBE-CLUSTER-IP src,dst -j KUBE-MARK-MASQ',
    '-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT',
    '-A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT',
    '-A KUBE-POSTROUTING -m comment --comment "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose" -m set --match-set KUBE-LOOP-BACK dst,dst,src -j MASQUERADE',
    MASQUERADE,
    first ? NAT_JUMPS : [],
    'COMMIT',
  );
}

const IPVS_SETS = [
  'create KUBE-CLUSTER-IP hash:ip,port family inet maxelem 65536',
  'create KUBE-IPVS-IPS hash:ip family inet maxelem 65536',
  'create KUBE-LOOP-BACK hash:ip,port,ip family inet maxelem 65536',
];
const ipvsElements = (each: Service): string[] => [
  `add KUBE-CLUSTER-IP ${each.address},tcp:${PORT}`,
  `add KUBE-IPVS-IPS ${each.address}`,
];
const virtualServer = (each: Service): string[] => [
  `-A -t ${each.address}:${PORT} -s rr`,
  ...each.endpoints.map((to) => `-a -t ${each.address}:${PORT} -r ${to} -m -w 1`),
];

/** The table without Services, as kube-proxy 1.36 and newer writes it (pkg/proxy/nftables/proxier.go). */
const NFT_BASE = [
  'add table ip kube-proxy { comment "rules for kube-proxy" ; }',
  'add set ip kube-proxy cluster-ips { type ipv4_addr ; comment "Active ClusterIPs" ; }',
  'add set ip kube-proxy nodeport-ips { type ipv4_addr ; }',
  'add set ip kube-proxy hairpin-connections { type ipv4_addr . ipv4_addr . inet_proto . inet_service ; }',
  ...['firewall-ips', 'no-endpoint-services', 'service-ips'].map(
    (map) => `add map ip kube-proxy ${map} { type ipv4_addr . inet_proto . inet_service : verdict ; }`,
  ),
  ...['no-endpoint-nodeports', 'service-nodeports'].map(
    (map) => `add map ip kube-proxy ${map} { type inet_proto . inet_service : verdict ; }`,
  ),
  ...[
    'cluster-ips-check',
    'firewall-check',
    'masquerading',
    'nodeport-endpoints-check',
    'reject-chain',
    'services',
    'service-endpoints-check',
  ].map((chain) => `add chain ip kube-proxy ${chain}`),
  ...[
    'filter-prerouting-pre-dnat { type filter hook prerouting priority -110 ; }',
    'filter-output-pre-dnat { type filter hook output priority -110 ; }',
    'filter-forward { type filter hook forward priority 0 ; }',
    'filter-input { type filter hook input priority 0 ; }',
    'filter-output { type filter hook output priority 0 ; }',
    'nat-output { type nat hook output priority -100 ; }',
    'nat-postrouting { type nat hook postrouting priority 100 ; }',
    'nat-prerouting { type nat hook prerouting priority -100 ; }',
  ].map((chain) => `add chain ip kube-proxy ${chain}`),
  ...[
    'cluster-ips-check ip daddr @cluster-ips reject',
    'cluster-ips-check ip daddr { 10.96.0.0/16 } drop',
    'filter-prerouting-pre-dnat ct state new jump firewall-check',
    'filter-forward ct state new jump service-endpoints-check',
    'filter-forward ct state new jump cluster-ips-check',
    'filter-input ct state new jump nodeport-endpoints-check',
    'filter-input ct state new jump service-endpoints-check',
    'filter-output ct state new jump service-endpoints-check',
    'filter-output-pre-dnat ct state new jump firewall-check',
    'filter-output ct state new jump cluster-ips-check',
    'firewall-check ip daddr . meta l4proto . th dport vmap @firewall-ips',
    'masquerading mark and 0x4000 != 0 mark set mark xor 0x4000 masquerade fully-random',
    'masquerading ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random',
    'nat-output jump services',
    'nat-postrouting jump masquerading',
    'nat-prerouting jump services',
    'nodeport-endpoints-check ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports',
    'reject-chain reject',
    'services ip daddr . meta l4proto . th dport vmap @service-ips',
    'services ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports',
    'service-endpoints-check ip daddr . meta l4proto . th dport vmap @no-endpoint-services',
  ].map((rule) => `add rule ip kube-proxy ${rule}`),
];

function nftService(each: Service): string[] {
  const [name = '', port = ''] = each.name.split(':');
  const path = `${name}/tcp/${port}`;
  const chain = `service-${hash(path, 8)}-${path}`;
  const targets = each.endpoints.map((to, index) => `${index} : ${to.replace(':', ' . ')}`).join(' , ');
  return [
    `add chain ip kube-proxy ${chain}`,
    `flush chain ip kube-proxy ${chain}`,
    `add rule ip kube-proxy ${chain} meta l4proto tcp dnat ip addr . port to numgen random mod ${each.endpoints.length} map { ${targets} }`,
    `add element ip kube-proxy cluster-ips { ${each.address} }`,
    `add element ip kube-proxy service-ips { ${each.address} . tcp . ${PORT} : goto ${chain} }`,
  ];
}

/** One program that kube-proxy's shape is written with, and the text on its standard input. */
export interface Write {
  readonly program: string;
  readonly text: string;
}

export const MODES = ['iptables', 'ipvs', 'nftables'] as const;
export type Mode = (typeof MODES)[number];

/** What brings a node to where kube-proxy has written `all`, and what kube-proxy writes when `added` came to `all` (which has it last). */
export interface Shape {
  start(all: readonly Service[]): Write[];
  oneMore(all: readonly Service[], added: Service): Write[];
}

const restore = (text: string): Write => ({ program: 'iptables-nft-restore -w 600 --noflush --counters', text });

export const SHAPES: Readonly<Record<Mode, Shape>> = {
  iptables: {
    start: (all) => iptablesInPortions(all).map(restore),
    oneMore: (all, added) => [restore(iptablesText(all, [added], 'without'))],
  },
  ipvs: {
    start: (all) => [
      { program: 'ip -batch -', text: lines(all.map(bind)) },
      { program: 'ipvsadm -R', text: lines(all.flatMap(virtualServer)) },
      { program: 'ipset restore', text: lines(IPVS_SETS, all.flatMap(ipvsElements)) },
      restore(ipvsRules('with jumps')),
    ],
    oneMore: (_, added) => [
      { program: 'ip -batch -', text: lines(bind(added)) },
      { program: 'ipvsadm -R', text: lines(virtualServer(added)) },
      { program: 'ipset restore', text: lines(ipvsElements(added)) },
      restore(ipvsRules('without')),
    ],
  },
  nftables: {
    start: (all) =>
      inPortions(lines(NFT_BASE), all, 1_000, (some) => lines(some.flatMap(nftService))).map((text) => ({
        program: 'nft -f -',
        text,
      })),
    oneMore: (_, added) => [{ program: 'nft -f -', text: lines(nftService(added)) }],
  },
};

function bind({ address }: Service): string {
  return `addr add ${address}/32 dev kube-ipvs0`;
}
