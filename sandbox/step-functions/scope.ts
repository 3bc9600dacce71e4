import { StateFailure } from './failure.ts';
import type { Json } from './json.ts';

/** Bytes of one variable, and of all that one Assign sets. */
const ASSIGN_LIMIT = 262_144;
/** Bytes of all variables of an execution. */
const TOTAL_LIMIT = 10 * 1024 * 1024;

/**
 * Variables that a state sees: its own graph's and, in a Map iteration, those around it, which it can read but not set.
 * https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
 */
export class Scope {
  readonly #outer: Scope | null;
  readonly #values = new Map<string, { value: Json; bytes: number }>();
  #bytes = 0;
  #bindings: Record<string, Json> | null = null;

  constructor(outer: Scope | null = null) {
    this.#outer = outer;
  }

  /** All variables by name. */
  get bindings(): Record<string, Json> {
    if (this.#outer) return { ...this.#outer.bindings, ...this.#own() };
    this.#bindings ??= this.#own();
    return this.#bindings;
  }

  get bytes(): number {
    return this.#bytes + (this.#outer?.bytes ?? 0);
  }

  /**
   * Checks the limits for new values and answers their JSON texts; `set` then takes them over.
   * Throws States.DataLimitExceeded.
   */
  texts(values: Record<string, Json>): Record<string, string> {
    const texts: Record<string, string> = {};
    let bytes = 0;
    for (const [name, value] of Object.entries(values)) {
      const text = JSON.stringify(value);
      texts[name] = text;
      bytes += Buffer.byteLength(text);
      if (Buffer.byteLength(text) > ASSIGN_LIMIT)
        throw new StateFailure(
          'States.DataLimitExceeded',
          `The variable '${name}' is larger than ${ASSIGN_LIMIT} bytes.`,
        );
    }
    if (bytes > ASSIGN_LIMIT)
      throw new StateFailure('States.DataLimitExceeded', `The Assign field sets more than ${ASSIGN_LIMIT} bytes.`);
    if (this.bytes + bytes > TOTAL_LIMIT && this.bytes + bytes - this.#replaced(values) > TOTAL_LIMIT)
      throw new StateFailure('States.DataLimitExceeded', `The variables are larger than ${TOTAL_LIMIT} bytes.`);
    return texts;
  }

  set(values: Record<string, Json>, texts: Record<string, string>): void {
    this.#bytes -= this.#replaced(values);
    for (const [name, value] of Object.entries(values)) {
      const bytes = Buffer.byteLength(texts[name] ?? '');
      this.#values.set(name, { value, bytes });
      this.#bytes += bytes;
    }
    this.#bindings = null;
  }

  #replaced(values: Record<string, Json>): number {
    return Object.keys(values).reduce((sum, name) => sum + (this.#values.get(name)?.bytes ?? 0), 0);
  }

  #own(): Record<string, Json> {
    return Object.fromEntries([...this.#values].map(([name, { value }]) => [name, value]));
  }
}
