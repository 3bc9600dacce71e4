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
for address in 10.0.1.2/32 10.0.1.3/32; do ip address add $address dev lo; done
# Without nodad an address cannot be used at once.
for address in fd31::2/128 fd31::3/128; do ip address add $address dev lo nodad; done
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
