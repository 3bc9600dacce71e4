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

/**
 * Parses input with a schema whose messages are rules ("must be ..."). The first broken rule becomes one sentence:
 * field, rule, and what was there instead.
 * @throws InvalidRequest
 */
export function parseInput<T>(schema: z.ZodMiniType<T>, input: unknown, subject: string): T {
  const result = z.safeParse(schema, input);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue === undefined) throw new InvalidRequest(`${subject} breaks a rule.`);
  const field = issue.path.length === 0 ? subject : issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const where = issue.path.length === 0 ? subject : `${subject}: ${field}`;
    throw new InvalidRequest(`${where} must not have the field ${issue.keys.map((key) => `'${key}'`).join(', ')}.`);
  }
  throw new InvalidRequest(`${field} ${issue.message}, but it is ${shown(at(input, issue.path))}.`);
}
