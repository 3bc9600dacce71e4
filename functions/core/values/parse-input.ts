import * as z from 'zod/mini';
import { InvalidRequest } from '../errors.ts';

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

/** The rule that an issue is about, where its schema does not say it: zod/mini brings no messages of its own. */
function ruleOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be of type ${issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'invalid_format':
      return issue.format === 'regex' ? `must match ${issue.pattern}` : `must have the format ${issue.format}`;
    default:
      return `must not break the rule ${issue.code}`;
  }
}

/** What a schema makes of an input: its data, or the first broken rule as one sentence. */
export type Parsed<T> = { kind: 'parsed'; data: T } | { kind: 'broken'; sentence: string };

/**
 * Reads input with a schema; its own messages, if any, are rules ("must be ..."). The first broken rule becomes one sentence:
 * field, rule, and what was there instead.
 */
export function readWith<T>(schema: z.ZodMiniType<T>, input: unknown, subject: string): Parsed<T> {
  const result = z.safeParse(schema, input, { error: ruleOf });
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
