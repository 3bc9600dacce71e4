import { createHash } from 'node:crypto';
import type * as Sdk from '@aws-sdk/client-s3';
import type { Region } from '../region.ts';
import { ServiceError } from '../wire/error.ts';
import { type Operations, operations } from '../wire/operations.ts';
import { Buckets, type StoredObject } from './s3/buckets.ts';
import { listObjects } from './s3/list-objects.ts';

/** Amazon S3: whole objects in buckets. No versions, no multipart uploads, no ranges. */
export function s3Service(region: Region, options: { buckets?: readonly string[] } = {}): Operations {
  const buckets = new Buckets();
  for (const name of options.buckets ?? []) buckets.create(name, region.clock.now());
  return operations<typeof Sdk>({
    ...bucketHandlers(region, buckets),
    ListObjectsV2: (input) => listObjects(buckets.find(input.Bucket), input),
    PutObject: (input) => {
      const { objects } = buckets.find(input.Bucket);
      checkConditions(objects.get(input.Key), input);
      const body = input.Body ?? new Uint8Array();
      const { ChecksumCRC32, ChecksumSHA1, ChecksumSHA256 } = input;
      const object: StoredObject = {
        body,
        etag: `"${createHash('md5').update(body).digest('hex')}"`,
        modifiedAt: wholeSeconds(region.clock.now()),
        contentType: input.ContentType,
        contentEncoding: input.ContentEncoding,
        metadata: input.Metadata ?? {},
        checksums: { ChecksumCRC32, ChecksumSHA1, ChecksumSHA256 },
      };
      objects.set(input.Key, object);
      return { ETag: object.etag, ...object.checksums };
    },
    GetObject: (input) => {
      if (input.Range !== undefined)
        throw new ServiceError('NotImplemented', 'the sandbox reads whole objects only', 501);
      const object = findObject(buckets, input, 'NoSuchKey');
      return { ...describe(object, input.ChecksumMode), Body: object.body };
    },
    HeadObject: (input) => describe(findObject(buckets, input, 'NotFound'), input.ChecksumMode),
    DeleteObject: ({ Bucket, Key }) => {
      buckets.find(Bucket).objects.delete(Key);
      return {};
    },
  });
}

function bucketHandlers(region: Region, buckets: Buckets) {
  return {
    CreateBucket: ({ Bucket }: { Bucket: string }) => {
      buckets.create(Bucket, region.clock.now());
      return { Location: `/${Bucket}` };
    },
    HeadBucket: ({ Bucket }: { Bucket: string }) => {
      try {
        buckets.find(Bucket);
      } catch {
        // A HEAD has no body: its error is only the status.
        throw new ServiceError('NotFound', 'Not Found', 404);
      }
      return { BucketRegion: region.name };
    },
    ListBuckets: () => ({
      Buckets: buckets.list().map(({ name, createdAt }) => ({ Name: name, CreationDate: createdAt })),
      Owner: { ID: region.account },
    }),
  };
}

/** Conditional writes. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
function checkConditions(
  existing: StoredObject | undefined,
  { IfMatch, IfNoneMatch }: { IfMatch?: string | undefined; IfNoneMatch?: string | undefined },
): void {
  if (IfNoneMatch !== undefined && IfNoneMatch !== '*')
    throw new ServiceError('NotImplemented', 'If-None-Match takes * only', 501);
  if (IfMatch !== undefined && !existing) throw new ServiceError('NoSuchKey', 'The specified key does not exist.', 404);
  if ((IfNoneMatch === '*' && existing) || (IfMatch !== undefined && existing?.etag !== IfMatch))
    throw new ServiceError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412);
}

function findObject(
  buckets: Buckets,
  { Bucket, Key }: { Bucket: string; Key: string },
  missing: 'NoSuchKey' | 'NotFound',
): StoredObject {
  const object = buckets.find(Bucket).objects.get(Key);
  if (object) return object;
  throw new ServiceError(missing, 'The specified key does not exist.', 404, { Key });
}

/** A reply has checksums only if the request asks for them. */
function describe(object: StoredObject, checksumMode: string | undefined) {
  return {
    ETag: object.etag,
    LastModified: object.modifiedAt,
    ContentLength: object.body.byteLength,
    ContentType: object.contentType ?? 'binary/octet-stream',
    ContentEncoding: object.contentEncoding,
    Metadata: { ...object.metadata },
    ...(checksumMode === 'ENABLED' && object.checksums),
  };
}

/** S3 keeps times by the second. */
function wholeSeconds(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}
