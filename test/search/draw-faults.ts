import fc from 'fast-check';
import { readDefinition } from '../../state-machines/definitions.ts';
import type { CaseFault } from './case.ts';

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
    mode: fc.constantFrom('ipvs', 'iptables', 'nftables'),
  }),
  fc.record({ node, fault: fc.constant('dns-without-backends'), times: fc.constantFrom(1, 2, 10) }),
  fc.record({ node, fault: fc.constant('syncs-fail'), times: fc.constantFrom(1, 2, 10) }),
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

/** Values of others': each lacks, adds or changes something of what a world begins with, and some change the mode. */
const OTHERS_VALUES = [
  '{}',
  '{"podLabels":{"team":"other"}}',
  '{"resources":{"requests":{"cpu":"150m"}},"podAnnotations":{"example.com/owner":"other"}}',
  '{"mode":"iptables","podLabels":{"team":"other"}}',
  'mode: ipvs # by hand\nipvs: {scheduler: sh}\n',
];

/** Another principal at work in the cluster. */
const others = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ other: fc.constant('change-addon'), configuration: fc.constantFrom(...OTHERS_VALUES) }),
  },
  { weight: 2, arbitrary: fc.constant({ other: 'upgrade-addon' }) },
  { weight: 1, arbitrary: fc.constant({ other: 'delete-addon' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      other: fc.constant('edit-config-map'),
      fields: fc.constantFrom<object[]>(
        { 'conntrack.min': 65_536 },
        { mode: 'iptables' },
        { mode: 'ipvs', 'ipvs.scheduler': 'sh' },
        { mode: 'nftables' },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ other: 'delete-lease' }) },
  { weight: 1, arbitrary: fc.record({ other: fc.constant('take-lease'), hours: fc.constantFrom(1, 6) }) },
  { weight: 1, arbitrary: fc.constantFrom({ other: 'delete-access-entry' }, { other: 'replace-access-entry' }) },
);

const MINUTE = 60;
const HOUR = 3_600;
/** What is out, and how long: undefined is for ever. */
const outages = fc
  .record({
    what: fc.constantFrom<{ outage: string; operation?: string }[]>(
      { outage: 'events', operation: 'PutEvents' },
      { outage: 's3', operation: 'PutObject' },
      { outage: 's3' },
      { outage: 'scheduler' },
      { outage: 'sts' },
      { outage: 'kubernetes' },
    ),
    seconds: fc.constantFrom(30, 10 * MINUTE, 3 * HOUR, undefined),
  })
  .map(({ what, seconds }) => ({ ...what, ...(seconds !== undefined && { for: seconds }) }));

/**
 * When others act and services go out: most states are on no execution's way, and a change takes minutes, so more of them
 * are drawn by the clock.
 */
const anyMoment = fc.oneof(
  { weight: 2, arbitrary: at },
  {
    weight: 3,
    arbitrary: fc
      .integer({ min: 0, max: 5 * MINUTE })
      .map((after) => ({ at: 'InspectCluster', machine: 'nightshift-migrate-cluster', after })),
  },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 0, max: 5 * MINUTE })
      .map((after) => ({ at: 'Begin', machine: 'nightshift-rollback-cluster', after })),
  },
);

/** The function of each state that changes what kube-proxy is configured for. */
const CHANGES: Readonly<Record<string, string>> = {
  UpdateAddon: 'nightshift-update-addon',
  EditConfigMap: 'nightshift-edit-config-map',
};

/** A fault at some state. */
const fault: fc.Arbitrary<CaseFault> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(anyMoment, others).map(([moment, what]) => ({ ...moment, ...what })) },
  { weight: 2, arbitrary: fc.tuple(anyMoment, outages).map(([moment, what]) => ({ ...moment, ...what })) },
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

/** The answer of a change is lost, and before the repetition another principal acts. */
const lostAndChanged: fc.Arbitrary<CaseFault[]> = fc
  .tuple(fc.constantFrom('UpdateAddon', 'EditConfigMap'), others, fc.array(fault, { maxLength: 2 }))
  .map(([state, what, more]) => [
    { at: state, on: { service: 'lambda', operation: 'Invoke', function: CHANGES[state] }, lostReply: true },
    { at: state, after: 0.5, ...what },
    ...more,
  ]);

/** Leaves out what a world may ask for and never gets: the time it takes to find that out is lost. */
export const anyFaults: fc.Arbitrary<CaseFault[]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<CaseFault[]>([]) },
  { weight: 16, arbitrary: fc.array(fault, { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: lostAndChanged },
);
