import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { ServiceError } from './error.ts';

type Headers = Readonly<Record<string, string>>;

/**
 * Takes a body out of the `aws-chunked` form in which SDKs send streams; the trailing headers (the checksum) come back
 * among the headers. Any other body is returned unchanged.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export function decodeS3Body(headers: Headers, body: Buffer): { headers: Headers; body: Buffer } {
  const encodings = (headers['content-encoding'] ?? '').split(',').map((encoding) => encoding.trim());
  const streaming = headers['x-amz-content-sha256']?.startsWith('STREAMING-') ?? false;
  if (!streaming && !encodings.includes('aws-chunked')) return { headers, body };
  const chunks: Buffer[] = [];
  let position = 0;
  for (;;) {
    const lineEnd = body.indexOf('\r\n', position);
    const size = Number.parseInt(body.subarray(position, Math.max(lineEnd, 0)).toString('latin1'), 16);
    if (lineEnd < 0 || Number.isNaN(size) || lineEnd + 2 + size > body.length)
      throw new ServiceError('IncompleteBody', 'The request body terminated unexpectedly');
    position = lineEnd + 2;
    if (size === 0) break;
    chunks.push(body.subarray(position, position + size));
    position += size + 2;
  }
  const others = encodings.filter((encoding) => encoding !== '' && encoding !== 'aws-chunked').join(',');
  const { 'content-encoding': _chunked, 'content-length': _encoded, ...rest } = headers;
  const trailers = readTrailers(body.subarray(position).toString('latin1'));
  const decoded = Buffer.concat(chunks);
  const length = { 'content-length': String(decoded.length) };
  return { headers: { ...rest, ...length, ...(others && { 'content-encoding': others }), ...trailers }, body: decoded };
}

function readTrailers(text: string): Record<string, string> {
  const trailers: Record<string, string> = {};
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) trailers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return trailers;
}

const CHECKSUMS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  'x-amz-checksum-crc32': (body) => bigEndian(crc32(body)),
  'x-amz-checksum-sha1': (body) => createHash('sha1').update(body).digest(),
  'x-amz-checksum-sha256': (body) => createHash('sha256').update(body).digest(),
  'content-md5': (body) => createHash('md5').update(body).digest(),
};

/** Throws BadDigest if a checksum that came with the body is not the body's; NotImplemented for an unknown kind. */
export function verifyChecksums(headers: Headers, body: Buffer): void {
  for (const [name, expected] of Object.entries(headers)) {
    if (name !== 'content-md5' && !name.startsWith('x-amz-checksum-')) continue;
    if (name === 'x-amz-checksum-mode' || name === 'x-amz-checksum-type') continue;
    const compute = CHECKSUMS[name];
    if (!compute) throw new ServiceError('NotImplemented', `the sandbox cannot verify ${name}`, 501);
    if (compute(body).toString('base64') !== expected)
      throw new ServiceError('BadDigest', `The ${name} you specified did not match the calculated checksum.`);
  }
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
