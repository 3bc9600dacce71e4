import { expect, test } from 'vitest';
import { decodeS3Body, verifyChecksums } from '../../wire/s3-body.ts';

const headers = {
  'content-encoding': 'gzip,aws-chunked',
  'content-length': '99',
  'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
};

test('chunks are joined, signatures dropped, trailers become headers, other encodings stay', () => {
  const body = Buffer.from(
    '5;chunk-signature=ab\r\nHello\r\n7\r\n, world\r\n0\r\nx-amz-checksum-crc32:5tBsow==\r\n\r\n',
  );
  const decoded = decodeS3Body(headers, body);
  expect(decoded.body.toString()).toBe('Hello, world');
  expect(decoded.headers).toEqual({
    'content-encoding': 'gzip',
    'content-length': '12',
    'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'x-amz-checksum-crc32': '5tBsow==',
  });
});

test('a body that ends in the middle of a chunk is incomplete', () => {
  expect(() => decodeS3Body(headers, Buffer.from('ff\r\nHello'))).toThrow('The request body terminated unexpectedly');
  expect(() => decodeS3Body(headers, Buffer.from('5\r\nHello\r\n'))).toThrow(
    'The request body terminated unexpectedly',
  );
});

test('a plain body stays as it is', () => {
  const body = Buffer.from('5\r\nHello\r\n0\r\n\r\n');
  expect(decodeS3Body({ 'content-length': '15' }, body)).toEqual({ headers: { 'content-length': '15' }, body });
});

test('checksums are compared, one of an unknown kind is not passed over', () => {
  const body = Buffer.from('Hello');
  verifyChecksums(
    { 'x-amz-checksum-sha1': '9/+ei3uy4Jtwk1pdeF4MxdnQq/A=', 'content-md5': 'ixqZU8RhEpaoJ6v4xHgE1w==' },
    body,
  );
  expect(() => verifyChecksums({ 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }, body)).toThrow(
    'The content-md5 you specified did not match',
  );
  expect(() => verifyChecksums({ 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' }, body)).toThrow(
    'cannot verify x-amz-checksum-crc64nvme',
  );
});
