import { jsonataFunctions } from '@nightshift/sandbox/step-functions';
import { expressionsOf, unknownCalls } from './expressions.ts';
import type { LintGraph, LintState, Report } from './model.ts';
import { edges } from './model.ts';

/** Variables at a state's entry: set on some path there, and set on every path there. */
interface Knowledge {
  readonly some: Set<string>;
  readonly every: Set<string>;
}

/** Takes what one more path brings; whether that changed anything. */
function merge(entry: Map<string, Knowledge>, target: string, some: Set<string>, every: Set<string>): boolean {
  const known = entry.get(target);
  if (!known) {
    entry.set(target, { some: new Set(some), every: new Set(every) });
    return true;
  }
  const before = known.some.size - known.every.size;
  for (const name of some) known.some.add(name);
  for (const name of known.every) if (!every.has(name)) known.every.delete(name);
  return known.some.size - known.every.size !== before;
}

/** Walks all paths from StartAt until nothing new is learnt; states that are missing in the answer are unreachable. */
function flow(graph: LintGraph, outer: ReadonlySet<string>): Map<string, Knowledge> {
  const entry = new Map<string, Knowledge>();
  merge(entry, graph.startAt, new Set(outer), new Set(outer));
  const waiting = [graph.startAt];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const known = entry.get(name);
    const here = graph.states.get(name);
    if (!known || !here) continue;
    for (const { target, assign } of edges(here.state)) {
      const names = Object.keys(assign);
      const some = new Set([...known.some, ...names]);
      const every = new Set([...known.every, ...names]);
      if (merge(entry, target, some, every)) waiting.push(target);
    }
  }
  return entry;
}

function checkTargets(graph: LintGraph, report: Report): void {
  if (!graph.states.has(graph.startAt))
    report(`${graph.path}/StartAt`, 'missing-state', `there is no state '${graph.startAt}'`);
  for (const { state, path } of graph.states.values())
    for (const { target } of edges(state))
      if (!graph.states.has(target)) report(path, 'missing-state', `there is no state '${target}'`);
}

function checkState({ state, path }: LintState, known: Knowledge, report: Report): void {
  for (const expression of expressionsOf(state)) {
    const at = `${path}/${expression.field}`;
    for (const name of unknownCalls(expression, (each) => known.some.has(each)))
      report(at, 'unknown-function', `there is no function $${name}`);
    for (const name of expression.use.variables) {
      if (known.every.has(name) || (jsonataFunctions.has(name) && !known.some.has(name))) continue;
      if (known.some.has(name))
        report(at, 'possibly-undefined-variable', `$${name} is not assigned on every path to this state`);
      else report(at, 'undefined-variable', `$${name} is assigned on no path to this state`);
    }
  }
}

/**
 * Checks transitions, reachability and variables. `outer` holds the variables around a Map's ItemProcessor, which its
 * states may read.
 */
export function checkFlow(graph: LintGraph, outer: ReadonlySet<string>, report: Report): void {
  checkTargets(graph, report);
  const entry = flow(graph, outer);
  for (const [name, here] of graph.states) {
    const known = entry.get(name);
    if (!known) {
      report(here.path, 'unreachable-state', 'no path leads to this state');
      continue;
    }
    checkState(here, known, report);
    for (const inner of graph.inner.get(here.path) ?? []) checkFlow(inner, known.every, report);
  }
}
