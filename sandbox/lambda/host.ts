import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock.ts';

export interface FunctionError {
  errorType: string;
  errorMessage: string;
  trace: string[];
}
/** `waited`: milliseconds of virtual time for which the function waited for answers that did not come, or is late. */
export type InvokeResult = ({ payload: unknown } | { error: FunctionError }) & { waited?: number };

export interface FunctionDefinition {
  /** File URL of the bundle. */
  bundle: string;
  /** With the version of a published one. */
  arn: string;
  environment: Record<string, string>;
  /** MB; passed to the function, not enforced. */
  memory: number;
  /** Seconds of real time: a function that hangs must not hang the sandbox. */
  timeout: number;
}

export interface RuntimeData {
  bundle: string;
  functionName: string;
  functionVersion: string;
  memory: number;
}
export interface Invocation {
  id: string;
  event: unknown;
  deadline: number;
  /** The sandbox's time where that is virtual. */
  now: string | undefined;
  functionArn: string;
}
/** A function as it is named in a call: `$LATEST` is what the name alone stands for. */
export function qualified(name: string, qualifier: string | undefined): string {
  return qualifier === undefined || qualifier === '$LATEST' ? name : `${name}:${qualifier}`;
}

/** The inverse of `qualified`. */
export function unqualified(name: string): { functionName: string; version: string } {
  const [functionName = name, version = '$LATEST'] = name.split(':');
  return { functionName, version };
}

export type Reply = { id: string } & ({ result: string } | { error: FunctionError });

/**
 * MB for the youngest objects of an environment. V8's own limit is several times higher, and each of some twenty
 * environments would take it.
 */
const YOUNG_GENERATION_MB = 12;

/** An execution environment and the invocations it has not answered yet. */
interface Environment {
  /** With the version of a published one. */
  name: string;
  worker: Worker;
  waiting: Map<string, (result: InvokeResult) => void>;
  /** Why it ends: the first reason that was noticed; null while it is warm. */
  ends: string | null;
}

/**
 * Runs the bundles that are deployed, each in a worker thread with an environment of its own, so that a variable which
 * a function lacks is lacking here too. Environments stay warm between invocations, as on Lambda. A published version is
 * a function of its own, `name:version`, which keeps its definition.
 */
export class LambdaHost {
  readonly #functions = new Map<string, FunctionDefinition>();
  readonly #environments = new Map<string, Environment>();
  readonly #onLog: (functionName: string, line: string) => void;

  constructor(onLog: (functionName: string, line: string) => void = () => undefined) {
    this.#onLog = onLog;
  }

  /** The functions, without their versions. */
  get names(): string[] {
    return [...this.#functions.keys()].filter((name) => unqualified(name).version === '$LATEST');
  }

  /** Adds or replaces a function; an environment that was started with other values is thrown away. */
  define(name: string, definition: FunctionDefinition): void {
    const former = this.#functions.get(name);
    this.#functions.set(name, definition);
    const warm = this.#environments.get(name);
    if (warm && JSON.stringify(former) !== JSON.stringify(definition))
      void this.#discard(warm, 'the function was redefined');
  }

  /** By name, or by name and version. */
  find(name: string): FunctionDefinition | undefined {
    return this.#functions.get(name);
  }

  /**
   * Invokes a function and waits for its answer; what the function throws is an answer too. With a virtual
   * `clock` the function's time stands still, and its pauses take none.
   *
   * @throws Error when there is no such function.
   */
  async invoke(name: string, event: unknown, clock?: Clock): Promise<InvokeResult> {
    const definition = this.#functions.get(name);
    if (!definition) throw new Error(`no function ${name}: there are ${[...this.#functions.keys()].join(', ')}`);
    const environment = this.#environment(name, definition);
    const id = randomUUID();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const errorMessage = `${id} Task timed out after ${definition.timeout}.00 seconds`;
        environment.waiting.get(id)?.({ error: { errorType: 'Sandbox.Timedout', errorMessage, trace: [] } });
        void this.#discard(environment, errorMessage);
      }, definition.timeout * 1000);
      environment.waiting.set(id, (result) => {
        clearTimeout(timer);
        environment.waiting.delete(id);
        resolve(result);
      });
      const invocation: Invocation = {
        id,
        event,
        deadline: Date.now() + definition.timeout * 1000,
        now: clock?.kind === 'virtual' ? clock.now().toISOString() : undefined,
        functionArn: definition.arn,
      };
      environment.worker.postMessage(invocation);
    });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#environments.values()].map((warm) => this.#discard(warm, 'the sandbox stopped')));
  }

  #environment(name: string, definition: FunctionDefinition): Environment {
    const warm = this.#environments.get(name);
    if (warm) return warm;
    const { functionName, version: functionVersion } = unqualified(name);
    const data: RuntimeData = { bundle: definition.bundle, functionName, functionVersion, memory: definition.memory };
    const worker = new Worker(new URL('runtime.mjs', import.meta.url), {
      workerData: data,
      env: {
        ...definition.environment,
        AWS_LAMBDA_FUNCTION_NAME: functionName,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memory),
      },
      stdout: true,
      stderr: true,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    const environment: Environment = { name, worker, waiting: new Map(), ends: null };
    for (const stream of [worker.stdout, worker.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => this.#onLog(functionName, text.trimEnd()));
    worker.on('message', (reply: Reply) => {
      const result = 'error' in reply ? { error: reply.error } : { payload: JSON.parse(reply.result) };
      environment.waiting.get(reply.id)?.(result);
    });
    worker.on('error', (error: Error) => this.#retire(environment, `${error.name}: ${error.message}`));
    worker.on('exit', (code) => this.#ended(environment, code));
    // A warm environment must not keep a finished process alive.
    worker.unref();
    this.#environments.set(name, environment);
    return environment;
  }

  /** No further invocation goes to this environment; those it has not answered wait for its end. */
  #retire(environment: Environment, reason: string): void {
    environment.ends ??= reason;
    if (this.#environments.get(environment.name) === environment) this.#environments.delete(environment.name);
  }

  async #discard(environment: Environment, reason: string): Promise<void> {
    this.#retire(environment, reason);
    await environment.worker.terminate();
  }

  /**
   * Invocations that an environment has not answered fail at its end, not before: answers and a crash reach
   * this thread by different ways, and a crash may be heard of before the answer that was posted ahead of it, whereas
   * Node delivers all that a thread has posted before it emits `exit`.
   */
  #ended(environment: Environment, code: number): void {
    this.#retire(environment, `exit status ${code}`);
    const errorMessage = `${environment.name}: ${environment.ends}`;
    for (const answer of environment.waiting.values())
      answer({ error: { errorType: 'Runtime.ExitError', errorMessage, trace: [] } });
  }
}
