import * as z from 'zod';
import { readDefinition } from '../../state-machines/definitions.ts';
import { followedState, type Machine, type PhaseName } from '../../state-machines/phases.ts';
import type { Rested, Workflow } from './run.ts';
import * as scenarios from './scenarios.ts';
import { CLUSTER, ON_IPVS, REQUEST, UNLISTED, worldOf } from './worlds.ts';

const {
  abort,
  again,
  at,
  crash,
  each,
  failing,
  garbage,
  invoking,
  joins,
  kubernetes,
  lost,
  offline,
  update,
  APPLIED,
  IN_MIGRATION,
  IN_ROLLBACK,
  UNHEARD,
} = scenarios;
const { ROLLED_BACK, ROLLBACK_FAILED } = scenarios;

const Definition = z.object({ States: z.record(z.string(), z.object({ Type: z.string() })) });

/**
 * States in which an abort leaves something that it leaves nowhere else: those that take time, those that end an
 * execution, and `more`. An abort strikes when a state is entered, so that in another Pass or Choice it leaves what it
 * leaves in the state after it.
 */
function distinctStates(machine: Machine, more: readonly string[]): string[] {
  const { States } = Definition.parse(JSON.parse(readDefinition(machine)));
  return Object.entries(States).flatMap(([name, { Type }]) =>
    ['Task', 'Wait', 'Succeed', 'Fail'].includes(Type) || more.includes(name) ? [name] : [],
  );
}

/** What makes an execution enter states that it does not enter on its straight way. */
type Route = [states: string[], faults: object[], more?: More];
interface More {
  /** What follows an abort there, where that is not what follows one in the state's phase. */
  ending?: string;
  cluster?: { addon?: { configuration: string } | null } & Record<string, unknown>;
  request?: object;
}

const UNCHANGED = 'ABORTED nothing-to-roll-back iptables';
const PUT_BACK = 'ABORTED rolled-back iptables';
const FINISHED = 'ABORTED finished ipvs';
const RECOVERED = 'ABORTED Recovered rolled-back iptables';

const SELF = { addon: null };
const EDIT = { selfManaged: 'config-map' };
const CREATE = { selfManaged: 'create-addon' };
/** The first of four attempts to record fails, or all do; Step Functions retries each ten times. */
const LATE_RECORD = { on: invoking('record-outcome'), error: 'ServiceException', times: 11 };
const NO_RECORD = { ...LATE_RECORD, times: 44 };
const noBackends = (more: object) => each((node) => at('ValidateCanary', node, 'dns-without-backends', more));

/** A cluster that EKS still makes, and then its add-on. */
const CREATING = {
  status: 'CREATING',
  activeAfter: 90,
  addon: { ...CLUSTER.addon, status: 'CREATING', activeAfter: 150 },
};

const OLD = { addon: { ...CLUSTER.addon, version: 'v1.34.0-eksbuild.2' } };

/** The alarm that guards the cluster is OK. */
const QUIET = { other: 'set-alarm', cluster: 'demo', name: 'checkout-5xx', state: 'OK' };

const UNPREPARED = at('PrepareNodes', 0, 'module-missing:ip_vs_rr');
const MIGRATE: Route[] = [
  [['ReadRequest', 'AwaitBeginning'], [], { request: { notBefore: '2026-11-20T22:15:00Z' } }],
  [
    ['DescribeCluster', 'AwaitCluster', 'DescribeAddon', 'AwaitAddonActive'],
    [],
    { cluster: CREATING, request: { awaitActive: true } },
  ],
  [
    ['ProveCompliance', 'AwaitCompliance', 'CollectCompliance', 'ConfirmCompliance', 'RecordCompliance'],
    [],
    { ending: 'ABORTED nothing-to-roll-back ipvs', cluster: { addon: ON_IPVS } },
  ],
  [['AlreadyCompliant'], [], { ending: 'ABORTED already-compliant ipvs', cluster: { addon: ON_IPVS } }],
  [['ReadAccessFound'], [{ at: 'GrantAccess', ...lost('eks', 'CreateAccessEntry') }]],
  [['RecordRefusal'], [], { ending: UNCHANGED, cluster: { status: 'UPDATING' } }],
  [['InspectForPreparation'], [offline('PrepareNodes', 0, 400)]],
  [['FailedBeforeChange'], [UNPREPARED], { ending: UNCHANGED }],
  [['Failed'], [UNPREPARED], { ending: 'ABORTED failed iptables' }],
  [['AwaitLookAgain'], [{ at: 'AwaitPreparation', other: 'upgrade-addon' }], { cluster: OLD }],
  [['AwaitOtherUpdate'], [{ at: 'UpdateAddon', other: 'upgrade-addon' }], { cluster: OLD }],
  [['EditConfigMap'], [], { cluster: SELF, request: EDIT }],
  [['CheckCreatedAddon'], [], { cluster: SELF, request: CREATE }],
  [['Rollback'], [APPLIED]],
  [['AwaitRoll'], [], { cluster: { endpoint: 'private' }, request: UNLISTED }],
  [['AwaitSecondCanaryProof'], noBackends({ times: 1 })],
  [['InspectForCanary'], noBackends({})],
  [['PrepareNewcomers', 'AwaitNewcomers', 'CollectNewcomers'], [joins('AwaitRollout')]],
  [['AwaitSecondValidation'], [garbage('ValidateNodes', 'validate')]],
  // Every node runs the target, and nothing of the former mode is left.
  [['CheckGuards'], [QUIET], { ending: FINISHED, cluster: { tags: { 'nightshift:guard': 'checkout-5xx' } } }],
  [['AwaitCleaning', 'CollectCleaning', 'ConfirmConfiguration'], [], { ending: FINISHED }],
  [
    ['AwaitRollbackAgain'],
    [update('Failed'), { at: 'Rollback', ...failing('states', 'StartExecution', 'ThrottlingException', 1) }],
  ],
  // The recovery cannot prove more than the rollback could.
  [['RollbackFailed'], [offline('ValidateNodes', 1)], { ending: 'ABORTED rollback-failed iptables' }],
  [['AwaitRecord'], [LATE_RECORD]],
  [['ReadLease', 'ReleaseLease', 'Migrated'], [], { ending: 'ABORTED migrated ipvs' }],
  [['OutcomeNotRecorded'], [NO_RECORD], { ending: FINISHED }],
];

/** What a recovery does after an abort in each phase of `migrate-cluster`. */
const AFTER_MIGRATE: Partial<Record<PhaseName, string>> = {
  inspect: UNCHANGED,
  window: UNCHANGED,
  prepare: UNCHANGED,
  change: PUT_BACK,
  canary: PUT_BACK,
  restart: PUT_BACK,
  validate: PUT_BACK,
  rollback: PUT_BACK,
  record: FINISHED,
};

const CRASHED = crash('RestartDaemonSet', 'ipvs');
const stopped = (state: string) => abort(state, IN_MIGRATION);

const ROLLBACK: Route[] = [
  [
    ['StopOwner', 'TakeLease', 'ReadLease', 'InspectHolder', 'TakeOverLease', 'AwaitConfirmation', 'ConfirmLease'],
    [stopped('AwaitRollout')],
    { ending: PUT_BACK },
  ],
  [
    ['StopPrevious', 'AwaitAttempt'],
    [stopped('AwaitRollout'), abort('InspectFormer', IN_ROLLBACK)],
    { ending: PUT_BACK },
  ],
  // The recovery before has recorded the end of the incident.
  [['ReadLeaseForRelease', 'ReleaseLease'], [stopped('AwaitRollout')], { ending: UNCHANGED }],
  [
    ['AwaitLease'],
    [again('PrepareNodes'), at('PrepareNodes', 1, 'slow'), stopped('LeaseHeld')],
    { ending: 'SUCCEEDED migrated ipvs' },
  ],
  [['NothingToRollBack'], [stopped('PrepareNodes')], { ending: UNCHANGED }],
  [
    ['ProveStanding', 'AwaitStanding', 'CollectStanding', 'ConfirmStanding', 'Finished'],
    [stopped('Proven')],
    { ending: FINISHED },
  ],
  [['RestartDaemonSet', 'AwaitRollout', 'CheckRollout'], [CRASHED]],
  [['RestartCanary', 'AwaitCanary'], noBackends({})],
  [['CheckAddonGone'], [CRASHED], { cluster: SELF, request: CREATE }],
  [['RestoreConfigMap'], [CRASHED], { cluster: SELF, request: EDIT }],
  [['AwaitRoll'], [APPLIED], { cluster: { endpoint: 'private' }, request: UNLISTED }],
  [['AwaitSecondProof'], [APPLIED, garbage('ProveFormer', 'validate')]],
  [['AwaitRetry'], [CRASHED, crash('RestoreAddon', 'iptables')]],
  [['RollbackFailed'], [offline('ValidateNodes', 1)], { ending: 'ABORTED Recovered rollback-failed iptables' }],
  [['Failed'], [offline('ValidateNodes', 1)], { ending: ROLLBACK_FAILED }],
  [['Ended'], [APPLIED], { ending: ROLLED_BACK }],
  [['AwaitRecord'], [APPLIED, { at: 'RecordOutcome', ...IN_ROLLBACK, ...LATE_RECORD }]],
  [['OutcomeNotRecorded'], [APPLIED, { at: 'RecordOutcome', ...IN_ROLLBACK, ...NO_RECORD }]],
  [
    ['AwaitReadAgain'],
    [
      APPLIED,
      { at: 'ReadInput', ...IN_ROLLBACK, on: invoking('inspect-rollback'), error: 'ServiceException', times: 5 },
    ],
  ],
  [
    ['SurveyNodes', 'AskNodes', 'AwaitSurvey', 'CollectSurvey'],
    [CRASHED, kubernetes('forbidden', 'every', { at: 'RestartDaemonSet', ...IN_ROLLBACK })],
    { ending: 'ABORTED Recovered rollback-failed ipvs' },
  ],
];

/** What no recovery starts with, or only follows on three of them: malformed-inputs and giving-up have it. */
const NOT_ABORTED = ['GiveUp', 'ReadLastLease', 'EvidenceMissing'];

/** The states of `migrate-cluster` in which an abort is tried. */
export const MIGRATE_STATES = distinctStates(
  'migrate-cluster',
  MIGRATE.flatMap(([states]) => states),
);
/** The states of `rollback-cluster` in which an abort is tried. */
export const ROLLBACK_STATES = distinctStates(
  'rollback-cluster',
  ROLLBACK.flatMap(([states]) => states),
).filter((state) => !NOT_ABORTED.includes(state));

function routeTo(machine: Machine, state: string): More & { ending: string; faults: object[] } {
  const migrates = machine === 'migrate-cluster';
  const straight: Route = [[], migrates ? [] : [APPLIED]];
  const [, faults, more] = (migrates ? MIGRATE : ROLLBACK).find(([states]) => states.includes(state)) ?? straight;
  const { phase } = followedState(state, machine);
  const ending = migrates ? phase && AFTER_MIGRATE[phase] : RECOVERED;
  return { ending: ending ?? 'nobody has said what follows', faults, ...more };
}

/**
 * Aborts an execution in this state and lets time run out of timers; `unheard`: no event tells of it. `ending` is what
 * must follow, as `endingOf` has it, and `former` is for `expectWhole`.
 */
export async function abortIn(
  workflow: Workflow,
  machine: Machine,
  state: string,
  { unheard = false } = {},
): Promise<{ rested: Rested; former: string | null; ending: string }> {
  const { cluster = {}, request = {}, faults, ending } = routeTo(machine, state);
  const world = worldOf(cluster, { windows: scenarios.WINDOWS });
  const all = [...faults, abort(state, { machine: `nightshift-${machine}` }), ...(unheard ? [UNHEARD] : [])];
  const { addon } = { ...CLUSTER, ...cluster };
  return {
    rested: await workflow.migrateAndRest(world, { ...REQUEST, ...request }, all),
    former: addon?.configuration ?? null,
    ending,
  };
}
