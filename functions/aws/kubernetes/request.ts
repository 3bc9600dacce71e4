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
  /** Milliseconds until the request is aborted. */
  timeout?: number;
}

/**
 * One API server with one caller's token. Both methods throw StatusError for a refusal and NoAnswer for other failures.
 */
export interface Api {
  /** The answer, parsed by the schema. Throws an Error that names the field that does not fit. */
  json<Value>(schema: z.ZodMiniType<Value>, request: ApiRequest): Promise<Value>;
  /** The answer as text. */
  text(request: ApiRequest): Promise<string>;
}

/** The API server's own refusal; the message is that of its Status. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The API server gave no usable answer; the message continues a sentence that begins with its name. */
export class NoAnswer extends Error {
  override readonly name: string = 'NoAnswer';
}

/** No answer came in time. */
export class TimedOut extends NoAnswer {
  override readonly name = 'TimedOut';
}

// A private endpoint drops packets: without a limit the function would time out without a named error.
const TIMEOUT_MS = 15_000;
/** A page has 500 objects, which take about a tenth of this. */
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

/**
 * A path of these URL-encoded segments. Throws for a segment that would name another path: `pods/` deletes all pods.
 */
export function pathOf(...segments: string[]): string {
  if (segments.some((segment) => /^\.{0,2}$/.test(segment)))
    throw new Error(`/${segments.join('/')} does not name an object`);
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
}

const kept = new Map<string, Agent>();
/**
 * A function that visits many clusters must not keep all their connections; those of a dropped agent close when idle.
 */
const KEPT = 8;
/** A frozen function does not notice that the server closed a connection, so no idle connection is kept for long. */
const IDLE_MS = 4_000;

/**
 * The TLS connections to one API server, whose certificate this authority must have signed. Each request has its token.
 */
function connections({ url, certificateAuthority }: ApiServerEndpoint): Agent {
  const key = `${url} ${certificateAuthority}`;
  // For an empty text Node trusts the public authorities; for empty bytes it trusts none.
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
    // Node does not add a length to a DELETE, and without one the API server would ignore its body.
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

/** Throws for a body that is truncated or too large. */
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
  throw new Error(`the API server answered ${said(asked)}, and ${field} is missing or cannot be understood`);
}

/** Refuses bytes that are not UTF-8 as well: a later write would store the replacement characters. */
function jsonIn(body: Buffer, asked: ApiRequest): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new NoAnswer(`answered ${said(asked)} with a body that is not JSON`);
  }
}

const Status = z.object({ kind: z.literal('Status'), reason: z.optional(z.string()), message: z.string() });

/** The message of a refusal. Proxies and pods answer errors without a Status; then it is the beginning of the body. */
function reasonIn(body: string): string {
  try {
    const { reason, message } = z.parse(Status, JSON.parse(body));
    return reason === undefined ? message : `${reason}: ${message}`;
  } catch {
    return body.slice(0, 300).trim();
  }
}

/** If a name has several addresses, Node's error contains one error for each and has no message of its own. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
