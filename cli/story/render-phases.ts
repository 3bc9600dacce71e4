import { oneLine } from '../exit.ts';
import { showDuration, showTime } from '../terminal/format.ts';
import type { Style } from '../terminal/style.ts';
import type { Phase } from './parts.ts';

/** One stay in a phase: when, how long, what happened, what went wrong. */
export function phaseLines(phase: Phase, style: Style): string[] {
  const took = phase.seconds === null ? 'not over' : `took ${showDuration(phase.seconds)}`;
  const title = `  ${showTime(new Date(phase.startedAt))}  ${phase.label.padEnd(13)}  ${took}`;
  const details = phase.details.map((detail) => `    ${style.dim(oneLine(detail))}`);
  const errors = phase.errors.map((error) => `    ${style.bad(oneLine(`${error.name}: ${error.cause}`))}`);
  return [title, ...details, ...errors];
}
