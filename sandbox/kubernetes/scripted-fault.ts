import { RESOURCE_TYPES } from './resources.ts';
import type { Interception } from './server.ts';

/**
 * Kubernetes' reasons with their status and words.
 * https://github.com/kubernetes/apimachinery/blob/master/pkg/apis/meta/v1/types.go
 */
const REASONS: Readonly<Record<string, { status: number; message: string }>> = {
  BadRequest: { status: 400, message: 'the server rejected our request for an unknown reason' },
  Unauthorized: { status: 401, message: 'Unauthorized' },
  Forbidden: { status: 403, message: 'the server does not allow this request' },
  NotFound: { status: 404, message: 'the server could not find the requested resource' },
  Conflict: { status: 409, message: 'Operation cannot be fulfilled: the object has been modified' },
  Expired: { status: 410, message: 'the provided resourceVersion is too old' },
  Invalid: { status: 422, message: 'the server rejected our request due to an error in our request' },
  TooManyRequests: {
    status: 429,
    message: 'the server has received too many requests and has asked us to try again later',
  },
  InternalError: { status: 500, message: 'Internal error occurred: a scripted fault of the sandbox' },
  ServiceUnavailable: { status: 503, message: 'the server is currently unable to handle the request' },
  Timeout: { status: 504, message: 'Timeout: request did not complete within the allotted duration' },
};

/** What AWS's services call it, for scripts that throttle everything alike. */
const ALIASES: Readonly<Record<string, string>> = { ThrottlingException: 'TooManyRequests' };

const reasonOf = (error: string): string => ALIASES[error] ?? error;

/** The rule that an error code of a Kubernetes fault breaks, or undefined. */
export function badReason(error: string): string | undefined {
  if (Object.hasOwn(REASONS, reasonOf(error))) return undefined;
  return `must be one of Kubernetes' reasons: ${[...Object.keys(REASONS), ...Object.keys(ALIASES)].join(', ')}`;
}

const OPERATION = /^(get|list|watch|create|update|patch|delete|deletecollection) ([a-z]+)(\/[a-z]+)?$/;

/** The rule that an operation (`patch daemonsets`, `get pods/proxy`, `get /version`) breaks, or undefined. */
export function badOperation(operation: string): string | undefined {
  if (/^[a-z]+ \/\S*$/.test(operation)) return undefined;
  const [, , plural] = OPERATION.exec(operation) ?? [];
  if (plural === undefined) return 'must be a verb and a resource, as in "patch daemonsets"';
  if (RESOURCE_TYPES.some((type) => type.plural === plural)) return undefined;
  return `the sandbox's Kubernetes API has no ${plural}; it has ${RESOURCE_TYPES.map((type) => type.plural).join(', ')}`;
}

/** The refusal with this reason, in Kubernetes' own words. */
export function refusal(error: string): Interception {
  const reason = reasonOf(error);
  const known = REASONS[reason];
  return known && { ...known, reason };
}
