import type { HistoryEventType } from '@aws-sdk/client-sfn';
import type { ChoiceState, FailState, Graph, MapState, State, TaskState, WaitState } from './asl.ts';
import type { EventDetails, Execution } from './execution.ts';
import { Interrupted, StateFailure } from './failure.ts';
import { Hold } from './hold.ts';
import type { Json, JsonObject } from './json.ts';
import { isJsonObject, Payload } from './json.ts';
import type { Batch, Limits, MapRun } from './map-run.ts';
import { Scope } from './scope.ts';
import type { TaskTokens } from './task-tokens.ts';
import { EvaluationFailure, evaluateTemplate } from './template.ts';
import type { StepFunctionsWorld } from './world.ts';

/** What every thread of an execution shares. */
export interface Run {
  readonly world: StepFunctionsWorld;
  readonly execution: Execution;
  readonly tokens: TaskTokens;
  readonly functions: Record<string, unknown>;
  ended(executionArn: string): Promise<Execution>;
  /** Opens a Map Run of this execution; `start` starts one of its children. */
  openMapRun(state: MapState, limits: Limits): { mapRun: MapRun; start: (batch: Batch) => Execution };
  /** Does the work of a state that has some, with its retries and catches. */
  work(thread: Thread, visit: Visit, state: TaskState | MapState): Promise<Transition>;
}

/** One stay in a state. */
export interface Visit {
  readonly name: string;
  readonly input: Payload;
  /** Id of its StateEntered event. */
  readonly enteredId: number;
  readonly enteredAt: Date;
  retryCount: number;
  /** The token of the attempt, where the task waits for its callback. */
  token?: string;
  /** The item that a distributed Map's selector looks at. */
  readonly item?: MapItem;
}

/** The Map item that an iteration works on, as `$states.context.Map.Item`. */
export interface MapItem {
  readonly Index: number;
  readonly Value: Json;
}

/** What `$states` has beside `input` and `context`. */
export type Outcome = { result: Json } | { errorOutput: JsonObject } | Record<never, never>;

interface Leaving {
  readonly Assign?: Record<string, Json> | undefined;
  readonly Output?: Json | undefined;
}

/** Where a state goes: `next` is null at the end of the graph. */
export interface Transition {
  readonly next: string | null;
  readonly output: Payload;
}

/** One line of states: an execution's own, or one iteration of a Map. */
export class Thread {
  readonly run: Run;
  readonly scope: Scope;
  readonly hold: Hold;
  /** Aborts when the execution or the Map around this thread has ended. */
  readonly signal: AbortSignal;
  previous: number;
  readonly #item: MapItem | undefined;

  constructor(run: Run, options: { signal: AbortSignal; previous: number; outer?: Scope; item?: MapItem }) {
    this.run = run;
    this.scope = new Scope(options.outer ?? null);
    this.hold = new Hold(run.world.region.clock);
    this.signal = options.signal;
    this.previous = options.previous;
    this.#item = options.item;
  }

  record(type: HistoryEventType, details: EventDetails = {}): number {
    if (this.signal.aborted) throw new Interrupted();
    this.previous = this.run.execution.record(type, this.previous, details);
    return this.previous;
  }

  /** Runs the states of `graph` from its start; answers the last one's output. Throws StateFailure or Interrupted. */
  async follow(graph: Graph, input: Payload): Promise<Payload> {
    let data = input;
    for (let name: string | null = graph.startAt; name !== null; ) {
      const state = graph.states.get(name);
      if (!state) throw new StateFailure('States.Runtime', `There is no state '${name}'.`);
      const transition: Transition = await this.#visit(name, state, data);
      data = transition.output;
      name = transition.next;
    }
    return data;
  }

  async #visit(name: string, state: State, input: Payload): Promise<Transition> {
    const { world, execution } = this.run;
    const delay = world.transitionDelay?.() ?? 0;
    if (delay > 0) await this.hold.wait(() => world.region.clock.sleep(delay, this.signal));
    const enteredId = this.record(`${state.Type}StateEntered`, {
      stateEnteredEventDetails: { name, input: input.text, inputDetails: { truncated: false } },
    });
    const visit: Visit = { name, input, enteredId, enteredAt: world.region.clock.now(), retryCount: 0 };
    if (world.onStateEntered) await world.onStateEntered(execution, name);
    if (this.signal.aborted) throw new Interrupted();
    switch (state.Type) {
      case 'Task':
      case 'Map':
        return this.run.work(this, visit, state);
      case 'Wait':
        await this.#wait(visit, state);
        return this.leave(visit, state, 'WaitStateExited', state.Next ?? null);
      case 'Choice':
        return this.#choose(visit, state);
      case 'Pass':
        return this.leave(visit, state, 'PassStateExited', state.Next ?? null);
      case 'Succeed':
        return this.leave(visit, state, 'SucceedStateExited', null);
      case 'Fail':
        return this.#fail(visit, state);
    }
  }

  /** Seconds of the sandbox's time; throws Interrupted when the thread ends meanwhile. */
  async sleep(seconds: number): Promise<void> {
    if (seconds <= 0) return;
    await this.hold.wait(() => this.run.world.region.clock.sleep(seconds * 1000, this.signal));
  }

  async #wait(visit: Visit, state: WaitState): Promise<void> {
    const now = this.run.world.region.clock.now().getTime();
    if (state.Seconds !== undefined) {
      const seconds = await this.evaluate(visit, state.Seconds, 'Seconds');
      if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 0 || seconds > 99_999_999)
        throw this.failEvaluation(
          visit,
          'Seconds',
          `The field 'Seconds' must be an integer from 0 to 99999999, but was ${JSON.stringify(seconds)}.`,
        );
      return this.sleep(seconds);
    }
    const timestamp = await this.evaluate(visit, state.Timestamp ?? '', 'Timestamp');
    const time = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
    // A date without time and zone is not a timestamp for Step Functions.
    if (Number.isNaN(time) || !/T.*(Z|[+-]\d\d:\d\d)$/.test(String(timestamp)))
      throw this.failEvaluation(
        visit,
        'Timestamp',
        `The field 'Timestamp' must be an ISO 8601 timestamp, but was ${JSON.stringify(timestamp)}.`,
      );
    return this.sleep((time - now) / 1000);
  }

  async #choose(visit: Visit, state: ChoiceState): Promise<Transition> {
    for (const [index, rule] of state.Choices.entries()) {
      const location = `Choices[${index}]`;
      const matches = await this.evaluate(visit, rule.Condition, `${location}/Condition`);
      if (typeof matches !== 'boolean')
        throw this.failEvaluation(
          visit,
          `${location}/Condition`,
          `The field 'Condition' must be a boolean, but was ${JSON.stringify(matches)}.`,
        );
      if (matches) return this.leave(visit, rule, 'ChoiceStateExited', rule.Next, {}, `${location}/`);
    }
    if (state.Default === undefined)
      throw new StateFailure(
        'States.NoChoiceMatched',
        this.#prefix(visit, 'No choice rule matched, and there is no Default.'),
      );
    return this.leave(visit, state, 'ChoiceStateExited', state.Default);
  }

  async #fail(visit: Visit, state: FailState): Promise<never> {
    const text = async (field: 'Error' | 'Cause') => {
      const template = state[field];
      if (template === undefined) return undefined;
      const value = await this.evaluate(visit, template, field);
      if (typeof value === 'string') return value;
      throw this.failEvaluation(
        visit,
        field,
        `The field '${field}' must be a string, but was ${JSON.stringify(value)}.`,
      );
    };
    const [error, cause] = [await text('Error'), await text('Cause')];
    // Names that begin so are Step Functions' own: https://states-language.net/#error-names
    if (error?.startsWith('States.'))
      throw new StateFailure('States.Runtime', `The Error of a Fail state must not begin with 'States.': '${error}'`);
    throw new StateFailure(error, cause);
  }

  /**
   * Evaluates Assign and Output, both with the variables as they were, records the exit and takes the new variables
   * over. Without Output, a state passes on its result, or its error, or its input.
   */
  async leave(
    visit: Visit,
    fields: Leaving,
    exit: HistoryEventType,
    next: string | null,
    outcome: Outcome = {},
    location = '',
  ): Promise<Transition> {
    const filled = fields.Assign ? await this.evaluate(visit, fields.Assign, `${location}Assign`, outcome) : {};
    const assigned = isJsonObject(filled) ? filled : {};
    const texts = this.scope.texts(assigned);
    const output = await this.#output(visit, fields, outcome, location);
    this.record(exit, {
      stateExitedEventDetails: {
        name: visit.name,
        output: output.text,
        outputDetails: { truncated: false },
        ...(fields.Assign ? { assignedVariables: texts, assignedVariablesDetails: { truncated: false } } : {}),
      },
    });
    if (fields.Assign) this.scope.set(assigned, texts);
    return { next, output };
  }

  async #output(visit: Visit, fields: Leaving, outcome: Outcome, location: string): Promise<Payload> {
    const what = `The state '${visit.name}' returned an output with`;
    if (fields.Output !== undefined)
      return new Payload(await this.evaluate(visit, fields.Output, `${location}Output`, outcome)).within(what);
    if ('result' in outcome) return new Payload(outcome.result).within(what);
    if ('errorOutput' in outcome) return new Payload(outcome.errorOutput).within(what);
    return visit.input;
  }

  /** Fills a field's expressions. Records EvaluationFailed and throws States.QueryEvaluationError when one fails. */
  async evaluate(visit: Visit, template: Json, location: string, outcome: Outcome = {}): Promise<Json> {
    if (typeof template === 'number' || typeof template === 'boolean') return template;
    const states = { input: visit.input.value, context: this.#context(visit), ...outcome };
    const around = { functions: this.run.functions, variables: this.scope.bindings, states };
    try {
      return await evaluateTemplate(template, location, around);
    } catch (error) {
      if (error instanceof EvaluationFailure) throw this.failEvaluation(visit, error.location, error.message);
      throw error;
    }
  }

  /** Records EvaluationFailed; answers the error to throw. */
  failEvaluation(visit: Visit, location: string, message: string): StateFailure {
    const error = 'States.QueryEvaluationError';
    const cause = this.#prefix(visit, message);
    this.record('EvaluationFailed', { evaluationFailedEventDetails: { error, cause, location, state: visit.name } });
    return new StateFailure(error, cause);
  }

  #prefix(visit: Visit, message: string): string {
    return `An error occurred while executing the state '${visit.name}' (entered at the event id #${visit.enteredId}). ${message}`;
  }

  /** https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html */
  #context(visit: Visit): JsonObject {
    const { execution } = this.run;
    const { machine } = execution;
    const item = visit.item ?? this.#item;
    return {
      Execution: {
        Id: execution.arn,
        Input: execution.input.value,
        Name: execution.name,
        RoleArn: machine.roleArn,
        StartTime: execution.startDate.toISOString(),
        RedriveCount: 0,
      },
      State: { Name: visit.name, EnteredTime: visit.enteredAt.toISOString(), RetryCount: visit.retryCount },
      StateMachine: { Id: machine.arn, Name: machine.name },
      ...(item ? { Map: { Item: { Index: item.Index, Value: item.Value } } } : {}),
      ...(visit.token === undefined ? {} : { Task: { Token: visit.token } }),
    };
  }
}
