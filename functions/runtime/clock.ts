import { InvalidConfiguration } from '../core/errors.ts';

/**
 * Now. A sandbox whose time is virtual tells it with every invocation in NIGHTSHIFT_NOW; on Lambda nobody sets that.
 * Throws InvalidConfiguration for a value that is no moment.
 */
export function clock(variables: NodeJS.ProcessEnv = process.env): Date {
  const told = variables['NIGHTSHIFT_NOW'];
  if (told === undefined) return new Date();
  const now = new Date(told);
  if (!Number.isNaN(now.getTime())) return now;
  throw new InvalidConfiguration('The environment variable NIGHTSHIFT_NOW is no moment.', {
    nextStep: 'Deploy the function without it.',
  });
}

/** When an event is read: it may come days after its own time, and whoever plans from then plans what is over. */
export const readAt = (time: Date, now: Date): Date => (now > time ? now : time);
