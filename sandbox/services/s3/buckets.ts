import { ServiceError } from '../../wire/error.ts';

export interface StoredObject {
  readonly body: Uint8Array;
  /** MD5 in quotes, as S3 makes it of a simple upload. */
  readonly etag: string;
  readonly modifiedAt: Date;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly checksums: Checksums;
}

export interface Checksums {
  readonly ChecksumCRC32?: string | undefined;
  readonly ChecksumSHA1?: string | undefined;
  readonly ChecksumSHA256?: string | undefined;
}

export interface Bucket {
  readonly name: string;
  readonly createdAt: Date;
  readonly objects: Map<string, StoredObject>;
}

/** The Region's buckets. */
export class Buckets {
  readonly #buckets = new Map<string, Bucket>();

  /** Throws InvalidBucketName or BucketAlreadyOwnedByYou. */
  create(name: string, createdAt: Date): Bucket {
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name))
      throw new ServiceError('InvalidBucketName', 'The specified bucket is not valid.');
    if (this.#buckets.has(name))
      throw new ServiceError(
        'BucketAlreadyOwnedByYou',
        'Your previous request to create the named bucket succeeded and you already own it.',
        409,
      );
    const bucket: Bucket = { name, createdAt, objects: new Map() };
    this.#buckets.set(name, bucket);
    return bucket;
  }

  list(): Bucket[] {
    return [...this.#buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Throws NoSuchBucket. */
  find(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket) return bucket;
    throw new ServiceError('NoSuchBucket', 'The specified bucket does not exist', 404, { BucketName: name });
  }
}
