import * as z from 'zod';
import { readDefinition } from '../../state-machines/definitions.ts';
import type { Rested, Workflow } from './run.ts';
import * as scenarios from './scenarios.ts';
import { CLUSTER, REQUEST, UNLISTED, worldOf } from './worlds.ts';

const { abort, again, at, crash, each, failing, garbage, invoking, joins, kubernetes, offline, skip, update } =
  scenarios;

export type Machine = 'migrate-cluster' | 'rollback-cluster';

const Definition = z.object({ States: z.record(z.string(), z.unknown()) });

/** Every state, from the definition itself: a new one has to be thought of. */
export function statesOf(machine: Machine): string[] {
  return Object.keys(Definition.parse(JSON.parse(readDefinition(machine))).States);
}

/** What makes an execution enter states that it does not enter on its straight way. */
interface Route {
  states: string[];
  cluster?: { addon?: { configuration: string } | null } & Record<string, unknown>;
  request?: object;
  faults?: object[];
}

const ON_IPVS = { addon: { ...CLUSTER.addon, configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' } };
const SELF = { addon: null };
const EDIT = { selfManaged: 'config-map' };
const CREATE = { selfManaged: 'create-addon' };
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
  { states: ['ReadRequest', 'ChooseWhenToBegin', 'AwaitBeginning'], request: { notBefore: '2026-11-20T22:15:00Z' } },
  {
    states: [
      ...['DescribeCluster', 'ChooseClusterActive', 'AwaitCluster'],
      ...['DescribeAddon', 'ChooseAddonActive', 'AwaitAddonActive'],
    ],
    cluster: CREATING,
    request: { awaitActive: true },
  },
  { states: ['ClusterNotActive'], cluster: { status: 'FAILED' }, request: { awaitActive: true } },
  {
    states: [
      ...['ProveCompliance', 'AwaitCompliance', 'CollectCompliance', 'ChooseCompliance', 'ConfirmCompliance'],
      'RecordCompliance',
    ],
    cluster: ON_IPVS,
  },
  { states: ['AlreadyCompliant'], cluster: ON_IPVS },
  {
    // Another takes the cluster off its target, and back to it.
    states: ['ChooseRefuted'],
    cluster: ON_IPVS,
    faults: [
      { at: 'AwaitCompliance', other: 'change-addon', configuration: '{}' },
      { at: 'ChooseRefuted', other: 'change-addon', configuration: ON_IPVS.addon.configuration },
    ],
  },
  { states: ['ChooseLease'], cluster: ON_IPVS, faults: [garbage('ProveCompliance', 'validate')] },
  {
    states: ['ReadAccessFound'],
    faults: [{ at: 'GrantAccess', on: { service: 'eks', operation: 'CreateAccessEntry' }, lostReply: true }],
  },
  { states: ['RecordRefusal'], cluster: { status: 'UPDATING' } },
  { states: ['LeaseHeld'], faults: [again('PrepareNodes'), at('PrepareNodes', 1, 'slow')] },
  {
    states: ['WindowsMissed'],
    request: { window: 'narrow' },
    faults: [1, 2, 3, 4, 5].map((visit) => skip('AwaitPreparation', 0.95, { visit })),
  },
  { states: ['InspectForPreparation'], faults: [offline('PrepareNodes', 0, 400)] },
  { states: ['FailedBeforeChange', 'Failed'], faults: [at('PrepareNodes', 0, 'module-missing:ip_vs_rr')] },
  {
    states: ['ChooseLookAgain', 'AwaitLookAgain'],
    cluster: OLD,
    faults: [{ at: 'AwaitPreparation', other: 'upgrade-addon' }],
  },
  {
    states: ['ChooseUpdateAgain', 'AwaitOtherUpdate'],
    cluster: OLD,
    faults: [{ at: 'UpdateAddon', other: 'upgrade-addon' }],
  },
  { states: ['WindowClosed'], request: { window: 'narrow' }, faults: [skip('ValidateCanary', 0.98)] },
  { states: ['EditConfigMap'], cluster: SELF, request: EDIT },
  { states: ['CheckCreatedAddon'], cluster: SELF, request: CREATE },
  { states: ['AddonNotUpdated', 'FailedAfterChange', 'Rollback'], faults: [update('Failed', { applied: true })] },
  { states: ['AwaitRoll'], cluster: { endpoint: 'private' }, request: UNLISTED },
  { states: ['ChooseSecondCanaryProof', 'AwaitSecondCanaryProof'], faults: noBackends({ times: 1 }) },
  { states: ['CanaryBroken', 'InspectForCanary', 'ChooseCanaryAgain'], faults: noBackends({}) },
  {
    states: ['PrepareNewcomers', 'AwaitNewcomers', 'CollectNewcomers', 'ChooseNewcomersDone'],
    faults: [joins('AwaitRollout')],
  },
  { states: ['ChooseNodesAgain'], faults: [offline('ValidateNodes', 1, 90)] },
  { states: ['ChooseSecondValidation', 'AwaitSecondValidation'], faults: [garbage('ValidateNodes', 'validate')] },
  {
    states: ['ChooseRollbackAgain', 'AwaitRollbackAgain'],
    faults: [update('Failed'), { at: 'Rollback', ...failing('states', 'StartExecution', 'ThrottlingException', 1) }],
  },
  { states: ['RollbackFailed'], faults: [offline('ValidateNodes', 1)] },
  {
    states: ['AccessRemains'],
    faults: [{ at: 'RevokeAccess', ...failing('eks', 'DeleteAccessEntry', 'InvalidParameterException', 1) }],
  },
  {
    states: ['LeaseRemains'],
    faults: [{ at: 'ReleaseLease', ...failing('scheduler', 'DeleteSchedule', 'ValidationException', 1) }],
  },
  { states: ['AwaitRecord'], faults: [LATE_RECORD] },
  { states: ['Unrecorded', 'OutcomeNotRecorded'], faults: [NO_RECORD] },
];

const MACHINE = { machine: 'nightshift-rollback-cluster' };
const FAILED = update('Failed', { applied: true });
const CRASHED = crash('RestartDaemonSet', 'ipvs');
const stopped = (state: string) => abort(state, { machine: 'nightshift-migrate-cluster' });

const ROLLBACK: Route[] = [
  {
    states: [
      ...['StopOwner', 'TakeLease', 'ReadLease', 'ChooseLeaseHolder', 'InspectHolder', 'ChooseHolderStatus'],
      ...['TakeOverLease', 'AwaitConfirmation', 'ConfirmLease', 'ChooseConfirmed'],
      ...['ReadLeaseForRelease', 'ChooseLeaseOwner', 'ReleaseLease'],
    ],
    faults: [stopped('AwaitRollout')],
  },
  { states: ['StopPrevious', 'AwaitAttempt'], faults: [stopped('AwaitRollout'), abort('InspectFormer', MACHINE)] },
  { states: ['AwaitLease'], faults: [again('PrepareNodes'), at('PrepareNodes', 1, 'slow'), stopped('LeaseHeld')] },
  { states: ['NothingToRollBack'], faults: [stopped('PrepareNodes')] },
  {
    states: ['ChooseWithoutKubernetes'],
    faults: [FAILED, kubernetes('forbidden', 7, { at: 'InspectWithKubernetes' })],
  },
  {
    states: ['ProveStanding', 'AwaitStanding', 'CollectStanding', 'ChooseStanding', 'ConfirmStanding', 'Finished'],
    faults: [stopped('Proven')],
  },
  { states: ['RestartDaemonSet', 'AwaitRollout', 'CheckRollout', 'ChooseRollout'], faults: [CRASHED] },
  { states: ['RestartCanary', 'AwaitCanary'], faults: noBackends({}) },
  { states: ['CheckAddonGone', 'ChooseAddonGone'], cluster: SELF, request: CREATE, faults: [CRASHED] },
  { states: ['RestoreConfigMap'], cluster: SELF, request: EDIT, faults: [CRASHED] },
  { states: ['AddonNotRestored'], faults: [CRASHED, { at: 'RestoreAddon', ...update('Failed') }] },
  { states: ['AwaitRoll'], cluster: { endpoint: 'private' }, request: UNLISTED, faults: [FAILED] },
  { states: ['ChooseSecondProof', 'AwaitSecondProof'], faults: [FAILED, garbage('ProveFormer', 'validate')] },
  { states: ['ChooseProofAgain'], faults: [FAILED, offline('ProveFormer', 1, 90)] },
  { states: ['ChooseRetry', 'AwaitRetry'], faults: [CRASHED, crash('RestoreAddon', 'iptables')] },
  { states: ['RollbackFailed', 'Failed'], faults: [offline('ValidateNodes', 1)] },
  {
    states: ['AccessRemains'],
    faults: [
      FAILED,
      { at: 'RevokeAccess', ...MACHINE, ...failing('eks', 'DeleteAccessEntry', 'InvalidParameterException', 1) },
    ],
  },
  {
    states: ['LeaseRemains'],
    faults: [
      stopped('AwaitRollout'),
      { at: 'ReleaseLease', ...MACHINE, ...failing('scheduler', 'DeleteSchedule', 'ValidationException', 1) },
    ],
  },
  { states: ['AwaitRecord'], faults: [FAILED, { at: 'RecordOutcome', ...MACHINE, ...LATE_RECORD }] },
  { states: ['Unrecorded', 'OutcomeNotRecorded'], faults: [FAILED, { at: 'RecordOutcome', ...MACHINE, ...NO_RECORD }] },
  {
    states: ['ChooseReadAgain', 'AwaitReadAgain'],
    faults: [
      FAILED,
      { at: 'ReadInput', ...MACHINE, on: invoking('inspect-rollback'), error: 'ServiceException', times: 5 },
    ],
  },
  {
    states: ['ChooseSurvey', 'SurveyNodes', 'AskNodes', 'AwaitSurvey', 'CollectSurvey', 'ChooseSurveyDone'],
    faults: [CRASHED, kubernetes('forbidden', 'every', { at: 'RestartDaemonSet', ...MACHINE })],
  },
];

function routeTo(machine: Machine, state: string): Omit<Route, 'states'> {
  const routes = machine === 'migrate-cluster' ? MIGRATE : ROLLBACK;
  const straight = machine === 'migrate-cluster' ? {} : { faults: [FAILED] };
  return routes.find(({ states }) => states.includes(state)) ?? straight;
}

/** Of every execution's status change. */
export const UNHEARD = { events: 'lost', times: 'every' };

/** Aborts an execution in this state and lets time run out of timers; `former` as `expectWhole` takes it. */
export async function abortIn(
  workflow: Workflow,
  machine: Machine,
  state: string,
  more: object[] = [],
): Promise<{ rested: Rested; former: string | null }> {
  const { cluster = {}, request = {}, faults = [] } = routeTo(machine, state);
  const world = worldOf(cluster, { windows: scenarios.WINDOWS });
  const all = [...faults, abort(state, { machine: `nightshift-${machine}` }), ...more];
  const { addon } = { ...CLUSTER, ...cluster };
  return {
    rested: await workflow.migrateAndRest(world, { ...REQUEST, ...request }, all),
    former: addon?.configuration ?? null,
  };
}
