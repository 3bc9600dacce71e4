import { oneLine } from '../exit.ts';
import { count } from '../terminal/format.ts';
import type { Style } from '../terminal/style.ts';
import { table } from '../terminal/table.ts';
import type { Check } from './views.ts';

/** Every check as a table, with a next step for each that did not pass. */
export function renderChecks(checks: readonly Check[], style: Style): string[] {
  return checks.length === 0 ? [] : [style.bold(summary(checks)), ...lines(checks, style)];
}

/** Only the checks that blocked and the risks that were accepted. */
export function renderRisks(checks: readonly Check[], style: Style): string[] {
  const told = checks.filter((check) => check.verdict !== 'PASS' || check.accepted);
  return checks.length === 0 ? [] : [style.bold(summary(checks)), ...lines(told, style)];
}

function summary(checks: readonly Check[]): string {
  const made = checks.filter((check) => !check.later);
  const of = (verdict: Check['verdict']) => made.filter((check) => check.verdict === verdict).length;
  const later = checks.length - made.length;
  const accepted = checks.filter((check) => check.accepted).length;
  const rest = [
    `${of('PASS')} pass`,
    `${of('WARN')} warn`,
    `${of('BLOCK')} block`,
    ...(later > 0 ? [`${later} not looked at yet`] : []),
    ...(accepted > 0 ? [`${accepted} accepted`] : []),
  ];
  return `What ${count(checks.length, 'preflight check')} found: ${rest.join(', ')}`;
}

function lines(checks: readonly Check[], style: Style): string[] {
  const rows = table(checks.map((check) => [verdictOf(check), check.name, check.why]));
  return checks.flatMap((check, index) => {
    const row = `  ${rows[index] ?? ''}`;
    if (check.verdict === 'PASS') return [row];
    const shown = check.verdict === 'BLOCK' && !check.accepted ? style.bad(row) : row;
    return check.fix === '' ? [shown] : [shown, style.dim(`    fix: ${oneLine(check.fix)}`)];
  });
}

function verdictOf({ verdict, accepted, later }: Check): string {
  if (later) return 'later';
  return accepted ? `${verdict}, accepted` : verdict;
}
