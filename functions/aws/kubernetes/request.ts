import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import * as z from 'zod/mini';
import type { ApiServer } from '../../core/preflight/snapshot.ts';

/** Which cluster, and where its API server answers. */
export type ApiServerEndpoint = ApiServer & { cluster: string };

/** `path` comes from `pathOf`; `body` is sent as JSON of this content type. */
export interface ApiRequest {
  method?: 'GET' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: object;
  contentType?: string;
  /** Milliseconds until the request is given up. */
  timeout?: number;
}

/** One API server with one caller's token. Both throw StatusError for a refusal and NoAnswer for everything else. */
export interface Api {
  /** The answer as the schema reads it. Throws an Error that names the field when the schema cannot. */
  json<Value>(schema: z.ZodMiniType<Value>, request: ApiRequest): Promise<Value>;
  /** The answer as it is. */
  text(request: ApiRequest): Promise<string>;
}

/** The API server's own refusal; the message holds what its Status says. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Nothing came from the API server that can be used; the message goes on after its name. */
export class NoAnswer extends Error {
  override readonly name: string = 'NoAnswer';
}

/** No answer came in time. */
export class TimedOut extends NoAnswer {
  override readonly name = 'TimedOut';
}

// A private endpoint swallows packets: without a limit the function would time out without a name.
const TIMEOUT_MS = 15_000;
/** A page is 500 objects: real ones have a tenth of this. */
const LARGEST_BODY = 64 * 1024 * 1024;

export function api(endpoint: ApiServerEndpoint, token: string): Api {
  const bytes = async (asked: ApiRequest): Promise<Buffer> => {
    const { status, body } = await exchange(endpoint, token, asked);
    if (status >= 200 && status <= 299) return body;
    if (status <= 399) throw new NoAnswer(`answered ${said(asked)} with a redirect (${status})`);
    throw new StatusError(status, `${said(asked)}: ${status} ${reasonIn(body.toString())}`);
  };
  return {
    text: async (asked) => (await bytes(asked)).toString(),
    json: async (schema, asked) => parsed(schema, await bytes(asked), asked),
  };
}

const said = ({ method = 'GET', path }: ApiRequest) => `${method} ${path}`;

/** A path of these segments, each URL-encoded. Throws for one that would make it another path: delete on `pods/` is all pods. */
export function pathOf(...segments: string[]): string {
  if (segments.some((segment) => /^\.{0,2}$/.test(segment)))
    throw new Error(`/${segments.join('/')} does not name an object`);
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
}

const kept = new Map<string, Agent>();
/** A function that goes from cluster to cluster must not collect their connections; a forgotten agent's close when idle. */
const KEPT = 8;
/** A frozen function does not see that the server closed a connection, so none is kept for the next call. */
const IDLE_MS = 4_000;

/** The TLS connections to one API server, whose certificate one authority vouches for; the token is each request's own. */
function connections({ url, certificateAuthority }: ApiServerEndpoint): Agent {
  const key = `${url} ${certificateAuthority}`;
  // Of an empty text Node makes "trust the public authorities", of empty bytes "trust nobody".
  const ca = Buffer.from(certificateAuthority, 'base64');
  const agent = kept.get(key) ?? new Agent({ keepAlive: true, timeout: IDLE_MS, ca, rejectUnauthorized: true });
  kept.delete(key);
  kept.set(key, agent);
  const [longestUnused] = kept.keys();
  if (kept.size > KEPT && longestUnused !== undefined) kept.delete(longestUnused);
  return agent;
}

/** An endpoint may end in slashes; the path begins with one. */
function withoutSlashes(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return url.slice(0, end);
}

async function exchange(
  endpoint: ApiServerEndpoint,
  token: string,
  { method = 'GET', path, query = {}, body, contentType = 'application/json', timeout = TIMEOUT_MS }: ApiRequest,
): Promise<{ status: number; body: Buffer }> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    accept: 'application/json, */*;q=0.8',
    authorization: `Bearer ${token}`,
    'user-agent': 'ipvs-nightshift',
    // Node adds no length to a DELETE by itself, and the API server would not see its body.
    ...(payload !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(payload) }),
  };
  const parameters = new URLSearchParams(query).toString();
  const url = `${withoutSlashes(endpoint.url)}${path}${parameters && `?${parameters}`}`;
  const signal = AbortSignal.timeout(timeout);
  const outgoing = request(url, { method, headers, signal, agent: connections(endpoint) });
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.on('response', resolve).on('error', reject).end(payload);
    });
    return { status: response.statusCode ?? 0, body: await read(response) };
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    if (signal.aborted) throw new TimedOut(`does not answer: no answer in ${timeout / 1000} s`, { cause: error });
    throw new NoAnswer(`does not answer: ${messageOf(error)}`, { cause: error });
  }
}

/** Throws for a body that ends before its time or is too large. */
async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > LARGEST_BODY) throw new NoAnswer(`sends more than ${LARGEST_BODY / 1024 / 1024} MiB`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function parsed<Value>(schema: z.ZodMiniType<Value>, body: Buffer, asked: ApiRequest): Value {
  const result = z.safeParse(schema, jsonIn(body, asked));
  if (result.success) return result.data;
  const field = result.error.issues[0]?.path.join('.') || 'the object';
  throw new Error(`the API server answered ${said(asked)}, and ${field} cannot be understood or is not there`);
}

/** What is no UTF-8 is refused as well: the characters that replace it would be written back. */
function jsonIn(body: Buffer, asked: ApiRequest): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new NoAnswer(`answered ${said(asked)} with no JSON`);
  }
}

const Status = z.object({ kind: z.literal('Status'), reason: z.optional(z.string()), message: z.string() });

/** Proxies and pods answer errors without a Status: then the beginning of what they say. */
function reasonIn(body: string): string {
  try {
    const { reason, message } = z.parse(Status, JSON.parse(body));
    return reason === undefined ? message : `${reason}: ${message}`;
  } catch {
    return body.slice(0, 300).trim();
  }
}

/** When a name has several addresses, Node's error holds one for each and no message of its own. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
