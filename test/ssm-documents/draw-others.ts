import fc from 'fast-check';

/** The objects of other programs on a node, as those programs would write them. */
export interface OthersOnNode {
  readonly ipsets: readonly string[];
  readonly tables: readonly OthersTable[];
  /** Arguments for ipvsadm: `-t 10.0.0.7:80`, `-f 3`. */
  readonly servers: readonly string[];
}

export interface OthersTable {
  readonly program: 'iptables-legacy' | 'iptables-nft' | 'ip6tables-legacy' | 'ip6tables-nft';
  readonly table: 'filter' | 'nat';
  readonly chains: readonly string[];
  /** Rules in the form of iptables-save. */
  readonly rules: readonly string[];
}

/** Names of kube-router, kubelet, CNI plugins, Calico and Docker, and names that are similar to kube-proxy's. */
const CHAINS = [
  'KUBE-ROUTER-FORWARD',
  'KUBE-NWPLCY-OFIUXPBIMAQZ4RLX',
  'KUBE-POD-FW-UKQ6FKPVMMLQDSRJ',
  'KUBE-KUBELET-HINT',
  'CNI-HOSTPORT-DNAT',
  'CNI-DN-0123456789abcdef',
  'AWS-SNAT-CHAIN-0',
  'cali-FORWARD',
  'DOCKER-USER',
  'KUBE-SVC',
  'KUBE-SVC-lower',
  'KUBE-SERVICES-OLD',
  'MY-KUBE-SVC-AAAA',
  'KUBE-SEP_AAAA',
  'kube-services',
  'KUBE-NODE-PORTS',
  'KUBE-NODE-PORT-2',
  'KUBE-LOAD-BALANCER-X',
  'KUBE-IPVS-FILTERS',
  'X-KUBE-IPVS-FILTER',
];
const IPSETS = [
  'KUBE-SRC-2FAAAV5XKHM46QPR',
  'KUBE-DST-3YNVZWWGX3UQQ4VQ',
  'KUBE-CLUSTER-IP2',
  'MY-KUBE-CLUSTER-IP',
  'kube-cluster-ip',
  'KUBE-LOOP-BACK-X',
  'KUBE-NODE-PORT',
  'office',
];
/** Comments of kube-proxy, and text that looks like the end of a rule. */
const COMMENTS = [
  'ours',
  'kubernetes service portals',
  'default/idle has no endpoints',
  'kubernetes ipvs access filter',
  ...[
    'default/idle:http has no local endpoints -j REJECT',
    '-j KUBE-SVC-AAAAAAAAAAAAAAAA',
    'a \\"quoted\\" -g KUBE-NODE-PORT',
  ],
  '--match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT',
  'kubernetes health check rules',
];

interface Rule {
  readonly from: number;
  readonly to: number | 'ACCEPT' | 'RETURN';
  readonly comment: string;
  readonly match: 'none' | 'port' | 'mark' | 'set';
}

const anyRule: fc.Arbitrary<Rule> = fc.record({
  // The built-in chain comes before the chains of others.
  from: fc.integer({ min: -1, max: 3 }),
  to: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('ACCEPT' as const, 'RETURN' as const)),
  comment: fc.constantFrom(...COMMENTS),
  match: fc.constantFrom<Rule['match'][]>('none', 'port', 'mark', 'set'),
});

const MATCHES: Readonly<Record<Rule['match'], string>> = {
  none: '',
  port: ' -p tcp -m tcp --dport 30080',
  mark: ' -m mark --mark 0x4000/0x4000',
  set: ' -m set --match-set office src',
};

/** Chains lead only to later chains, because the kernel refuses a loop. */
function rulesOf(table: OthersTable['table'], chains: readonly string[], rules: readonly Rule[]): string[] {
  const builtIn = table === 'nat' ? 'PREROUTING' : 'FORWARD';
  return rules.flatMap(({ from, to, comment, match }) => {
    const chain = from === -1 ? builtIn : chains[from];
    const target = typeof to === 'number' ? chains[to] : to;
    if (chain === undefined || target === undefined || (typeof to === 'number' && to <= from)) return [];
    // A rule of others in a built-in chain leads to a chain of theirs, so that it does not stop the node's own traffic.
    if (from === -1 && typeof to !== 'number') return [];
    return [`-A ${chain}${MATCHES[match]} -m comment --comment "${comment}" -j ${target}`];
  });
}

const anyTable: fc.Arbitrary<OthersTable> = fc
  .record({
    program: fc.constantFrom<OthersTable['program'][]>(
      ...(['iptables-legacy', 'iptables-nft', 'ip6tables-legacy', 'ip6tables-nft'] as const),
    ),
    table: fc.constantFrom<OthersTable['table'][]>('filter', 'nat'),
    chains: fc.uniqueArray(fc.constantFrom(...CHAINS), { minLength: 1, maxLength: 4 }),
    drawn: fc.array(anyRule, { minLength: 1, maxLength: 8 }),
  })
  .map(({ program, table, chains, drawn }) => ({
    program,
    table,
    chains,
    // The set has IPv4 addresses only.
    rules: rulesOf(table, chains, program.startsWith('ip6') ? drawn.filter(({ match }) => match !== 'set') : drawn),
  }));

/** Virtual servers that are not on addresses of Services, which only kube-proxy has, and not on a node port. */
const servers = fc.uniqueArray(
  fc.constantFrom('-t 10.0.0.7:80', '-u 10.0.0.7:53', '-t 10.0.0.8:31000', '-f 3', '-f 77', '-t [fd00::7]:443'),
  { maxLength: 3 },
);

/** Draws all objects of others on one node, in up to three tables. */
export const anyOthers: fc.Arbitrary<OthersOnNode> = fc.record({
  ipsets: fc.uniqueArray(fc.constantFrom(...IPSETS.slice(0, -1)), { maxLength: 4 }),
  tables: fc.uniqueArray(anyTable, {
    minLength: 1,
    maxLength: 3,
    selector: ({ program, table }) => `${program} ${table}`,
  }),
  servers,
});

/** A shell script that makes all of these objects except the virtual servers. */
export function made({ ipsets, tables }: OthersOnNode): string {
  return [
    'set -e',
    'ipset create office hash:net -exist',
    ...ipsets.map((name) => `ipset create ${name} hash:ip -exist`),
    ...tables.map(({ program, table, chains, rules }) =>
      restored(program, [`*${table}`, ...chains.map((chain) => `:${chain} - [0:0]`), ...rules, 'COMMIT']),
    ),
  ].join('\n');
}

/** A shell script that removes all of them again, in order. */
export function unmade({ ipsets, tables, servers: theirs }: OthersOnNode): string {
  return [
    'set -e',
    ...tables.map(({ program, table, chains, rules }) =>
      restored(program, [
        `*${table}`,
        ...rules.filter((rule) => !chains.some((chain) => rule.startsWith(`-A ${chain} `))).map(deleted),
        ...chains.map((chain) => `-F ${chain}`),
        ...chains.map((chain) => `-X ${chain}`),
        'COMMIT',
      ]),
    ),
    ...[...ipsets, 'office'].map((name) => `ipset destroy ${name}`),
    ...theirs.map((server) => `ipvsadm -D ${server}`),
  ].join('\n');
}

const deleted = (rule: string): string => rule.replace(/^-A/, '-D');

const restored = (program: string, lines: readonly string[]): string =>
  `${program}-restore --noflush <<'RULES'\n${lines.join('\n')}\nRULES`;
