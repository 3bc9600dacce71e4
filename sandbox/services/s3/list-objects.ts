import type * as Sdk from '@aws-sdk/client-s3';
import { ServiceError } from '../../wire/error.ts';
import type { Checked } from '../../wire/operations.ts';
import type { Bucket } from './buckets.ts';

type Input = Checked<Sdk.ListObjectsV2Request>;
type Entry = { readonly key: string } | { readonly prefix: string };

/**
 * ListObjectsV2: keys in the order of their UTF-8 bytes; with a delimiter, what lies deeper is rolled up into common
 * prefixes, each of which counts as one.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export function listObjects(bucket: Bucket, input: Input): Sdk.ListObjectsV2Output {
  const { Prefix = '', Delimiter, MaxKeys = 1000, ContinuationToken, StartAfter, EncodingType } = input;
  const after = ContinuationToken === undefined ? StartAfter : readToken(ContinuationToken);
  const entries = roll(sortedKeys(bucket, Prefix), Prefix, Delimiter).filter(
    (entry) => after === undefined || compare(markOf(entry), after) > 0,
  );
  const shown = entries.slice(0, Math.min(MaxKeys, 1000));
  const last = shown.at(-1);
  const truncated = shown.length < entries.length && last !== undefined;
  const text = (value: string) => (EncodingType === 'url' ? encodeURIComponent(value).replaceAll('%2F', '/') : value);
  return {
    Name: bucket.name,
    Prefix: text(Prefix),
    MaxKeys,
    KeyCount: shown.length,
    IsTruncated: truncated,
    ...(Delimiter !== undefined && { Delimiter: text(Delimiter) }),
    ...(EncodingType !== undefined && { EncodingType }),
    ...(StartAfter !== undefined && { StartAfter: text(StartAfter) }),
    ...(ContinuationToken !== undefined && { ContinuationToken }),
    ...(truncated && { NextContinuationToken: Buffer.from(markOf(last)).toString('base64') }),
    Contents: shown.flatMap((entry) => ('key' in entry ? describe(bucket, entry.key, text) : [])),
    CommonPrefixes: shown.flatMap((entry) => ('prefix' in entry ? [{ Prefix: text(entry.prefix) }] : [])),
  };
}

function describe(bucket: Bucket, key: string, text: (value: string) => string): Sdk._Object[] {
  const object = bucket.objects.get(key);
  if (!object) return [];
  return [
    {
      Key: text(key),
      LastModified: object.modifiedAt,
      ETag: object.etag,
      Size: object.body.byteLength,
      StorageClass: 'STANDARD',
    },
  ];
}

function roll(keys: readonly string[], prefix: string, delimiter: string | undefined): Entry[] {
  const entries: Entry[] = [];
  const prefixes = new Set<string>();
  for (const key of keys) {
    const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
    if (end < 0) {
      entries.push({ key });
      continue;
    }
    const common = key.slice(0, end + (delimiter?.length ?? 0));
    if (!prefixes.has(common)) entries.push({ prefix: common });
    prefixes.add(common);
  }
  return entries;
}

function markOf(entry: Entry): string {
  return 'key' in entry ? entry.key : entry.prefix;
}

/** The keys with this prefix. A bucket may hold tens of thousands of others, so only these are sorted. */
function sortedKeys(bucket: Bucket, prefix: string): string[] {
  return [...bucket.objects.keys()].filter((key) => key.startsWith(prefix)).sort(compare);
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function readToken(token: string): string {
  const mark = Buffer.from(token, 'base64').toString();
  if (Buffer.from(mark).toString('base64') === token) return mark;
  throw new ServiceError('InvalidArgument', 'The continuation token provided is incorrect');
}
