import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Credentials } from '../credentials.ts';
import { isServiceId, type ServiceModel, serviceModel } from './catalog.ts';
import type { Dispatcher } from './dispatcher.ts';
import { EmulatorBug, LostReply, ServiceError } from './error.ts';
import { strangeRequest } from './own-host.ts';
import { type WireReply, writeError, writeReply } from './reply.ts';
import { asSpoken, readRequest, type WireRequest } from './request.ts';

export interface WireServerOptions {
  readonly dispatcher: Dispatcher;
  readonly credentials: Credentials;
  /** Sees every request first; answers true for those that it takes. */
  readonly extra?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Hears of every EmulatorBug; writes it to stderr if not given. */
  readonly onBug?: (bug: EmulatorBug) => void;
}

/**
 * An HTTP server that speaks the protocols of the AWS services of the catalog; it does not listen yet. A request's
 * service and principal are those of its signature's credential scope, in the Authorization header or, presigned, in
 * the query string. The signature itself is not verified.
 */
export function wireServer(options: WireServerOptions): Server {
  const onBug = options.onBug ?? ((bug) => process.stderr.write(`${bug.name}: ${bug.message}\n`));
  return createServer((request, response) => {
    // Virtual time and a client's own differ, and the SDK would take that for a clock to correct and call once more.
    response.sendDate = false;
    // A client that hangs up half-way gets no answer. It is not an error of the sandbox.
    response.on('error', () => response.destroy());
    const strange = strangeRequest(request.headers, 'http');
    if (strange !== null) return send(response, request.method === 'HEAD', refusal(strange));
    if (options.extra?.(request, response)) return;
    answer(options, request, onBug)
      .then((reply) => (reply === LOST ? response.destroy() : send(response, request.method === 'HEAD', reply)))
      .catch((error: unknown) => {
        onBug(new EmulatorBug(`a reply could not be written: ${String(error)}`, { cause: error }));
        response.destroy();
      });
  });
}

/** What the sandbox answers instead of any service; its own paths and AWS's SDKs read different members. */
function refusal(message: string): WireReply {
  const headers = { 'content-type': 'application/json' };
  return { status: 403, headers, body: `${JSON.stringify({ error: message, message })}\n` };
}

const LOST = Symbol('a reply that never arrives');

async function answer(
  options: WireServerOptions,
  incoming: IncomingMessage,
  onBug: (bug: EmulatorBug) => void,
): Promise<WireReply | typeof LOST> {
  const requestId = randomUUID();
  let service: ServiceModel | undefined;
  try {
    const request = await receive(incoming);
    const scope = credentialScope(request);
    if (!isServiceId(scope.service))
      throw new ServiceError('UnknownService', `the sandbox does not implement the service ${scope.service}`, 501);
    service = asSpoken(serviceModel(scope.service), request);
    const { operation, input } = await readRequest(service, request);
    const { principal, arn } = options.credentials.identify(scope.accessKeyId);
    const call = { service: service.id, operation: operation.name, input, principal, principalArn: arn };
    return writeReply(service, operation, await options.dispatcher.call(call), requestId);
  } catch (error) {
    if (error instanceof LostReply) return LOST;
    if (error instanceof ServiceError) return writeError(service, error, requestId);
    if (error instanceof HungUp)
      return writeError(service, { name: error.name, message: error.message, status: 400, members: {} }, requestId);
    const bug = error instanceof EmulatorBug ? error : new EmulatorBug(String(error), { cause: error });
    onBug(bug);
    return writeError(service, { name: bug.name, message: bug.message, status: 500, members: {} }, requestId);
  }
}

/** The client went before its request was complete. */
class HungUp extends Error {
  override readonly name = 'HungUp';
}

async function receive(incoming: IncomingMessage): Promise<WireRequest> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  } catch (cause) {
    throw new HungUp('the client hung up before its request was complete', { cause });
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  const [path = '/', query = ''] = (incoming.url ?? '/').split(/\?(.*)/s);
  return {
    method: incoming.method ?? 'GET',
    path,
    query: new URLSearchParams(query),
    headers,
    body: Buffer.concat(chunks),
  };
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html */
function credentialScope(request: WireRequest): { accessKeyId: string; service: string } {
  const header = /Credential=([^,\s]+)/.exec(request.headers['authorization'] ?? '')?.[1];
  const [accessKeyId, , , service] = (header ?? request.query.get('X-Amz-Credential') ?? '').split('/');
  if (accessKeyId === undefined || service === undefined)
    throw new ServiceError('MissingAuthenticationToken', 'the request is not signed: it has no credential scope', 403);
  return { accessKeyId, service };
}

function send(response: ServerResponse, head: boolean, reply: WireReply): void {
  response.writeHead(
    reply.status,
    head ? reply.headers : { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) },
  );
  response.end(head || reply.status === 204 ? undefined : reply.body);
}
