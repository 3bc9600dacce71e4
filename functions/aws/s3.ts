import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import type { StoredObject } from '../contracts/shared/output.ts';
import { EvidenceMissing } from '../core/errors.ts';
import { type ClientOptions, isNamed, memoised } from './clients.ts';

/** The evidence bucket: texts, gzipped if the key ends in `.gz`. */
export interface ObjectStore {
  /** Stores a text. The same text under the same key gives the same bytes. */
  put(key: string, text: string): Promise<StoredObject>;
  /** Reads a text; throws EvidenceMissing if there is no such object. */
  get(key: string): Promise<StoredObject & { text: string }>;
  /** Reads a text; null if there is no such object. */
  find(key: string): Promise<(StoredObject & { text: string }) | null>;
  list(prefix: string): Promise<string[]>;
}

// A custom endpoint (AWS_ENDPOINT_URL) is rarely reachable as BUCKET.HOST; AWS accepts both styles.
const client = memoised((options: ClientOptions) => {
  const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 } = process.env;
  return new S3Client({ ...options, forcePathStyle: (AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL) !== undefined });
});

/** The bucket of this name, which is read at the first call. */
export function objectStore(bucket: () => string): ObjectStore {
  const find: ObjectStore['find'] = async (key) => {
    const bytes = await read(bucket(), key);
    return bytes && { key, sha256: sha256(bytes), bytes: bytes.length, text: decode(key, bytes) };
  };
  return {
    put: (key, text) => write(bucket(), key, encode(key, text)),
    find,
    async get(key) {
      const found = await find(key);
      if (found) return found;
      throw new EvidenceMissing(`s3://${bucket()}/${key} does not exist.`, {
        nextStep: 'Start a new execution: this one has lost its evidence.',
      });
    },
    async list(prefix) {
      const keys: string[] = [];
      for await (const page of paginateListObjectsV2({ client: client() }, { Bucket: bucket(), Prefix: prefix }))
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
      return keys.sort();
    },
  };
}

/** The result that `put` would return for this text under this key. */
export function describe(key: string, text: string): StoredObject {
  const bytes = encode(key, text);
  return { key, sha256: sha256(bytes), bytes: bytes.length };
}

async function read(bucket: string, key: string): Promise<Buffer | null> {
  try {
    const { Body } = await client().send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    if (!Body) throw new Error(`s3://${bucket}/${key} came without a body`);
    return Buffer.from(await Body.transformToByteArray());
  } catch (error) {
    if (isNamed(error, 'NoSuchKey')) return null;
    throw error;
  }
}

/** S3 checks the bytes against `ChecksumSHA256` before it stores them. */
async function write(bucket: string, key: string, bytes: Buffer): Promise<StoredObject> {
  await client().send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: bytes,
      ContentType: key.includes('.ndjson') ? 'application/x-ndjson' : 'application/json',
      ...(key.endsWith('.gz') && { ContentEncoding: 'gzip' }),
      ChecksumSHA256: createHash('sha256').update(bytes).digest('base64'),
    }),
  );
  return { key, sha256: sha256(bytes), bytes: bytes.length };
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** The bytes of an object of this key. */
export function encode(key: string, text: string): Buffer {
  return key.endsWith('.gz') ? gzipSync(text) : Buffer.from(text);
}

/** The text in the bytes of an object of this key. */
export function decode(key: string, bytes: Buffer): string {
  return (key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}
