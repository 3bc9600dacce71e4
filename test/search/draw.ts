import fc from 'fast-check';
import type { Case, CaseCluster, CaseNodes, CaseRequest, CaseWorld } from './case.ts';
import { anyFaults } from './draw-faults.ts';
import { hasShell, runsKubeProxy } from './truth.ts';

const SCHEDULERS = ['rr', 'lc', 'sh', 'wrr'];
/** The first is the most frequent; some are not the newest, so that somebody can upgrade them. */
const VERSIONS: readonly [string, string][] = [
  ['1.34', 'v1.34.0-eksbuild.2'],
  ['1.34', 'v1.34.1-eksbuild.2'],
  ['1.30', 'v1.30.6-eksbuild.3'],
  ['1.26', 'v1.26.0-eksbuild.1'],
  ['1.35', 'v1.35.0-eksbuild.2'],
  ['1.36', 'v1.36.0-eksbuild.2'],
];

/** A Friday and the night after it: long before the windows, in them, just before their cutoffs. */
const STARTS = ['12:00', '21:50', '22:10', '23:55', '24:40', '25:30', '26:20', '27:35', '28:45', '29:55'];

const start = fc.constantFrom(...STARTS).map((time) => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return new Date(Date.UTC(2026, 10, 20, hours, minutes)).toISOString();
});

/** Moments at which the calendar flips: in the middle of the nightly window, or hours before and after it. */
const freeze = fc.oneof(
  { weight: 3, arbitrary: fc.constant<string[]>([]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<string[][]>(
      ['2026-11-20T22:30:00.000Z', '2026-11-22T12:00:00.000Z'],
      ['2026-11-20T10:00:00.000Z', '2026-11-21T22:45:00.000Z'],
      ['2026-11-21T01:00:00.000Z'],
    ),
  },
);

const CONFIGURATIONS = [
  null,
  '{"resources":{"requests":{"cpu":"150m"}}}',
  '{}',
  'resources:\n  limits: {cpu: "1"} # ours\npodAnnotations:\n  example.com/owner: checkout\n',
  '{"mode":"iptables","podLabels":{"team":"net"},"ipvs":{"scheduler":"lc"}}',
  '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}',
  '{"mode":"ipvs","ipvs":{"scheduler":"rr"},"podLabels":{"team":"net"}}',
  'mode: ipvs\nipvs:\n  scheduler: lc\n',
  '{"mode":"nftables","podLabels":{"team":"net"}}',
];

const nodes: fc.Arbitrary<CaseNodes> = fc.record(
  {
    os: fc.constantFrom<CaseNodes['os'][]>(
      'al2023',
      'al2023',
      'al2023',
      'al2',
      'ubuntu',
      'bottlerocket',
      'windows',
      'fargate',
    ),
    count: fc.constantFrom(1, 1, 2, 3),
    ssm: fc.constantFrom<('online' | 'offline' | 'none')[]>(
      'online',
      'online',
      'online',
      'online',
      'online',
      'online',
      'offline',
      'none',
    ),
    packageMirror: fc.constantFrom<('up' | 'down')[]>('up', 'up', 'up', 'down'),
    missingModules: fc.constantFrom<string[][]>([], [], [], ['ip_vs_sh'], ['ip_vs_lblc']),
  },
  { requiredKeys: ['os', 'count'] },
);

const SERVERS_OF_OTHERS = ['tcp/10.0.0.5:80', 'udp/[fd00::5]:53', 'fwm/7'];

/** Only a script sees virtual servers of others: those on nodes without a shell would be lost unseen. */
const shared: fc.Arbitrary<CaseNodes> = fc
  .record({ group: nodes, draw: fc.integer({ min: 0, max: 11 }) })
  .map(({ group, draw }) =>
    draw === 11 && hasShell(group) ? { ...group, foreignVirtualServers: SERVERS_OF_OTHERS } : group,
  );

/** A node that only Kubernetes knows. */
const owned: fc.Arbitrary<CaseNodes> = fc
  .record({ group: shared, draw: fc.integer({ min: 0, max: 19 }) })
  .map(({ group, draw }) => (draw === 19 && runsKubeProxy(group) ? { ...group, startedBy: 'person' } : group));

/** What few clusters have: an endpoint that does not answer the functions, years of updates, edits by hand. */
const RARE: readonly Partial<CaseCluster>[] = [
  { endpoint: 'public', publicAccessCidrs: ['203.0.113.0/24'] },
  { pastUpdates: 250 },
  { remoteNodeNetworks: ['10.200.0.0/16'] },
  { workloads: { configMapEdits: { 'conntrack.maxPerCore': 0 } } },
];

function clusterNamed(name: string): fc.Arbitrary<CaseCluster> {
  return fc
    .record({
      version: fc.oneof(
        { weight: 4, arbitrary: fc.constant(VERSIONS[0]) },
        { weight: 2, arbitrary: fc.constant(VERSIONS.at(-1)) },
        { weight: 1, arbitrary: fc.constantFrom(...VERSIONS) },
      ),
      services: fc.constantFrom(8, 2, 40),
      servicesWithoutEndpoints: fc.constantFrom(0, 0, 2),
      endpoint: fc.constantFrom<('public' | 'private')[]>('public', 'public', 'public', 'public', 'private'),
      authenticationMode: fc.constantFrom<CaseCluster['authenticationMode'][]>(
        'API',
        'API_AND_CONFIG_MAP',
        'API',
        'CONFIG_MAP',
      ),
      configuration: fc.constantFrom(...CONFIGURATIONS),
      rare: fc.constantFrom<Partial<CaseCluster>[]>(...Array.from({ length: 14 }, () => ({})), ...RARE),
      selfManaged: fc.integer({ min: 0, max: 15 }).map((draw) => draw === 15),
      serviceCidr: fc.constantFrom('10.100.0.0/16', '10.100.0.0/16', '10.100.0.0/16', 'fd12:3456:789a::/108'),
      nodeGroups: fc.oneof(
        { weight: 1, arbitrary: fc.constant<CaseNodes[]>([]) },
        { weight: 8, arbitrary: fc.array(owned, { minLength: 1, maxLength: 1 }) },
        { weight: 3, arbitrary: fc.array(owned, { minLength: 2, maxLength: 2 }) },
      ),
    })
    .map(({ version, configuration, selfManaged, rare, ...rest }) => {
      const [minor, addonVersion] = version ?? ['1.34', 'v1.34.1-eksbuild.2'];
      const addon = selfManaged ? null : { version: addonVersion, configuration };
      return { name, version: minor, ...rest, ...rare, addon };
    });
}

const world: fc.Arbitrary<CaseWorld> = fc
  .record({
    start,
    seed: fc.integer({ min: 1, max: 1_000 }),
    grantSeconds: fc.constantFrom(undefined, undefined, undefined, 0, 45),
    addonUpdateSeconds: fc.constantFrom(undefined, undefined, undefined, undefined, 0.1),
    freeze,
    cluster: clusterNamed('demo'),
    // Clusters hardly meet: most worlds have one, so that more of them are seen in the same time.
    other: fc.oneof({ weight: 19, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: clusterNamed('other') }),
  })
  .map(({ cluster, other, grantSeconds, addonUpdateSeconds, ...rest }) => ({
    ...rest,
    ...(grantSeconds !== undefined && { grantSeconds }),
    ...(addonUpdateSeconds !== undefined && { addonUpdateSeconds }),
    clusters: other ? [cluster, other] : [cluster],
  }));

const when = fc.constantFrom<Partial<CaseRequest>[]>(
  // A wait is one look more: most requests do without.
  ...Array.from({ length: 8 }, () => ({ now: { reason: 'a drill' } })),
  { window: 'weekend' },
  { window: 'nightly' },
  { window: 'brief' },
  { window: 'frozen' },
  {},
);

/** Moments before which nothing may begin, in every form that a reader may take for one. */
const notBefore = fc.oneof(
  { weight: 14, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '2026-11-21T02:30:00Z',
      '2026-11-21T02:30:00.5Z',
      '2026-11-21T02:30:00.123456Z',
      '2026-11-21T02:30Z',
      '2026-11-21T04:30:00+02:00',
      '2100-01-01T00:00:00Z',
    ),
  },
);

/** Accepted for a cluster all of whose nodes carry its tag; for another one it would be untrue. */
const listed = ({ nodeGroups }: CaseCluster): string[] =>
  nodeGroups.some(({ startedBy }) => startedBy === 'person') ? [] : ['unlisted-nodes'];

/** Where nftables is recommended it is drawn as often as IPVS; elsewhere it is mostly refused. */
function targetFor({ version }: CaseCluster): fc.Arbitrary<CaseRequest['target']> {
  const ipvs = fc.constantFrom(...SCHEDULERS).map((scheduler) => ({ mode: 'ipvs' as const, scheduler }));
  return fc.oneof(
    { weight: version === '1.36' ? 2 : 9, arbitrary: ipvs },
    { weight: version === '1.36' ? 3 : 1, arbitrary: fc.constant({ mode: 'nftables' as const }) },
  );
}

function requestFor(cluster: CaseCluster): fc.Arbitrary<CaseRequest> {
  return fc
    .record({
      target: targetFor(cluster),
      when,
      acknowledge: fc.constantFrom<string[][]>(
        ['ipvs-deprecated', ...listed(cluster)],
        ['ipvs-deprecated', ...listed(cluster)],
        ['ipvs-deprecated', 'foreign-virtual-servers', ...listed(cluster)],
        [],
      ),
      strategy: fc.constantFrom(undefined, undefined, undefined, undefined, 'pod-annotations', 'kubernetes-api'),
      selfManaged: fc.constantFrom('create-addon', 'config-map', undefined),
      requestedBy: fc.constantFrom(undefined, 'ana@example.com'),
      notBefore,
    })
    .map(({ target, when: time, strategy, selfManaged, requestedBy, acknowledge, notBefore: moment }) => ({
      cluster: cluster.name,
      target,
      ...time,
      acknowledge,
      ...(strategy !== undefined && { strategy }),
      ...(selfManaged !== undefined && { selfManaged }),
      ...(requestedBy !== undefined && { requestedBy }),
      ...(moment !== undefined && { notBefore: moment }),
    }));
}

/** Worlds, requests and misfortunes of every kind that the sandbox knows. */
export const anyCase: fc.Arbitrary<Case> = world.chain((drawn) =>
  fc.record({
    world: fc.constant(drawn),
    requests: fc
      .tuple(
        fc.tuple(...drawn.clusters.map(requestFor)),
        fc.integer({ min: 0, max: 14 }),
        fc.tuple(...drawn.clusters.slice(0, 1).map(requestFor)),
      )
      .map(([requests, draw, second]) => {
        if (draw < 13) return [...requests];
        // A second migration: of another's wishes, or the same once more.
        const [first] = requests;
        return draw === 13 && first ? [...requests, { ...first, now: { reason: 'again' } }] : [...requests, ...second];
      }),
    faults: anyFaults,
  }),
);
