import fc from 'fast-check';
import type { CaseFault } from '../case.ts';
import { type FleetCase, GUARD_TAG } from './case.ts';

type Drawn = Pick<FleetCase, 'world' | 'stages'>;
type Moment = { at?: string; machine?: string; visit?: number; after?: number };

const FLEET = { machine: 'nightshift-migrate-fleet' };
const MIGRATE = { machine: 'nightshift-migrate-cluster' };
const HOUR = 3_600;

/** Seconds from a state on: at once, some minutes into the work, or nights later. */
const after = fc
  .tuple(fc.constantFrom(0, 0, 0, 0, 1, 4, 10, 24, 30), fc.integer({ min: 0, max: 1_500 }))
  .map(([hours, seconds]) => hours * HOUR + seconds);

const inFleet: fc.Arbitrary<Moment> = fc
  .record({
    at: fc.constantFrom('OpenStage', 'RunMigrations', 'RunMigrations', 'JudgeStage', 'AwaitSoak', 'CheckSoak'),
    visit: fc.constantFrom(1, 1, 1, 2),
    after,
  })
  .map((moment) => ({ ...FLEET, ...moment }));

const STATES = [
  ...['InspectCluster', 'DecideWindow', 'AwaitWindow', 'PrepareNodes', 'CollectPreparation', 'CheckBeforeChange'],
  ...['UpdateAddon', 'AwaitAddon', 'CheckWindowBeforeCanary', 'AwaitCanary', 'CheckWindowBeforeRestart'],
  ...['RestartDaemonSet', 'AwaitRollout', 'ValidateNodes', 'CleanNodes', 'ConfirmConfiguration', 'RecordOutcome'],
];
const inMigration: fc.Arbitrary<Moment> = fc
  .record({
    at: fc.constantFrom(...STATES),
    visit: fc.constantFrom(1, 1, 1, 2),
    after: fc.constantFrom(0, 0, 5, 60, 600, HOUR),
  })
  .map((moment) => ({ ...MIGRATE, ...moment }));

const moment = fc.oneof(inFleet, inMigration);

/** Comes at a moment and goes some time later, or stays. Both count from the same visit of the same state. */
const comesAndGoes = (come: CaseFault, go: CaseFault): fc.Arbitrary<CaseFault[]> =>
  fc
    .record({
      moment: fc.oneof({ weight: 1, arbitrary: fc.constant<Moment>({}) }, { weight: 4, arbitrary: moment }),
      stays: fc.constantFrom(0.05, 0.5, 3, 26, null),
    })
    .map(({ moment: when, stays }) => {
      if (stays === null) return [{ ...when, ...come }];
      return [
        { ...when, ...come },
        { ...when, ...go, after: (when.after ?? 0) + stays * HOUR },
      ];
    });

const value = JSON.stringify({
  reason: 'INC-4711',
  by: 'arn:aws:iam::111122223333:user/ana',
  since: '2026-11-20T00:00:00.000Z',
  until: null,
});

function holds({ world, stages }: Drawn): fc.Arbitrary<CaseFault[]> {
  const cluster = world.clusters[0]?.name ?? '';
  const scope = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...world.clusters.map(({ name }) => `clusters/${name}`)) },
    { weight: 3, arbitrary: fc.constantFrom(...stages.map(({ name }) => `stages/${name}`)) },
    { weight: 1, arbitrary: fc.constantFrom(...stages.map(({ name }) => `batches/rollouts/R/${name}/1`)) },
    { weight: 1, arbitrary: fc.constant('all') },
  );
  return scope.chain((what) => {
    const name = `/nightshift/holds/${what}`;
    return comesAndGoes({ other: 'put-parameter', cluster, name, value }, { other: 'delete-parameter', cluster, name });
  });
}

const alarmsOf = ({ world }: Drawn): string[] => [
  ...new Set(world.clusters.flatMap(({ tags }) => tags[GUARD_TAG]?.split(' ') ?? [])),
];

const setAlarm = ({ world }: Drawn, name: string, state: string): CaseFault => ({
  ...{ other: 'set-alarm', cluster: world.clusters[0]?.name, name, state, reason: 'drawn' },
});

function alarms(drawn: Drawn): fc.Arbitrary<CaseFault[]> {
  const names = alarmsOf(drawn);
  if (names.length === 0) return fc.constant([]);
  return fc
    .tuple(fc.constantFrom(...names), fc.constantFrom('ALARM', 'ALARM', 'INSUFFICIENT_DATA'))
    .chain(([name, state]) => comesAndGoes(setAlarm(drawn, name, state), setAlarm(drawn, name, 'OK')));
}

/** All its nodes, or one of them, fail in the new mode, for one try or for every one. */
function nodes({ world }: Drawn): fc.Arbitrary<CaseFault[]> {
  return fc
    .record({
      cluster: fc.constantFrom(...world.clusters.map(({ name }) => name)),
      what: fc.constantFrom<CaseFault[]>(
        { node: 'all', fault: 'kube-proxy-crash', mode: 'ipvs', times: 'every' },
        { node: 'all', fault: 'kube-proxy-crash', mode: 'ipvs', times: 'every' },
        { node: 'all', fault: 'kube-proxy-crash', mode: 'ipvs', times: 1 },
        { node: 'all', fault: 'module-missing:ip_vs' },
        { node: 0, fault: 'agent-offline', for: 1_200 },
        { node: 0, fault: 'agent-offline' },
        { node: 0, fault: 'output-garbage', times: 4, how: 'cut' },
        { node: 0, fault: 'syncs-fail', times: 2 },
      ),
    })
    .map(({ cluster, what }) => [{ ...what, cluster }]);
}

const CALLS: readonly [string, string][] = [
  ...['DescribeCluster', 'UpdateAddon', 'DescribeUpdate', 'ListClusters'].map((name): [string, string] => [
    'eks',
    name,
  ]),
  ...['SendCommand', 'GetParameters', 'PutParameter'].map((name): [string, string] => ['ssm', name]),
  ['monitoring', 'DescribeAlarms'],
  ['s3', 'GetObject'],
  ['s3', 'PutObject'],
  ['states', 'StartExecution'],
  ['ec2', 'DescribeInstances'],
];
const FUNCTIONS = ['open-stage', 'judge-stage', 'check-soak', 'record-cluster', 'record-rollout', 'decide-window'];
const times = fc.constantFrom(1, 1, 2, 4, 12);

const calls: fc.Arbitrary<CaseFault> = fc.oneof(
  fc
    .record({
      call: fc.constantFrom(...CALLS),
      error: fc.constantFrom('ThrottlingException', 'InternalServerException', 'AccessDeniedException'),
      times,
    })
    .map(({ call: [service, operation], ...rest }) => ({ on: { service, operation }, ...rest })),
  fc
    .record({ name: fc.constantFrom(...FUNCTIONS), lost: fc.boolean(), times: fc.constantFrom(1, 2, 8) })
    .map(({ name, lost, times: how }) => ({
      on: { service: 'lambda', operation: 'Invoke', function: `nightshift-${name}` },
      ...(lost ? { lostReply: true, times: Math.min(how, 2) } : { error: 'ServiceException', times: how }),
    })),
);

const people: fc.Arbitrary<CaseFault[]> = fc.oneof(
  { weight: 3, arbitrary: inMigration.map((when) => [{ ...when, execution: 'abort' }]) },
  { weight: 3, arbitrary: inFleet.map((when) => [{ ...when, execution: 'abort' }]) },
  { weight: 1, arbitrary: fc.oneof(inFleet, inMigration).map((when) => [{ ...when, execution: 'duplicate' }]) },
);

/** A cluster loses the target, or gets a node, while the rollout is elsewhere or soaks. */
function drifts({ world }: Drawn): fc.Arbitrary<CaseFault[]> {
  return fc
    .record({
      moment: inFleet,
      cluster: fc.constantFrom(...world.clusters.map(({ name }) => name)),
      configuration: fc.constantFrom('{}', '{"mode":"iptables","podLabels":{"team":"other"}}', null),
    })
    .map(({ moment: when, cluster, configuration }) => [
      configuration === null
        ? { ...when, join: { os: 'al2023', count: 1, cluster } }
        : { ...when, other: 'change-addon', cluster, configuration },
    ]);
}

/** Who holds, rings and aborts, and what goes wrong with nodes and calls. Every alarm is quiet at first. */
export function fleetFaults(drawn: Drawn): fc.Arbitrary<CaseFault[]> {
  const one = fc.oneof(
    { weight: 4, arbitrary: nodes(drawn) },
    { weight: 3, arbitrary: holds(drawn) },
    { weight: 2, arbitrary: alarms(drawn) },
    { weight: 3, arbitrary: people },
    { weight: 1, arbitrary: drifts(drawn) },
    { weight: 2, arbitrary: fc.tuple(moment, calls).map(([when, what]) => [{ ...when, ...what }]) },
  );
  const quiet = alarmsOf(drawn).map((name) => setAlarm(drawn, name, 'OK'));
  return fc.array(one, { minLength: 0, maxLength: 4 }).map((groups) => [...quiet, ...groups.flat()]);
}
