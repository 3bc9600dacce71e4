import { isRecord, isSet } from './check.ts';
import type { Member, Shape, StructureShape, TimestampFormat } from './shape.ts';

/**
 * Turns parsed JSON into a value of the shape: times become Date, base64 becomes bytes, JSON names become member names.
 * What does not fit is passed on as it is, so that `checkValue` can name it.
 */
export function fromJson(shape: Shape, json: unknown): unknown {
  if (!isSet(json)) return undefined;
  switch (shape.kind) {
    case 'structure':
      return isRecord(json) ? structureFromJson(shape, json) : json;
    case 'list':
      return Array.isArray(json) ? json.map((item) => fromJson(shape.item.shape, item) ?? null) : json;
    case 'map':
      if (!isRecord(json)) return json;
      return Object.fromEntries(
        Object.entries(json).map(([key, item]) => [key, fromJson(shape.value.shape, item) ?? null]),
      );
    case 'timestamp':
      return parseTime(json);
    case 'blob':
      return typeof json === 'string' ? new Uint8Array(Buffer.from(json, 'base64')) : json;
    default:
      return json;
  }
}

function structureFromJson(shape: StructureShape, json: Record<string, unknown>): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(json)) {
    const name = shape.jsonNames.get(key) ?? key;
    const member = shape.members.get(name);
    const converted = member ? fromJson(member.shape, item) : item;
    if (isSet(converted)) value[name] = converted;
  }
  return value;
}

/** Turns a value that fits its shape into what `JSON.stringify` writes as AWS would. */
export function toJson(shape: Shape, value: unknown, format: TimestampFormat = 'default'): unknown {
  switch (shape.kind) {
    case 'structure':
      return isRecord(value) ? structureToJson(shape.members, value) : undefined;
    case 'list':
      return Array.isArray(value)
        ? value.map((item) => (isSet(item) ? toJson(shape.item.shape, item) : null))
        : undefined;
    case 'map':
      if (!isRecord(value)) return undefined;
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, isSet(item) ? toJson(shape.value.shape, item) : null]),
      );
    case 'timestamp': {
      if (!(value instanceof Date)) return undefined;
      const chosen = shape.format === 'default' ? format : shape.format;
      return chosen === 'default' || chosen === 'epoch-seconds' ? value.getTime() / 1000 : formatTime(value, chosen);
    }
    case 'blob':
      return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : undefined;
    default:
      return value;
  }
}

/** As `toJson`, for a structure of which only some members lie in the body. */
export function structureToJson(
  members: ReadonlyMap<string, Member>,
  value: Record<string, unknown>,
): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    const member = members.get(name);
    if (member && isSet(item)) json[member.jsonName] = toJson(member.shape, item);
  }
  return json;
}

/** Reads a time in any form that AWS's protocols use; any other value is returned unchanged. */
export function parseTime(value: unknown): unknown {
  if (typeof value === 'number') return new Date(value * 1000);
  if (typeof value !== 'string') return value;
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value);
  return Number.isNaN(seconds) ? value : new Date(seconds);
}

/** Writes a time in the form that headers (`http-date`), XML (`date-time`) or JSON (`epoch-seconds`) want. */
export function formatTime(time: Date, format: Exclude<TimestampFormat, 'default'>): string {
  switch (format) {
    case 'http-date':
      return time.toUTCString();
    case 'epoch-seconds':
      return String(time.getTime() / 1000);
    case 'date-time':
      return time.toISOString();
  }
}
