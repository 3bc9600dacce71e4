import * as z from 'zod/mini';
import { mapLimited } from '../../aws/clients.ts';
import type { ObjectStore } from '../../aws/s3.ts';
import type { ListedSchedule, ScheduleGroup } from '../../aws/scheduler.ts';
import { momentOf } from '../../core/window/schedule.ts';

/**
 * When the schedules of a group fire. One page of ListSchedules lists a hundred schedules with the time of their last
 * change, but not when they fire. The answers of GetSchedule are therefore stored in one object, and each is valid
 * until its schedule is changed. If the object is lost or old, the result is the same, only slower.
 */

interface Deps {
  schedules: Pick<ScheduleGroup, 'list' | 'find'>;
  store: Pick<ObjectStore, 'find' | 'put'>;
}

/** The most GetSchedule calls that are made at the same time. */
const AT_ONCE = 10;
/** The most schedules that one event looks up: the next event looks up further ones, and the sweep all that are left. */
const MOST_LOOKED_UP = 500;
/** The least new moments for which an event writes the object: each of its versions is kept as long as evidence. */
const WORTH_REMEMBERING = 25;

// No cluster's name has a slash: no cluster's record has this key.
const KEY = 'schedules/group/moments.json.gz';

/**
 * By a schedule's name: when it was changed last, and when it fires; null if a person gave it an expression that is not
 * a moment.
 */
const Remembered = z.record(z.string(), z.tuple([z.number(), z.nullable(z.number())]));
type Remembered = z.output<typeof Remembered>;

/**
 * When all schedules with this prefix fire, by name; without the schedules beyond the number that one event looks up.
 */
export async function scheduleMoments(deps: Deps, prefix: string): Promise<Map<string, Date>> {
  const listed = await deps.schedules.list(prefix);
  const { known, unknown } = compare(listed, await recall(deps.store));
  const moments = await lookUp(deps, known, unknown.slice(0, MOST_LOOKED_UP));
  if (unknown.length >= WORTH_REMEMBERING) await remember(deps.store, moments);
  const fires = [...moments].flatMap(([name, [, at]]): [string, Date][] => (at === null ? [] : [[name, new Date(at)]]));
  return new Map(fires);
}

/** Looks up every schedule with this prefix that has changed, so that later events find the answers stored. */
export async function rememberMoments(deps: Deps, prefix: string): Promise<void> {
  const { known, unknown } = compare(await deps.schedules.list(prefix), await recall(deps.store));
  if (unknown.length > 0) await remember(deps.store, await lookUp(deps, known, unknown));
}

type Moments = ReadonlyMap<string, readonly [number, number | null]>;

function compare(listed: readonly ListedSchedule[], remembered: Remembered) {
  const known = new Map<string, readonly [number, number | null]>();
  const unknown: string[] = [];
  for (const { name, modifiedAt } of listed) {
    const entry = Object.hasOwn(remembered, name) ? remembered[name] : undefined;
    if (entry !== undefined && entry[0] === modifiedAt?.getTime()) known.set(name, entry);
    else unknown.push(name);
  }
  return { known, unknown };
}

/**
 * The known moments, and those that EventBridge Scheduler returns for these schedules; a schedule that was deleted
 * meanwhile has no moment.
 */
async function lookUp({ schedules }: Deps, known: Moments, names: readonly string[]): Promise<Moments> {
  const moments = new Map(known);
  await mapLimited(names, AT_ONCE, async (name) => {
    const found = await schedules.find(name);
    if (found === null) return;
    const { expression, timezone, modifiedAt } = found;
    // ListSchedules never returns the time 0, so this schedule is looked up each time.
    moments.set(name, [modifiedAt?.getTime() ?? 0, momentOf(expression, timezone)?.getTime() ?? null]);
  });
  return moments;
}

async function remember(store: Deps['store'], moments: Moments): Promise<void> {
  const sorted = [...moments].sort(([a], [b]) => (a < b ? -1 : 1));
  await store.put(KEY, JSON.stringify(Object.fromEntries(sorted)));
}

/** The stored moments; empty if there are none or they cannot be read: then they are looked up. */
async function recall(store: Deps['store']): Promise<Remembered> {
  const found = await store.find(KEY);
  if (found === null) return {};
  try {
    return Remembered.parse(JSON.parse(found.text));
  } catch {
    return {};
  }
}
