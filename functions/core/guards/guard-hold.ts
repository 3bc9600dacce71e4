import { guardText, type RaisedAlarm } from './alarms.ts';
import { type ActiveHold, Hold, type HoldParameter, holdInForce, holdText } from './holds.ts';

const LONGEST_REASON = 300;

/** The hold that nightshift puts on a cluster whose alarms are raised after the migration `execution`. It has no end. */
export function holdByGuards(alarms: readonly RaisedAlarm[], execution: string, now: Date): Hold {
  const reason = `after the migration ${execution}: ${guardText(alarms)}`;
  const short = reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON - 1)}…` : reason;
  return Hold.parse({ reason: short, by: 'nightshift', since: now.toISOString(), until: null });
}

/**
 * Whether a guard may put its hold: `free` if there is no parameter, `ended` if the end of its hold has passed, `held` if
 * a hold of others is in force, which stays as it is, and `own` if an earlier attempt has put this one.
 */
export type HoldPlace = { kind: 'free' | 'ended' | 'own' } | { kind: 'held'; hold: ActiveHold };

/** What `parameter`, the one that holds the cluster, leaves to do at `now` for the hold `wanted`. */
export function placeForHold(parameter: HoldParameter | undefined, wanted: Hold, now: Date): HoldPlace {
  if (parameter === undefined) return { kind: 'free' };
  const hold = holdInForce([parameter], now);
  if (hold === null) return { kind: 'ended' };
  return hold.by === wanted.by && hold.reason === wanted.reason ? { kind: 'own' } : { kind: 'held', hold };
}

/** How the sentence about a raised guard ends, by what became of its hold. */
export const HOLD_TEXTS = {
  put: () => 'nightshift put the cluster on hold',
  kept: (hold: ActiveHold | null) => (hold === null ? 'another hold was put just before' : holdText(hold)),
  failed: (why: string) => `the cluster could not be put on hold (${why})`,
};
