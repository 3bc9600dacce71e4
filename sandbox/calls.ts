import type { ApiCall } from './region.ts';

/**
 * Writes a call into the log and answers the entry, so that its error can be added when it is known. The input is
 * copied in the form that JSON keeps: times as ISO text, bytes as base64 up to 4 KiB and as their number above.
 */
export function recordCall(
  calls: ApiCall[],
  call: { at: Date; service: string; operation: string; principal: string; input: unknown },
): ApiCall {
  const entry: ApiCall = { ...call, at: call.at.toISOString(), input: plain(call.input) };
  calls.push(entry);
  return entry;
}

const LONGEST_BYTES = 4096;

function plain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array)
    return value.byteLength <= LONGEST_BYTES ? Buffer.from(value).toString('base64') : { bytes: value.byteLength };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
}
