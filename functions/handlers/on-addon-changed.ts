import { type Eks, eks } from '../aws/eks.ts';
import { type EventBus, eventBus } from '../aws/events.ts';
import { type Leases, leasesIn } from '../aws/leases.ts';
import { Input, type Output } from '../contracts/on-addon-changed.ts';
import { EventTime } from '../contracts/shared/input.ts';
import { parseAddonCall, whyRefused } from '../core/fleet/cloudtrail.ts';
import { type AddonChange, changeByCall, changeByEvent, type DriftDecision, decideDrift } from '../core/fleet/drift.ts';
import { isAddonEvent, parseAddonEvent } from '../core/fleet/native-events.ts';
import type { ClusterStanding } from '../core/fleet/schedule-plan.ts';
import type { Settings } from '../core/fleet/settings.ts';
import { parseInput } from '../core/values/parse-input.ts';
import { clock, readAt } from '../runtime/clock.ts';
import { environment } from '../runtime/environment.ts';
import { type Log, type Run, wrap } from '../runtime/wrap.ts';
import { keepSchedule, liveSchedules } from './shared/keep-schedules.ts';

export interface Deps {
  eks: Pick<Eks, 'standing'>;
  bus: EventBus;
  leases: Leases;
  settings: () => Settings;
  /** Keeps the schedule of a cluster with this standing; false if the cluster is to have no schedule. */
  schedule: (standing: ClusterStanding, time: Date, log: Log) => Promise<boolean>;
}

type Drift = Extract<DriftDecision, { kind: 'drift' }>;

/**
 * Notices that a principal changed an enrolled cluster away from its target, publishes that on the bus, and schedules a
 * migration if the settings ask for it. nightshift's own changes are ignored. Throws InvalidRequest for an event that
 * is neither a recorded call about an add-on nor one of EKS's own.
 */
export function onAddonChanged(deps: Deps): Run<unknown, Output> {
  return async (event, log) => {
    const { cluster, what, by, output } = await react(deps, event, log);
    log.decision(`drift.${output.kind}`, { cluster, what, by, reason: output.reason });
    if (output.kind === 'refused') log.count('nightshift.ClusterRefused', 1);
    return output;
  };
}

/** `cluster`: null if the record of a refused call does not name it. */
type Answer = Pick<AddonChange, 'what' | 'by'> & { cluster: string | null; output: Output };

async function react(deps: Deps, event: unknown, log: Log): Promise<Answer> {
  const seen = changeIn(event);
  if (seen.kind === 'ignored') {
    const { cluster, what, by, reason } = seen;
    return { cluster, what, by, output: { kind: 'ignored', reason } };
  }
  const { change } = seen;
  const { cluster, what, by } = change;
  const answer = (kind: Output['kind'], reason: string): Answer => ({ cluster, what, by, output: { kind, reason } });
  // EKS's event does not name who made the update. While an execution works on the cluster, the update counts as that
  // execution's.
  if (by === null && (await deps.leases.held(cluster)))
    return answer('ignored', 'An execution of nightshift works on the cluster.');
  const decision = decideDrift(change, await deps.eks.standing(cluster), deps.settings());
  if (decision.kind === 'ignore') return answer('ignored', decision.reason);
  if (decision.kind === 'refuse') return answer('refused', decision.reason);
  const { time } = parseInput(EventTime, event, 'The event');
  const kind = await tell(deps, { time, change, drift: decision }, log);
  return answer(kind, `Found ${decision.found}, wanted ${decision.wanted}.`);
}

type Seen =
  | { kind: 'changed'; change: AddonChange }
  | { kind: 'ignored'; cluster: string | null; what: string; by: string | null; reason: string };

/** What changed, or why the cluster need not be inspected. */
function changeIn(event: unknown): Seen {
  if (isAddonEvent(event)) {
    const told = parseAddonEvent(event);
    return seen(changeByEvent(told), anotherAddon(told.addon));
  }
  const call = parseAddonCall(event);
  if (call.kind === 'refused')
    return { kind: 'ignored', cluster: null, what: call.call, by: call.by, reason: whyRefused(call) };
  return seen(changeByCall(call), anotherAddon(call.addon) ?? (call.own ? 'The call was one of nightshift.' : null));
}

function seen(change: AddonChange, ignored: string | null): Seen {
  if (ignored === null) return { kind: 'changed', change };
  const { cluster, what, by } = change;
  return { kind: 'ignored', cluster, what, by, reason: ignored };
}

const anotherAddon = (addon: string | null): string | null =>
  addon === null || addon === 'kube-proxy' ? null : `The add-on is ${addon}.`;

async function tell(
  deps: Deps,
  { time, change, drift }: { time: Date; change: AddonChange; drift: Drift },
  log: Log,
): Promise<'notified' | 'scheduled'> {
  const { cluster, what, by, eventId } = change;
  // The schedule is made first: if the event is delivered again after a failure, the schedule exists and the event is
  // still published.
  const scheduled = deps.settings().drift === 'migrate' && (await deps.schedule(drift.standing, time, log));
  const detail = { cluster, found: drift.found, wanted: drift.wanted, change: what, by, event: eventId, scheduled };
  await deps.bus.put({ detailType: 'nightshift.DriftDetected', resources: [], detail });
  log.count('nightshift.DriftDetected', 1);
  return scheduled ? 'scheduled' : 'notified';
}

/** EKS may still be applying the change, so the schedule is kept for the configuration that the change leads to. */
async function scheduleFor(standing: ClusterStanding, time: Date, log: Log): Promise<boolean> {
  const changed = { ...liveSchedules.eks, standing: async () => standing };
  const now = readAt(time, clock());
  const { schedules } = await keepSchedule({ ...liveSchedules, eks: changed }, standing.name, now, log);
  return schedules.keep + schedules.create + schedules.move > 0;
}

export const handler = wrap(
  Input,
  onAddonChanged({
    eks,
    bus: eventBus(environment.eventBus),
    leases: leasesIn(environment.leaseGroup),
    settings: environment.settings,
    schedule: scheduleFor,
  }),
);
