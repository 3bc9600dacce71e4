import * as z from 'zod/mini';
import { InvalidRequest } from './errors.ts';

const shown = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

const at = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined,
    input,
  );

/** What a schema makes of an input: its data, or the first broken rule as one sentence. */
export type Parsed<T> = { kind: 'parsed'; data: T } | { kind: 'broken'; sentence: string };

/**
 * Reads input with a schema whose messages are rules ("must be ..."). The first broken rule becomes one sentence:
 * field, rule, and what was there instead.
 */
export function readWith<T>(schema: z.ZodMiniType<T>, input: unknown, subject: string): Parsed<T> {
  const result = z.safeParse(schema, input);
  if (result.success) return { kind: 'parsed', data: result.data };
  return { kind: 'broken', sentence: sentenceOf(result.error.issues[0], input, subject) };
}

function sentenceOf(issue: z.core.$ZodIssue | undefined, input: unknown, subject: string): string {
  if (issue === undefined) return `${subject} breaks a rule.`;
  const field = issue.path.length === 0 ? subject : issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const where = issue.path.length === 0 ? subject : `${subject}: ${field}`;
    return `${where} must not have the field ${issue.keys.map((key) => `'${key}'`).join(', ')}.`;
  }
  return `${field} ${issue.message}, but it is ${shown(at(input, issue.path))}.`;
}

/**
 * Parses input as `readWith` reads it.
 * @throws InvalidRequest
 */
export function parseInput<T>(schema: z.ZodMiniType<T>, input: unknown, subject: string): T {
  const parsed = readWith(schema, input, subject);
  if (parsed.kind === 'parsed') return parsed.data;
  throw new InvalidRequest(parsed.sentence);
}
