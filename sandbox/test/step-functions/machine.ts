import { VirtualClock } from '../../clock.ts';
import type { Region } from '../../region.ts';
import { StepFunctions } from '../../step-functions/engine.ts';
import type { Execution } from '../../step-functions/execution.ts';
import type { Json } from '../../step-functions/json.ts';
import { toJson } from '../../step-functions/json.ts';
import type { StepFunctionsWorld } from '../../step-functions/world.ts';

export const START = '2026-11-21T22:00:00.000Z';

export interface TestWorld {
  engine: StepFunctions;
  clock: VirtualClock;
  region: Region;
  /** What timers and the interpreter itself threw; it is empty unless a test expects errors. */
  bugs: unknown[];
}

/** An engine on a virtual clock, alone: functions and services are what the test says. */
export function startEngine(
  parts: Partial<Omit<StepFunctionsWorld, 'region'>> & { functionSeconds?: number; random?: () => number } = {},
): TestWorld {
  const bugs: unknown[] = [];
  const clock = new VirtualClock(new Date(START), (error) => bugs.push(error));
  const region: Region = {
    account: '111122223333',
    name: 'eu-central-1',
    clock,
    random: parts.random ?? (() => 0.5),
    latencies: {
      addonUpdate: 0,
      command: 0,
      prepareCommand: 0,
      podRestart: 0,
      function: parts.functionSeconds ?? 0,
      grant: 0,
    },
    clusters: new Map(),
  };
  const engine = new StepFunctions({
    region,
    invokeFunction: parts.invokeFunction ?? (() => Promise.reject(new Error('this test has no functions'))),
    callService: parts.callService ?? (() => Promise.reject(new Error('this test has no services'))),
    publish: parts.publish ?? (() => Promise.reject(new Error('this test has no topics'))),
    onBug: parts.onBug ?? ((error) => bugs.push(error)),
    ...(parts.mayCall ? { mayCall: parts.mayCall } : {}),
    ...(parts.onStateEntered ? { onStateEntered: parts.onStateEntered } : {}),
    ...(parts.onStatusChange ? { onStatusChange: parts.onStatusChange } : {}),
  });
  return { engine, clock, region, bugs };
}

/** Starts an execution of these states; `machine` adds fields of the machine itself. */
export function start(
  { engine }: TestWorld,
  states: { StartAt: string; States: Record<string, unknown>; TimeoutSeconds?: number },
  input: Json = {},
  name = 'night-1',
): Execution {
  const definition = JSON.stringify({ QueryLanguage: 'JSONata', ...states });
  const roleArn = 'arn:aws:iam::111122223333:role/nightshift-state-machines';
  return engine.start(engine.register({ name: 'small', definition, roleArn }), name, input);
}

export async function run(
  world: TestWorld,
  states: { StartAt: string; States: Record<string, unknown>; TimeoutSeconds?: number },
  input: Json = {},
): Promise<Execution> {
  const execution = start(world, states, input);
  await execution.ended;
  return execution;
}

/** The only state of a machine. */
export function only(state: Record<string, unknown>): { StartAt: string; States: Record<string, unknown> } {
  const ends = state['Next'] === undefined && !['Succeed', 'Fail', 'Choice'].includes(String(state['Type']));
  return { StartAt: 'Only', States: { Only: ends ? { ...state, End: true } : state } };
}

export function types(execution: Execution): string[] {
  return execution.history.map(({ type }) => String(type));
}

/** Seconds since the start, of every event. */
export function seconds(execution: Execution): number[] {
  return execution.history.map(({ timestamp }) => (Number(timestamp) - Date.parse(START)) / 1000);
}

export function output(execution: Execution): Json | undefined {
  return execution.output === undefined ? undefined : toJson(JSON.parse(execution.output.text));
}

/** A function task with these fields added. */
export function functionTask(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Arguments: { FunctionName: 'nightshift-inspect-cluster', Payload: { cluster: '{% $states.input.cluster %}' } },
    ...fields,
  };
}
