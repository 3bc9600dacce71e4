import type { MayCall } from '../iam/role-rights.ts';
import type { Region } from '../region.ts';
import type { Call } from '../wire/dispatcher.ts';
import type { Caller } from '../wire/operations.ts';
import type { Execution, ExecutionWorld } from './execution.ts';
import type { Json, JsonObject } from './json.ts';

/** `name`: with a version behind a colon if the call names one. */
export type InvokeFunction = (
  name: string,
  payload: unknown,
  caller: Caller,
) => Promise<
  ({ payload: unknown } | { error: { errorType: string; errorMessage: string; trace?: string[] } }) & {
    /** Milliseconds of virtual time for which the function waited for answers that did not come, or is late. */
    waited?: number;
  }
>;

/** One API call in the SDK's member names: the dispatcher's. */
export type CallService = (call: Call) => Promise<Record<string, unknown>>;

/** What the interpreter needs from the sandbox around it. */
export interface StepFunctionsWorld extends ExecutionWorld {
  readonly region: Region;
  readonly invokeFunction: InvokeFunction;
  readonly callService: CallService;
  /** Publishes a text to a topic by its ARN. Throws ServiceError. */
  readonly publish: (topicArn: string, message: string, caller: Caller) => Promise<void>;
  /** Asked before Step Functions does something itself in a state machine's role; without it roles may do everything. */
  readonly mayCall?: MayCall;
  /** Heard after a state's StateEntered event, before the state does anything; time stands still meanwhile. */
  readonly onStateEntered?: (execution: Execution, stateName: string) => Promise<void>;
  /** Milliseconds that a Standard execution waits for before its next state, for there were too many transitions. */
  readonly transitionDelay?: () => number;
  /** The interpreter or something it called is broken: never an error of the workflow. */
  readonly onBug?: (error: unknown, execution: Execution) => void;
}

/** What a task's integration gets beside its arguments. */
export interface TaskContext {
  readonly world: StepFunctionsWorld;
  readonly execution: Execution;
  /** Rejects when the task timed out or its execution ended. */
  readonly signal: AbortSignal;
  /** Lets time pass while `work` waits. */
  wait<T>(work: () => Promise<T>): Promise<T>;
  /** Writes TaskSubmitted. */
  submitted(output: string): void;
  /** Settles when somebody reports by its token that the task has ended; undefined where it has no token. */
  readonly callback: Promise<Json> | undefined;
  /** Resolves when the execution with this ARN has ended. */
  ended(executionArn: string): Promise<Execution>;
}

/** What a Task's Resource ARN stands for. */
export interface TaskResource {
  /** As in the history: `lambda`, `aws-sdk:eks`. */
  readonly resourceType: string;
  /** As in the history: `invoke`, `updateAddon`. */
  readonly resource: string;
  /** Whether the task has a token and waits for its callback. */
  readonly hasToken?: true;
  /** What is wrong with the arguments' names, before anything runs. */
  check(args: JsonObject): string[];
  /** Throws StateFailure. */
  run(args: JsonObject, context: TaskContext): Promise<Json>;
}
