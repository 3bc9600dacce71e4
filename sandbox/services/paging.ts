import { ServiceError } from '../wire/error.ts';

/**
 * One page of a list. The token is the place of the next item, opaque to callers; `invalid` makes the error of the
 * service for a token that was never given out.
 */
export function page<T>(
  items: readonly T[],
  request: { token: string | undefined; size: number },
  invalid: () => ServiceError = () => new ServiceError('InvalidNextToken', 'The specified token is not valid.'),
): { items: T[]; nextToken: string | undefined } {
  const start = request.token === undefined ? 0 : readToken(request.token);
  if (start === undefined) throw invalid();
  const end = start + request.size;
  return { items: items.slice(start, end), nextToken: end < items.length ? writeToken(end) : undefined };
}

function writeToken(place: number): string {
  return Buffer.from(`place:${place}`).toString('base64');
}

function readToken(token: string): number | undefined {
  const digits = /^place:(\d+)$/.exec(Buffer.from(token, 'base64').toString())?.[1];
  return digits === undefined ? undefined : Number(digits);
}
