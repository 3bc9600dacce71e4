import * as z from 'zod';
import { readDefinition } from '../../state-machines/definitions.ts';
import { followedState, type Machine, type PhaseName } from '../../state-machines/phases.ts';
import type { Rested, Workflow } from './run.ts';
import * as scenarios from './scenarios.ts';
import { CLUSTER, REQUEST, UNLISTED, worldOf } from './worlds.ts';

const { abort, again, at, crash, each, failing, garbage, invoking, joins, kubernetes, offline, update } = scenarios;

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
interface Route {
  states: string[];
  /** What follows an abort there, where that is not what follows one in the state's phase. */
  ending?: string;
  cluster?: { addon?: { configuration: string } | null } & Record<string, unknown>;
  request?: object;
  faults?: object[];
}

const UNCHANGED = 'ABORTED nothing-to-roll-back iptables';
const PUT_BACK = 'ABORTED rolled-back iptables';
const FINISHED = 'ABORTED finished ipvs';
const RECOVERED = 'ABORTED Recovered rolled-back iptables';

const ON_IPVS = { addon: { ...CLUSTER.addon, configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' } };
const SELF = { addon: null };
const EDIT = { selfManaged: 'config-map' };
const CREATE = { selfManaged: 'create-addon' };
const FAILED = update('Failed', { applied: true });
/** The first of four attempts to record fails, or all do; Step Functions retries each ten times. */
const LATE_RECORD = { on: invoking('record-outcome'), error: 'ServiceException', times: 11 };
const NO_RECORD = { ...LATE_RECORD, times: 44 };
const noBackends = (more: object) => each((node) => at('ValidateCanary', node, 'dns-without-backends', more));

/** A cluster that EKS still makes, and then its add-on. */
const CREATING = {
  ...{ status: 'CREATING', activeAfter: 90 },
  addon: { ...CLUSTER.addon, status: 'CREATING', activeAfter: 150 },
};

const OLD = { addon: { ...CLUSTER.addon, version: 'v1.34.0-eksbuild.2' } };

const MIGRATE: Route[] = [
  { states: ['ReadRequest', 'AwaitBeginning'], request: { notBefore: '2026-11-20T22:15:00Z' } },
  {
    states: ['DescribeCluster', 'AwaitCluster', 'DescribeAddon', 'AwaitAddonActive'],
    cluster: CREATING,
    request: { awaitActive: true },
  },
  {
    states: ['ProveCompliance', 'AwaitCompliance', 'CollectCompliance', 'ConfirmCompliance', 'RecordCompliance'],
    ending: 'ABORTED nothing-to-roll-back ipvs',
    cluster: ON_IPVS,
  },
  { states: ['AlreadyCompliant'], ending: 'ABORTED already-compliant ipvs', cluster: ON_IPVS },
  {
    states: ['ReadAccessFound'],
    faults: [{ at: 'GrantAccess', on: { service: 'eks', operation: 'CreateAccessEntry' }, lostReply: true }],
  },
  { states: ['RecordRefusal'], ending: UNCHANGED, cluster: { status: 'UPDATING' } },
  { states: ['InspectForPreparation'], faults: [offline('PrepareNodes', 0, 400)] },
  { states: ['FailedBeforeChange'], ending: UNCHANGED, faults: [at('PrepareNodes', 0, 'module-missing:ip_vs_rr')] },
  {
    states: ['Failed'],
    ending: 'ABORTED failed iptables',
    faults: [at('PrepareNodes', 0, 'module-missing:ip_vs_rr')],
  },
  { states: ['AwaitLookAgain'], cluster: OLD, faults: [{ at: 'AwaitPreparation', other: 'upgrade-addon' }] },
  { states: ['AwaitOtherUpdate'], cluster: OLD, faults: [{ at: 'UpdateAddon', other: 'upgrade-addon' }] },
  { states: ['EditConfigMap'], cluster: SELF, request: EDIT },
  { states: ['CheckCreatedAddon'], cluster: SELF, request: CREATE },
  { states: ['Rollback'], faults: [FAILED] },
  { states: ['AwaitRoll'], cluster: { endpoint: 'private' }, request: UNLISTED },
  { states: ['AwaitSecondCanaryProof'], faults: noBackends({ times: 1 }) },
  { states: ['InspectForCanary'], faults: noBackends({}) },
  { states: ['PrepareNewcomers', 'AwaitNewcomers', 'CollectNewcomers'], faults: [joins('AwaitRollout')] },
  { states: ['AwaitSecondValidation'], faults: [garbage('ValidateNodes', 'validate')] },
  // Every node runs the target, and nothing of the former mode is left.
  { states: ['AwaitCleaning', 'CollectCleaning', 'ConfirmConfiguration'], ending: FINISHED },
  {
    states: ['AwaitRollbackAgain'],
    faults: [update('Failed'), { at: 'Rollback', ...failing('states', 'StartExecution', 'ThrottlingException', 1) }],
  },
  // The recovery cannot prove more than the rollback could.
  { states: ['RollbackFailed'], ending: 'ABORTED rollback-failed iptables', faults: [offline('ValidateNodes', 1)] },
  { states: ['AwaitRecord'], faults: [LATE_RECORD] },
  { states: ['ReadLease', 'ReleaseLease', 'Migrated'], ending: 'ABORTED migrated ipvs' },
  { states: ['OutcomeNotRecorded'], ending: FINISHED, faults: [NO_RECORD] },
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

const MACHINE = { machine: 'nightshift-rollback-cluster' };
const CRASHED = crash('RestartDaemonSet', 'ipvs');
const stopped = (state: string) => abort(state, { machine: 'nightshift-migrate-cluster' });

const ROLLBACK: Route[] = [
  {
    states: [
      'StopOwner',
      'TakeLease',
      'ReadLease',
      'InspectHolder',
      'TakeOverLease',
      'AwaitConfirmation',
      'ConfirmLease',
    ],
    ending: PUT_BACK,
    faults: [stopped('AwaitRollout')],
  },
  {
    states: ['StopPrevious', 'AwaitAttempt'],
    ending: PUT_BACK,
    faults: [stopped('AwaitRollout'), abort('InspectFormer', MACHINE)],
  },
  // The recovery before has recorded the end of the incident.
  { states: ['ReadLeaseForRelease', 'ReleaseLease'], ending: UNCHANGED, faults: [stopped('AwaitRollout')] },
  {
    states: ['AwaitLease'],
    ending: 'SUCCEEDED migrated ipvs',
    faults: [again('PrepareNodes'), at('PrepareNodes', 1, 'slow'), stopped('LeaseHeld')],
  },
  { states: ['NothingToRollBack'], ending: UNCHANGED, faults: [stopped('PrepareNodes')] },
  {
    states: ['ProveStanding', 'AwaitStanding', 'CollectStanding', 'ConfirmStanding', 'Finished'],
    ending: FINISHED,
    faults: [stopped('Proven')],
  },
  { states: ['RestartDaemonSet', 'AwaitRollout', 'CheckRollout'], faults: [CRASHED] },
  { states: ['RestartCanary', 'AwaitCanary'], faults: noBackends({}) },
  { states: ['CheckAddonGone'], cluster: SELF, request: CREATE, faults: [CRASHED] },
  { states: ['RestoreConfigMap'], cluster: SELF, request: EDIT, faults: [CRASHED] },
  { states: ['AwaitRoll'], cluster: { endpoint: 'private' }, request: UNLISTED, faults: [FAILED] },
  { states: ['AwaitSecondProof'], faults: [FAILED, garbage('ProveFormer', 'validate')] },
  { states: ['AwaitRetry'], faults: [CRASHED, crash('RestoreAddon', 'iptables')] },
  {
    states: ['RollbackFailed'],
    ending: 'ABORTED Recovered rollback-failed iptables',
    faults: [offline('ValidateNodes', 1)],
  },
  {
    states: ['Failed'],
    ending: 'FAILED RollbackFailed rollback-failed iptables',
    faults: [offline('ValidateNodes', 1)],
  },
  { states: ['Ended'], ending: 'FAILED RolledBack rolled-back iptables', faults: [FAILED] },
  { states: ['AwaitRecord'], faults: [FAILED, { at: 'RecordOutcome', ...MACHINE, ...LATE_RECORD }] },
  { states: ['OutcomeNotRecorded'], faults: [FAILED, { at: 'RecordOutcome', ...MACHINE, ...NO_RECORD }] },
  {
    states: ['AwaitReadAgain'],
    faults: [
      FAILED,
      { at: 'ReadInput', ...MACHINE, on: invoking('inspect-rollback'), error: 'ServiceException', times: 5 },
    ],
  },
  {
    states: ['SurveyNodes', 'AskNodes', 'AwaitSurvey', 'CollectSurvey'],
    ending: 'ABORTED Recovered rollback-failed ipvs',
    faults: [CRASHED, kubernetes('forbidden', 'every', { at: 'RestartDaemonSet', ...MACHINE })],
  },
];

/** What no recovery starts with, or only follows on three of them: malformed-inputs and giving-up have it. */
const NOT_ABORTED = ['GiveUp', 'ReadLastLease', 'EvidenceMissing'];

/** The states of `migrate-cluster` in which an abort is tried. */
export const MIGRATE_STATES = distinctStates(
  'migrate-cluster',
  MIGRATE.flatMap(({ states }) => states),
);
/** The states of `rollback-cluster` in which an abort is tried. */
export const ROLLBACK_STATES = distinctStates(
  'rollback-cluster',
  ROLLBACK.flatMap(({ states }) => states),
).filter((state) => !NOT_ABORTED.includes(state));

function routeTo(machine: Machine, state: string): Omit<Route, 'states'> & { ending: string } {
  const migrates = machine === 'migrate-cluster';
  const route = (migrates ? MIGRATE : ROLLBACK).find(({ states }) => states.includes(state));
  const { phase } = followedState(state, machine);
  const ending = migrates ? phase && AFTER_MIGRATE[phase] : RECOVERED;
  return { ending: ending ?? 'thought of', ...(migrates ? {} : { faults: [FAILED] }), ...route };
}

/** Of every execution's status change. */
const UNHEARD = { events: 'lost', times: 'every' };

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
  const { cluster = {}, request = {}, faults = [], ending } = routeTo(machine, state);
  const world = worldOf(cluster, { windows: scenarios.WINDOWS });
  const all = [...faults, abort(state, { machine: `nightshift-${machine}` }), ...(unheard ? [UNHEARD] : [])];
  const { addon } = { ...CLUSTER, ...cluster };
  return {
    rested: await workflow.migrateAndRest(world, { ...REQUEST, ...request }, all),
    former: addon?.configuration ?? null,
    ending,
  };
}
