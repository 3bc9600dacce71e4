import { asJson, type Seen, textOf } from '../seen.ts';
import { HOLDS } from './seen.ts';

/** A hold that was in force, or an alarm that was not OK, from one moment to another. */
export interface Stop {
  /** What it covers: the rest of the hold's parameter, or `alarm NAME`. */
  readonly what: string;
  readonly from: string;
  /** ISO; later than everything if it never ended. */
  readonly to: string;
}

const NEVER = '9999';

/** Every hold and every ringing alarm, from the calls that put, deleted and set them, whoever made these. */
export function stopsOf({ calls }: Pick<Seen, 'calls'>): Stop[] {
  const stops: Stop[] = [];
  const open = new Map<string, string>();
  const ends = (what: string, at: string) => {
    const from = open.get(what);
    if (from !== undefined) stops.push({ what, from, to: at });
    open.delete(what);
  };
  for (const { operation, error, input, at } of calls) {
    if (error !== undefined) continue;
    const fields = asJson(input);
    if (operation === 'PutParameter' && textOf(fields['Name']).startsWith(HOLDS)) {
      const what = textOf(fields['Name']).slice(HOLDS.length);
      if (!open.has(what)) open.set(what, at);
    }
    if (operation === 'DeleteParameters' || operation === 'DeleteParameter')
      for (const name of [fields['Names'], fields['Name']].flat()) ends(textOf(name).slice(HOLDS.length), at);
    if (operation !== 'SetAlarmState') continue;
    const what = `alarm ${textOf(fields['AlarmName'])}`;
    if (fields['StateValue'] === 'OK') ends(what, at);
    else if (!open.has(what)) open.set(what, at);
  }
  return [...stops, ...[...open].map(([what, from]) => ({ what, from, to: NEVER }))];
}

/** Those that were there during the whole time. */
export const throughout = (stops: readonly Stop[], from: string, to: string): Stop[] =>
  stops.filter((stop) => stop.from <= from && stop.to >= to);
