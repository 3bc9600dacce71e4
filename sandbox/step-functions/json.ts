import { StateFailure } from './failure.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Bytes of UTF-8 that a state's input, arguments, result or output may have. */
export const PAYLOAD_LIMIT = 262_144;

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON value with its text, which the history and the size limits need again and again. */
export class Payload {
  readonly value: Json;
  readonly text: string;

  constructor(value: Json, text: string = JSON.stringify(value)) {
    this.value = value;
    this.text = text;
  }

  /** Throws States.DataLimitExceeded; `what` is the subject of its cause. */
  within(what: string): Payload {
    // A character of UTF-16 is at most three bytes of UTF-8: most payloads need no counting.
    if (this.text.length * 3 > PAYLOAD_LIMIT && Buffer.byteLength(this.text) > PAYLOAD_LIMIT)
      throw new StateFailure(
        'States.DataLimitExceeded',
        `${what} a size exceeding the maximum number of bytes service limit.`,
      );
    return this;
  }
}

/**
 * A copy of a JSONata result that holds JSON only: numbers that JSON lacks become text as in Step Functions, members
 * that are undefined go. Throws a TypeError for a function, and for undefined itself.
 */
export function toJson(value: unknown): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'object':
      break;
    default:
      throw new TypeError(`${typeof value} is not JSON`);
  }
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(toJson);
  if ('_jsonata_lambda' in value || '_jsonata_function' in value) throw new TypeError('function is not JSON');
  const copy: JsonObject = {};
  for (const [key, member] of Object.entries(value)) if (member !== undefined) copy[key] = toJson(member);
  return copy;
}
