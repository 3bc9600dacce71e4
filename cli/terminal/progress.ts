import { Listr, type ListrTask } from 'listr2';
import { labelOf, type Machine, orderOf, PHASES, type PhaseName } from '../../state-machines/phases.ts';
import type { Step } from '../story/history.ts';
import { narrate, wentWrong } from '../story/narrate.ts';
import { Inspected } from '../story/views.ts';
import { showTime } from './format.ts';
import type { Terminal } from './terminal.ts';

/** Shows an execution while it runs. */
export interface Progress {
  show(steps: readonly Step[]): void;
  /** Shows the ending; resolves when the terminal is free again. `cutOff` says why the end was not seen. */
  end(cutOff?: string): Promise<void>;
}

/** Redraws the phases for a person at a terminal; otherwise prints a line for each step. */
export function progressFor(terminal: Terminal, machine: Machine = 'migrate-cluster'): Progress {
  return terminal.lively ? new PhaseList(machine) : new Lines(terminal, machine);
}

/** Shows nothing, because stdout is for data. */
export const noProgress: Progress = { show: () => {}, end: () => Promise.resolve() };

/** The furthest phase that an execution has entered. */
export class Position {
  readonly #machine: Machine;
  phase: PhaseName;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.phase = PHASES[machine][0].name;
  }

  /** The phase never goes back: an inspection after the wait is shown under Window. */
  follow(step: Step): PhaseName {
    if ('phase' in step && step.phase !== null && this.orderOf(step.phase) > this.orderOf(this.phase))
      this.phase = step.phase;
    return this.phase;
  }

  orderOf(phase: PhaseName): number {
    return orderOf(phase, this.#machine);
  }
}

class Lines implements Progress {
  readonly #terminal: Terminal;
  readonly #position: Position;
  /** A rollback may repeat its phases from the first: each of its steps is shown under its own phase. */
  readonly #canRepeatPhases: boolean;
  #last = '';

  constructor(terminal: Terminal, machine: Machine) {
    this.#terminal = terminal;
    this.#position = new Position(machine);
    this.#canRepeatPhases = machine === 'rollback-cluster';
  }

  show(steps: readonly Step[]): void {
    for (const step of steps) {
      const furthest = this.#position.follow(step);
      const phase = this.#canRepeatPhases && 'phase' in step && step.phase !== null ? step.phase : furthest;
      const text = narrate(step);
      const label = step.kind === 'started' ? 'Start' : labelOf(phase);
      const line = `${label.padEnd(13)}  ${text}`;
      // Repeated identical answers to a poll are shown once.
      if (text === null || line === this.#last) continue;
      this.#last = line;
      this.#terminal.out(`${showTime(step.at)}  ${line}`);
    }
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}

interface Shown {
  name: PhaseName;
  begun: PromiseWithResolvers<boolean>;
  over: PromiseWithResolvers<string | null>;
  /** listr2's task of this phase, once the phase has begun. */
  task: { output: string | undefined } | null;
  text: string;
  output: string;
  entered: boolean;
}

class PhaseList implements Progress {
  readonly #position: Position;
  readonly #shown: Shown[];
  readonly #running: Promise<unknown>;
  /** A failure that no later attempt has resolved: it marks its phase when the record begins. */
  #trouble: { state: string; name: string } | null = null;

  constructor(machine: Machine) {
    this.#position = new Position(machine);
    this.#shown = PHASES[machine].map(({ name }) => ({
      name,
      begun: Promise.withResolvers<boolean>(),
      over: Promise.withResolvers<string | null>(),
      task: null,
      text: '',
      output: '',
      entered: false,
    }));
    // The command handles Ctrl-C: it prints how the execution continues.
    this.#running = new Listr(
      this.#shown.map((each) => task(each)),
      { exitOnError: false, registerSignalListeners: false, rendererOptions: { collapseErrors: false } },
    )
      .run()
      .catch(() => undefined);
  }

  show(steps: readonly Step[]): void {
    for (const step of steps) this.#step(step);
  }

  async end(cutOff?: string): Promise<void> {
    this.#settle(this.#shown.length, cutOff ?? this.#trouble?.name ?? null);
    await this.#running;
  }

  #step(step: Step): void {
    const before = this.#position.phase;
    const phase = this.#position.follow(step);
    const shown = this.#shown[this.#position.orderOf(phase)];
    if (!shown) return;
    if (phase !== before) this.#moveTo(phase, before);
    this.#notice(step);
    if ('phase' in step && step.phase !== null) {
      shown.entered = true;
      shown.begun.resolve(true);
    }
    const text = narrate(step);
    if (text === null) return;
    // A check of the window inside another phase only confirms; the result of that phase is the better summary.
    if (!('calls' in step && step.calls === 'decide-window' && phase !== 'window')) shown.text = text;
    shown.output = `${showTime(step.at)}  ${text}`;
    if (shown.task) shown.task.output = shown.output;
  }

  #moveTo(phase: PhaseName, before: PhaseName): void {
    // Only an execution that gives up enters its rollback or its record with an unresolved failure.
    this.#settle(
      this.#position.orderOf(phase),
      phase === 'record' || phase === 'rollback' ? (this.#trouble?.name ?? null) : null,
      before,
    );
    this.#trouble = null;
  }

  #notice(step: Step): void {
    const wrong = wentWrong(step);
    if (wrong && 'state' in step) this.#trouble = { state: step.state, name: wrong.name };
    if (step.kind === 'entered' && step.state === 'LeaseHeld')
      this.#trouble = { state: step.state, name: 'AlreadyMigrating' };
    if (step.kind === 'succeeded' && this.#trouble?.state === step.state) this.#trouble = null;
    if (step.kind === 'succeeded' && isRefusal(step.value))
      this.#trouble = { state: step.state, name: 'PreflightRefused' };
    // A recorded failure has its mark already; an execution that was cut off is marked at its last phase.
    if (step.kind === 'ended' && step.error && step.status !== 'FAILED')
      this.#trouble = { state: '', name: step.error.name };
  }

  /** Ends every phase before phase `order`; `failure` marks the phase `failed`. */
  #settle(order: number, failure: string | null, failed: PhaseName = this.#position.phase): void {
    for (const each of this.#shown.slice(0, order)) {
      each.begun.resolve(each.entered);
      each.over.resolve(each.name === failed ? failure : null);
    }
  }
}

function isRefusal(value: unknown): boolean {
  const answer = Inspected.safeParse(value);
  return answer.success && answer.data.plan.kind === 'refuse';
}

function task(shown: Shown): ListrTask {
  const label = labelOf(shown.name);
  return {
    title: label,
    rendererOptions: { persistentOutput: false },
    task: async (_context, wrapper): Promise<void> => {
      shown.task = wrapper;
      if (!(await shown.begun.promise)) return wrapper.skip(`${label}: not needed or not reached`);
      if (shown.output) wrapper.output = shown.output;
      const failure = await shown.over.promise;
      if (failure !== null) throw new Error(`${label}: ${failure}`);
      wrapper.title = shown.text ? `${label.padEnd(13)}  ${shown.text}` : label;
    },
  };
}
