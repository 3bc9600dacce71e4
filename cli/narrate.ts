import {
  CollectAnswer,
  DescribeUpdateAnswer,
  DispatchAnswer,
  InspectAnswer,
  OutcomeAnswer,
  RequestInput,
  RolloutAnswer,
  UpdateAnswer,
  WindowAnswer,
} from './answers.ts';
import { oneLine } from './exit.ts';
import type { Step } from './history.ts';

/** What a step means to a person, in one line; null where it says nothing that the next step does not say better. */
export function narrate(step: Step): string | null {
  switch (step.kind) {
    case 'started':
      return narrateRequest(step.input);
    case 'entered':
      return ENTERED[step.state] ?? null;
    case 'succeeded':
      return clean(ANSWERED[step.state]?.(step.value) ?? null);
    case 'failed':
      return clean(`${step.error.name}: ${step.error.cause}`);
    case 'left':
    case 'ended':
      return null;
  }
}

/** A moment as people read it: UTC, to the second. */
export function showTime(time: Date): string {
  if (Number.isNaN(time.getTime())) return 'a moment that is no date';
  return `${time.toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** `9 h 30 min`, `2 min 5 s`, `20 s`: the two largest units that count. */
export function showDuration(seconds: number): string {
  const units: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [Math.round(seconds % 60), 's'],
  ];
  const first = units.findIndex(([amount]) => amount > 0);
  if (first < 0) return '0 s';
  const shown = units.slice(first, first + 2).filter(([amount]) => amount > 0);
  return shown.map(([amount, unit]) => `${amount} ${unit}`).join(' ');
}

/** `1 node`, `3 nodes`. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
}

/** `ipvs rr`, `iptables`. */
export function showTarget(target: { mode: string; scheduler?: string | undefined }): string {
  return target.scheduler === undefined ? target.mode : `${target.mode} ${target.scheduler}`;
}

const ENTERED: Readonly<Record<string, string>> = {
  InspectCluster: 'reads the cluster, its add-on and its nodes',
  ProveCompliance: 'configured already: every node is asked to prove it',
  GrantAccess: 'takes access to Kubernetes for this execution',
  AwaitSecondValidation: 'asks all nodes again in a minute',
  RevokeAccess: 'gives the access to Kubernetes back',
};

const ANSWERED: Readonly<Record<string, (value: unknown) => string | null>> = {
  InspectCluster: inspected,
  InspectWorkloads: inspected,
  InspectForValidation: inspectedAgain,
  DecideWindow: decided,
  CheckWindowBeforeChange: decided,
  ProveCompliance: dispatched,
  PrepareNodes: dispatched,
  ValidateNodes: dispatched,
  CollectCompliance: (value) => collected(value, 'proved it'),
  CollectPreparation: (value) => collected(value, 'prepared'),
  CollectValidation: (value) => collected(value, 'proved it'),
  UpdateAddon: updateSent,
  CheckAddon: updateStatus,
  RestartDaemonSet: () => 'DaemonSet kube-proxy restarts',
  CheckRollout: rolledOut,
  RecordOutcome: recorded,
};

function narrateRequest(input: unknown): string {
  const request = RequestInput.safeParse(input);
  if (!request.success) return 'started with an input that is not a migration request';
  const { cluster, target, requestedBy, window, now } = request.data;
  const when = now ? `now (${now.reason})` : window ? `in window ${window}` : "in the cluster's window";
  return oneLine(
    `cluster ${cluster} to ${showTarget(target)}, ${when}${requestedBy ? `, asked by ${requestedBy}` : ''}`,
  );
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

/** `3 nodes (1 excluded)`; only what is not ordinary is spelled out. */
export function showCounts(counts: { total: number; proxyMode: number; excluded: number; blocked: number }): string {
  const parts = [
    counts.proxyMode > 0 ? `${counts.proxyMode} proven through the Kubernetes API` : null,
    counts.excluded > 0 ? `${counts.excluded} excluded` : null,
    counts.blocked > 0 ? `${counts.blocked} blocked` : null,
  ].filter((part) => part !== null);
  return `${count(counts.total, 'node')}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}`;
}

function inspectedAgain(value: unknown): string | null {
  const answer = InspectAnswer.safeParse(value);
  const counts = answer.success ? answer.data.inventory?.counts : undefined;
  return counts ? `fresh inventory: ${showCounts(counts)}` : null;
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
  return answer.success ? `update ${answer.data.updateId} sent with OVERWRITE` : null;
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

function recorded(value: unknown): string | null {
  const answer = OutcomeAnswer.safeParse(value);
  if (!answer.success) return null;
  const { ending, outcome } = answer.data;
  return `${ending}${outcome ? `, outcome in ${outcome.key}` : ''}`;
}

function clean(text: string | null): string | null {
  return text === null ? null : oneLine(text);
}
