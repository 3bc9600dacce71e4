/** The phases of a migration as people follow them, in order, with the states of `migrate-cluster` that do them. */
export const PHASES = [
  {
    name: 'inspect',
    label: 'Inspect',
    states: [
      'InspectCluster',
      'ProveCompliance',
      'AwaitCompliance',
      'CollectCompliance',
      'AcquireLease',
      'GrantAccess',
      'GrantView',
      'GrantEdit',
      'InspectWorkloads',
    ],
  },
  {
    name: 'window',
    label: 'Window',
    states: ['DecideWindow', 'RevokeAccessForWait', 'ReleaseLeaseForWait', 'AwaitWindow'],
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
      'RenewLease',
      'SaveFormer',
    ],
  },
  {
    name: 'change',
    label: 'Update add-on',
    states: ['EditConfigMap', 'UpdateAddon', 'AwaitAddon', 'CheckAddon', 'CheckCreatedAddon'],
  },
  {
    name: 'canary',
    label: 'Canary',
    states: [
      'RestartCanary',
      'AwaitCanary',
      'CheckCanary',
      'ValidateCanary',
      'AwaitCanaryProof',
      'CollectCanary',
      'AwaitSecondCanaryProof',
    ],
  },
  { name: 'restart', label: 'Restart', states: ['RestartDaemonSet', 'AwaitRoll', 'AwaitRollout', 'CheckRollout'] },
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
    ],
  },
  { name: 'rollback', label: 'Roll back', states: ['Rollback', 'AwaitRollbackAgain'] },
  { name: 'record', label: 'Record', states: ['RevokeAccess', 'ReleaseLease', 'RecordOutcome'] },
] as const;

export type PhaseName = (typeof PHASES)[number]['name'];

const BY_STATE: ReadonlyMap<string, PhaseName> = new Map(
  PHASES.flatMap((phase) => phase.states.map((state): [string, PhaseName] => [state, phase.name])),
);

/** The phase that a state belongs to; null for one that only decides where to go on (Choice, Pass, Succeed, Fail). */
export function phaseOf(state: string): PhaseName | null {
  return BY_STATE.get(state) ?? null;
}

/** What people read for a phase. */
export function labelOf(phase: PhaseName): string {
  return PHASES.find((each) => each.name === phase)?.label ?? phase;
}

/** Order in which phases come: an execution that waits and inspects again is still in its window phase. */
export function orderOf(phase: PhaseName): number {
  return PHASES.findIndex((each) => each.name === phase);
}
