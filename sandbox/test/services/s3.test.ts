import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { NoSuchBucket, NoSuchKey, NotFound, S3 } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { s3Service } from '../../services/s3.ts';
import { TestRegion } from './region.ts';

const Bucket = 'evidence';
let world: TestRegion;
let client: S3;
beforeEach(async () => {
  world = new TestRegion();
  world.dispatcher.register('s3', s3Service(world.region, { buckets: [Bucket] }));
  client = new S3(await world.listen());
});
afterEach(() => world.close());

test('bytes come back as they went, with their type, encoding, metadata and time', async () => {
  const Body = new Uint8Array([0x1f, 0x8b, 0, 255, 13, 10, 13, 10]);
  const put = await client.putObject({
    Bucket,
    Key: 'executions/a b/ü+1.json.gz',
    Body,
    ContentType: 'application/json',
    ContentEncoding: 'gzip',
    Metadata: { step: 'inspect-1' },
  });
  const got = await client.getObject({ Bucket, Key: 'executions/a b/ü+1.json.gz' });
  expect(await got.Body?.transformToByteArray()).toEqual(Body);
  expect(got).toMatchObject({
    ContentType: 'application/json',
    ContentEncoding: 'gzip',
    Metadata: { step: 'inspect-1' },
    ContentLength: 8,
  });
  expect(got.LastModified).toEqual(new Date('2026-11-21T22:00:00Z'));
  expect(got.ETag).toBe(put.ETag);
  expect(world.bugs).toEqual([]);
});

test('a stream arrives in aws-chunked form with its checksum behind it, and is stored without either', async () => {
  const text = 'evidence line\n'.repeat(20_000);
  await client.putObject({
    Bucket,
    Key: 'stream',
    Body: Readable.from([Buffer.from(text.slice(0, 100_000)), Buffer.from(text.slice(100_000))]),
    ContentLength: text.length,
  });
  const got = await client.getObject({ Bucket, Key: 'stream' });
  expect(await got.Body?.transformToString()).toBe(text);
  expect(got.ContentEncoding).toBeUndefined();
  expect(got.ChecksumCRC32).toMatch(/^[A-Za-z0-9+/]{6}==$/);
});

test('a wrong checksum is refused and nothing is stored', async () => {
  const ChecksumSHA256 = createHash('sha256').update('other').digest('base64');
  await expect(client.putObject({ Bucket, Key: 'k', Body: 'body', ChecksumSHA256 })).rejects.toMatchObject({
    name: 'BadDigest',
  });
  await expect(client.headObject({ Bucket, Key: 'k' })).rejects.toThrow(NotFound);
});

test('If-None-Match * writes once', async () => {
  const request = { Bucket, Key: 'dispatch.json', IfNoneMatch: '*' };
  await client.putObject({ ...request, Body: 'first' });
  await expect(client.putObject({ ...request, Body: 'second' })).rejects.toMatchObject({
    name: 'PreconditionFailed',
    $metadata: { httpStatusCode: 412 },
  });
  expect(await (await client.getObject({ Bucket, Key: 'dispatch.json' })).Body?.transformToString()).toBe('first');
});

test('what is not there is refused by its own name', async () => {
  await expect(client.getObject({ Bucket, Key: 'nothing' })).rejects.toThrow(NoSuchKey);
  await expect(client.getObject({ Bucket: 'nowhere', Key: 'k' })).rejects.toThrow(NoSuchBucket);
  await expect(client.headBucket({ Bucket: 'nowhere' })).rejects.toThrow(NotFound);
});

test('lists are sorted, paged, rolled up at the delimiter and empty after a deletion', async () => {
  for (const Key of ['e/b/2', 'e/a/1', 'e/b/1', 'other', 'e/top & <1>'])
    await client.putObject({ Bucket, Key, Body: 'x' });
  const keys = async (input: object) => {
    const {
      Contents = [],
      CommonPrefixes = [],
      NextContinuationToken,
      KeyCount,
    } = await client.listObjectsV2({ Bucket, ...input });
    return {
      keys: Contents.map(({ Key }) => Key),
      prefixes: CommonPrefixes.map(({ Prefix }) => Prefix),
      NextContinuationToken,
      KeyCount,
    };
  };
  expect(await keys({ Prefix: 'e/', Delimiter: '/' })).toEqual({
    keys: ['e/top & <1>'],
    prefixes: ['e/a/', 'e/b/'],
    NextContinuationToken: undefined,
    KeyCount: 3,
  });
  const first = await keys({ Prefix: 'e/', MaxKeys: 2 });
  expect(first.keys).toEqual(['e/a/1', 'e/b/1']);
  const second = await keys({ Prefix: 'e/', MaxKeys: 2, ContinuationToken: first.NextContinuationToken });
  expect(second.keys).toEqual(['e/b/2', 'e/top & <1>']);
  expect(second.NextContinuationToken).toBeUndefined();
  await client.deleteObject({ Bucket, Key: 'other' });
  expect((await keys({ Prefix: 'other' })).keys).toEqual([]);
});

test('buckets can be made and listed', async () => {
  await client.createBucket({ Bucket: 'second', CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } });
  await expect(client.createBucket({ Bucket: 'second' })).rejects.toMatchObject({ name: 'BucketAlreadyOwnedByYou' });
  expect((await client.listBuckets({})).Buckets?.map(({ Name }) => Name)).toEqual(['evidence', 'second']);
  await client.putObject({ Bucket: 'second', Key: 'empty', Body: new Uint8Array() });
  expect(await (await client.getObject({ Bucket: 'second', Key: 'empty' })).Body?.transformToString()).toBe('');
});
