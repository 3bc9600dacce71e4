import type { ResourceType } from './resources.ts';

/** A refusal with Kubernetes' own message: the content of a `Status` object. */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  readonly status: number;
  readonly reason: string;
  readonly details: Record<string, unknown> | undefined;

  constructor(status: number, reason: string, message: string, details?: Record<string, unknown>) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.details = details;
  }
}

/** The `Status` object of a refusal; https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export function statusBody(error: KubernetesError): Record<string, unknown> {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    reason: error.reason,
    ...(error.details === undefined ? {} : { details: error.details }),
    code: error.status,
  };
}

/** `pods`, `daemonsets.apps`: a resource as error messages name it. */
export function qualified(type: ResourceType): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}

function details(type: ResourceType, name: string): Record<string, unknown> {
  return { name, ...(type.group === '' ? {} : { group: type.group }), kind: type.plural };
}

export function notFound(type: ResourceType, name: string): KubernetesError {
  return new KubernetesError(404, 'NotFound', `${qualified(type)} "${name}" not found`, details(type, name));
}

export function pathNotFound(): KubernetesError {
  return new KubernetesError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(type: ResourceType, name: string): KubernetesError {
  return new KubernetesError(409, 'AlreadyExists', `${qualified(type)} "${name}" already exists`, details(type, name));
}

export function conflict(type: ResourceType, name: string): KubernetesError {
  const message = `Operation cannot be fulfilled on ${qualified(type)} "${name}": the object has been modified; please apply your changes to the latest version and try again`;
  return new KubernetesError(409, 'Conflict', message, details(type, name));
}

/** One field that breaks a rule, as in `details.causes`. */
export interface FieldProblem {
  field: string;
  message: string;
}

export function invalid(type: ResourceType, name: string, problems: FieldProblem[]): KubernetesError {
  const said = problems.map((problem) => `${problem.field}: ${problem.message}`);
  const list = said.length === 1 ? said.join('') : `[${said.join(', ')}]`;
  const causes = problems.map((problem) => ({ reason: 'FieldValueInvalid', ...problem }));
  return new KubernetesError(
    422,
    'Invalid',
    `${type.kind}${type.group === '' ? '' : `.${type.group}`} "${name}" is invalid: ${list}`,
    {
      ...details(type, name),
      kind: type.kind,
      causes,
    },
  );
}

export function badRequest(message: string): KubernetesError {
  return new KubernetesError(400, 'BadRequest', message);
}

export function unauthorized(): KubernetesError {
  return new KubernetesError(401, 'Unauthorized', 'Unauthorized');
}

export function methodNotAllowed(): KubernetesError {
  return new KubernetesError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}

export function unsupportedMediaType(message: string): KubernetesError {
  return new KubernetesError(415, 'UnsupportedMediaType', message, {});
}

export function expired(resourceVersion: number): KubernetesError {
  return new KubernetesError(410, 'Expired', `too old resource version: ${resourceVersion}`);
}

export function serviceUnavailable(message: string): KubernetesError {
  return new KubernetesError(503, 'ServiceUnavailable', message);
}
