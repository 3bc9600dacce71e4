import { applyToNode } from './faults/apply-to-node.ts';
import { Countdown } from './faults/countdown.ts';
import { type Disturbance, disturbance } from './faults/disturbance.ts';
import { abort, clusterOf, duplicate, isOfMachine } from './faults/executions.ts';
import type { AddonFault, CallFault, EventFault, Fault, KubernetesFault, NodeFault } from './faults/kinds.ts';
import { chooseNodes } from './faults/nodes.ts';
import { actAsOther } from './faults/others.ts';
import { Outages } from './faults/outages.ts';
import { InvalidFault, parseFault } from './faults/parse.ts';
import type { FaultWorld } from './faults/world.ts';
import { refusal } from './kubernetes/scripted-fault.ts';
import type { Interception } from './kubernetes/server.ts';
import type { Cluster, Region, WorkerNode } from './region.ts';
import { stateNames } from './step-functions/definition.ts';
import type { Execution, ExecutionStatus } from './step-functions/execution.ts';

export { InvalidFault };

interface Waiting {
  readonly fault: Fault;
  /** By the execution's ARN: how often it has entered the state. */
  readonly visits: Map<string, number>;
}

/** Scripted misfortune: what `POST /_sandbox/faults` takes. A fault stays until it has struck. */
export class Faults {
  readonly #clusters: Region['clusters'];
  readonly #world: FaultWorld | undefined;
  readonly #sources = new WeakMap<Fault, unknown>();
  #waiting: Waiting[] = [];
  readonly #calls = new Countdown<CallFault>();
  readonly #kubernetes = new Countdown<KubernetesFault>();
  readonly #addonUpdates = new Countdown<AddonFault>();
  readonly #events = new Countdown<EventFault>();
  readonly #commands = new Countdown<{ fault: NodeFault; node: WorkerNode }>();
  readonly #outages = new Outages();

  /** Without a world only calls can fail, and agents go. */
  constructor(region: Pick<Region, 'clusters'>, world?: FaultWorld) {
    this.#clusters = region.clusters;
    this.#world = world;
  }

  /**
   * Arms all faults of a list, or throws InvalidFault with the path and the rule; resolves when
   * those that are due at once have struck.
   */
  add(list: unknown): Promise<void> {
    if (!Array.isArray(list)) throw new InvalidFault('faults: must be a list');
    const known = {
      clusters: this.#clusters,
      live: this.#world !== undefined,
      clock: this.#world?.clock.kind ?? 'virtual',
      documents: this.#world?.documents ?? [],
      states: this.#states(),
    };
    const parsed = list.map((item: unknown, index) => {
      const fault = parseFault(item, `faults[${index}]`, known);
      this.#sources.set(fault, item);
      return fault;
    });
    return this.#arm(parsed);
  }

  /** Removes every fault: armed, waiting and lasting. */
  clear(): void {
    this.#waiting = [];
    for (const armed of [
      this.#calls,
      this.#kubernetes,
      this.#addonUpdates,
      this.#events,
      this.#commands,
      this.#outages,
    ])
      armed.clear();
  }

  /** Every fault that has not struck yet, as it was given, with `left` where it strikes more than once. */
  list(): unknown[] {
    const counted: { item: Fault; left: unknown }[] = [
      ...this.#calls.list(),
      ...this.#kubernetes.list(),
      ...this.#addonUpdates.list(),
      ...this.#events.list(),
      ...this.#commands.list().map(({ item, left }) => ({ item: item.fault, left })),
    ];
    return [
      ...this.#waiting.map(({ fault }) => this.#sources.get(fault)),
      ...counted.map(({ item, left }) => ({ ...Object(this.#sources.get(item)), left })),
      ...this.#outages.lasting(this.#now()).map(({ fault, until }) => ({ ...Object(this.#sources.get(fault)), until })),
    ];
  }

  /** Takes the fault that strikes this call, if there is one. `kubernetes` calls ask with their verb and resource. */
  strike(service: string, operation: string, input: Record<string, unknown> = {}): { error: string } | undefined {
    const found = this.#calls.take((fault) => fault.error !== undefined && isFor(fault, service, operation, input));
    if (found?.error !== undefined) return { error: found.error };
    return this.#outages.covers({ service, operation }, this.#now()) ? { error: OUT_OF_ORDER } : undefined;
  }

  /**
   * Asked before a call is carried out; what it answers is asked afterwards, if it was: whether the answer is lost. So
   * a fault that the call itself arms does not strike it.
   */
  reply(service: string, operation: string, input: Record<string, unknown> = {}): () => boolean {
    const fits = (fault: CallFault) => fault.lostReply === true && isFor(fault, service, operation, input);
    const found = this.#calls.find(fits);
    return () => found !== undefined && this.#calls.take((fault) => fault === found) !== undefined;
  }

  /** Milliseconds that this call takes longer than usual. */
  delay(service: string, operation: string, input: Record<string, unknown>): number {
    const found = this.#calls.take((fault) => fault.late !== undefined && isFor(fault, service, operation, input));
    return (found?.late ?? 0) * 1_000;
  }

  /** What a Kubernetes API does with a request instead of answering it. */
  intercept(operation: string): Interception {
    const writes = /^(update|patch) /.test(operation);
    const fault = this.#kubernetes.take(({ kubernetes }) => kubernetes !== 'conflict' || writes);
    switch (fault?.kubernetes) {
      case 'unreachable':
        return 'drop';
      case 'forbidden':
        return refusal('Forbidden');
      case 'conflict':
        return refusal('Conflict');
      case undefined: {
        if (this.#outages.covers({ service: 'kubernetes', operation }, this.#now())) return 'drop';
        const struck = this.strike('kubernetes', operation);
        return struck && refusal(struck.error);
      }
    }
  }

  /** How the add-on update that ends now is to end; undefined as it would. */
  addonUpdate(): AddonFault | undefined {
    return this.#addonUpdates.take(() => true);
  }

  /** What happens to the event of this status. */
  event(status: ExecutionStatus): EventFault['events'] | undefined {
    return this.#events.take((fault) => fault.status === undefined || fault.status === status)?.events;
  }

  /** What goes wrong with the run of a document on a node that starts now. */
  command(node: WorkerNode, document: string): Disturbance {
    const take = (name: NodeFault['fault']) =>
      this.#commands.take(
        ({ fault, node: its }) => its === node && fault.fault === name && (fault.document ?? document) === document,
      )?.fault;
    return disturbance({ slow: take('slow'), garbage: take('output-garbage') }, this.#world?.random ?? (() => 0));
  }

  /** Lets what waits for this state strike. */
  async stateEntered(execution: Execution, state: string): Promise<void> {
    const entered = this.#waiting.filter(
      ({ fault }) => fault.at === state && (fault.machine === undefined || isOfMachine(execution, fault.machine)),
    );
    const due = entered.filter(({ fault, visits }) => {
      const visit = (visits.get(execution.arn) ?? 0) + 1;
      visits.set(execution.arn, visit);
      return visit >= fault.visit;
    });
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting));
    for (const waiting of due) await this.#due(waiting, execution);
  }

  /** Without a world no time passes: a fault with a duration lasts for ever. */
  #now(): Date {
    return this.#world?.clock.now() ?? new Date(0);
  }

  #states(): ReadonlyMap<string, ReadonlySet<string>> {
    const machines = this.#world?.stepFunctions().machines.values() ?? [];
    return new Map([...machines].map(({ name, definition }) => [name, new Set(stateNames(definition.graph))]));
  }

  async #arm(faults: readonly Fault[]): Promise<void> {
    for (const fault of faults) {
      const waiting = { fault, visits: new Map() };
      if (fault.at === undefined) await this.#due(waiting, undefined);
      else this.#waiting.push(waiting);
    }
  }

  async #due(waiting: Waiting, execution: Execution | undefined): Promise<void> {
    const strike = async () => {
      // A fault without a target, for example because its node is gone, waits for the next visit.
      if (!(await this.#strike(waiting.fault, execution)) && execution) this.#waiting.push(waiting);
    };
    const { after } = waiting.fault;
    const clock = this.#world?.clock;
    if (after > 0 && clock) clock.at(new Date(clock.now().getTime() + after * 1_000), strike);
    else await strike();
  }

  async #strike(fault: Fault, execution: Execution | undefined): Promise<boolean> {
    const world = this.#world;
    switch (fault.kind) {
      case 'on':
        this.#calls.arm(fault, fault.times);
        return true;
      case 'kubernetes':
        this.#kubernetes.arm(fault, fault.times);
        return true;
      case 'addonUpdate':
        this.#addonUpdates.arm(fault, fault.times);
        return true;
      case 'events':
        this.#events.arm(fault, fault.times);
        return true;
      case 'node':
        return this.#strikeNode(fault, execution);
      case 'join': {
        const [cluster] = this.#chosen(fault.join.cluster, execution);
        if (cluster) world?.join(cluster, fault.join);
        return cluster !== undefined;
      }
      case 'execution':
        if (world && execution) (fault.execution === 'abort' ? abort : duplicate)(world, execution);
        return true;
      case 'other': {
        const [cluster] = this.#chosen(fault.cluster, execution);
        return cluster !== undefined && world !== undefined && (await actAsOther(world.others, cluster, fault));
      }
      case 'outage':
        this.#outages.begin(fault, this.#now());
        return true;
      case 'clock':
        await world?.clock.skip(fault.hours * 3_600_000);
        return true;
    }
  }

  async #strikeNode(fault: NodeFault, execution: Execution | undefined): Promise<boolean> {
    const clusters = this.#chosen(fault.cluster, execution);
    const nodes = chooseNodes(clusters, fault, this.#world?.random ?? (() => 0));
    for (const node of nodes) {
      const cluster = clusters.find((each) => each.nodes.includes(node));
      if (fault.fault === 'output-garbage') this.#commands.arm({ fault, node }, fault.times ?? 1);
      else if (fault.fault === 'slow') this.#commands.arm({ fault, node }, fault.times ?? Number.POSITIVE_INFINITY);
      else if (cluster) await applyToNode(fault, { node, cluster, clock: this.#world?.clock });
    }
    return nodes.length > 0;
  }

  /** The cluster that is named, or else that of the execution, or else all. */
  #chosen(name: string | undefined, execution: Execution | undefined): Cluster[] {
    const one = this.#clusters.get(name ?? clusterOf(execution) ?? '');
    return one ? [one] : [...this.#clusters.values()];
  }
}

/** What a service that is out of order answers. */
const OUT_OF_ORDER = 'ServiceUnavailable';

/** A function is identified by its name, its ARN, or the end of its ARN. */
function isFor({ on }: CallFault, service: string, operation: string, input: Record<string, unknown>): boolean {
  if (on.service !== service || on.operation !== operation) return false;
  const name = typeof input['FunctionName'] === 'string' ? input['FunctionName'].replace(/^.*function:/, '') : '';
  return on.function === undefined || on.function === name.replace(/:.*$/, '');
}
