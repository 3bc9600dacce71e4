import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const EMPTY_BODY = createHash('sha256').update('').digest('hex');

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * Whether a presigned GET was signed with this secret: Signature Version 4 in the query string.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 * `headers` are the values of the signed headers, by lower-case name; a signed header that is not among them fails.
 */
export function signatureMatches(
  url: URL,
  headers: Readonly<Record<string, string>>,
  secretAccessKey: string,
): boolean {
  const parameter = (name: string) => url.searchParams.get(name) ?? '';
  const [, date = '', region = '', service = ''] = parameter('X-Amz-Credential').split('/');
  const names = parameter('X-Amz-SignedHeaders').split(';');
  if (names.some((name) => headers[name] === undefined)) return false;
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const signed = names.map((name) => `${name}:${headers[name] ?? ''}\n`).join('');
  const canonical = ['GET', url.pathname, query, signed, names.join(';'), EMPTY_BODY].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const digest = createHash('sha256').update(canonical).digest('hex');
  const toSign = ['AWS4-HMAC-SHA256', parameter('X-Amz-Date'), scope, digest].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, date), region), service), 'aws4_request');
  const expected = hmac(key, toSign);
  const given = Buffer.from(parameter('X-Amz-Signature'), 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
