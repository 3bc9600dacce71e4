/** The phases of a migration as people follow them, in order, with the states of `migrate-cluster` that do them. */
const MIGRATION_PHASES = [
  {
    name: 'inspect',
    label: 'Inspect',
    states: [
      'ReadRequest',
      'AwaitBeginning',
      'DescribeCluster',
      'AwaitCluster',
      'DescribeAddon',
      'AwaitAddonActive',
      'InspectCluster',
      'ProveCompliance',
      'AwaitCompliance',
      'CollectCompliance',
      'ConfirmCompliance',
      'AcquireLease',
      'GrantAccess',
      'ReadAccessFound',
      'GrantView',
      'GrantEdit',
      'InspectWorkloads',
    ],
  },
  {
    name: 'window',
    label: 'Window',
    states: [
      'DecideWindow',
      'ReadAccessForWait',
      'RevokeAccessForWait',
      'ReadLeaseForWait',
      'ReleaseLeaseForWait',
      'AwaitWindow',
    ],
  },
  {
    name: 'prepare',
    label: 'Prepare',
    states: [
      'PrepareNodes',
      'AwaitPreparation',
      'CollectPreparation',
      'InspectForPreparation',
      'CheckWindowBeforeChange',
      'CheckBeforeChange',
      'AwaitLookAgain',
      'RenewLease',
      'SaveFormer',
    ],
  },
  {
    name: 'change',
    label: 'Update add-on',
    states: ['EditConfigMap', 'UpdateAddon', 'AwaitOtherUpdate', 'AwaitAddon', 'CheckAddon', 'CheckCreatedAddon'],
  },
  {
    name: 'canary',
    label: 'Canary',
    states: [
      'CheckWindowBeforeCanary',
      'RestartCanary',
      'AwaitCanary',
      'CheckCanary',
      'ValidateCanary',
      'AwaitCanaryProof',
      'CollectCanary',
      'AwaitSecondCanaryProof',
      'InspectForCanary',
    ],
  },
  {
    name: 'restart',
    label: 'Restart',
    states: ['CheckWindowBeforeRestart', 'RestartDaemonSet', 'AwaitRoll', 'AwaitRollout', 'CheckRollout'],
  },
  {
    name: 'validate',
    label: 'Validate',
    states: [
      'InspectForValidation',
      'PrepareNewcomers',
      'AwaitNewcomers',
      'CollectNewcomers',
      'ValidateNodes',
      'AwaitValidation',
      'CollectValidation',
      'AwaitSecondValidation',
      'CleanNodes',
      'AwaitCleaning',
      'CollectCleaning',
      'ConfirmConfiguration',
    ],
  },
  { name: 'rollback', label: 'Roll back', states: ['Rollback', 'AwaitRollbackAgain'] },
  {
    name: 'record',
    label: 'Record',
    states: ['ReadAccess', 'RevokeAccess', 'RecordOutcome', 'AwaitRecord', 'ReadLease', 'ReleaseLease'],
  },
] as const;

/** The phases of a way back, with the states of `rollback-cluster`. */
const ROLLBACK_PHASES = [
  {
    name: 'former',
    label: 'Former state',
    states: [
      'ReadInput',
      'AwaitReadAgain',
      'GiveUp',
      'ReadLastLease',
      'StopPrevious',
      'AwaitAttempt',
      'StopOwner',
      'InspectFormer',
      'TakeLease',
      'ReadLease',
      'InspectHolder',
      'AwaitLease',
      'TakeOverLease',
      'AwaitConfirmation',
      'ConfirmLease',
      'GrantAccess',
      'GrantView',
      'GrantEdit',
      'InspectWithKubernetes',
    ],
  },
  {
    name: 'standing',
    label: 'As it stands',
    states: ['ProveStanding', 'AwaitStanding', 'CollectStanding', 'ConfirmStanding'],
  },
  {
    name: 'restore',
    label: 'Restore',
    states: ['RestoreAddon', 'AwaitAddon', 'CheckAddon', 'CheckAddonGone', 'RestoreConfigMap'],
  },
  {
    name: 'restart',
    label: 'Restart',
    states: ['RestartCanary', 'AwaitCanary', 'RestartDaemonSet', 'AwaitRoll', 'AwaitRollout', 'CheckRollout'],
  },
  { name: 'clean', label: 'Clean', states: ['InspectForProof', 'CleanNodes', 'AwaitCleaning', 'CollectCleaning'] },
  {
    name: 'proof',
    label: 'Prove',
    states: ['ProveFormer', 'AwaitProof', 'CollectProof', 'AwaitSecondProof', 'ConfirmFormer'],
  },
  { name: 'again', label: 'Try again', states: ['AwaitRetry'] },
  {
    name: 'survey',
    label: 'Ask the nodes',
    states: ['SurveyNodes', 'AskNodes', 'AwaitSurvey', 'CollectSurvey'],
  },
  {
    name: 'record',
    label: 'Record',
    states: ['ReadAccess', 'RevokeAccess', 'RecordOutcome', 'AwaitRecord', 'ReadLeaseForRelease', 'ReleaseLease'],
  },
] as const;

/** Which of nightshift's state machines an execution belongs to. */
export type Machine = 'migrate-cluster' | 'rollback-cluster';

/** By the name of the state machine, with whatever prefix a deployment gives it. */
export function machineOf(stateMachine: string): Machine {
  return stateMachine.endsWith('rollback-cluster') ? 'rollback-cluster' : 'migrate-cluster';
}

/** The phases of each state machine, in the order in which people follow them. */
export const PHASES = { 'migrate-cluster': MIGRATION_PHASES, 'rollback-cluster': ROLLBACK_PHASES } as const;

export type PhaseName = (typeof PHASES)[Machine][number]['name'];

type ByState = ReadonlyMap<string, PhaseName>;
const byState = (machine: Machine): ByState =>
  new Map(PHASES[machine].flatMap((phase) => phase.states.map((state): [string, PhaseName] => [state, phase.name])));
const BY_STATE: Readonly<Record<Machine, ByState>> = {
  'migrate-cluster': byState('migrate-cluster'),
  'rollback-cluster': byState('rollback-cluster'),
};

/** The phase that a state belongs to; null for one that only decides where to go on (Choice, Pass, Succeed, Fail). */
export function phaseOf(state: string, machine: Machine): PhaseName | null {
  return BY_STATE[machine].get(state) ?? null;
}

/** What people read for a phase. */
export function labelOf(phase: PhaseName): string {
  return LABELS.get(phase) ?? phase;
}

/** A phase that both state machines have is called the same in both. */
const LABELS: ReadonlyMap<string, string> = new Map(
  [...ROLLBACK_PHASES, ...MIGRATION_PHASES].map(({ name, label }) => [name, label]),
);

/** Order in which phases come: an execution that waits and inspects again is still in its window phase. */
export function orderOf(phase: PhaseName, machine: Machine): number {
  return PHASES[machine].findIndex((each) => each.name === phase);
}
