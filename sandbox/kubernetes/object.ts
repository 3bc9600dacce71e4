import { createHash } from 'node:crypto';
import { z } from 'zod';
import { badRequest } from './status.ts';

const labels = z.record(z.string(), z.string());

export const metadataSchema = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  creationTimestamp: z.string().nullish(),
  labels: labels.optional(),
  annotations: labels.optional(),
});

/** Any Kubernetes object as a client sends it: name and labels are known, the rest is kept as it is. */
export const draftSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: metadataSchema,
});
export type Draft = z.infer<typeof draftSchema>;

export interface ObjectMeta {
  name: string;
  namespace?: string | undefined;
  uid: string;
  resourceVersion: string;
  generation?: number | undefined;
  creationTimestamp: string;
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
  [field: string]: unknown;
}

/** An object in the store. Never changed in place: an update is a new object. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<ObjectMeta>;
  readonly [field: string]: unknown;
}

/** `namespace/name`, or `/name` for what has no namespace. */
export function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/** A value as a JSON object, or `{}`: for reading into parts that a client may have left out. */
export function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws the API server's 400 where the value is not an object with apiVersion, kind and metadata. */
export function parseDraft(value: unknown): Draft {
  const parsed = draftSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badRequest(`the object provided is unrecognized: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/** A UUID that is the same for the same words: a seeded world gives the same objects every time. */
export function stableUid(...words: string[]): string {
  const hex = createHash('sha1').update(words.join('\0')).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

// Kubernetes' own alphabet for generated names: no vowels, nothing that looks like another character.
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` characters that follow from the words: pod name suffixes, revision hashes. */
export function stableSuffix(length: number, ...words: string[]): string {
  const digest = createHash('sha1').update(words.join('\0')).digest();
  let out = '';
  for (const byte of digest.subarray(0, length)) out += ALPHABET.charAt(byte % ALPHABET.length);
  return out;
}
