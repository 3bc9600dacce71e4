import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';

export interface FunctionError {
  errorType: string;
  errorMessage: string;
  trace: string[];
}
export type InvokeResult = { payload: unknown } | { error: FunctionError };

export interface FunctionDefinition {
  /** File URL of the bundle. */
  bundle: string;
  arn: string;
  environment: Record<string, string>;
  /** MB; told to the function, not enforced. */
  memory: number;
  /** Seconds of real time: a function that hangs must not hang the sandbox. */
  timeout: number;
}

export interface RuntimeData {
  bundle: string;
  functionName: string;
  memory: number;
}
export interface Invocation {
  id: string;
  event: unknown;
  deadline: number;
  functionArn: string;
}
export type Reply = { id: string } & ({ result: string } | { error: FunctionError });

/** A warm execution environment and the invocations it has not answered yet. */
interface Environment {
  worker: Worker;
  waiting: Map<string, (result: InvokeResult) => void>;
}

/**
 * Runs the bundles that are deployed, each in a worker thread with an environment of its own, so that a variable which
 * a function lacks is lacking here too. Environments stay warm between invocations, as on Lambda.
 */
export class LambdaHost {
  readonly #functions = new Map<string, FunctionDefinition>();
  readonly #environments = new Map<string, Environment>();
  readonly #onLog: (functionName: string, line: string) => void;

  constructor(onLog: (functionName: string, line: string) => void = () => undefined) {
    this.#onLog = onLog;
  }

  get names(): string[] {
    return [...this.#functions.keys()];
  }

  /** Adds or replaces a function; an environment that was started with other values is thrown away. */
  define(name: string, definition: FunctionDefinition): void {
    const former = this.#functions.get(name);
    this.#functions.set(name, definition);
    if (former && JSON.stringify(former) !== JSON.stringify(definition))
      this.#discard(name, 'the function was redefined');
  }

  find(name: string): FunctionDefinition | undefined {
    return this.#functions.get(name);
  }

  /**
   * Invokes a function and waits for its answer; what the function throws is an answer too.
   *
   * @throws Error when there is no such function.
   */
  async invoke(name: string, event: unknown): Promise<InvokeResult> {
    const definition = this.#functions.get(name);
    if (!definition) throw new Error(`no function ${name}: there are ${this.names.join(', ')}`);
    const environment = this.#environment(name, definition);
    const id = randomUUID();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const errorMessage = `${id} Task timed out after ${definition.timeout}.00 seconds`;
        environment.waiting.get(id)?.({ error: { errorType: 'Sandbox.Timedout', errorMessage, trace: [] } });
        this.#discard(name, errorMessage, environment);
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
        functionArn: definition.arn,
      };
      environment.worker.postMessage(invocation);
    });
  }

  async stop(): Promise<void> {
    const workers = [...this.#environments.values()].map(({ worker }) => worker);
    for (const name of [...this.#environments.keys()]) this.#discard(name, 'the sandbox stopped');
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #environment(name: string, definition: FunctionDefinition): Environment {
    const warm = this.#environments.get(name);
    if (warm) return warm;
    const data: RuntimeData = { bundle: definition.bundle, functionName: name, memory: definition.memory };
    const worker = new Worker(new URL('runtime.ts', import.meta.url), {
      workerData: data,
      env: {
        ...definition.environment,
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memory),
      },
      stdout: true,
      stderr: true,
    });
    const environment: Environment = { worker, waiting: new Map() };
    for (const stream of [worker.stdout, worker.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => this.#onLog(name, text.trimEnd()));
    worker.on('message', (reply: Reply) => {
      const result = 'error' in reply ? { error: reply.error } : { payload: JSON.parse(reply.result) };
      environment.waiting.get(reply.id)?.(result);
    });
    worker.on('error', (error: Error) => this.#discard(name, `${error.name}: ${error.message}`, environment));
    worker.on('exit', (code) => this.#discard(name, `exit status ${code}`, environment));
    // A warm environment must not keep a finished process alive.
    worker.unref();
    this.#environments.set(name, environment);
    return environment;
  }

  #discard(name: string, reason: string, only?: Environment): void {
    const environment = only ?? this.#environments.get(name);
    if (!environment) return;
    if (this.#environments.get(name) === environment) this.#environments.delete(name);
    for (const answer of environment.waiting.values())
      answer({ error: { errorType: 'Runtime.ExitError', errorMessage: `${name}: ${reason}`, trace: [] } });
    void environment.worker.terminate();
  }
}
