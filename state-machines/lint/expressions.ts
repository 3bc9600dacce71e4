import type { ExpressionUse } from '@nightshift/sandbox/step-functions';
import { expressionIn, inspectExpression, jsonataFunctions, stringsIn } from '@nightshift/sandbox/step-functions';
import type { Report } from './model.ts';

/** One expression of a state with what it reads; `field` is its place in the state (`Assign/look`). */
export interface StateExpression {
  readonly field: string;
  readonly source: string;
  readonly use: ExpressionUse;
}

/** The parts of a state that hold no expressions of its own. */
const FOREIGN = new Set(['ItemProcessor', 'Branches', 'Comment', 'Type', 'Next', 'Default', 'Resource']);

function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}

/** Every expression of a state that parses; `onBroken` hears of the others. */
export function expressionsOf(
  state: Record<string, unknown>,
  onBroken: (field: string, rule: string, message: string) => void = () => undefined,
): StateExpression[] {
  const own = Object.fromEntries(Object.entries(state).filter(([key]) => !FOREIGN.has(key)));
  const found: StateExpression[] = [];
  for (const { path, text } of stringsIn(own, '')) {
    const field = path.slice(1);
    const source = expressionIn(text);
    if (source === null) {
      if (text.includes('{%') && !field.endsWith('Comment'))
        onBroken(field, 'partial-expression', 'an expression must be the whole string');
      continue;
    }
    try {
      found.push({ field, source, use: inspectExpression(source) });
    } catch (error) {
      onBroken(field, 'jsonata-syntax', messageOf(error));
    }
  }
  return found;
}

const isCaught = (field: string) => /^Catch\[\d+\]\//.test(field);
/** Only a Task's, a Map's or a Parallel's own Assign and Output come after a result. */
const hasResult = (type: unknown, field: string) =>
  ['Task', 'Map', 'Parallel'].includes(String(type)) && /^(Assign|Output)(\/|\[|$)/.test(field);

/** Checks what expressions call and which fields of `$states` they read where. */
export function checkExpressions(state: Record<string, unknown>, path: string, report: Report): void {
  const broken = (field: string, rule: string, message: string) => report(`${path}/${field}`, rule, message);
  for (const { field, use } of expressionsOf(state, broken)) {
    const at = `${path}/${field}`;
    for (const problem of use.problems) report(at, 'jsonata-unsupported', problem);
    if (use.statesFields.has('result') && !hasResult(state['Type'], field))
      report(at, 'no-result', '$states.result exists only in the Assign and Output of a state that has a result');
    if (use.statesFields.has('errorOutput') && !isCaught(field))
      report(at, 'no-error-output', '$states.errorOutput exists only in the Assign and Output of a Catch');
  }
}

/** Calls of names that are neither functions nor (by `isVariable`) variables that may hold one. */
export function unknownCalls({ use }: StateExpression, isVariable: (name: string) => boolean): string[] {
  return [...use.calls].filter((name) => !jsonataFunctions.has(name) && !isVariable(name));
}
