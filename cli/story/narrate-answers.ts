import * as EditConfigMap from '../../functions/contracts/edit-config-map.ts';
import { count, showCounts, showTarget, showTime } from '../terminal/format.ts';
import type { Step } from './history.ts';
import {
  ChosenCanaries,
  Collected,
  Decided,
  DescribedAddon,
  DescribedUpdate,
  Dispatched,
  FoundFormer,
  GuardsAsked,
  Inspected,
  InspectedAgain,
  Nested,
  Recorded,
  RolledOut,
  UpdateSent,
} from './views.ts';

/** A Task that has succeeded. */
type Answered = Step & { kind: 'succeeded' };

/** The answer of a Task in one line; null if a later step shows the same. */
export function narrateAnswer(step: Answered): string | null {
  return ANSWERS[step.calls ?? '']?.(step.value, step) ?? null;
}

/** Keyed by what the Task calls. If the answer is not enough, the arguments of the call are read, too. */
const ANSWERS: Readonly<Record<string, (value: unknown, step: Answered) => string | null>> = {
  'inspect-cluster': inspected,
  'inspect-rollback': foundFormer,
  'take-inventory': inspectedAgain,
  'decide-window': decided,
  'run-on-nodes': dispatched,
  'collect-from-nodes': collected,
  'update-addon': (value, { payload }) => (payload['back'] === true ? restoring(value) : updateSent(value)),
  'edit-config-map': edited,
  'eks:describeUpdate': updateStatus,
  'eks:describeAddon': addonStatus,
  'restart-kube-proxy': restarted,
  'check-guards': guardsAsked,
  'check-rollout': (value, { payload }) => ('canary' in payload ? canaryUp(value) : rolledOut(value)),
  'states:startExecution.sync:2': rolledBack,
  'record-outcome': recorded,
};

/** Nodes that joined after the preparation are prepared when all nodes are proven. */
const areNewcomers = ({ phase, payload }: Answered): boolean => phase === 'validate' && payload['phase'] === 'prepare';

function inspected(value: unknown): string | null {
  const answer = Inspected.safeParse(value);
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
  const answer = InspectedAgain.safeParse(value);
  if (!answer.success) return null;
  const { inventory, notes = [] } = answer.data;
  return [`fresh inventory: ${showCounts(inventory.counts)}`, ...notes].join('; ');
}

function decided(value: unknown): string | null {
  const answer = Decided.safeParse(value);
  if (!answer.success) return null;
  if (answer.data.kind === 'open') return `open: ${answer.data.reason}`;
  return `closed: ${answer.data.reason}; waits until ${showTime(new Date(answer.data.opensAt))}`;
}

/** The restart of the canaries has already named them. */
function dispatched(value: unknown, step: Answered): string | null {
  const answer = Dispatched.safeParse(value);
  if (!answer.success || step.phase === 'canary') return null;
  const asked = `${count(answer.data.nodes, 'node')} asked in ${count(answer.data.commands, 'command')}`;
  return areNewcomers(step) ? `${asked} that joined meanwhile` : asked;
}

const DONE: Readonly<Record<string, string>> = { prepare: 'prepared', validate: 'proved it', clean: 'clean' };

function collected(value: unknown, step: Answered): string | null {
  const answer = Collected.safeParse(value);
  if (!answer.success) return null;
  const asked = DONE[String(step.payload['phase'])] ?? 'done';
  const done = areNewcomers(step) ? `that joined ${asked}` : asked;
  const { passed, pending, failed } = answer.data;
  const rest = [pending > 0 ? `${pending} to come` : null, failed > 0 ? `${failed} failed` : null];
  const total = passed + pending + failed;
  return [`${passed} of ${count(total, 'node')} ${done}`, ...rest.filter((part) => part !== null)].join(', ');
}

function updateSent(value: unknown): string | null {
  const answer = UpdateSent.safeParse(value);
  if (!answer.success) return null;
  const { updateId } = answer.data;
  return updateId === null ? 'the add-on is created with OVERWRITE' : `update ${updateId} sent with OVERWRITE`;
}

function restoring(value: unknown): string | null {
  const answer = UpdateSent.safeParse(value);
  if (!answer.success) return null;
  const { updateId } = answer.data;
  return updateId === null
    ? 'the add-on that was created is removed again'
    : `update ${updateId} sent with the former configuration`;
}

function edited(value: unknown): string | null {
  const answer = EditConfigMap.Output.safeParse(value);
  if (!answer.success) return null;
  return answer.data.changed ? 'ConfigMap kube-proxy-config written' : 'ConfigMap kube-proxy-config was so already';
}

/** The target is one node of each kind, the nodes of an inventory, or the DaemonSet, whose answer is its generation. */
function restarted(value: unknown, { payload }: Answered): string | null {
  if ('restartedAt' in payload) return 'DaemonSet kube-proxy restarts';
  const answer = ChosenCanaries.safeParse(value);
  if (!answer.success) return null;
  const { canaries, reason } = answer.data;
  if (canaries.length === 0) return `no canary: ${reason}`;
  return canaries.map(({ node, reason: why }) => `${node.name} goes first: ${why}`).join('; ');
}

function foundFormer(value: unknown): string | null {
  const answer = FoundFormer.safeParse(value);
  if (!answer.success) return null;
  const { plan, former } = answer.data;
  return [former ? `was ${showTarget(former.proxying)}.` : '', ...plan.reasons].join(' ').trim();
}

function addonStatus(value: unknown): string | null {
  const answer = DescribedAddon.safeParse(value);
  return answer.success ? `the add-on is ${answer.data.Addon.Status}` : null;
}

function updateStatus(value: unknown): string | null {
  const answer = DescribedUpdate.safeParse(value);
  return answer.success ? `update is ${answer.data.Update.Status}` : null;
}

function canaryUp(value: unknown): string | null {
  return RolledOut.safeParse(value).data?.done ? "the canary's new kube-proxy is Ready" : null;
}

function rolledOut(value: unknown): string | null {
  const answer = RolledOut.safeParse(value);
  if (!answer.success) return null;
  const { updated, desired, available } = answer.data;
  return `${updated} of ${count(desired, 'pod')} restarted, ${available} available`;
}

function guardsAsked(value: unknown): string | null {
  const answer = GuardsAsked.safeParse(value);
  if (!answer.success) return null;
  return answer.data.kind === 'quiet' ? 'no alarm is raised' : answer.data.guard.reason;
}

function rolledBack(value: unknown): string | null {
  const answer = Nested.safeParse(value);
  const outcome = answer.success ? Recorded.safeParse(answer.data.Output) : null;
  if (!outcome?.success) return null;
  const { ending, modes = {} } = outcome.data;
  return [ending, ...Object.entries(modes).map(([mode, nodes]) => `${count(nodes, 'node')} ${mode}`)].join(', ');
}

function recorded(value: unknown): string | null {
  const answer = Recorded.safeParse(value);
  if (!answer.success) return null;
  const { ending, outcome } = answer.data;
  return `${ending}${outcome ? `, outcome in ${outcome.key}` : ''}`;
}
