import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Clock } from '../clock.ts';
import type { AccessEntry, ApiCall } from '../region.ts';
import { strangeRequest } from '../wire/own-host.ts';
import { type Authenticator, authenticate, type Identity } from './authentication.ts';
import { accessEntry, authorize } from './authorization.ts';
import type { ClusterData } from './cluster-data.ts';
import type { DaemonSetController } from './daemonset-controller.ts';
import { discoveryDocument } from './discovery.ts';
import { proxyToPod } from './pod-proxy.ts';
import { getObject, listObjects } from './reads.ts';
import { type ApiRequest, isTrue, json, type Reply, verbOf } from './request.ts';
import { parseResourcePath } from './request-path.ts';
import { RESOURCE_TYPES } from './resources.ts';
import { badRequest, KubernetesError, methodNotAllowed, pathNotFound, statusBody } from './status.ts';
import type { Store } from './store.ts';
import { watchObjects } from './watch.ts';
import { isServed } from './workload-objects.ts';
import { createObject, deleteObject, patchObject, updateObject } from './writes.ts';

/** What an interceptor sees of a request. */
export interface KubernetesCall {
  readonly cluster: string;
  readonly operation: string;
  readonly principal: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** A refusal to answer with, `drop` to cut the connection without an answer, or undefined to go on. */
export type Interception = { status: number; reason: string; message: string } | 'drop' | undefined;
export type Intercept = (call: KubernetesCall) => Promise<Interception>;

export interface ServerParts {
  readonly cluster: ClusterData;
  readonly store: Store;
  readonly controller: () => DaemonSetController;
  readonly clock: Clock;
  readonly calls: ApiCall[];
  readonly authenticator: Authenticator;
  readonly intercept: Intercept | undefined;
  /** Gets the time that a caller without an answer waits, in milliseconds of virtual time. */
  readonly noAnswer: ((milliseconds: number) => void) | undefined;
  /** Whether the answer to a call that was carried out is lost. */
  readonly loseReply: ((operation: string) => boolean) | undefined;
}

/** A request whose connection is to be cut. */
class Dropped extends Error {
  override readonly name = 'Dropped';
}

// kube-apiserver takes no larger bodies either.
const MAX_BODY = 3 * 1024 * 1024;

/** Answers every request of the server until the function that it returns is called, which cuts what is on its way. */
export function serve(server: Server, parts: ServerParts): () => void {
  const unfinished = new Set<ServerResponse>();
  const onRequest = (incoming: IncomingMessage, response: ServerResponse) => {
    unfinished.add(response);
    response.on('close', () => unfinished.delete(response));
    // A client that hangs up half-way gets no answer; it must not take the others' API with it.
    response.on('error', () => response.destroy());
    answer(parts, incoming, response)
      .then((reply) => reply && send(response, reply, incoming.method === 'HEAD'))
      .catch((error: unknown) => refuse(response, error))
      .catch(() => response.destroy());
  };
  server.on('request', onRequest);
  return () => {
    server.off('request', onRequest);
    for (const response of unfinished) response.destroy();
  };
}

function send(response: ServerResponse, reply: Reply, head: boolean): void {
  response.writeHead(reply.status, {
    'content-type': reply.contentType,
    'content-length': Buffer.byteLength(reply.text),
  });
  response.end(head ? '' : reply.text);
}

function refuse(response: ServerResponse, error: unknown): void {
  if (error instanceof Dropped || response.headersSent) {
    response.destroy();
    return;
  }
  send(response, json(asKubernetesError(error).status, JSON.stringify(statusBody(asKubernetesError(error)))), false);
}

function asKubernetesError(error: unknown): KubernetesError {
  if (error instanceof KubernetesError) return error;
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new KubernetesError(500, 'InternalError', `Internal error occurred: ${message}`);
}

async function readBody(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY)
      throw new KubernetesError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY}`);
    chunks.push(bytes);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return UNREADABLE;
  }
}

const UNREADABLE = Symbol('a body that is not JSON');

/** undefined: the answer is a stream that is on its way. */
async function answer(
  parts: ServerParts,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<Reply | undefined> {
  const strange = strangeRequest(incoming.headers, 'https');
  if (strange !== null) throw new KubernetesError(403, 'Forbidden', strange);
  const body = await readBody(incoming);
  return parts.clock.busy(() => handle(parts, incoming, response, body));
}

async function handle(
  parts: ServerParts,
  incoming: IncomingMessage,
  response: ServerResponse,
  body: unknown,
): Promise<Reply | undefined> {
  const url = urlOf(incoming);
  const call: ApiCall = {
    at: parts.clock.now().toISOString(),
    service: 'kubernetes',
    operation: `${(incoming.method ?? '').toLowerCase()} ${url.pathname}`,
    principal: 'anonymous',
    input: { cluster: parts.cluster.name },
  };
  parts.calls.push(call);
  try {
    const reply = await understood(parts, { incoming, response, url, body, call });
    if (!reply || !parts.loseReply?.(call.operation)) return reply;
  } catch (error) {
    call.error = error instanceof Dropped ? 'connection dropped' : asKubernetesError(error).reason;
    throw error;
  }
  // The log has no error: the call had its effect.
  call.lostReply = true;
  throw new Dropped('the reply was lost');
}

/** The target as a URL, whatever stands in it: `//` alone would be no URL at all. */
function urlOf({ url = '/' }: IncomingMessage): URL {
  const target = `https://kubernetes${url.startsWith('/') ? '' : '/'}${url}`;
  if (!URL.canParse(target)) throw pathNotFound();
  return new URL(target);
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: unknown;
  /** Its log entry, filled in as more becomes known. */
  readonly call: ApiCall;
}

async function understood(parts: ServerParts, exchange: Exchange): Promise<Reply | undefined> {
  const { url, call, incoming } = exchange;
  const isResource = /^\/(api\/[^/]+|apis\/[^/]+\/[^/]+)\/./.test(url.pathname);
  const request = isResource ? readRequest(exchange) : undefined;
  const input: Record<string, unknown> = { cluster: parts.cluster.name };
  if (request) {
    const { type, subresource, namespace, name } = request.path;
    call.operation = `${request.verb} ${type.plural}${subresource === undefined ? '' : `/${subresource}`}`;
    if (namespace !== undefined) input['namespace'] = namespace;
    if (name !== undefined) input['name'] = name;
    if (request.body !== undefined && request.body !== UNREADABLE) input['body'] = request.body;
  }
  call.input = input;
  const identity = authenticate(incoming.headers.authorization, parts.authenticator);
  call.principal = identity.principal;
  if (isShutOut(identity, parts.cluster)) await withoutAnswer(parts, exchange);
  const entry = accessEntry(identity, parts.cluster);
  await intercepted(parts, call, input);
  if (!request) return documentReply(parts, url.pathname, incoming.method ?? '');
  return resourceReply(parts, exchange, request, { identity, entry });
}

/**
 * Whether `publicAccessCidrs` keeps this caller's packets out. The person who made the cluster and its administrator are
 * at one of the addresses; functions, which sign as roles, are not.
 */
function isShutOut({ arn }: Identity, { endpointAccess, publicAccessCidrs }: ClusterData): boolean {
  const restricted = publicAccessCidrs !== undefined && !publicAccessCidrs.includes('0.0.0.0/0');
  return endpointAccess === 'public' && restricted && arn !== null;
}

/** How long a caller waits for a connection. The functions' own limit. */
const NO_ANSWER_MS = 15_000;

/** In real time the caller waits until it gives up; in virtual time, which stands still meanwhile, it passes afterwards. */
async function withoutAnswer({ clock, noAnswer }: ServerParts, { response }: Exchange): Promise<never> {
  if (clock.kind === 'real' && !response.destroyed)
    await new Promise<void>((resolve) => response.once('close', () => resolve()));
  noAnswer?.(NO_ANSWER_MS);
  throw new Dropped('the endpoint answers only publicAccessCidrs');
}

async function intercepted(
  { intercept, cluster }: ServerParts,
  call: ApiCall,
  input: Record<string, unknown>,
): Promise<void> {
  if (!intercept) return;
  const result = await intercept({
    cluster: cluster.name,
    operation: call.operation,
    principal: call.principal,
    input,
  });
  if (result === undefined) return;
  if (result === 'drop') throw new Dropped('dropped by the interceptor');
  throw new KubernetesError(result.status, result.reason, result.message);
}

function documentReply(parts: ServerParts, path: string, method: string): Reply {
  const types = RESOURCE_TYPES.filter((type) => isServed(type, parts.cluster));
  const document = discoveryDocument(path, { version: parts.cluster.version, types });
  if (!document) throw new KubernetesError(404, 'NotFound', 'the server could not find the requested resource', {});
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
  return json(200, JSON.stringify(document));
}

function readRequest({ incoming, url, body }: Exchange): ApiRequest {
  const path = parseResourcePath(url.pathname);
  const watch = isTrue(url.searchParams.get('watch')) && path.subresource === undefined;
  const verb = verbOf(incoming.method ?? '', path.name !== undefined, watch);
  if (verb === undefined) throw methodNotAllowed();
  const contentType = (incoming.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  const { accept = '', 'user-agent': agent = '' } = incoming.headers;
  const client = agent.split('/')[0] || 'unknown';
  return { path, verb, query: url.searchParams, accept, agent: client, contentType, body };
}

interface Caller {
  readonly identity: Identity;
  readonly entry: AccessEntry | null;
}

async function resourceReply(
  parts: ServerParts,
  { response }: Exchange,
  request: ApiRequest,
  caller: Caller,
): Promise<Reply | undefined> {
  const { path, verb } = request;
  const now = parts.clock.now();
  authorize(caller.identity, caller.entry, { verb, ...path }, { now, rbac: parts.cluster.rbac ?? [] });
  // Kubernetes asks first whether the caller may, and only then whether there is such a thing.
  if (!isServed(path.type, parts.cluster)) throw pathNotFound();
  if (path.subresource === 'proxy') {
    if (verb !== 'get') throw methodNotAllowed();
    return proxyToPod(parts.store, parts.controller(), parts.clock, request);
  }
  if (path.subresource !== undefined && verb !== 'get') throw methodNotAllowed();
  if (!path.type.verbs.some((known) => known === verb)) throw methodNotAllowed();
  switch (verb) {
    case 'get':
      return getObject(parts.store, request, now);
    case 'list':
      return listObjects(parts.store, request, now);
    case 'watch':
      watchObjects(parts.store, request, response, () => parts.clock.now());
      return undefined;
    default:
      return writeReply(parts.store, request);
  }
}

function writeReply(store: Store, request: ApiRequest): Reply {
  // The content type decides first: a body in another format is 415, not unreadable JSON.
  if (request.body === UNREADABLE && /json|^$/.test(request.contentType))
    throw badRequest('the object provided is unrecognized (must be of type JSON)');
  switch (request.verb) {
    case 'create':
      return createObject(store, request);
    case 'update':
      return updateObject(store, request);
    case 'patch':
      return patchObject(store, request);
    case 'delete':
      return deleteObject(store, request);
    default:
      throw methodNotAllowed();
  }
}
