import type { NormalizedSchema } from '@smithy/core/schema';
import { StateFailure } from './failure.ts';
import type { Json, JsonObject } from './json.ts';
import { isJsonObject } from './json.ts';
import { integrationMemberName } from './sdk-services.ts';

const memberTables = new WeakMap<object, Map<string, [string, NormalizedSchema]>>();

/** Members of a structure by Step Functions' spelling. */
function membersOf(schema: NormalizedSchema): Map<string, [string, NormalizedSchema]> {
  const key: unknown = schema.getSchema();
  if (typeof key !== 'object' || key === null) return new Map();
  let table = memberTables.get(key);
  if (!table) {
    table = new Map();
    for (const [name, member] of schema.structIterator()) table.set(integrationMemberName(name), [name, member]);
    memberTables.set(key, table);
  }
  return table;
}

/** Names of the arguments that the operation does not have, or that are not in Step Functions' spelling. */
export function unknownArguments(schema: NormalizedSchema, args: JsonObject): string[] {
  const members = membersOf(schema);
  return Object.keys(args).filter((key) => !members.has(key));
}

function refuse(path: string, expected: string): never {
  throw new StateFailure('States.Runtime', `The Parameters field '${path}' could not be used: ${expected} expected.`);
}

/**
 * Step Functions' arguments (PascalCase, JSON) as the SDK's input: its member names, Dates for timestamps, the bytes of
 * a value's JSON for blobs. Throws States.Runtime for an unknown member or a value of the wrong type, as Step Functions
 * does.
 */
export function toSdkInput(schema: NormalizedSchema, value: Json, path: string): unknown {
  if (schema.isStructSchema()) {
    if (!isJsonObject(value)) return refuse(path, 'an object');
    const members = membersOf(schema);
    const input: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const member = members.get(key);
      if (!member)
        throw new StateFailure('States.Runtime', `The field '${key}' is not supported by Step Functions at ${path}.`);
      if (item !== null) input[member[0]] = toSdkInput(member[1], item, `${path}.${key}`);
    }
    return input;
  }
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) return refuse(path, 'an array');
    return value.map((item, index) => toSdkInput(schema.getValueSchema(), item, `${path}[${index}]`));
  }
  if (schema.isMapSchema()) {
    if (!isJsonObject(value)) return refuse(path, 'an object');
    const item = schema.getValueSchema();
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, toSdkInput(item, each, `${path}.${key}`)]),
    );
  }
  return toSdkScalar(schema, value, path);
}

function toSdkScalar(schema: NormalizedSchema, value: Json, path: string): unknown {
  if (schema.isTimestampSchema()) {
    const date = new Date(typeof value === 'string' ? value : Number.NaN);
    return Number.isNaN(date.getTime()) ? refuse(path, 'an ISO 8601 timestamp') : date;
  }
  // The real service writes every blob as JSON, and so a text with its quotes and escapes: `text data` becomes 11 bytes
  // in S3. LocalStack's snapshots of aws-sdk:s3:putObject record it against AWS.
  if (schema.isBlobSchema()) return Buffer.from(JSON.stringify(value));
  if (schema.isStringSchema()) return toText(value, path);
  if (schema.isBooleanSchema()) return typeof value === 'boolean' ? value : refuse(path, 'a boolean');
  if (schema.isNumericSchema()) return typeof value === 'number' ? value : refuse(path, 'a number');
  return value;
}

/**
 * A string member given an object or a list gets its JSON, as LocalStack's snapshots of aws-sdk:sfn:startExecution
 * record for `Input`.
 */
function toText(value: Json, path: string): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : refuse(path, 'a string');
}

/** As Java prints an Instant: no fraction if there is none. */
function instant(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z');
}

/**
 * The SDK's output as a task's result: PascalCase members, ISO 8601 timestamps, text for blobs; what is absent stays so.
 * https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
 */
export function fromSdkOutput(schema: NormalizedSchema, value: unknown): Json {
  if (value instanceof Date) return instant(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (Array.isArray(value)) {
    const item = schema.isListSchema() ? schema.getValueSchema() : schema;
    return value.map((each) => fromSdkOutput(item, each));
  }
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return null;
  const output: JsonObject = {};
  if (schema.isStructSchema())
    for (const [name, [member, memberSchema]] of membersOf(schema)) {
      const item: unknown = Object.getOwnPropertyDescriptor(value, member)?.value;
      if (item !== undefined && item !== null) output[name] = fromSdkOutput(memberSchema, item);
    }
  else
    for (const [key, item] of Object.entries(value))
      if (item !== undefined)
        output[key] = fromSdkOutput(schema.isMapSchema() ? schema.getValueSchema() : schema, item);
  return output;
}
