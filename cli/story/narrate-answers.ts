import { count, showCounts, showTarget, showTime } from '../terminal/format.ts';
import {
  CanaryAnswer,
  CollectAnswer,
  DescribeAddonAnswer,
  DescribeUpdateAnswer,
  DispatchAnswer,
  EditAnswer,
  FormerAnswer,
  InspectAnswer,
  InventoryAnswer,
  NestedAnswer,
  OutcomeAnswer,
  RolloutAnswer,
  UpdateAnswer,
  WindowAnswer,
} from './answers.ts';

/** What the answer of a state says in one line, by the state's name; null for an answer that is none. */
export const ANSWERED: Readonly<Record<string, (value: unknown) => string | null>> = {
  InspectCluster: inspected,
  InspectWorkloads: inspected,
  InspectForPreparation: inspectedAgain,
  InspectForCanary: inspectedAgain,
  InspectForValidation: inspectedAgain,
  InspectForProof: inspectedAgain,
  InspectFormer: foundFormer,
  InspectWithKubernetes: foundFormer,
  DecideWindow: decided,
  CheckWindowBeforeChange: decided,
  CheckWindowBeforeRestart: decided,
  ProveCompliance: dispatched,
  PrepareNodes: dispatched,
  PrepareNewcomers: (value) => joined(dispatched(value), 'that joined meanwhile'),
  ValidateCanary: () => null,
  ValidateNodes: dispatched,
  CleanNodes: dispatched,
  ProveStanding: dispatched,
  ProveFormer: dispatched,
  CollectCompliance: (value) => collected(value, 'proved it'),
  CollectPreparation: (value) => collected(value, 'prepared'),
  CollectNewcomers: (value) => collected(value, 'that joined prepared'),
  CollectCanary: (value) => collected(value, 'proved it'),
  CollectValidation: (value) => collected(value, 'proved it'),
  CollectCleaning: (value) => collected(value, 'clean'),
  CollectStanding: (value) => collected(value, 'proved it'),
  CollectProof: (value) => collected(value, 'proved it'),
  EditConfigMap: edited,
  UpdateAddon: updateSent,
  CheckAddon: updateStatus,
  CheckCreatedAddon: addonStatus,
  RestoreAddon: restoring,
  RestoreConfigMap: edited,
  RestartCanary: canary,
  CheckCanary: (value) => (RolloutAnswer.safeParse(value).data?.done ? "the canary's new kube-proxy is Ready" : null),
  RestartDaemonSet: () => 'DaemonSet kube-proxy restarts',
  CheckRollout: rolledOut,
  Rollback: rolledBack,
  RecordOutcome: recorded,
};

function joined(text: string | null, rest: string): string | null {
  return text === null ? null : `${text} ${rest}`;
}

function inspected(value: unknown): string | null {
  const answer = InspectAnswer.safeParse(value);
  if (!answer.success) return null;
  const { plan, cluster, addon, inventory } = answer.data;
  const parts = [
    cluster.version === undefined ? null : `Kubernetes ${cluster.version}`,
    addon ? `kube-proxy add-on ${addon.version}` : 'no kube-proxy add-on',
    inventory ? showCounts(inventory.counts) : null,
    `plan: ${plan.kind}${plan.kind === 'refuse' ? ` (${plan.reasons.join(' ')})` : ''}`,
  ];
  return parts.filter((part) => part !== null).join(', ');
}

function inspectedAgain(value: unknown): string | null {
  const answer = InventoryAnswer.safeParse(value);
  if (!answer.success) return null;
  const { inventory, notes = [] } = answer.data;
  return [`fresh inventory: ${showCounts(inventory.counts)}`, ...notes].join('; ');
}

function decided(value: unknown): string | null {
  const answer = WindowAnswer.safeParse(value);
  if (!answer.success) return null;
  if (answer.data.kind === 'open') return `open: ${answer.data.reason}`;
  return `closed: ${answer.data.reason}; waits until ${showTime(new Date(answer.data.opensAt))}`;
}

function dispatched(value: unknown): string | null {
  const answer = DispatchAnswer.safeParse(value);
  if (!answer.success) return null;
  return `${count(answer.data.nodes, 'node')} asked in ${count(answer.data.commands, 'command')}`;
}

function collected(value: unknown, done: string): string | null {
  const answer = CollectAnswer.safeParse(value);
  if (!answer.success) return null;
  const { passed, pending, failed } = answer.data;
  const rest = [pending > 0 ? `${pending} to come` : null, failed > 0 ? `${failed} failed` : null];
  const total = passed + pending + failed;
  return [`${passed} of ${count(total, 'node')} ${done}`, ...rest.filter((part) => part !== null)].join(', ');
}

function updateSent(value: unknown): string | null {
  const answer = UpdateAnswer.safeParse(value);
  if (!answer.success) return null;
  const { updateId } = answer.data;
  return updateId === null ? 'the add-on is created with OVERWRITE' : `update ${updateId} sent with OVERWRITE`;
}

function restoring(value: unknown): string | null {
  const answer = UpdateAnswer.safeParse(value);
  if (!answer.success) return null;
  const { updateId } = answer.data;
  return updateId === null
    ? 'the add-on that was created is given back'
    : `update ${updateId} sent with the former configuration`;
}

function edited(value: unknown): string | null {
  const answer = EditAnswer.safeParse(value);
  if (!answer.success) return null;
  return answer.data.changed ? 'ConfigMap kube-proxy-config written' : 'ConfigMap kube-proxy-config was so already';
}

function canary(value: unknown): string | null {
  const answer = CanaryAnswer.safeParse(value);
  if (!answer.success) return null;
  const { canaries, reason } = answer.data;
  if (canaries.length === 0) return `no canary: ${reason}`;
  return canaries.map(({ node, reason: why }) => `${node.name} goes first: ${why}`).join('; ');
}

function foundFormer(value: unknown): string | null {
  const answer = FormerAnswer.safeParse(value);
  if (!answer.success) return null;
  const { plan, former } = answer.data;
  return [former ? `was ${showTarget(former.proxying)}.` : '', ...plan.reasons].join(' ').trim();
}

function addonStatus(value: unknown): string | null {
  const answer = DescribeAddonAnswer.safeParse(value);
  return answer.success ? `the add-on is ${answer.data.Addon.Status}` : null;
}

function updateStatus(value: unknown): string | null {
  const answer = DescribeUpdateAnswer.safeParse(value);
  return answer.success ? `update is ${answer.data.Update.Status}` : null;
}

function rolledOut(value: unknown): string | null {
  const answer = RolloutAnswer.safeParse(value);
  if (!answer.success) return null;
  const { updated, desired, available } = answer.data;
  return `${updated} of ${count(desired, 'pod')} restarted, ${available} available`;
}

function rolledBack(value: unknown): string | null {
  const answer = NestedAnswer.safeParse(value);
  const outcome = answer.success ? OutcomeAnswer.safeParse(answer.data.Output) : null;
  if (!outcome?.success) return null;
  const { ending, modes = {} } = outcome.data;
  return [ending, ...Object.entries(modes).map(([mode, nodes]) => `${count(nodes, 'node')} ${mode}`)].join(', ');
}

function recorded(value: unknown): string | null {
  const answer = OutcomeAnswer.safeParse(value);
  if (!answer.success) return null;
  const { ending, outcome } = answer.data;
  return `${ending}${outcome ? `, outcome in ${outcome.key}` : ''}`;
}
