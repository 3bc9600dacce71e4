import { isSubresource } from './discovery.ts';
import { findResource, type ResourceType } from './resources.ts';
import { pathNotFound } from './status.ts';

/** A path under `/api` or `/apis` in its parts. */
export interface ResourcePath {
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** Behind `pods/NAME/proxy`. */
  readonly rest: string;
}

/** Throws Kubernetes' 404 for a path that names no resource of this API. */
export function parseResourcePath(path: string): ResourcePath {
  const parts = path.split('/').slice(1).map(decode);
  const [root, ...below] = parts;
  if (root === 'api') return resourcePath('', below[0] ?? '', below.slice(1));
  if (root === 'apis') return resourcePath(below[0] ?? '', below[1] ?? '', below.slice(2));
  throw pathNotFound();
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw pathNotFound();
  }
}

function resourcePath(group: string, version: string, parts: readonly string[]): ResourcePath {
  const inNamespace = parts[0] === 'namespaces' && parts.length > 2;
  const [plural = '', name, subresource, ...rest] = inNamespace ? parts.slice(2) : parts;
  const type = findResource(group, version, plural);
  if (!type || (inNamespace && !type.namespaced)) throw pathNotFound();
  if (!inNamespace && type.namespaced && name !== undefined) throw pathNotFound();
  if (subresource !== undefined && !isSubresource(plural, subresource)) throw pathNotFound();
  if (rest.length > 0 && subresource !== 'proxy') throw pathNotFound();
  return { type, namespace: inNamespace ? parts[1] : undefined, name, subresource, rest: rest.join('/') };
}
