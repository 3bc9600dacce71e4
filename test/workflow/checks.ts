import * as z from 'zod';
import type { Ended } from './run.ts';

/** What an inspection answered. */
export const Look = z.object({
  Payload: z.object({
    plan: z.object({
      checks: z.array(
        z.object({ name: z.string(), verdict: z.string(), why: z.string(), fix: z.string(), accepted: z.boolean() }),
      ),
    }),
  }),
});

/** The checks of the last look before anything is changed. */
function checksOf({ history }: Ended) {
  const begins = history.findIndex(
    ({ stateEnteredEventDetails: state }) => state?.name === 'PrepareNodes' || state?.name === 'RecordOutcome',
  );
  const looks = history.slice(0, begins).flatMap(({ taskSucceededEventDetails: task }) => {
    const parsed = Look.safeParse(task?.output && JSON.parse(task.output));
    return parsed.success ? [parsed.data.Payload.plan.checks] : [];
  });
  return looks.at(-1) ?? [];
}
export const verdictOf = (ended: Ended, name: string) => {
  const found = checksOf(ended).find((check) => check.name === name);
  return found && { verdict: found.verdict, why: found.why, accepted: found.accepted };
};
/** Why checks have this verdict, by their names, but for those that are made later. */
export const reasonsOf = (ended: Ended, verdict: string) =>
  Object.fromEntries(
    checksOf(ended)
      .filter((check) => check.verdict === verdict && !check.accepted && !check.why.startsWith('not looked at yet'))
      .map(({ name, why }) => [name, why]),
  );
