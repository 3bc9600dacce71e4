import type { Region } from '../../region.ts';
import type { StateValue } from '../../wire/cloudwatch-types.ts';

export type AlarmKind = 'metric' | 'composite';

export interface AlarmState {
  readonly value: StateValue;
  readonly reason: string;
  readonly reasonData?: string | undefined;
}

export interface Alarm {
  readonly name: string;
  readonly arn: string;
  readonly kind: AlarmKind;
  /** The members of its description that its creator gave. */
  configuration: Readonly<Record<string, unknown>>;
  configuredAt: Date;
  state: AlarmState;
  /** When the state, its reason included, was set last. */
  updatedAt: Date;
  /** When the value of the state changed last. */
  changedAt: Date;
  readonly tags: Map<string, string>;
}

const INITIAL: AlarmState = { value: 'INSUFFICIENT_DATA', reason: 'Unchecked: Initial alarm creation' };

/**
 * CloudWatch's alarms of the Region. The sandbox has no metrics: an alarm keeps the state that it was set to. Only the
 * alarms of a template follow what the sandbox measures, until their state is set.
 */
export class Alarms {
  readonly #region: Region;
  readonly #alarms = new Map<string, Alarm>();
  /** What the sandbox measures of an alarm, by its name, until its state is set. */
  readonly #measured = new Map<string, () => AlarmState>();

  constructor(region: Region) {
    this.#region = region;
  }

  /** Creates an alarm, or overwrites its configuration and leaves its state. */
  put(alarm: { name: string; kind: AlarmKind; configuration: Alarm['configuration'] }): Alarm {
    const { name, kind, configuration } = alarm;
    const now = this.#region.clock.now();
    const known = this.#alarms.get(name);
    if (known) return Object.assign(known, { configuration, configuredAt: now });
    const arn = `arn:aws:cloudwatch:${this.#region.name}:${this.#region.account}:alarm:${name}`;
    const times = { configuredAt: now, updatedAt: now, changedAt: now };
    const made: Alarm = { name, arn, kind, configuration, state: INITIAL, tags: new Map(), ...times };
    this.#alarms.set(name, made);
    return made;
  }

  /** A metric alarm whose state is that of `measure` until it is set. */
  follow(name: string, configuration: Alarm['configuration'], measure: () => AlarmState): void {
    this.put({ name, kind: 'metric', configuration });
    this.#measured.set(name, measure);
  }

  find(name: string): Alarm | undefined {
    const alarm = this.#alarms.get(name);
    if (alarm) this.#measure(alarm);
    return alarm;
  }

  /** In the order of their names. */
  list(): Alarm[] {
    for (const alarm of this.#alarms.values()) this.#measure(alarm);
    return [...this.#alarms.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  set(alarm: Alarm, state: AlarmState): void {
    this.#measured.delete(alarm.name);
    this.#enter(alarm, state);
  }

  delete(name: string): void {
    this.#alarms.delete(name);
    this.#measured.delete(name);
  }

  #measure(alarm: Alarm): void {
    const state = this.#measured.get(alarm.name)?.();
    if (state && state.value !== alarm.state.value) this.#enter(alarm, state);
  }

  #enter(alarm: Alarm, state: AlarmState): void {
    const now = this.#region.clock.now();
    if (state.value !== alarm.state.value) alarm.changedAt = now;
    alarm.updatedAt = now;
    alarm.state = state;
  }
}
