import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { Reference } from '../../functions/contracts/shared/output.ts';
import { Verdict } from '../../functions/core/evidence/verdict.ts';
import { asking, type Connection } from '../aws.ts';
import { Failure } from '../exit.ts';
import type { Step } from './history.ts';

/**
 * One object that a history points to, as it was found. A story uses only `verified` content: its SHA-256 (hex, of the
 * bytes in the bucket) equals the one in the history.
 */
export type Evidence = { key: string; sha256: string } & (
  | { state: 'verified'; bytes: number; content: string }
  | { state: 'mismatch'; bytes: number; actual: string }
  | { state: 'absent'; reason: string }
);

/** Every object that an answer in the history names, with its SHA-256: each once, ordered by first mention. */
export function evidenceReferences(steps: readonly Step[]): Reference[] {
  const found = new Map<string, Reference>();
  for (const step of steps) if (step.kind === 'succeeded') collect(step.value, found);
  return [...found.values()];
}

/**
 * Reads what the history points to from the evidence bucket.
 *
 * @throws Failure if S3 does not answer or the bucket does not exist; a missing object is a finding, not an error.
 */
export async function readEvidence(
  connection: Connection,
  bucket: string,
  references: readonly Reference[],
): Promise<Evidence[]> {
  const evidence: Evidence[] = [];
  for (const reference of references) evidence.push(await readOne(connection, bucket, reference));
  return evidence;
}

/**
 * The verdicts in a verified NDJSON object.
 *
 * @throws Failure `EvidenceUnreadable` naming key and line.
 */
export function readVerdicts(evidence: Evidence & { state: 'verified' }): Verdict[] {
  const lines = evidence.content.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, index) => {
    try {
      return Verdict.parse(JSON.parse(line));
    } catch (cause) {
      throw new Failure('EvidenceUnreadable', `${evidence.key}, line ${index + 1} is not a verdict`, { cause });
    }
  });
}

async function readOne(connection: Connection, bucket: string, reference: Reference): Promise<Evidence> {
  const bytes = await readObject(connection, bucket, reference.key);
  return bytes ? check(reference, bytes) : { ...reference, state: 'absent', reason: `not in s3://${bucket}` };
}

/** The bytes of one object; null if it is missing. @throws Failure if S3 has no such bucket or does not answer */
export async function readObject(connection: Connection, bucket: string, key: string): Promise<Buffer | null> {
  try {
    const object = await asking(connection, `read s3://${bucket}/${key}`, () =>
      connection.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key })),
    );
    return Buffer.from((await object.Body?.transformToByteArray()) ?? []);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error.name === 'NoSuchKey') return null;
    if (error.name !== 'NoSuchBucket') throw error;
    throw new Failure('NoSuchBucket', `there is no evidence bucket ${bucket}`, {
      nextStep:
        "give the name of the bucket that there is, or leave --evidence-bucket and NIGHTSHIFT_EVIDENCE_BUCKET out to read the deployment's own",
      cause: error,
    });
  }
}

/** Compares an object's bytes with the SHA-256 that the history has for them. */
export function check(reference: Reference, bytes: Buffer): Evidence {
  const { key, sha256 } = reference;
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256.toLowerCase()) return { key, sha256, state: 'mismatch', bytes: bytes.length, actual };
  return { key, sha256, state: 'verified', bytes: bytes.length, content: unpack(key, bytes) };
}

function unpack(key: string, bytes: Buffer): string {
  if (!key.endsWith('.gz')) return bytes.toString('utf8');
  try {
    return gunzipSync(bytes).toString('utf8');
  } catch (cause) {
    throw new Failure('EvidenceUnreadable', `${key} is what was recorded, but not gzip`, { cause });
  }
}

function collect(value: unknown, found: Map<string, Reference>): void {
  if (typeof value !== 'object' || value === null) return;
  const reference = Reference.safeParse(value);
  // If the history has two hashes for one key, one of them is wrong: both are checked.
  if (reference.success) found.set(`${reference.data.key} ${reference.data.sha256}`, reference.data);
  for (const inner of Object.values(value)) collect(inner, found);
}
