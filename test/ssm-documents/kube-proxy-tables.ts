/** kube-proxy before 1.36 has a chain for each endpoint; since 1.36 a Service's own chain has its endpoints. */
export const GENERATIONS = ['before 1.36', 'since 1.36'] as const;
export type Generation = (typeof GENERATIONS)[number];

export interface Service {
  /** As in a chain's name. */
  name: string;
  address: string;
  protocol: 'tcp' | 'udp';
  port: number;
  /** Null for a Service without endpoints. */
  endpoint: { address: string; port: number } | null;
}

export const API_SERVER: Service = {
  name: '2QRHZV4L-default/kubernetes/tcp/https',
  address: '10.100.0.1',
  protocol: 'tcp',
  port: 443,
  endpoint: { address: '10.0.1.2', port: 6443 },
};
const dns = (protocol: 'tcp' | 'udp', name: string): Service => ({
  name,
  address: '10.100.0.10',
  protocol,
  port: 53,
  endpoint: { address: '10.0.1.3', port: 53 },
});
export const DNS_TCP = dns('tcp', 'ZVCHN3MB-kube-system/kube-dns/tcp/dns-tcp');
export const DNS_UDP = dns('udp', 'FY5PMXPG-kube-system/kube-dns/udp/dns');
export const SERVICES: readonly Service[] = [
  API_SERVER,
  DNS_TCP,
  DNS_UDP,
  { name: '4AT6LBPK-shop/web/tcp/http', address: '10.100.7.43', protocol: 'tcp', port: 80, endpoint: null },
];

/** The same Services on a cluster with IPv6. */
export const IPV6_SERVICES: readonly Service[] = SERVICES.map((service) => ({
  ...service,
  address: service.address.replace(/^10\.100\.0\.(\d+)$/, (_, last: string) => `fd30::${Number(last).toString(16)}`),
  endpoint: service.endpoint && {
    ...service.endpoint,
    address: service.endpoint.address.replace('10.0.1.', 'fd31::'),
  },
})).filter(({ endpoint }) => endpoint !== null);

const TYPE = { ip: 'ipv4_addr', ip6: 'ipv6_addr' } as const;
const BASE_CHAINS = `filter-prerouting-pre-dnat filter prerouting -110
filter-output-pre-dnat filter output -110
filter-forward filter forward 0
filter-input filter input 0
filter-output filter output 0
nat-output nat output -100
nat-prerouting nat prerouting -100
nat-postrouting nat postrouting 100`;

/** What `nft -f` reads to make one of kube-proxy's two tables. */
export function kubeProxyTable(
  family: 'ip' | 'ip6',
  services: readonly Service[],
  generation: Generation = 'since 1.36',
): string {
  const table = `${family} kube-proxy`;
  const old = generation === 'before 1.36';
  const address = TYPE[family];
  const key = `${address} . inet_proto . inet_service`;
  const maps = [
    ['firewall-ips', key, 'destinations that are subject to LoadBalancerSourceRanges'],
    ['no-endpoint-nodeports', 'inet_proto . inet_service', 'vmap for service nodeports with no endpoints'],
    ['no-endpoint-services', key, 'vmap to drop or reject packets to services with no endpoints'],
    ['service-ips', key, 'ClusterIP, ExternalIP and LoadBalancer IP traffic'],
    ['service-nodeports', 'inet_proto . inet_service', 'NodePort traffic'],
  ];
  const pair = `${address} . ${address} . inet_proto . inet_service`;
  return [
    `add table ${table} { comment "rules for kube-proxy" ; }`,
    `add set ${table} cluster-ips { type ${address} ; comment "Active ClusterIPs" ; }`,
    `add set ${table} nodeport-ips { type ${address} ; comment "IPs that accept NodePort traffic" ; }`,
    ...(old ? [] : [`add set ${table} hairpin-connections { type ${pair} ; comment "service hairpin connections" ; }`]),
    ...maps.map(
      ([name, type, comment]) => `add map ${table} ${name} { type ${type} : verdict ; comment "${comment}" ; }`,
    ),
    ...['services', 'masquerading', 'mark-for-masquerade', 'service-endpoints-check', 'reject-chain'].map(
      (chain) => `add chain ${table} ${chain}`,
    ),
    ...BASE_CHAINS.split('\n').map((line) => {
      const [name, type, hook, priority] = line.split(' ');
      return `add chain ${table} ${name} { type ${type} hook ${hook} priority ${priority} ; }`;
    }),
    `add rule ${table} reject-chain reject`,
    `add rule ${table} mark-for-masquerade mark set mark or 0x4000`,
    `add rule ${table} masquerading mark and 0x4000 == 0 return`,
    `add rule ${table} masquerading masquerade fully-random`,
    `add rule ${table} nat-output jump services`,
    `add rule ${table} nat-prerouting jump services`,
    `add rule ${table} nat-postrouting jump masquerading`,
    `add rule ${table} filter-output ct state new jump service-endpoints-check`,
    `add rule ${table} services ${family} daddr . meta l4proto . th dport vmap @service-ips`,
    `add rule ${table} service-endpoints-check ${family} daddr . meta l4proto . th dport vmap @no-endpoint-services`,
    ...services.flatMap((service) => serviceRules(family, service, old)),
  ].join('\n');
}

function serviceRules(family: 'ip' | 'ip6', service: Service, old: boolean): string[] {
  const table = `${family} kube-proxy`;
  const { name, address, protocol, port, endpoint } = service;
  const key = `${address} . ${protocol} . ${port}`;
  if (endpoint === null)
    return [`add element ${table} no-endpoint-services { ${key} comment "${name}" : goto reject-chain }`];
  const chain = `service-${name}`;
  const target = `endpoint-5OJB2KTY-${name}__10.0.1.2/${endpoint.port}`;
  const to = family === 'ip6' ? `[${endpoint.address}]:${endpoint.port}` : `${endpoint.address}:${endpoint.port}`;
  const rules = old
    ? [
        `add chain ${table} ${target}`,
        `add rule ${table} ${target} meta l4proto ${protocol} dnat to ${to}`,
        `add rule ${table} ${chain} numgen random mod 1 vmap { 0 : goto ${target} }`,
      ]
    : [
        `add rule ${table} ${chain} meta l4proto ${protocol} dnat ${family} addr . port to numgen random mod 1 map { 0 : ${endpoint.address} . ${endpoint.port} }`,
      ];
  return [
    `add chain ${table} ${chain}`,
    ...rules,
    `add element ${table} cluster-ips { ${address} }`,
    `add element ${table} service-ips { ${key} : goto ${chain} }`,
  ];
}

/** Tables, sets, maps and chains of others, one of them with names that kube-proxy has in its own. */
export const OF_OTHERS = `
add table ip kube-proxy-lab
add map ip kube-proxy-lab service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }
add chain ip kube-proxy-lab services
add rule ip kube-proxy-lab services ip daddr . meta l4proto . th dport vmap @service-ips
add table inet kube-proxy
add set inet kube-proxy cluster-ips { type ipv4_addr ; elements = { 203.0.113.9 } }
add chain inet kube-proxy nat-output { type nat hook output priority 200 ; }
add rule inet kube-proxy nat-output ip daddr @cluster-ips counter
add table inet firewall
add chain inet firewall forward { type filter hook forward priority 10 ; policy drop ; }
add rule inet firewall forward accept
add table ip6 calico
add chain ip6 calico raw { type filter hook prerouting priority -300 ; policy accept ; }
`;
