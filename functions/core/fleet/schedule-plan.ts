import * as z from 'zod/mini';
import { InvalidConfiguration, InvalidRequest } from '../errors.ts';
import { LONGEST_EXECUTION_NAME } from '../execution/executions.ts';
import { leaseName } from '../execution/lease.ts';
import type { MigrationRequest } from '../execution/request.ts';
import { parseConfiguration } from '../modes/addon-config.ts';
import { isConfiguredFor } from '../modes/configured.ts';
import type { Target } from '../modes/proxy-mode.ts';
import { clusterName } from '../values/cluster-name.ts';
import { compactMoment } from '../values/compact-moment.ts';
import { cutName } from '../values/digest.ts';
import { parseWindow, type Window } from '../window/window.ts';
import { enrolmentOf } from './enrolment.ts';
import type { ScheduleRecord } from './schedule-record.ts';
import type { Settings } from './settings.ts';
import { type PlannedSlot, type Slot, SlotBook } from './slots.ts';
import { type Stages, stageOf } from './stages.ts';

/** What EKS says of a cluster in two calls: enough to know whether a migration is due. */
export interface ClusterStanding {
  name: string;
  status: string;
  autoMode: boolean;
  tags: Record<string, string>;
  /** null when kube-proxy is self-managed. */
  addon: { configuration: string | null } | null;
}

/** A cluster's schedule as it is; `at` is null if someone edited the schedule to an expression without a time. */
export interface ExistingSchedule {
  at: Date | null;
  enabled: boolean;
  input: string;
}

/** `standing`: where the cluster stands, for the numbers of a fleet. */
export type ScheduleDecision = { standing: Wish['standing']; reason: string } & (
  | { kind: 'create' | 'move'; slot: PlannedSlot }
  /** `slot` is null where what is there is left as it is, whatever it is. */
  | { kind: 'keep'; slot: PlannedSlot | null }
  | { kind: 'delete' | 'none' }
);

/** What does not differ from cluster to cluster. */
export interface Deployment {
  settings: Settings;
  /** The configured windows by name, not yet parsed: a broken one concerns only its clusters. */
  windows: ReadonlyMap<string, unknown>;
  /** The configured stages, if there are any: their rollout migrates their clusters, and no schedule does. */
  stages: Stages | null;
  /** ARN of the state machine that migrates, as StartExecution takes it. */
  stateMachineArn: string;
  now: Date;
}

export interface Subject {
  cluster: string;
  /** null when there is no such cluster any more. */
  standing: ClusterStanding | null;
  existing: ExistingSchedule | null;
  record: ScheduleRecord;
}

type Wish =
  | { standing: 'due'; target: Target; window: string; parsed: Window }
  | { standing: 'compliant' | 'not-enrolled' | 'refused' | 'staged' | 'absent'; reason: string };

/** What a cluster is to have, as its tags, its state and its configuration tell. */
function wishOf(
  standing: ClusterStanding | null,
  { settings, windows, stages }: Deployment,
  parse = parseWindow,
): Wish {
  if (standing === null) return { standing: 'absent', reason: 'There is no such cluster.' };
  const { status, autoMode, addon, tags } = standing;
  const enrolment = enrolmentOf(tags, settings);
  if (enrolment.kind !== 'enrolled') return { standing: enrolment.kind, reason: enrolment.reason };
  if (status !== 'ACTIVE' && status !== 'UPDATING')
    return { standing: 'absent', reason: `The cluster is ${status}, not ACTIVE.` };
  const refused = (reason: string): Wish => ({ standing: 'refused', reason });
  if (autoMode) return refused('EKS Auto Mode runs kube-proxy itself.');
  if (addon === null) return refused('kube-proxy is self-managed, and only a person can choose how to change it.');
  const { target, window } = enrolment;
  try {
    // Values that cannot be read are refused, with the reason.
    parseConfiguration(addon.configuration);
    if (isConfiguredFor(addon.configuration, target))
      return { standing: 'compliant', reason: 'The add-on is configured for the target.' };
    if (!windows.has(window)) return refused(`There is no window ${window}.`);
    const parsed = parse(windows.get(window));
    const stage = stages && stageOf(standing, stages.stages, stages.manifests);
    if (stage !== null) return { standing: 'staged', reason: `The rollout migrates it in stage ${stage}.` };
    return { standing: 'due', target, window, parsed };
  } catch (error) {
    if (error instanceof InvalidConfiguration || error instanceof InvalidRequest) return refused(error.message);
    throw error;
  }
}

/** True for a cluster that is to have a schedule. */
export function isDue(standing: ClusterStanding | null, deployment: Deployment): boolean {
  return wishOf(standing, deployment).standing === 'due';
}

/** The name of a cluster's schedule in the group of migrations: as its lease in the group of leases. */
export const scheduleName = leaseName;

/**
 * The name of the execution that a cluster's schedule starts: Step Functions starts it once, however often the schedule
 * is delivered. https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function scheduledExecution(cluster: string, at: Date): string {
  const tail = `-${compactMoment(at)}`;
  return cutName(`scheduled-${cluster}`, { of: cluster, longest: LONGEST_EXECUTION_NAME, tail });
}

/** The batch of a night: every scheduled migration of one occurrence of a window. A fresh night starts anew. */
const nightOf = (window: string, windowStart: Date): string => `nights/${window}/${compactMoment(windowStart)}`;

const StartInput = z.object({ Input: z.string() });
const RequestInput = z.object({ cluster: clusterName() });

/** The cluster whose migration a schedule's input starts; null for an input that is none of ours. */
export function scheduledCluster(input: string): string | null {
  try {
    return RequestInput.parse(JSON.parse(StartInput.parse(JSON.parse(input)).Input)).cluster;
  } catch {
    // Neither JSON nor what nightshift writes.
    return null;
  }
}

type Due = Extract<Wish, { standing: 'due' }>;

function planned(cluster: string, slot: Slot, wish: Due, { settings, stateMachineArn }: Deployment): PlannedSlot {
  const request: MigrationRequest = {
    cluster,
    target: wish.target,
    window: wish.window,
    acknowledge: settings.acknowledge,
    requestedBy: `schedule ${scheduleName(cluster)}`,
    batch: { name: nightOf(wish.window, slot.windowStart), tolerate: settings.tolerate },
  };
  const execution = { Name: scheduledExecution(cluster, slot.at), Input: JSON.stringify(request) };
  const input = JSON.stringify({ StateMachineArn: stateMachineArn, ...execution });
  return { ...slot, window: wish.window, timezone: wish.parsed.timezone, input };
}

// A one-time schedule is gone soon after it fired; one that cannot reach its target tries for an hour.
const FIRING = 3_600_000;
// A schedule takes a moment to be there: a window that starts before is left out.
const LEAD = 120_000;

/** Why a schedule is left as it is whatever the plan says; null where the plan decides. */
function leftAlone({ at, enabled }: ExistingSchedule, now: Date): string | null {
  if (!enabled) return 'Somebody disabled the schedule.';
  const firing = at !== null && at <= now && now.getTime() - at.getTime() < FIRING;
  return firing ? 'The schedule is firing.' : null;
}

/** Where a cluster's schedule is to be; a slot that the cluster has counts as one that the book has taken. */
function slotFor({ cluster, existing, record }: Subject, wish: Due, deployment: Deployment, book: SlotBook) {
  const slots = book.of(wish.window, wish.parsed);
  const first = slots.free((start) => record.cancelled.some((each) => each === start.toISOString()));
  const own = existing?.at && existing.at > deployment.now ? slots.at(existing.at) : null;
  const stays = own !== null && book.mayStay(own.at) && (first === null || own.windowStart <= first.windowStart);
  const slot = stays ? own : first;
  return slot && { stays, slot: planned(cluster, slot, wish, deployment) };
}

/**
 * What is to become of one cluster's schedule. A slot that the cluster has is kept as long as it is one of its window's
 * and no earlier window has room; a window whose schedule was cancelled is passed over.
 */
function decide(subject: Subject, wish: Wish, deployment: Deployment, book: SlotBook): ScheduleDecision {
  const { existing } = subject;
  const { standing } = wish;
  const without = (reason: string): ScheduleDecision => ({ kind: existing ? 'delete' : 'none', standing, reason });
  if (wish.standing !== 'due') return without(wish.reason);
  const left = existing && leftAlone(existing, deployment.now);
  if (left) return { kind: 'keep', standing, slot: null, reason: left };
  const chosen = slotFor(subject, wish, deployment, book);
  if (chosen === null) return without(`Window ${wish.window} has no room any more.`);
  const { slot, stays } = chosen;
  const reason = `The add-on is not configured for the target; window ${wish.window} of ${slot.windowStart.toISOString()}.`;
  if (existing === null) return { kind: 'create', standing, slot, reason };
  const same = stays && existing.input === slot.input;
  return { kind: same ? 'keep' : 'move', standing, slot, reason };
}

/** A decision about a cluster. */
export interface Planned<About extends Subject = Subject> {
  subject: About;
  decision: ScheduleDecision;
}

/** `parseWindow`, once for each window: thousands of clusters share a few. */
function parseWindowOnce(): typeof parseWindow {
  const parsed = new Map<unknown, Window>();
  return (window) => {
    const known = parsed.get(window);
    if (known !== undefined) return known;
    const fresh = parseWindow(window);
    parsed.set(window, fresh);
    return fresh;
  };
}

/**
 * The order in which clusters get slots: fewer nodes first, then by name. A failure of a small cluster costs less, and
 * the night's tolerance holds the large ones.
 */
function bySize(nodes: ReadonlyMap<string, number>): (one: Subject, other: Subject) => number {
  const size = ({ cluster }: Subject) => nodes.get(cluster) ?? 0;
  return (one, other) => size(one) - size(other) || (one.cluster < other.cluster ? -1 : 1);
}

/** What is known besides the clusters themselves. */
export interface Around {
  /** The moments of schedules that are not to be decided about. */
  others?: readonly Date[];
  /** How many nodes each cluster has; a cluster that is not in it has none. */
  nodes?: ReadonlyMap<string, number>;
}

/** When a cluster has a schedule after a decision, as far as the slots of others are concerned. */
const momentAfter = ({ existing }: Subject, decision: ScheduleDecision): Date | null =>
  'slot' in decision ? (decision.slot?.at ?? existing?.at ?? null) : null;

/**
 * What is to become of the schedules of many clusters, the smallest first: together they stay within what one slot
 * takes. Takes time in proportion to the clusters.
 */
export function planSchedules<About extends Subject>(
  subjects: readonly About[],
  deployment: Deployment,
  { others = [], nodes = new Map() }: Around = {},
): Planned<About>[] {
  const book = new SlotBook(deployment.settings.stagger, new Date(deployment.now.getTime() + LEAD));
  const parse = parseWindowOnce();
  const order = bySize(nodes);
  const wishes = subjects
    .map((subject) => ({ subject, wish: wishOf(subject.standing, deployment, parse) }))
    .sort((a, b) => order(a.subject, b.subject));
  for (const at of others) book.take(at, { stays: true });
  for (const { subject, wish } of wishes)
    if (wish.standing === 'due' && subject.existing?.at)
      book.take(subject.existing.at, { stays: leftAlone(subject.existing, deployment.now) !== null });
  return wishes.map(({ subject, wish }) => {
    const decision = decide(subject, wish, deployment, book);
    const before = wish.standing === 'due' ? (subject.existing?.at ?? null) : null;
    const after = momentAfter(subject, decision);
    if (before?.getTime() !== after?.getTime()) {
      if (after) book.take(after, { stays: true });
      if (before) book.release(before);
    } else if (after && 'slot' in decision && decision.slot !== null) book.stay(after);
    return { subject, decision };
  });
}
