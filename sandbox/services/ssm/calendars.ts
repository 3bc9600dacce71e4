import type { Region } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';

/** A Change Calendar: its state until `nextTransitionAt`, the other one from then on. */
export interface Calendar {
  readonly state: 'OPEN' | 'CLOSED';
  readonly nextTransitionAt?: Date | undefined;
}

/**
 * GetCalendarState: several calendars are OPEN together only if each is; the next transition is the earliest one ahead.
 * Throws InvalidDocument for a calendar that is not there.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCalendarState.html
 */
export function calendarState(
  region: Region,
  calendars: ReadonlyMap<string, Calendar>,
  input: { CalendarNames: string[]; AtTime?: string | undefined },
): { State: 'OPEN' | 'CLOSED'; AtTime: string; NextTransitionTime?: string } {
  const at = input.AtTime === undefined ? region.clock.now() : new Date(input.AtTime);
  if (Number.isNaN(at.getTime()))
    throw new ServiceError('ValidationException', `AtTime is not an ISO 8601 time: ${input.AtTime}`);
  const found = input.CalendarNames.map((nameOrArn) => {
    const own = `arn:aws:ssm:${region.name}:${region.account}:document/`;
    // A calendar that another account shares is known only by its ARN.
    const calendar = calendars.get(nameOrArn.startsWith(own) ? nameOrArn.slice(own.length) : nameOrArn);
    if (!calendar) throw new ServiceError('InvalidDocument', `Document with name ${nameOrArn} does not exist.`);
    return calendar;
  });
  const open = found.every((calendar) => stateAt(calendar, at) === 'OPEN');
  const ahead = found.flatMap(({ nextTransitionAt }) =>
    nextTransitionAt && nextTransitionAt > at ? [nextTransitionAt.getTime()] : [],
  );
  return {
    State: open ? 'OPEN' : 'CLOSED',
    AtTime: iso(at),
    ...(ahead.length > 0 && { NextTransitionTime: iso(new Date(Math.min(...ahead))) }),
  };
}

function stateAt({ state, nextTransitionAt }: Calendar, at: Date): 'OPEN' | 'CLOSED' {
  if (!nextTransitionAt || at < nextTransitionAt) return state;
  return state === 'OPEN' ? 'CLOSED' : 'OPEN';
}

/** SSM writes whole seconds. */
function iso(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
