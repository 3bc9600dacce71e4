import { ServiceError } from '../wire/error.ts';
import type { Definition, MapState } from './asl.ts';
import { parseDefinition } from './definition.ts';
import { runDistributedMap } from './distributed-map.ts';
import type { Ending, MapRunShare, Origin, StateMachine } from './execution.ts';
import { Execution } from './execution.ts';
import { Interrupted, StateFailure } from './failure.ts';
import { stepFunctionsFunctions, uuid } from './functions.ts';
import type { Json } from './json.ts';
import { Payload } from './json.ts';
import { runMap } from './map.ts';
import { type Batch, type Limits, MapRun } from './map-run.ts';
import { withRecovery } from './recovery.ts';
import { managedRuleNeeds } from './rights.ts';
import { runTask } from './task.ts';
import { TaskTokens } from './task-tokens.ts';
import { type Run, Thread } from './thread.ts';
import { Versions } from './versions.ts';
import type { StepFunctionsWorld } from './world.ts';

/** Ended executions whose histories are at hand at most: who asks for one mostly asks for a new one, in pages. */
const MOST_UNPACKED = 20;

/** State machines and their executions. Runs every execution on the region's clock. */
export class StepFunctions {
  readonly world: StepFunctionsWorld;
  readonly machines = new Map<string, StateMachine>();
  readonly versions = new Versions();
  /** By ARN, in the order in which they started. */
  readonly executions = new Map<string, Execution>();
  /** By ARN, in the order in which they started. */
  readonly mapRuns = new Map<string, MapRun>();
  readonly tokens: TaskTokens;
  /** Ended executions whose histories are not packed, in the order in which they ended. */
  readonly #unpacked: Execution[] = [];
  readonly #functions: Record<string, unknown>;

  constructor(world: StepFunctionsWorld) {
    const { clock, random } = world.region;
    this.world = world;
    this.tokens = new TaskTokens(random);
    this.#functions = stepFunctionsFunctions(() => clock.now(), random);
  }

  /** Creates or replaces a state machine; its ARN is by name. Throws InvalidDefinition. */
  register(machine: { name: string; definition: string; roleArn: string }): StateMachine {
    const { account, name: region, clock, random } = this.world.region;
    const definition = parseDefinition(machine.definition);
    this.#requireManagedRule(definition, machine.roleArn);
    const created: StateMachine = {
      name: machine.name,
      arn: `arn:aws:states:${region}:${account}:stateMachine:${machine.name}`,
      roleArn: machine.roleArn,
      createdAt: clock.now(),
      text: machine.definition,
      definition,
      revisionId: uuid(random),
    };
    this.machines.set(created.arn, created);
    return created;
  }

  #requireManagedRule({ graph }: Definition, roleArn: string): void {
    const { mayCall, region } = this.world;
    // The sentence is AWS's, as people report it of their deployments.
    if (mayCall && !managedRuleNeeds(graph, region).every((need) => mayCall(roleArn, need)))
      throw new ServiceError('AccessDeniedException', `'${roleArn}' is not authorized to create managed-rule.`);
  }

  executionArn(machine: StateMachine, name: string): string {
    return `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;
  }

  /** Starts an execution; it takes its first step after the caller went on. The name must be free. */
  start(machine: StateMachine, name: string, input: Json, origin: Origin = {}): Execution {
    return this.#begin(machine, { name, input: new Payload(input), origin });
  }

  #begin(
    machine: StateMachine,
    fields: { name: string; input: Payload; origin: Origin; mapRun?: MapRunShare },
  ): Execution {
    const arn = this.executionArn(machine, fields.name);
    const { origin } = fields;
    const execution = new Execution(this.world, machine, { arn, ...fields });
    this.executions.delete(arn);
    this.executions.set(arn, execution);
    execution.record('ExecutionStarted', 0, {
      executionStartedEventDetails: {
        input: execution.input.text,
        inputDetails: { truncated: false },
        roleArn: machine.roleArn,
        ...(origin.versionArn === undefined ? {} : { stateMachineVersionArn: origin.versionArn }),
        ...(origin.aliasArn === undefined ? {} : { stateMachineAliasArn: origin.aliasArn }),
      },
    });
    this.world.onStatusChange?.(execution);
    void execution.ended.then(() => this.#keep(execution));
    void this.#run(execution);
    return execution;
  }

  /** Packs the history of the execution that ended longest ago, so that those of a large Map Run fit into memory. */
  #keep(ended: Execution): void {
    this.#unpacked.push(ended);
    if (this.#unpacked.length > MOST_UNPACKED) this.#unpacked.shift()?.pack();
  }

  /** Ends a running execution as ABORTED, at whatever it is; an ended one stays as it is. */
  stop(execution: Execution, error: string | undefined, cause: string | undefined): void {
    execution.end({ status: 'ABORTED', error, cause }, 0);
  }

  /** The execution with this ARN, once it has ended. Rejects when there is none. */
  async ended(executionArn: string): Promise<Execution> {
    const execution = this.executions.get(executionArn);
    if (!execution) throw new Error(`there is no execution ${executionArn}`);
    await execution.ended;
    return execution;
  }

  /**
   * A Map Run of `parent`. Its children belong to a state machine of their own, `name/label`.
   * https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
   */
  #openMapRun(parent: Execution, state: MapState, limits: Limits) {
    const { random, clock } = this.world.region;
    const own = parent.machine;
    const label = state.Label ?? uuid(random);
    const labelled = (text: string) => `${text.replace(/\/.*$/, '')}/${label}`;
    const machine: StateMachine = {
      ...own,
      name: labelled(own.name),
      arn: labelled(own.arn),
      text: JSON.stringify({ QueryLanguage: 'JSONata', ...state.ItemProcessor }),
      definition: { graph: state.processor, timeoutSeconds: undefined },
    };
    const arn = `${machine.arn.replace(':stateMachine:', ':mapRun:')}:${uuid(random)}`;
    const mapRun = new MapRun({ arn, machineArn: machine.arn, parent, startDate: clock.now(), limits });
    this.mapRuns.set(arn, mapRun);
    const start = ({ input, items }: Batch) =>
      this.#begin(machine, { name: uuid(random), input, origin: {}, mapRun: { arn, items } });
    return { mapRun, start };
  }

  #runOf(execution: Execution): Run {
    return {
      world: this.world,
      execution,
      tokens: this.tokens,
      functions: this.#functions,
      ended: (arn) => this.ended(arn),
      openMapRun: (state, limits) => this.#openMapRun(execution, state, limits),
      work: (thread, visit, state) =>
        withRecovery(thread, visit, state, () => {
          if (state.Type === 'Task') return runTask(thread, visit, state);
          const { Mode } = state.ItemProcessor.ProcessorConfig;
          return Mode === 'INLINE' ? runMap(thread, visit, state) : runDistributedMap(thread, visit, state);
        }),
    };
  }

  async #run(execution: Execution): Promise<void> {
    const { clock } = this.world.region;
    const { graph, timeoutSeconds } = execution.machine.definition;
    const run = this.#runOf(execution);
    // The first state's event follows no other: its previousEventId is 0, as is ExecutionStarted's.
    const thread = new Thread(run, { signal: execution.signal, previous: 0 });
    thread.hold.take();
    const deadline =
      timeoutSeconds === undefined
        ? undefined
        : clock.at(new Date(execution.startDate.getTime() + timeoutSeconds * 1000), () =>
            execution.end({ status: 'TIMED_OUT' }, 0),
          );
    try {
      await Promise.resolve();
      const output = await thread.follow(graph, execution.input);
      execution.end({ status: 'SUCCEEDED', output }, thread.previous);
    } catch (error) {
      if (!(error instanceof Interrupted)) execution.end(this.#failure(error, execution), thread.previous);
    } finally {
      deadline?.cancel();
      thread.hold.release();
    }
  }

  #failure(error: unknown, execution: Execution): Ending {
    if (error instanceof StateFailure) return { status: 'FAILED', error: error.error, cause: error.detail };
    this.world.onBug?.(error, execution);
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { status: 'FAILED', error: 'States.Runtime', cause: `The sandbox failed: ${message}` };
  }
}
