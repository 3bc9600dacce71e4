import type { Clock } from './clock.ts';
import type { Calendar } from './services/ssm/calendars.ts';
import type { World } from './world.ts';

/** A world's Change Calendars by name; what each answers follows the sandbox's clock. */
export function openCalendars(calendars: World['calendars'], clock: Clock): Map<string, Calendar> {
  return new Map(Object.entries(calendars).map(([name, calendar]) => [name, follow(calendar, clock)]));
}

function follow({ state, transitions }: World['calendars'][string], clock: Clock): Calendar {
  const passed = () => transitions.filter((moment) => moment <= clock.now()).length;
  const other = state === 'OPEN' ? 'CLOSED' : 'OPEN';
  return {
    get state() {
      return passed() % 2 === 0 ? state : other;
    },
    get nextTransitionAt() {
      return transitions[passed()];
    },
  };
}
