import { z } from 'zod';
import { type KubeObject, keyOf } from './object.ts';
import { type ApiRequest, json, type Reply } from './request.ts';
import { apiVersion } from './resources.ts';
import { fieldSelector, labelSelector, type Selects } from './selectors.ts';
import { badRequest } from './status.ts';
import type { Store } from './store.ts';
import { table, wantsTable } from './table.ts';

/** What the selectors of a request let through. */
export function selection({ query, path }: ApiRequest): Selects {
  const labels = query.get('labelSelector');
  const fields = query.get('fieldSelector');
  const checks: Selects[] = [];
  if (labels) checks.push(labelSelector(labels));
  if (fields) checks.push(fieldSelector(path.type, fields));
  if (path.name !== undefined) checks.push((object) => object.metadata.name === path.name);
  return (object) => checks.every((check) => check(object));
}

export function includeObject(query: URLSearchParams): 'Metadata' | 'Object' | 'None' {
  const wanted = query.get('includeObject');
  return wanted === 'Object' || wanted === 'None' ? wanted : 'Metadata';
}

/** GET of one object; throws 404. */
export function getObject(store: Store, request: ApiRequest, now: Date): Reply {
  const { type, namespace, name = '' } = request.path;
  const object = store.get(type, namespace, name);
  if (!wantsTable(request.accept)) return json(200, store.json(object));
  const meta = { resourceVersion: object.metadata.resourceVersion };
  return json(200, JSON.stringify(table(type, [object], meta, { now, include: includeObject(request.query) })));
}

interface Page {
  objects: readonly KubeObject[];
  metadata: Record<string, unknown>;
}

/** GET of a collection, with selectors, `limit` and `continue`. */
export function listObjects(store: Store, request: ApiRequest, now: Date): Reply {
  const { type, namespace } = request.path;
  const selects = selection(request);
  const page = paged(store.list(type, namespace).filter(selects), request.query, store.version);
  if (wantsTable(request.accept)) {
    const options = { now, include: includeObject(request.query) };
    return json(200, JSON.stringify(table(type, page.objects, page.metadata, options)));
  }
  const head = { kind: `${type.kind}List`, apiVersion: apiVersion(type), metadata: page.metadata };
  const items = page.objects.map((object) => store.json(object)).join(',');
  return json(200, `${JSON.stringify(head).slice(0, -1)},"items":[${items}]}`);
}

const token = z.object({ v: z.literal('nightshift'), version: z.number(), after: z.string() });

/** One page: `continue` names the key after which it begins, so that objects that come or go in between harm nothing. */
function paged(all: readonly KubeObject[], query: URLSearchParams, version: number): Page {
  const limit = Number(query.get('limit') ?? '0');
  if (!Number.isSafeInteger(limit) || limit < 0) throw badRequest(`limit: Invalid value: "${query.get('limit')}"`);
  const from = query.get('continue');
  const start = from === null || from === '' ? undefined : readToken(from);
  const rest = start === undefined ? all : all.filter((object) => position(object) > start.after);
  const objects = limit === 0 ? rest : rest.slice(0, limit);
  const last = objects.at(-1);
  const resourceVersion = String(start?.version ?? version);
  if (last === undefined || objects.length === rest.length) return { objects, metadata: { resourceVersion } };
  const next = { v: 'nightshift', version: start?.version ?? version, after: position(last) };
  return {
    objects,
    metadata: {
      resourceVersion,
      continue: Buffer.from(JSON.stringify(next)).toString('base64url'),
      remainingItemCount: rest.length - objects.length,
    },
  };
}

function position(object: KubeObject): string {
  return keyOf(object.metadata.namespace, object.metadata.name);
}

function readToken(text: string): z.infer<typeof token> {
  try {
    return token.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw badRequest('continue key is not valid');
  }
}
