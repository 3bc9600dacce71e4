import type { ResourcePath } from './request-path.ts';

/** One request as the API's parts see it: authenticated, its path understood, its body read. */
export interface ApiRequest {
  readonly path: ResourcePath;
  /** As in the audit log: get, list, watch, create, update, patch, delete, deletecollection. */
  readonly verb: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  /** The client by its user agent, without its version: the field manager of a client that names none. */
  readonly agent: string;
  /** Without parameters. */
  readonly contentType: string;
  readonly body: unknown;
}

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export function json(status: number, text: string): Reply {
  return { status, contentType: 'application/json', text };
}

/** The verb of RBAC and of the audit log for a method; undefined for methods that the API does not have. */
export function verbOf(method: string, named: boolean, watch: boolean): string | undefined {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (watch) return 'watch';
      return named ? 'get' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
    default:
      return undefined;
  }
}

/** `watch=true` or `watch=1`, as Go reads booleans. */
export function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1';
}
