import { functionPlaceholder, stateMachinePlaceholder } from '../definitions.ts';
import { expressionShape, type Scope, statesShape, templateShape } from './evaluate.ts';
import { expressionsOf } from './expressions.ts';
import { misfits } from './fits.ts';
import type { Finding } from './lint.ts';
import { edges, isRecord, type LintGraph, readGraph } from './model.ts';
import type { Contracts } from './read-contracts.ts';
import { ANY, either, type JsonSchema, memberOf, objectOf, type Shape, shapeOf } from './shapes.ts';

type State = Record<string, unknown>;

/** Data of a state that has a contract. `taker` begins a sentence about it. */
interface Due {
  taker: string;
  field: string;
  value: Shape;
  schema: JsonSchema;
}

/**
 * Follows the data through a state machine and reports in a sentence each what breaks a contract: a payload that the
 * function does not take, a member that is read from an answer that has none, also after variables carried the answer
 * through other states; likewise what executions are started with, also by a lease, and what is stored. Every path
 * counts. Choices are not understood: of all that a variable may hold, one value with the member is enough for a read.
 * `machine` is the name of the state machine. Empty when all is well.
 */
export function lintContracts(machine: string, definition: unknown, contracts: Contracts): Finding[] {
  const findings: Finding[] = [];
  if (isRecord(definition)) checkGraph(machine, readGraph(definition, ''), new Map(), { contracts, findings });
  return findings;
}

interface Lint {
  contracts: Contracts;
  findings: Finding[];
}

function checkGraph(machine: string, graph: LintGraph, outer: Scope, lint: Lint): void {
  for (const [name, scope] of scopesIn(graph, outer, lint.contracts)) {
    const here = graph.states.get(name);
    if (!here) continue;
    const report = (field: string, problem: string) => {
      const message = `${machine}, state ${name}, ${field}: ${problem}.`;
      if (lint.findings.some((finding) => finding.message === message)) return;
      lint.findings.push({ path: `${here.path}/${field}`, rule: 'contract', message });
    };
    for (const { field, source } of expressionsOf(here.state))
      expressionShape(source, scope, (problem) => report(field, problem));
    for (const { taker, field, value, schema } of dueIn(here.state, scope, lint.contracts))
      for (const { place, problem } of misfits(value, schema)) report(`${field}${place}`, `${taker} ${problem}`);
    for (const inner of graph.inner.get(here.path) ?? []) checkGraph(machine, inner, scope, lint);
  }
}

/** What the names in each state's expressions may be; without the states that no path reaches. */
function scopesIn(graph: LintGraph, outer: Scope, contracts: Contracts): Map<string, Scope> {
  const scopes = new Map<string, Scope>([[graph.startAt, outer]]);
  const waiting = [graph.startAt];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const state = graph.states.get(name)?.state;
    if (!state) continue;
    const scope = new Map([
      ...(scopes.get(name) ?? outer),
      ['states', statesShape(resultOf(state, contracts))] as const,
    ]);
    scopes.set(name, scope);
    for (const { target, assign } of edges(state)) {
      const assigned = Object.entries(assign).map(([key, value]) => [key, templateShape(value, scope)] as const);
      if (!bring(scopes, target, new Map([...scope, ...assigned])) || waiting.includes(target)) continue;
      waiting.push(target);
    }
  }
  return scopes;
}

/** Takes what one more path brings to a state; whether that is news. */
function bring(scopes: Map<string, Scope>, target: string, brought: Scope): boolean {
  const known = scopes.get(target);
  const news = [...brought]
    .filter(([name]) => name !== 'states')
    .map(([name, shape]) => {
      const before = known?.get(name) ?? [];
      return [name, before, either(before, shape)] as const;
    });
  if (known && news.every(([, before, after]) => before.length === after.length)) return false;
  scopes.set(target, new Map([...(known ?? []), ...news.map(([name, , after]) => [name, after] as const)]));
  return true;
}

function handlerOf({ Resource, Arguments }: State, { functions }: Contracts): string | undefined {
  if (!/:states:::lambda:invoke$/.test(String(Resource)) || !isRecord(Arguments)) return undefined;
  return [...functions.keys()].find((name) => Arguments['FunctionName'] === `\${${functionPlaceholder(name)}}`);
}

const answers = new WeakMap<JsonSchema, Shape>();

function resultOf(state: State, contracts: Contracts): Shape {
  const handler = handlerOf(state, contracts);
  const schema = contracts.functions.get(handler ?? '')?.output;
  if (!schema) return ANY;
  const from = `the answer of ${handler}`;
  const result = answers.get(schema) ?? [
    objectOf(`the result with ${from}`, false, { Payload: shapeOf(schema, from) }),
  ];
  answers.set(schema, result);
  return result;
}

/** The parts of a state's arguments that have a contract. */
function dueIn(state: State, scope: Scope, contracts: Contracts): Due[] {
  const { Resource, Arguments } = state;
  const given = templateShape(Arguments, scope);
  const handler = handlerOf(state, contracts);
  const input = contracts.functions.get(handler ?? '')?.input;
  if (input) return [{ taker: `${handler}`, field: 'Arguments/Payload', value: at(given, 'Payload'), schema: input }];
  if (/:startExecution(\.sync(:2)?)?$/.test(String(Resource))) return startedBy(given, 'Arguments/Input', contracts);
  if (/:scheduler:(create|update)Schedule$/.test(String(Resource))) {
    const field = 'Arguments/Target/Input';
    return startedBy(unwrapped(at(given, 'Target', 'Input')), field, contracts).map((due) => ({
      ...due,
      value: unwrapped(due.value),
    }));
  }
  if (!/:s3:putObject$/.test(String(Resource)) || !isRecord(Arguments)) return [];
  return [...contracts.objects].flatMap(([name, schema]) =>
    String(Arguments['Key']).includes(`/${name}`)
      ? [{ taker: name, field: 'Arguments/Body', value: at(given, 'Body'), schema }]
      : [],
  );
}

/** The input of an execution, by what StartExecution is called with. */
function startedBy(call: Shape, field: string, { executions }: Contracts): Due[] {
  const arn = at(call, 'StateMachineArn');
  return [...executions].flatMap(([name, schema]) =>
    arn.some((form) => form.is === 'literal' && form.value === `\${${stateMachinePlaceholder(name)}}`)
      ? [{ taker: name, field, value: at(call, 'Input'), schema }]
      : [],
  );
}

const at = (shape: Shape, ...names: string[]): Shape =>
  names.reduce<Shape>((value, name) => memberOf(value, name) ?? [], shape);

/** The value whose JSON a text is. */
const unwrapped = (shape: Shape): Shape => shape.flatMap((form) => (form.is === 'text' ? (form.json ?? ANY) : [form]));
