import fc from 'fast-check';
import { readDefinition } from '../../state-machines/definitions.ts';
import type { Case, CaseCluster, CaseFault, CaseNodes, CaseRequest, CaseWorld } from './case.ts';

const SCHEDULERS = ['rr', 'lc', 'sh', 'wrr'];
const VERSIONS: readonly [string, string][] = [
  ['1.34', 'v1.34.1-eksbuild.2'],
  ['1.30', 'v1.30.14-eksbuild.8'],
  ['1.26', 'v1.26.0-eksbuild.1'],
  ['1.35', 'v1.35.0-eksbuild.2'],
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

function clusterNamed(name: string): fc.Arbitrary<CaseCluster> {
  return fc
    .record({
      version: fc.oneof(
        { weight: 3, arbitrary: fc.constant(VERSIONS[0]) },
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
      selfManaged: fc.integer({ min: 0, max: 15 }).map((draw) => draw === 15),
      serviceCidr: fc.constantFrom('10.100.0.0/16', '10.100.0.0/16', '10.100.0.0/16', 'fd12:3456:789a::/108'),
      nodeGroups: fc.oneof(
        { weight: 3, arbitrary: fc.array(nodes, { minLength: 0, maxLength: 1 }) },
        { weight: 1, arbitrary: fc.array(nodes, { minLength: 2, maxLength: 2 }) },
      ),
    })
    .map(({ version, configuration, selfManaged, ...rest }) => {
      const [minor, addonVersion] = version ?? ['1.34', 'v1.34.1-eksbuild.2'];
      return { name, version: minor, ...rest, addon: selfManaged ? null : { version: addonVersion, configuration } };
    });
}

const world: fc.Arbitrary<CaseWorld> = fc
  .record({
    start,
    seed: fc.integer({ min: 1, max: 1_000 }),
    freeze,
    cluster: clusterNamed('demo'),
    // Clusters hardly meet: most worlds have one, so that more of them are seen in the same time.
    other: fc.oneof({ weight: 19, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: clusterNamed('other') }),
  })
  .map(({ cluster, other, ...rest }) => ({ ...rest, clusters: other ? [cluster, other] : [cluster] }));

const when = fc.constantFrom<Partial<CaseRequest>[]>(
  // A wait is one look more: most requests do without.
  ...Array.from({ length: 8 }, () => ({ now: { reason: 'a drill' } })),
  { window: 'weekend' },
  { window: 'nightly' },
  { window: 'brief' },
  { window: 'frozen' },
  {},
);

function requestFor(cluster: string): fc.Arbitrary<CaseRequest> {
  return fc
    .record({
      scheduler: fc.constantFrom(...SCHEDULERS),
      when,
      acknowledge: fc.constantFrom<string[][]>(['ipvs-deprecated'], ['ipvs-deprecated'], []),
      strategy: fc.constantFrom(undefined, undefined, undefined, undefined, 'pod-annotations', 'kubernetes-api'),
      selfManaged: fc.constantFrom('create-addon', 'config-map', undefined),
      requestedBy: fc.constantFrom(undefined, 'ana@example.com'),
    })
    .map(({ scheduler, when: time, strategy, selfManaged, requestedBy, acknowledge }) => ({
      cluster,
      target: { mode: 'ipvs' as const, scheduler },
      ...time,
      acknowledge,
      ...(strategy !== undefined && { strategy }),
      ...(selfManaged !== undefined && { selfManaged }),
      ...(requestedBy !== undefined && { requestedBy }),
    }));
}

const statesOf = (machine: string): string[] => {
  const definition: unknown = JSON.parse(readDefinition(machine));
  if (typeof definition !== 'object' || definition === null || !('States' in definition)) return [];
  return Object.keys(Object(definition.States));
};
const MIGRATE = statesOf('migrate-cluster');
const ROLLBACK = statesOf('rollback-cluster');
/** Time is lost where an execution waits, not between the look at the window and the call that it allows. */
const WAITS = [...MIGRATE, ...ROLLBACK].filter((state) => state.startsWith('Await')).concat('InspectCluster');

const at = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(...MIGRATE).map((state) => ({ at: state, machine: 'nightshift-migrate-cluster' })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...ROLLBACK).map((state) => ({ at: state, machine: 'nightshift-rollback-cluster' })),
  },
);

const CALLS: readonly [string, string][] = [
  ...['DescribeCluster', 'DescribeAddon', 'DescribeUpdate', 'UpdateAddon', 'ListUpdates'].map(
    (name): [string, string] => ['eks', name],
  ),
  ...['CreateAccessEntry', 'AssociateAccessPolicy', 'DeleteAccessEntry'].map((name): [string, string] => ['eks', name]),
  ...['SendCommand', 'ListCommandInvocations', 'DescribeInstanceInformation'].map((name): [string, string] => [
    'ssm',
    name,
  ]),
  ...['PutObject', 'GetObject', 'ListObjectsV2'].map((name): [string, string] => ['s3', name]),
  ...['CreateSchedule', 'UpdateSchedule', 'DeleteSchedule', 'GetSchedule'].map((name): [string, string] => [
    'scheduler',
    name,
  ]),
  ['ec2', 'DescribeInstances'],
  ['sts', 'AssumeRole'],
  ['events', 'PutEvents'],
  ['states', 'StartExecution'],
  ['states', 'StopExecution'],
  ['lambda', 'Invoke'],
];
const AWS_ERRORS = ['ThrottlingException', 'ThrottlingException', 'InternalServerException', 'AccessDeniedException'];
const KUBERNETES = [
  'patch daemonsets',
  'get daemonsets',
  'list pods',
  'delete pods',
  'get pods/proxy',
  'get configmaps',
  'patch configmaps',
  'update configmaps',
];
const REASONS = ['TooManyRequests', 'InternalError', 'Forbidden', 'Conflict', 'ServiceUnavailable'];
const times = fc.constantFrom(1, 1, 2, 4, 12, 40);

const calls = fc.oneof(
  fc
    .record({ call: fc.constantFrom(...CALLS), error: fc.constantFrom(...AWS_ERRORS), times })
    .map(({ call: [service, operation], ...rest }) => ({ on: { service, operation }, ...rest })),
  fc
    .record({ call: fc.constantFrom(...CALLS), times: fc.constantFrom(1, 1, 2) })
    .map(({ call: [service, operation], ...rest }) => ({ on: { service, operation }, lostReply: true, ...rest })),
  fc
    .record({ operation: fc.constantFrom(...KUBERNETES), error: fc.constantFrom(...REASONS), times })
    .map(({ operation, ...rest }) => ({ on: { service: 'kubernetes', operation }, ...rest })),
  fc
    .record({ operation: fc.constantFrom(...KUBERNETES) })
    .map(({ operation }) => ({ on: { service: 'kubernetes', operation }, lostReply: true })),
  fc.record({ kubernetes: fc.constantFrom('unreachable', 'forbidden', 'conflict'), times }),
);

const node = fc.constantFrom<(number | 'any')[]>('any', 0, 1, 2);
const onNodes = fc.oneof(
  fc.record({ node, fault: fc.constant('agent-offline'), for: fc.constantFrom(30, 600, 7_200) }),
  fc.record({
    node,
    fault: fc.constantFrom(
      'agent-offline',
      'package-mirror-down',
      'module-missing:ip_vs',
      'module-missing:ip_vs_rr',
      'terminated',
      'slow',
    ),
  }),
  fc.record({ node, fault: fc.constant('kube-proxy-crash'), times: fc.constantFrom(1, 3, 20) }),
  fc.record({
    node,
    fault: fc.constant('kube-proxy-crash'),
    times: fc.constantFrom(1, 20),
    mode: fc.constantFrom('ipvs', 'iptables'),
  }),
  fc.record({ node, fault: fc.constant('dns-without-backends'), times: fc.constantFrom(1, 2, 10) }),
  fc.record({
    node,
    fault: fc.constant('output-garbage'),
    times: fc.constantFrom(1, 2, 10),
    how: fc.constantFrom('cut', 'garbled'),
  }),
);

const surroundings = fc.oneof(
  fc.record({
    join: fc.record({
      os: fc.constantFrom('al2023', 'ubuntu', 'bottlerocket'),
      count: fc.constantFrom(1, 2),
      ssm: fc.constantFrom('online', 'online', 'none'),
    }),
  }),
  fc.record({
    addonUpdate: fc.constantFrom('Failed', 'Cancelled'),
    code: fc.constantFrom('ConfigurationConflict', 'AdmissionRequestDenied'),
    applied: fc.boolean(),
    times: fc.constantFrom(1, 1, 2, 9),
  }),
  fc.record({
    addonUpdate: fc.constant('Degraded'),
    code: fc.constantFrom('InsufficientNumberOfReplicas', 'AccessDenied'),
  }),
  fc.record({ events: fc.constantFrom('twice', 'out-of-order', 'lost'), times: fc.constantFrom(1, 2) }),
);

/** A fault at some state; `after` a while in a part of them. */
const fault: fc.Arbitrary<CaseFault> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(at, calls).map(([place, what]) => ({ ...place, ...what })) },
  { weight: 4, arbitrary: fc.tuple(at, onNodes).map(([place, what]) => ({ ...place, ...what })) },
  { weight: 3, arbitrary: fc.tuple(at, surroundings).map(([place, what]) => ({ ...place, ...what })) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(at, fc.constantFrom('abort', 'abort', 'duplicate'))
      .map(([place, execution]) => ({ ...place, execution })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...WAITS), fc.constantFrom(1, 3, 12))
      .map(([state, hours]) => ({ at: state, clock: 'skip', hours })),
  },
);

/** Leaves out what a world may ask for and never gets: the time it takes to find that out is lost. */
const faults = fc.oneof(
  { weight: 1, arbitrary: fc.constant<CaseFault[]>([]) },
  { weight: 4, arbitrary: fc.array(fault, { minLength: 1, maxLength: 4 }) },
);

/** Worlds, requests and misfortunes of every kind that the sandbox knows. */
export const anyCase: fc.Arbitrary<Case> = world.chain((drawn) =>
  fc.record({
    world: fc.constant(drawn),
    requests: fc
      .tuple(
        fc.tuple(...drawn.clusters.map(({ name }) => requestFor(name))),
        fc.integer({ min: 0, max: 14 }),
        requestFor('demo'),
      )
      .map(([requests, draw, second]) => (draw === 14 ? [...requests, second] : [...requests])),
    faults,
  }),
);
