import type { z } from 'zod';
import type { Definition, Graph, MapState, State, TaskState } from './asl.ts';
import { DISTRIBUTED_FIELDS, machineSchema, stateSchemas } from './asl.ts';
import { expressionIn, inspectExpression, stringsIn } from './expressions.ts';
import { InvalidDefinition } from './failure.ts';
import { parseResource } from './resource.ts';
import { CALLBACK } from './sdk-services.ts';

type Report = (problem: string) => void;

function reportIssues(issues: readonly z.core.$ZodIssue[], path: string, report: Report): void {
  for (const issue of issues) {
    const at = [path, ...issue.path.map(String)].join('/');
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys) report(`field '${key}' is not supported at ${at}`);
    else report(`${issue.message} at ${at}`);
  }
}

function parseState(value: unknown, path: string, report: Report): State | null {
  const type = typeof value === 'object' && value !== null && 'Type' in value ? value.Type : undefined;
  const schema = Object.entries(stateSchemas).find(([name]) => name === type)?.[1];
  if (!schema) {
    report(`state type ${JSON.stringify(type) ?? 'undefined'} is not supported at ${path}`);
    return null;
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    reportIssues(parsed.error.issues, path, report);
    return null;
  }
  const state = parsed.data;
  if (state.Type !== 'Map') return state;
  const { StartAt, States } = state.ItemProcessor;
  return { ...state, processor: parseGraph(StartAt, States, `${path}/ItemProcessor`, report) } satisfies MapState;
}

function parseGraph(startAt: string, values: Record<string, unknown>, path: string, report: Report): Graph {
  const states = new Map<string, State>();
  for (const [name, value] of Object.entries(values)) {
    const at = `${path}/States/${name}`;
    if (name.length > 80) report(`a state's name has at most 80 characters at ${at}`);
    const state = parseState(value, at, report);
    if (state) {
      states.set(name, state);
      checkState(state, at, report);
    }
  }
  checkTransitions(startAt, states, new Set(Object.keys(values)), path, report);
  return { startAt, states };
}

function checkState(state: State, path: string, report: Report): void {
  if ('End' in state || 'Next' in state || ['Task', 'Wait', 'Pass', 'Map'].includes(state.Type)) {
    const { End, Next } = { End: undefined, Next: undefined, ...state };
    if ((End === undefined) === (Next === undefined)) report(`exactly one of Next and End is needed at ${path}`);
  }
  if (state.Type === 'Wait' && (state.Seconds === undefined) === (state.Timestamp === undefined))
    report(`exactly one of Seconds and Timestamp is needed at ${path}`);
  if (state.Type === 'Task') {
    const resource = parseResource(state.Resource);
    if (typeof resource === 'string') report(`${resource} at ${path}/Resource`);
    else if (typeof state.Arguments === 'object')
      for (const problem of resource.check(state.Arguments)) report(`${problem} at ${path}/Arguments`);
  }
  if (state.Type === 'Task') for (const problem of heartbeatProblems(state)) report(`${problem} at ${path}`);
  if (state.Type === 'Map') for (const problem of mapProblems(state)) report(`${problem} at ${path}`);
  if (state.Type === 'Fail' && state.Error?.startsWith('States.'))
    report(`the Error of a Fail state must not begin with 'States.' at ${path}/Error`);
  const { processor: _, ItemProcessor: __, ...own } = { processor: undefined, ItemProcessor: undefined, ...state };
  checkExpressions(own, path, report);
}

function heartbeatProblems({ HeartbeatSeconds: heartbeat, TimeoutSeconds: timeout, Resource }: TaskState): string[] {
  if (heartbeat === undefined) return [];
  const problems = Resource.endsWith(CALLBACK) ? [] : [`HeartbeatSeconds is supported with ${CALLBACK} only`];
  if (typeof heartbeat === 'number' && typeof timeout === 'number' && heartbeat >= timeout)
    problems.push('HeartbeatSeconds must be smaller than TimeoutSeconds');
  return problems;
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html */
function mapProblems(state: MapState): string[] {
  if (state.ItemProcessor.ProcessorConfig.Mode === 'INLINE')
    return DISTRIBUTED_FIELDS.filter((name) => name in state).map(
      (name) => `field '${name}' is only for a Map in DISTRIBUTED mode`,
    );
  const { ItemReader, Items, ItemBatcher, ResultWriter } = state;
  const problems: string[] = [];
  if (ItemReader && Items !== undefined) problems.push('at most one of Items and ItemReader can be used');
  if (ItemBatcher && ItemBatcher.MaxItemsPerBatch === undefined && ItemBatcher.MaxInputBytesPerBatch === undefined)
    problems.push('ItemBatcher needs MaxItemsPerBatch or MaxInputBytesPerBatch');
  if (ResultWriter && (ResultWriter.Resource === undefined) !== (ResultWriter.Arguments === undefined))
    problems.push('ResultWriter needs both of Resource and Arguments, or none');
  if (ResultWriter && ResultWriter.Resource === undefined && ResultWriter.WriterConfig === undefined)
    problems.push('ResultWriter must not be empty');
  if (ResultWriter && ResultWriter.Resource === undefined && ResultWriter.WriterConfig?.OutputType === 'JSONL')
    problems.push('OutputType JSONL is supported with a Resource only');
  return problems;
}

/**
 * Names of states, and Labels, which are part of the ARNs of Map Runs, are used once in a whole state machine.
 * https://states-language.net/spec.html#states-fields
 */
function checkNames(graph: Graph, report: Report): void {
  for (const name of repeated([...stateNames(graph)])) report(`DUPLICATE_STATE_NAME: Duplicate State name: ${name}`);
  for (const label of repeated([...labelsOf(graph)])) report(`the Label '${label}' is used more than once`);
}

const repeated = (names: readonly string[]) => new Set(names.filter((each, index) => names.indexOf(each) !== index));

function* labelsOf(graph: Graph): Generator<string> {
  for (const state of graph.states.values()) {
    if (state.Type !== 'Map') continue;
    if (state.Label !== undefined) yield state.Label;
    yield* labelsOf(state.processor);
  }
}

function checkExpressions(value: unknown, path: string, report: Report): void {
  for (const { path: at, text } of stringsIn(value, path)) {
    const source = expressionIn(text);
    if (source === null) continue;
    try {
      const use = inspectExpression(source);
      for (const problem of use.problems) report(`UNSUPPORTED_JSONATA_EXPRESSION: ${problem} at ${at}`);
    } catch (error) {
      const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
      report(`INVALID_JSONATA_EXPRESSION: ${String(message)} at ${at}`);
    }
  }
}

/** Names of all states, also of those inside Maps. */
export function* stateNames(graph: Graph): Generator<string> {
  for (const [name, state] of graph.states) {
    yield name;
    if (state.Type === 'Map') yield* stateNames(state.processor);
  }
}

/** Names of the states that `state` may go to. */
export function targets(state: State): string[] {
  switch (state.Type) {
    case 'Choice':
      return [...state.Choices.map((rule) => rule.Next), ...(state.Default === undefined ? [] : [state.Default])];
    case 'Succeed':
    case 'Fail':
      return [];
    case 'Task':
    case 'Map':
      return [...(state.Next === undefined ? [] : [state.Next]), ...state.Catch.map((rule) => rule.Next)];
    default:
      return state.Next === undefined ? [] : [state.Next];
  }
}

function checkTransitions(
  startAt: string,
  states: ReadonlyMap<string, State>,
  names: ReadonlySet<string>,
  path: string,
  report: Report,
): void {
  if (!names.has(startAt)) report(`MISSING_TRANSITION_TARGET: StartAt names no state, '${startAt}' at ${path}`);
  for (const [name, state] of states)
    for (const target of targets(state))
      if (!names.has(target)) report(`MISSING_TRANSITION_TARGET: '${target}' is no state at ${path}/States/${name}`);
}

/**
 * Parses an Amazon States Language definition. Throws InvalidDefinition that names every field, state type, integration
 * and expression that the sandbox (or Step Functions itself) does not take, and every placeholder that nobody filled.
 */
export function parseDefinition(text: string): Definition {
  const known = parsed.get(text);
  if (known) return known;
  const definition = parse(text);
  if (parsed.size === KEPT) parsed.clear();
  parsed.set(text, definition);
  return definition;
}

/** Each new world deploys the same state machines, which have many expressions. */
const parsed = new Map<string, Definition>();
const KEPT = 16;

function parse(text: string): Definition {
  const unfilled = text.match(/\$\{[^}]*\}/g);
  if (unfilled) throw new InvalidDefinition([...new Set(unfilled)].map((each) => `placeholder ${each} is not filled`));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidDefinition([
      `INVALID_JSON_DESCRIPTION: ${error instanceof Error ? error.message : String(error)}`,
    ]);
  }
  const machine = machineSchema.safeParse(value);
  const problems: string[] = [];
  const report = (problem: string) => problems.push(problem);
  if (!machine.success) {
    reportIssues(machine.error.issues, '', report);
    throw new InvalidDefinition(problems);
  }
  const graph = parseGraph(machine.data.StartAt, machine.data.States, '', report);
  checkNames(graph, report);
  if (problems.length > 0) throw new InvalidDefinition(problems);
  return { graph, timeoutSeconds: machine.data.TimeoutSeconds };
}
