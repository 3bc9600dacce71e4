import * as z from 'zod/mini';
import { beginningOf, type MigrationRequest, parseRequest } from '../core/execution/request.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { Common } from './shared/input.ts';

const Input = z.object({ ...Common, request: z.unknown() });

/** `at` is ISO 8601 in UTC, as the state machine's Wait takes it. */
export interface Output {
  request: MigrationRequest;
  beginning: { kind: 'now' } | { kind: 'at'; at: string } | { kind: 'cluster' };
}

/**
 * Reads the request of an execution that may not begin at once, and says when it begins. Throws InvalidRequest.
 */
export const readRequest: Run<z.output<typeof Input>, Output> = async ({ now, request: raw }, say) => {
  const request = parseRequest(raw);
  const beginning = beginningOf(request, now);
  const at = beginning.kind === 'at' ? beginning.at.toISOString() : null;
  say.decision(`beginning.${beginning.kind}`, { cluster: request.cluster, at });
  return { request, beginning: beginning.kind === 'at' ? { kind: 'at', at: beginning.at.toISOString() } : beginning };
};

export const handler = wrap(Input, readRequest);
