import type { Disturbance } from '../../faults/disturbance.ts';
import type { Region, WorkerNode } from '../../region.ts';
import { after, latency } from '../latency.ts';
import type { SsmDocument } from './documents.ts';
import { runsShell } from './managed-nodes.ts';
import { executionTimeout, type Resolved, renderScript } from './parameters.ts';

export type InvocationStatus = 'Pending' | 'InProgress' | 'Success' | 'Failed' | 'TimedOut';
export type InvocationDetails =
  | InvocationStatus
  | 'Undeliverable'
  | 'InvalidPlatform'
  | 'ExecutionTimedOut'
  | 'Terminated';

export interface Invocation {
  readonly node: WorkerNode;
  status: InvocationStatus;
  details: InvocationDetails;
  startedAt: Date | undefined;
  endedAt: Date | undefined;
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface Command {
  readonly id: string;
  readonly document: SsmDocument;
  readonly parameters: Readonly<Record<string, string[]>>;
  readonly resolved: Resolved;
  readonly instanceIds: readonly string[];
  readonly targets: readonly { Key?: string | undefined; Values?: string[] | undefined }[];
  readonly comment: string;
  readonly requestedAt: Date;
  /** Until when the agents may fetch the command. */
  readonly deliverUntil: Date;
  readonly timeoutSeconds: number;
  readonly maxConcurrency: string;
  readonly maxErrors: string;
  readonly invocations: readonly Invocation[];
}

/** What goes wrong with a run of a document on a node that starts now. */
export type Disturb = (node: WorkerNode, document: string) => Disturbance;

/** An agent that comes back fetches what waits for it within this time. */
const AGENT_POLL_MS = 15_000;

/**
 * Carries a command to its nodes and follows it there, on the region's clock. As many run at once as MaxConcurrency
 * says; after more errors than MaxErrors the rest is terminated. A node whose agent is silent until the delivery
 * timeout ends Undeliverable, which the command's own status does not count.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
 */
export class CommandRun {
  readonly #region: Region;
  readonly #command: Command;
  readonly #disturb: Disturb;
  readonly #concurrency: number;
  readonly #tolerated: number;
  #running = 0;
  #waiting = false;

  constructor(region: Region, command: Command, disturb: Disturb) {
    this.#region = region;
    this.#command = command;
    this.#disturb = disturb;
    this.#concurrency = Math.max(1, share(command.maxConcurrency, command.invocations.length));
    this.#tolerated = share(command.maxErrors, command.invocations.length);
  }

  start(): void {
    this.#region.clock.at(after(this.#region, 200), () => this.#deliver());
  }

  #deliver(): void {
    const pending = this.#command.invocations.filter(({ status }) => status === 'Pending');
    if (this.#errors() > this.#tolerated) {
      for (const invocation of pending) end(invocation, this.#region, 'Failed', 'Terminated');
      return;
    }
    for (const invocation of pending) {
      if (this.#running >= this.#concurrency) return;
      if (invocation.node.agent === 'online' && !invocation.node.terminated) this.#run(invocation);
    }
    this.#waitForAgents();
  }

  #waitForAgents(): void {
    const silent = this.#command.invocations.filter(({ status }) => status === 'Pending');
    if (silent.length === 0 || this.#waiting || this.#running >= this.#concurrency) return;
    const { clock } = this.#region;
    if (clock.now() >= this.#command.deliverUntil) {
      for (const invocation of silent) end(invocation, this.#region, 'Failed', 'Undeliverable');
      return;
    }
    const next = Math.min(clock.now().getTime() + AGENT_POLL_MS, this.#command.deliverUntil.getTime());
    this.#waiting = true;
    clock.at(new Date(next), () => {
      this.#waiting = false;
      this.#deliver();
    });
  }

  #run(invocation: Invocation): void {
    const { clock, latencies } = this.#region;
    const { machine } = invocation.node;
    invocation.status = 'InProgress';
    invocation.details = 'InProgress';
    invocation.startedAt = clock.now();
    if (!machine || !runsShell(invocation.node)) {
      end(invocation, this.#region, 'Failed', 'InvalidPlatform');
      return;
    }
    this.#running += 1;
    const { document, resolved } = this.#command;
    const disturbance = this.#disturb(invocation.node, document.machineName);
    const usual = document.installs ? latencies.prepareCommand : latencies.command;
    const takes = latency(this.#region, usual) * disturbance.slowness;
    const limit = executionTimeout(document.content, resolved) * 1000;
    const due = after(this.#region, Math.min(takes, limit));
    const parameters = Object.fromEntries(Object.entries(resolved).map(([name, values]) => [name, values.join('\n')]));
    const script = renderScript(document.content, resolved);
    // Not awaited: the nodes of a command work at the same time, and the clock stands still while any of them does.
    void clock.busy(async () => {
      try {
        const result = await machine.runDocument({ document: document.machineName, parameters, script });
        Object.assign(invocation, { ...result, stdout: disturbance.output(result.stdout) });
        clock.at(due, () =>
          this.#report(invocation, { timedOut: takes > limit, reportUntil: this.#reportUntil(limit) }),
        );
      } catch (error) {
        invocation.stderr = String(error);
        clock.at(due, () => {
          invocation.exitCode = -1;
          this.#finish(invocation, 'Failed', 'Failed');
          // A machine never throws for what a script does: the sandbox is broken, and the clock reports it.
          throw error;
        });
      }
    });
  }

  #reportUntil(limit: number): number {
    return this.#command.deliverUntil.getTime() + limit;
  }

  /** An offline agent reports when it is back; a terminated node never does. */
  #report(invocation: Invocation, how: { timedOut: boolean; reportUntil: number }): void {
    const { node } = invocation;
    const { clock } = this.#region;
    if (node.agent === 'online' && !node.terminated) {
      if (how.timedOut) this.#finish(invocation, 'TimedOut', 'ExecutionTimedOut');
      else if (invocation.exitCode === 0) this.#finish(invocation, 'Success', 'Success');
      else this.#finish(invocation, 'Failed', 'Failed');
      return;
    }
    const now = clock.now().getTime();
    if (!node.terminated && now < how.reportUntil) {
      clock.at(new Date(Math.min(now + AGENT_POLL_MS, how.reportUntil)), () => this.#report(invocation, how));
      return;
    }
    Object.assign(invocation, { exitCode: -1, stdout: '', stderr: '' });
    if (node.terminated) this.#finish(invocation, 'Failed', 'Terminated');
    else this.#finish(invocation, 'TimedOut', 'ExecutionTimedOut');
  }

  #finish(invocation: Invocation, status: InvocationStatus, details: InvocationDetails): void {
    this.#running -= 1;
    end(invocation, this.#region, status, details);
    this.#deliver();
  }

  #errors(): number {
    return this.#command.invocations.filter(countsAsError).length;
  }
}

/** Undeliverable and InvalidPlatform count neither against MaxErrors nor towards the command's status. */
export function countsAsError({ details }: Invocation): boolean {
  return details === 'Failed' || details === 'ExecutionTimedOut';
}

/** The command's own status: it is Success as long as no invocation that counts failed. */
export function commandStatus(command: Command): { Status: InvocationStatus; StatusDetails: string } {
  const { invocations } = command;
  if (invocations.every(({ status }) => status === 'Pending') && invocations.length > 0)
    return { Status: 'Pending', StatusDetails: 'Pending' };
  if (invocations.some(({ status }) => status === 'Pending' || status === 'InProgress'))
    return { Status: 'InProgress', StatusDetails: 'InProgress' };
  const errors = invocations.filter(countsAsError).length;
  if (errors === 0) return { Status: 'Success', StatusDetails: 'Success' };
  const tolerated = errors <= share(command.maxErrors, invocations.length);
  return { Status: 'Failed', StatusDetails: tolerated ? 'Incomplete' : 'Failed' };
}

function end(invocation: Invocation, region: Region, status: InvocationStatus, details: InvocationDetails): void {
  invocation.status = status;
  invocation.details = details;
  invocation.endedAt = region.clock.now();
}

/** `10` or `20%` of `total`. */
function share(text: string, total: number): number {
  return text.endsWith('%') ? Math.floor((Number(text.slice(0, -1)) * total) / 100) : Number(text);
}
