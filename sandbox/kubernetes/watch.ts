import type { ServerResponse } from 'node:http';
import type { KubeObject } from './object.ts';
import { includeObject, selection } from './reads.ts';
import type { ApiRequest } from './request.ts';
import { isTrue } from './request.ts';
import { apiVersion } from './resources.ts';
import { badRequest } from './status.ts';
import type { Store, StoreEvent } from './store.ts';
import { table, wantsTable } from './table.ts';

/**
 * Streams what happens to a collection, one JSON object a line, until the client or the server goes; throws 410 before
 * anything is sent when the resource version is too old.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export function watchObjects(store: Store, request: ApiRequest, response: ServerResponse, now: () => Date): void {
  const { type, namespace } = request.path;
  const selects = selection(request);
  const matches = (object: KubeObject) =>
    (namespace === undefined || object.metadata.namespace === namespace) && selects(object);
  const asTable = wantsTable(request.accept);
  const include = includeObject(request.query);
  const line = (kind: string, object: KubeObject) => {
    // Between the end of the answer and the end of its connection things still happen.
    if (response.writableEnded) return;
    const meta = { resourceVersion: object.metadata.resourceVersion };
    const text = asTable ? JSON.stringify(table(type, [object], meta, { now: now(), include })) : store.json(object);
    response.write(`{"type":"${kind}","object":${text}}\n`);
  };
  const send = (event: StoreEvent) => {
    if (event.resource !== type) return;
    const kind = seenAs(event, matches);
    if (kind !== undefined) line(kind, event.object);
  };
  const replay = beginning(store, request);
  // A client that has hung up already sends no `close` that could end the subscription.
  if (response.destroyed) return;
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  if (replay === 'everything') {
    for (const object of store.list(type, namespace)) if (matches(object)) line('ADDED', object);
    if (isTrue(request.query.get('sendInitialEvents'))) response.write(initialEnd(request, store.version));
  } else for (const event of replay) send(event);
  const unsubscribe = store.subscribe(send);
  response.on('close', unsubscribe);
  endAfter(request.query.get('timeoutSeconds'), response);
}

function beginning(store: Store, { path, query }: ApiRequest): StoreEvent[] | 'everything' {
  const version = query.get('resourceVersion') ?? '';
  if (version === '' || version === '0' || isTrue(query.get('sendInitialEvents'))) return 'everything';
  if (!/^\d+$/.test(version)) throw badRequest(`resourceVersion: Invalid value: "${version}"`);
  return store.since(path.type, Number(version));
}

/** What an event is to a watch with selectors: an object may come into view or leave it by a change. */
function seenAs({ type, object, before }: StoreEvent, matches: (object: KubeObject) => boolean): string | undefined {
  const was = before !== undefined && matches(before);
  const is = type !== 'DELETED' && matches(object);
  if (is) return was ? 'MODIFIED' : 'ADDED';
  return was ? 'DELETED' : undefined;
}

/** The bookmark that marks the end of a streaming list. */
function initialEnd({ path }: ApiRequest, version: number): string {
  const metadata = { resourceVersion: String(version), annotations: { 'k8s.io/initial-events-end': 'true' } };
  const object = { kind: path.type.kind, apiVersion: apiVersion(path.type), metadata };
  return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
}

/** A watch's own end is a matter of the connection: it goes by the machine's time, not the sandbox's. */
function endAfter(timeoutSeconds: string | null, response: ServerResponse): void {
  const seconds = Number(timeoutSeconds ?? '0');
  if (!(seconds > 0)) return;
  const timer = setTimeout(() => response.end(), Math.min(seconds * 1_000, 2 ** 31 - 1));
  response.on('close', () => clearTimeout(timer));
}
