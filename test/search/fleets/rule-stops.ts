import { asJson, isDisruptive } from '../seen.ts';
import { GUARD_TAG, mayFail } from './case.ts';
import { begunAt, disruptedAt, type FleetSeen, iso, type PartSeen, partsOf } from './seen.ts';
import { type Stop, stopsOf, throughout } from './stops.ts';

/** What was read may be acted on for so long: the calls in between are repeated when AWS refuses them. */
const GRACE_MS = 300_000;
const earlier = (at: string) => new Date(Date.parse(at) - GRACE_MS).toISOString();
const later = (at: string) => new Date(Date.parse(at) + GRACE_MS).toISOString();

/** Rule b: nothing begins under a hold that covers the cluster, or while an alarm of it rings. */
export function nothingUnderAStop(fleet: FleetSeen): string[] {
  const stops = stopsOf(fleet.seen);
  return partsOf(fleet).flatMap((part) => {
    const covering = stops.filter(({ what }) => covers(fleet, part, what));
    return beginningsOf(part).flatMap(({ what, at, isFirst }) =>
      throughout(covering, earlier(at), at)
        // Who has begun goes on under the hold of its batch.
        .filter((stop) => isFirst || !stop.what.startsWith('batches/'))
        .map((stop) => `${what} of ${part.execution.name} at ${at}, ${shown(stop)}`),
    );
  });
}

const shown = ({ what, from, to }: Stop) => `under ${what} from ${from} to ${to}`;

function covers({ of }: FleetSeen, { cluster, stage, batch }: PartSeen, what: string): boolean {
  const tags = of.world.clusters.find(({ name }) => name === cluster)?.tags ?? {};
  const alarms = (tags[GUARD_TAG] ?? '').split(' ').map((name) => `alarm ${name}`);
  return ['all', `clusters/${cluster}`, `stages/${stage}`, `batches/${batch}`, ...alarms].includes(what);
}

/** Where a change could still be left: the first preparation, the change itself, and each restart. */
function beginningsOf({ changes }: PartSeen): { what: string; at: string; isFirst: boolean }[] {
  const first = changes.findIndex(isDisruptive);
  return changes.flatMap((deed, index) => {
    const isPreparation = index === 0 && !isDisruptive(deed);
    if (!isPreparation && !isDisruptive(deed)) return [];
    return [{ what: deed.what, at: iso(deed.at), isFirst: isPreparation || index === first }];
  });
}

/** Before its change these are nothing that the cluster has shown about itself; a hold is none at any time. */
const NOT_ITS_OWN = new Set(['GuardRaised', 'AlreadyMigrating', 'PreflightRefused']);

function hasFailed(part: PartSeen): boolean {
  if (part.isProof || part.isProven || begunAt(part) === null || part.execution.status === 'RUNNING') return false;
  if (part.error === 'OnHold') return part.ending === 'rollback-failed';
  return disruptedAt(part) !== null || !NOT_ITS_OWN.has(part.error);
}

/** When each cluster that failed did so for the first time, in order. */
function firstFailures(members: readonly PartSeen[]): string[] {
  const first = new Map<string, string>();
  for (const { cluster, endedAt } of members.filter(hasFailed))
    if (endedAt < (first.get(cluster) ?? '9999')) first.set(cluster, endedAt);
  return [...first.values()].sort();
}

/** The hold of the batch is a parameter: while SSM takes none, nothing can hold it. */
const takesNoHold = ({ of }: FleetSeen): boolean =>
  of.faults.some((fault) => asJson(fault['on'])['operation'] === 'PutParameter');

/** Rule c: after one more has failed than a stage tolerates, only those go on that had begun. */
export function noMoreFailures(fleet: FleetSeen): string[] {
  if (takesNoHold(fleet)) return [];
  const parts = partsOf(fleet).filter(({ isProof }) => !isProof);
  const released = stopsOf(fleet.seen).filter(({ what, to }) => what.startsWith('batches/') && to < '9999');
  return [...new Set(parts.map(({ batch }) => batch))].flatMap((batch) => {
    const members = parts.filter((part) => part.batch === batch);
    const stage = fleet.of.stages.find(({ name }) => name === members[0]?.stage);
    if (!stage || released.some(({ what }) => what === `batches/${batch}`)) return [];
    const failures = firstFailures(members);
    const oneTooMany = failures[mayFail(fleet.of, stage)];
    if (oneTooMany === undefined) return [];
    return members.flatMap(({ execution, changes }) => {
      const [first] = changes;
      const disrupts = changes.find(isDisruptive);
      const late = [first, disrupts].find((deed) => deed && iso(deed.at) > later(oneTooMany));
      if (!late) return [];
      return [
        `${late.what} of ${execution.name} at ${iso(late.at)}, after ${failures.length} had failed by ${oneTooMany}`,
      ];
    });
  });
}
