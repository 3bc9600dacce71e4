import { Input, type Output } from '../contracts/read-request.ts';
import { beginningOf, parseRequest } from '../core/execution/request.ts';
import { type Run, wrap } from '../runtime/wrap.ts';

/** Reads the request of an execution that may not begin at once, and decides when it begins. Throws InvalidRequest. */
export const readRequest: Run<Input, Output> = async ({ now, request: raw }, log) => {
  const request = parseRequest(raw);
  const beginning = beginningOf(request, now);
  const at = beginning.kind === 'at' ? beginning.at.toISOString() : null;
  log.decision(`beginning.${beginning.kind}`, { cluster: request.cluster, at });
  return { request, beginning: beginning.kind === 'at' ? { kind: 'at', at: beginning.at.toISOString() } : beginning };
};

export const handler = wrap(Input, readRequest);
