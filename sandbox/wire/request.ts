import { XmlCodec } from '@aws-sdk/core/protocols';
import type { OperationModel, ServiceModel } from './catalog.ts';
import { isRecord, isSet } from './check.ts';
import { ServiceError } from './error.ts';
import { fromForm, readText } from './form.ts';
import { fromJson } from './json.ts';
import { type Address, decodePart, findRoute, findS3Route, type Match } from './routes.ts';
import { decodeS3Body, verifyChecksums } from './s3-body.ts';
import type { Member } from './shape.ts';

/** An HTTP request as the protocols see it: header names in lower case, the whole body. */
export interface WireRequest extends Address {
  readonly body: Buffer;
}

export interface ParsedRequest {
  readonly operation: OperationModel;
  readonly input: Record<string, unknown>;
}

/** The service with the protocol of this request. */
export function asSpoken(service: ServiceModel, request: WireRequest): ServiceModel {
  const { former } = service;
  return former && request.headers['x-amz-target'] === undefined ? { ...service, protocol: former } : service;
}

/** Reads a request in its service's protocol. Throws ServiceError for a request that the service does not know. */
export async function readRequest(service: ServiceModel, request: WireRequest): Promise<ParsedRequest> {
  switch (service.protocol.kind) {
    case 'aws-json': {
      const name = request.headers['x-amz-target']?.split('.').at(-1) ?? '';
      const operation = known(service, name);
      return { operation, input: asInput(fromJson(operation.input, parseJson(request.body))) };
    }
    case 'query':
    case 'ec2': {
      const form = request.body.length > 0 ? new URLSearchParams(request.body.toString()) : request.query;
      const operation = known(service, form.get('Action') ?? '');
      return { operation, input: fromForm(operation.input, form, service.protocol.kind) };
    }
    case 'rest-json': {
      const match = findRoute(service, request);
      if (!match) throw unknownPath(request);
      return {
        operation: match.operation,
        input: readBindings(match, request, (member) => readJsonPayload(member, request.body)),
      };
    }
    case 'rest-xml':
      return readS3(service, request);
  }
}

async function readS3(service: ServiceModel, sent: WireRequest): Promise<ParsedRequest> {
  const { bucket, path } = splitBucket(sent);
  const request = { ...sent, ...decodeS3Body(sent.headers, sent.body), path };
  verifyChecksums(request.headers, request.body);
  const match = findS3Route(service, request, bucket);
  if (!match)
    throw new ServiceError('MethodNotAllowed', 'The specified method is not allowed against this resource.', 405);
  const input = readBindings(match, request, (member) => readXmlPayload(member, request.body));
  return { operation: match.operation, input };
}

/** A bucket stands in front of the host's name (`bucket.localhost`, `bucket.127.0.0.1`) or is the path's first part. */
function splitBucket(request: WireRequest): { bucket: string | undefined; path: string } {
  const host = (request.headers['host'] ?? '').replace(/:\d+$/, '');
  const [, inFront] = /^(.+)\.(?:localhost|127\.0\.0\.1)$/i.exec(host) ?? [];
  if (inFront !== undefined) return { bucket: inFront, path: request.path };
  const [, bucket = '', path = '/'] = /^\/([^/]*)(\/.*)?$/.exec(request.path) ?? [];
  return bucket === '' ? { bucket: undefined, path: '/' } : { bucket: decodePart(bucket), path };
}

function readBindings(
  match: Match,
  request: WireRequest,
  payload: (member: Member) => unknown,
): Record<string, unknown> {
  const { members } = match.operation.input;
  const input: Record<string, unknown> = {};
  let hasPayload = false;
  for (const [name, member] of members) {
    const { httpLabel, httpQuery, httpHeader, httpPrefixHeaders, httpPayload } = member.traits;
    if (httpPayload) hasPayload = true;
    const value = httpLabel
      ? match.labels[name]
      : httpQuery !== undefined
        ? readQuery(member, request.query.getAll(httpQuery))
        : httpHeader !== undefined
          ? readHeader(member, request.headers[httpHeader.toLowerCase()])
          : httpPrefixHeaders !== undefined
            ? readPrefixed(request.headers, httpPrefixHeaders.toLowerCase())
            : httpPayload
              ? payload(member)
              : undefined;
    if (isSet(value)) input[name] = value;
  }
  for (const name of unknownQuery(match.operation, request.query)) input[`query.${name}`] = request.query.get(name);
  return hasPayload || request.body.length === 0 ? input : { ...input, ...readBody(match.operation, request.body) };
}

/** Members that travel elsewhere are unknown in the body; they keep a name under which the check refuses them. */
function readBody(operation: OperationModel, body: Buffer): Record<string, unknown> {
  const json = asInput(fromJson(operation.input, parseJson(body)));
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [
      operation.input.members.get(name)?.inBody === false ? `body.${name}` : name,
      value,
    ]),
  );
}

function readQuery(member: Member, values: string[]): unknown {
  const { shape } = member;
  if (values.length === 0) return undefined;
  return shape.kind === 'list'
    ? values.map((value) => readText(shape.item.shape, value))
    : readText(shape, values[0] ?? '');
}

function readHeader(member: Member, value: string | undefined): unknown {
  if (value === undefined) return undefined;
  const { shape } = member;
  return shape.kind === 'list'
    ? value.split(',').map((item) => readText(shape.item.shape, item.trim()))
    : readText(shape, value);
}

function readPrefixed(headers: WireRequest['headers'], prefix: string): Record<string, string> | undefined {
  const found = Object.entries(headers).filter(([name]) => name.startsWith(prefix));
  if (found.length === 0) return undefined;
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]));
}

function unknownQuery(operation: OperationModel, query: URLSearchParams): string[] {
  const fixed = new URLSearchParams(operation.http?.[1].split('?')[1] ?? '');
  const named = new Set([...operation.input.members.values()].map(({ traits }) => traits.httpQuery));
  return [...query.keys()].filter(
    (name) => !named.has(name) && !fixed.has(name) && name !== 'x-id' && !/^x-amz-/i.test(name),
  );
}

function readJsonPayload(member: Member, body: Buffer): unknown {
  if (member.shape.kind === 'blob') return body.length > 0 ? new Uint8Array(body) : undefined;
  return body.length > 0 ? fromJson(member.shape, parseJson(body)) : undefined;
}

const xml = new XmlCodec({ timestampFormat: { useTrait: true, default: 5 }, xmlNamespace: '', serviceNamespace: '' });

function readXmlPayload(member: Member, body: Buffer): unknown {
  if (member.shape.kind === 'blob') return new Uint8Array(body);
  if (body.length === 0) return undefined;
  try {
    return xml.createDeserializer().read(member.schema, body.toString());
  } catch {
    throw new ServiceError('MalformedXML', 'The XML you provided was not well-formed.');
  }
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new ServiceError('SerializationException', 'the request body is not JSON');
  }
}

function asInput(value: unknown): Record<string, unknown> {
  if (isRecord(value)) return value;
  throw new ServiceError('SerializationException', 'the request body must be a JSON object');
}

function known(service: ServiceModel, name: string): OperationModel {
  const operation = service.operations.get(name);
  if (operation) return operation;
  const code = service.protocol.kind === 'aws-json' ? 'UnknownOperationException' : 'InvalidAction';
  throw new ServiceError(code, `${service.id} has no operation ${name === '' ? 'without a name' : name}`);
}

function unknownPath(request: WireRequest): ServiceError {
  return new ServiceError('UnknownOperationException', `no operation answers ${request.method} ${request.path}`, 404);
}
