import type { OperationModel, ServiceModel } from './catalog.ts';
import { isSet } from './check.ts';
import { ServiceError } from './error.ts';

/** What of a request decides which operation it is. */
export interface Address {
  readonly method: string;
  /** Undecoded: a label may hold an encoded slash. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Match {
  readonly operation: OperationModel;
  readonly labels: Readonly<Record<string, string>>;
}

interface Route {
  readonly operation: OperationModel;
  readonly segments: readonly string[];
  readonly fixedQuery: readonly (readonly [name: string, value: string])[];
  readonly literals: number;
}

/** An operation's routes by method and number of path segments, the most literal first. */
type RouteTable = ReadonlyMap<string, readonly Route[]>;

const tables = new Map<ServiceModel, RouteTable>();

/** Finds the operation of an HTTP-bound request; undefined if there is none. The most specific route wins. */
export function findRoute(service: ServiceModel, address: Address): Match | undefined {
  const table = tables.get(service) ?? buildTable(service);
  tables.set(service, table);
  const segments = address.path.split('/').filter((segment) => segment !== '');
  let best: { match: Match; score: number } | undefined;
  for (const route of table.get(`${address.method} ${segments.length}`) ?? []) {
    const labels = matchPath(route, segments);
    if (!labels || !route.fixedQuery.every(([name, value]) => fits(address.query, name, value))) continue;
    const score = route.literals + route.fixedQuery.length + bound(route.operation, address);
    if (Number.isFinite(score) && (!best || score > best.score))
      best = { match: { operation: route.operation, labels }, score };
  }
  return best?.match;
}

/** An operation of S3, identified by method, path and query. */
interface S3Route {
  readonly operation: OperationModel;
  readonly fixedQuery: Route['fixedQuery'];
}

const s3Tables = new Map<ServiceModel, ReadonlyMap<string, readonly S3Route[]>>();

/**
 * S3's model knows the bucket by the host's name, so its paths are `/` and `/{Key+}`: the caller takes the bucket out
 * of the address first.
 */
export function findS3Route(service: ServiceModel, address: Address, bucket: string | undefined): Match | undefined {
  const table = s3Tables.get(service) ?? buildS3Table(service);
  s3Tables.set(service, table);
  const key = address.path.replace(/^\//, '');
  let best: { match: Match; score: number } | undefined;
  for (const { operation, fixedQuery } of table.get(s3Shape(address.method, key !== '', isSet(bucket))) ?? []) {
    if (!fixedQuery.every(([name, value]) => fits(address.query, name, value))) continue;
    const score = fixedQuery.length + bound(operation, address);
    if (!Number.isFinite(score) || (best && score <= best.score)) continue;
    best = { match: { operation, labels: s3Labels(bucket, key) }, score };
  }
  return best?.match;
}

const s3Shape = (method: string, key: boolean, bucket: boolean) => `${method} ${key} ${bucket}`;

function buildS3Table(service: ServiceModel): ReadonlyMap<string, readonly S3Route[]> {
  const table = new Map<string, S3Route[]>();
  for (const operation of service.operations.values()) {
    if (!operation.http) continue;
    const [method, template] = operation.http;
    const [path, query = ''] = template.split('?');
    const shape = s3Shape(method, path === '/{Key+}', operation.input.members.has('Bucket'));
    table.set(shape, [...(table.get(shape) ?? []), { operation, fixedQuery: fixedQueryOf(query) }]);
  }
  return table;
}

function s3Labels(bucket: string | undefined, key: string): Record<string, string> {
  const labels: Record<string, string> = {};
  if (bucket !== undefined) labels['Bucket'] = bucket;
  if (key !== '') labels['Key'] = decodePart(key);
  return labels;
}

function buildTable(service: ServiceModel): RouteTable {
  const table = new Map<string, Route[]>();
  for (const operation of service.operations.values()) {
    if (!operation.http) continue;
    const [method, template] = operation.http;
    const [path = '', query = ''] = template.split('?');
    const segments = path.split('/').filter((segment) => segment !== '');
    const key = `${method} ${segments.length}`;
    const literals = segments.filter((segment) => !segment.startsWith('{')).length;
    table.set(key, [...(table.get(key) ?? []), { operation, segments, fixedQuery: fixedQueryOf(query), literals }]);
  }
  return table;
}

/** `x-id` only repeats the operation's name; tools other than the SDK leave it out. */
function fixedQueryOf(query: string): [string, string][] {
  return [...new URLSearchParams(query)].filter(([name]) => name !== 'x-id');
}

function fits(query: URLSearchParams, name: string, value: string): boolean {
  return value === '' ? query.has(name) : query.get(name) === value;
}

function matchPath(route: Route, segments: readonly string[]): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const [index, pattern] of route.segments.entries()) {
    const segment = segments[index] ?? '';
    if (pattern.startsWith('{')) labels[pattern.slice(1, -1).replace('+', '')] = decodePart(segment);
    else if (pattern !== segment) return undefined;
  }
  return labels;
}

/** A part of a path without its percent-encoding. Throws ServiceError where that is malformed. */
export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new ServiceError('SerializationException', `the path is not well-formed: ${part}`);
  }
}

/** How many members the operation requires from query and headers; -Infinity if one is not there. */
function bound(operation: OperationModel, address: Address): number {
  let count = 0;
  for (const name of operation.input.required) {
    const traits = operation.input.members.get(name)?.traits;
    const { httpQuery, httpHeader } = traits ?? {};
    if (httpQuery === undefined && httpHeader === undefined) continue;
    const there =
      httpQuery !== undefined ? address.query.has(httpQuery) : isSet(address.headers[httpHeader?.toLowerCase() ?? '']);
    if (!there) return Number.NEGATIVE_INFINITY;
    count += 1;
  }
  return count;
}
