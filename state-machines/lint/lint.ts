import { checkErrors, checkFailNames } from './errors.ts';
import { checkExpressions } from './expressions.ts';
import { checkFlow } from './flow.ts';
import { checkIntegration } from './integrations.ts';
import type { LintGraph, Report } from './model.ts';
import { isRecord, readGraph } from './model.ts';
import { checkPhases } from './phases.ts';

/** One thing that is wrong. `path` is where, from the definition's root: `/States/UpdateAddon/Retry[0]`. */
export interface Finding {
  readonly path: string;
  readonly rule: string;
  readonly message: string;
}

/** What a definition may refer to. */
export interface LintOptions {
  /** Handler file names: `inspect-cluster`. */
  readonly functions: readonly string[];
  /** Names of errors that functions throw. */
  readonly errors: readonly string[];
  /** Names of the placeholders that a deployment fills: `InspectClusterFunction`. */
  readonly placeholders: readonly string[];
  /** Names of the phases in which people follow the state machine, in order; none for one that nobody follows. */
  readonly phases: readonly string[];
}

function checkTimeouts(state: Record<string, unknown>, path: string, report: Report): void {
  if (state['Type'] !== 'Task') return;
  const { TimeoutSeconds, HeartbeatSeconds } = state;
  if (TimeoutSeconds === undefined) report(path, 'task-timeout', 'a Task without TimeoutSeconds may wait for a year');
  if (typeof HeartbeatSeconds !== 'number') return;
  if (typeof TimeoutSeconds === 'number' && HeartbeatSeconds >= TimeoutSeconds)
    report(path, 'heartbeat', `HeartbeatSeconds ${HeartbeatSeconds} is not below TimeoutSeconds ${TimeoutSeconds}`);
}

function checkGraph(graph: LintGraph, options: LintOptions, report: Report): void {
  checkFailNames(graph, report);
  for (const { state, path } of graph.states.values()) {
    checkTimeouts(state, path, report);
    checkErrors(state, path, options.errors, report);
    if (state['Type'] === 'Task') checkIntegration(state, path, options.functions, report);
    checkExpressions(state, path, report);
    for (const inner of graph.inner.get(path) ?? []) checkGraph(inner, options, report);
  }
}

function checkMachine(definition: Record<string, unknown>, report: Report): void {
  if (definition['QueryLanguage'] !== 'JSONata')
    report('', 'query-language', "QueryLanguage must be 'JSONata': this product uses no JSONPath");
  if (typeof definition['TimeoutSeconds'] !== 'number')
    report('', 'machine-timeout', 'a state machine without TimeoutSeconds may run for a year');
  if (typeof definition['Comment'] !== 'string' || definition['Comment'] === '')
    report('', 'machine-comment', 'a Comment must say what the state machine is for');
}

function checkPlaceholders(definition: unknown, placeholders: readonly string[], report: Report): void {
  const named = JSON.stringify(definition)?.matchAll(/\$\{([^{}]*)\}/g) ?? [];
  for (const name of new Set([...named].map(([, name]) => name ?? '')))
    if (!placeholders.includes(name)) report('', 'unknown-placeholder', `nothing fills the placeholder \${${name}}`);
}

/**
 * Violations of nightshift's rules that asl-validator 4 does not report: variables that no path assigned,
 * `$states.result` where there is no result, unknown functions, integrations, error names, placeholders and handlers,
 * tasks without a timeout or without retries for transient errors of Lambda or of an SDK call, failures that nothing
 * catches (`States.DataLimitExceeded` of a call that reads among them), states that nothing reaches, `States.ALL` out of
 * place, texts for blobs, states that take time and have no phase.
 * Empty when all is well. Takes the definition as written, placeholders included.
 */
export function lintStateMachine(definition: unknown, options: LintOptions): Finding[] {
  const findings: Finding[] = [];
  const report: Report = (path, rule, message) => findings.push({ path, rule, message });
  if (!isRecord(definition)) {
    report('', 'definition', 'a state machine is a JSON object');
    return findings;
  }
  checkMachine(definition, report);
  checkPlaceholders(definition, options.placeholders, report);
  const graph = readGraph(definition, '');
  checkGraph(graph, options, report);
  checkFlow(graph, new Set(), report);
  checkPhases(graph, options.phases, report);
  return findings;
}
