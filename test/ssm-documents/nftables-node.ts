import { spawnSync } from 'node:child_process';
import { canMount, type Ran, runInSmallRoot, type SmallRoot } from './small-root.ts';

/** Why this machine cannot play a node in nftables mode; null if it can. */
export function whyNot(): string | null {
  if (!canMount()) return 'this machine lets nobody mount (unshare -rmpf fails)';
  for (const program of ['nft', 'perl', 'curl', 'iptables-nft', 'iptables-legacy', 'ip'])
    if (spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin; command -v ${program}`]).status !== 0)
      return `${program} is not installed (scripts/setup-kernel-nodes.sh brings it)`;
  const tried = spawnSync('unshare', ['-rn', 'nft', 'add table ip tried'], { env: { PATH: '/usr/sbin:/usr/bin' } });
  return tried.status === 0 ? null : 'nft does not work in a network namespace';
}

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

/** Samples of kube-proxy's metrics, with other metrics around them. */
export const METRICS = `# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.79500000050e+09
go_goroutines 61
kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family="IPv4",le="0.001"} 3
kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="IPv4"} 1.25
kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"} 20
kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="IPv6"} 0.25
kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv6"} 10
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 1.7950000099e+09
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv6"} 1.79500000325e+09
kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv4"} 0
kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv6"} 0
`;

/** A node, and what its kube-proxy answers. A path's answer is 404 if it is not here. */
export interface Node {
  mode: 'ipvs' | 'iptables' | 'nftables';
  /** What `nft -f` reads. */
  tables?: string;
  /** What `iptables-nft-restore` and `iptables-legacy-restore` read. */
  rules?: string;
  /** What `ipset restore` reads, before the rules. */
  ipsets?: string;
  legacyRules?: string;
  /** Two answers on /metrics. */
  metrics?: [string, string];
  /** Status of /healthz and /livez. */
  health?: [number, number];
  /** Whose nft works: the node's, the one in kube-proxy's image, or none. */
  nft?: 'node' | 'image' | 'none';
  /** Shell programs that replace programs of the node. */
  programs?: Record<string, string>;
  real?: readonly string[];
  files?: Record<string, string>;
  before?: string;
  after?: string;
  runs?: 1 | 2;
}

/**
 * kube-proxy's two HTTP servers, an API server that accepts connections, and a DNS that answers with the question's
 * number. Ends its first process when all of them listen. /metrics has a second answer.
 */
const SERVER = String.raw`use Socket;
my %http;
sub heard {
  my ($type, $address, $port) = @_;
  my $family = $address =~ /:/ ? AF_INET6 : AF_INET;
  my $number = Socket::inet_pton($family, $address);
  socket(my $socket, $family, $type, 0) or die $!;
  bind($socket, $family == AF_INET ? pack_sockaddr_in($port, $number) : Socket::pack_sockaddr_in6($port, $number))
    or die "$address: $!";
  $type == SOCK_DGRAM or listen($socket, 64) or die $!;
  return $socket;
}
sub content { open(my $file, '<', $_[0]) or return; local $/; return scalar <$file> }
my @http = map { heard(SOCK_STREAM, '127.0.0.1', $_) } 10249, 10256;
my @tcp = map { heard(SOCK_STREAM, $_, 6443) } '10.0.1.2', 'fd31::2';
my @udp = map { heard(SOCK_DGRAM, $_, 53) } '10.0.1.3', 'fd31::3';
exit if fork;
open(STDIN, '<', '/dev/null'); open(STDOUT, '>', '/dev/null'); open(STDERR, '>', '/dev/null');
while (1) {
  my $bits = '';
  vec($bits, fileno($_), 1) = 1 for @http, @tcp, @udp;
  select($bits, undef, undef, undef);
  for my $socket (grep { vec($bits, fileno($_), 1) } @udp) {
    my $from = recv($socket, my $question, 512, 0);
    send($socket, substr($question, 0, 2) . "\x81\x80", 0, $from);
  }
  for my $socket (grep { vec($bits, fileno($_), 1) } @tcp) { accept(my $client, $socket) }
  for my $socket (grep { vec($bits, fileno($_), 1) } @http) {
    accept(my $client, $socket);
    my $request = '';
    1 while $request !~ /\r\n\r\n/ and sysread($client, $request, 4096, length $request);
    my ($path) = $request =~ m{^GET /(\w+) } or next;
    my $body = content($path eq 'metrics' && $asked++ ? '/answers/later' : "/answers/$path");
    my $status = content("/answers/$path.status") // (defined $body ? 200 : 404);
    syswrite($client, "HTTP/1.1 $status X\r\nConnection: close\r\n\r\n" . ($body // ''));
  }
}
`;

const SERVE = `ip link set lo up
for address in 10.0.1.2/32 10.0.1.3/32 fd31::2/128 fd31::3/128; do ip address add $address dev lo; done
ip route add 10.100.0.0/16 dev lo
ip route add fd30::/64 dev lo
perl /server.pl || exit 1
`;

/** kube-proxy's image: a root of its own, with an nft. */
const IMAGE = `mkdir -p /image/usr/sbin /image/usr/lib /image/usr/lib64 /proc/77
for link in lib lib64; do ln -s usr/$link /image/$link; mount --rbind /usr/$link /image/usr/$link; done
touch /image/usr/sbin/nft
mount --bind /host/sbin/nft /image/usr/sbin/nft
ln -s /image /proc/77/root
echo kube-proxy >/proc/77/comm
`;

const REAL = [
  ...['curl', 'ip', 'perl', 'ln', 'mount', 'chroot', 'iptables-legacy', 'iptables-legacy-save'],
  ...['iptables-legacy-restore', 'ip6tables-legacy-save', 'iptables-nft', 'iptables-nft-save', 'iptables-nft-restore'],
  ...['ip6tables-nft', 'ip6tables-nft-save', 'ip6tables-nft-restore'],
];

/** Runs a document on a node that this machine's own kernel plays in a network namespace. */
export function runOnNode(document: string, parameters: Record<string, string>, node: Node): Ran {
  const { mode, metrics = [METRICS, METRICS], health = [200, 200], nft = 'node' } = node;
  const heredoc = (command: string, text: string | undefined) =>
    text === undefined ? '' : `${command} <<'TEXT'\n${text}\nTEXT\n`;
  const root: SmallRoot = {
    files: {
      '/etc/os-release': 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
      '/etc/protocols': 'tcp 6 TCP\nudp 17 UDP\n',
      '/proc/modules': 'nf_tables 1 0 - Live 0x0\n',
      '/server.pl': SERVER,
      '/answers/proxyMode': mode,
      '/answers/metrics': metrics[0],
      '/answers/later': metrics[1],
      '/answers/healthz.status': String(health[0]),
      '/answers/livez.status': String(health[1]),
      ...node.files,
    },
    programs: {
      sleep: 'exit 0',
      ...node.programs,
    },
    real: [
      ...REAL.filter((name) => !(name in (node.programs ?? {}))),
      ...(nft === 'node' && !('nft' in (node.programs ?? {})) ? ['nft'] : []),
      ...(node.real ?? []),
    ],
    before: [
      SERVE,
      nft === 'image' ? IMAGE : '',
      heredoc('/host/sbin/nft -f -', node.tables),
      heredoc('/host/sbin/ipset restore', node.ipsets),
      heredoc('iptables-nft-restore', node.rules),
      heredoc('iptables-legacy-restore', node.legacyRules),
      node.legacyRules === undefined ? '' : 'mkdir -p /proc/net; echo nat >/proc/net/ip_tables_names\n',
      node.before ?? '',
    ].join(''),
    after: node.after ?? '/host/sbin/nft list ruleset',
    runs: node.runs ?? 1,
  };
  return runInSmallRoot(document, parameters, root);
}

/** What `nft list ruleset` prints after these commands, and nothing else was there. */
export function rulesetOf(commands: string): string {
  const made = spawnSync('unshare', ['-rn', 'sh', '-c', 'nft -f - && nft list ruleset'], {
    input: commands,
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  if (made.status !== 0) throw new Error(made.stderr);
  return made.stdout;
}
