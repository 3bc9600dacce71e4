import type { OperationModel, Protocol, ServiceModel } from './catalog.ts';
import { isRecord, isSet } from './check.ts';
import type { ServiceError } from './error.ts';
import { formatTime, structureToJson } from './json.ts';
import type { Member } from './shape.ts';
import { escapeXml, xmlMembers } from './xml.ts';

export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Writes an output that fits its schema in the service's protocol. */
export function writeReply(
  service: ServiceModel,
  operation: OperationModel,
  output: Record<string, unknown>,
  requestId: string,
): WireReply {
  const { protocol } = service;
  const headers = idHeaders(service, requestId);
  const members = [...operation.output.members.values()];
  switch (protocol.kind) {
    case 'aws-json':
      return { status: 200, headers, body: JSON.stringify(structureToJson(operation.output.members, output)) };
    case 'query': {
      const result = `<${operation.name}Result>${xmlMembers(members, output)}</${operation.name}Result>`;
      const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
      return { status: 200, headers, body: root(`${operation.name}Response`, protocol, result + metadata) };
    }
    case 'ec2': {
      const inner = `<requestId>${requestId}</requestId>${xmlMembers(members, output)}`;
      return { status: 200, headers, body: root(`${operation.name}Response`, protocol, inner) };
    }
    case 'rest-json':
    case 'rest-xml':
      return writeBindings(protocol, operation, output, headers);
  }
}

function writeBindings(
  protocol: Protocol,
  operation: OperationModel,
  output: Record<string, unknown>,
  headers: Record<string, string>,
): WireReply {
  let status = operation.http?.[2] ?? 200;
  const inBody = new Map<string, Member>();
  for (const [name, member] of operation.output.members) {
    const value = output[name];
    const { httpHeader, httpPrefixHeaders, httpResponseCode } = member.traits;
    if (member.inBody) inBody.set(name, member);
    if (!isSet(value)) continue;
    if (httpResponseCode) status = Number(value);
    else if (httpHeader !== undefined) headers[httpHeader.toLowerCase()] = headerText(member, value);
    else if (httpPrefixHeaders !== undefined && isRecord(value))
      for (const [key, text] of Object.entries(value))
        headers[`${httpPrefixHeaders}${key}`.toLowerCase()] = String(text);
  }
  const payload = [...inBody.values()].find((member) => member.traits.httpPayload);
  if (payload) return { status, headers, body: payloadBody(output[payload.name]) };
  if (protocol.kind === 'rest-json') return { status, headers, body: JSON.stringify(structureToJson(inBody, output)) };
  if (inBody.size === 0) return { status, headers, body: '' };
  const name = operation.output.traits.xmlName ?? `${operation.name}Result`;
  return { status, headers, body: root(name, protocol, xmlMembers(inBody.values(), output)) };
}

function payloadBody(value: unknown): string | Uint8Array {
  return value instanceof Uint8Array ? value : '';
}

function headerText(member: Member, value: unknown): string {
  if (value instanceof Date) {
    const format =
      member.shape.kind === 'timestamp' && member.shape.format !== 'default' ? member.shape.format : 'http-date';
    return formatTime(value, format);
  }
  return Array.isArray(value) ? value.join(',') : String(value);
}

/** Writes an error in the form that the service's SDK client reads. */
export function writeError(
  service: ServiceModel | undefined,
  error: Pick<ServiceError, 'name' | 'message' | 'status' | 'members'>,
  requestId: string,
): WireReply {
  const headers = service
    ? idHeaders(service, requestId)
    : { 'x-amzn-requestid': requestId, 'content-type': 'application/json' };
  const { status, name, message } = error;
  const queryCode = service?.queryCodes?.[name] ?? name;
  const fields = `<Code>${escapeXml(queryCode)}</Code><Message>${escapeXml(message)}</Message>`;
  const protocol = service?.protocol ?? { kind: 'rest-json', message: 'message' };
  switch (protocol.kind) {
    case 'rest-json':
      headers['x-amzn-errortype'] = name;
      return { status, headers, body: JSON.stringify({ ...error.members, [protocol.message]: message }) };
    case 'aws-json':
      if (service?.queryCodes) headers['x-amzn-query-error'] = `${queryCode};${status >= 500 ? 'Receiver' : 'Sender'}`;
      return { status, headers, body: JSON.stringify({ __type: name, ...error.members, message }) };
    case 'query': {
      const kind = status >= 500 ? 'Receiver' : 'Sender';
      const inner = `<Error><Type>${kind}</Type>${fields}</Error><RequestId>${requestId}</RequestId>`;
      return { status, headers, body: root('ErrorResponse', protocol, inner) };
    }
    case 'ec2': {
      const inner = `<Errors><Error>${fields}</Error></Errors><RequestID>${requestId}</RequestID>`;
      return { status, headers, body: `${DECLARATION}<Response>${inner}</Response>` };
    }
    case 'rest-xml':
      return { status, headers, body: `${DECLARATION}<Error>${fields}<RequestId>${requestId}</RequestId></Error>` };
  }
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

function root(name: string, protocol: Protocol, inner: string): string {
  const namespace = 'namespace' in protocol ? ` xmlns="${protocol.namespace}"` : '';
  return `${DECLARATION}<${name}${namespace}>${inner}</${name}>`;
}

function idHeaders(service: ServiceModel, requestId: string): Record<string, string> {
  const { protocol } = service;
  switch (protocol.kind) {
    case 'rest-json':
      return { 'x-amzn-requestid': requestId, 'content-type': 'application/json' };
    case 'aws-json':
      return { 'x-amzn-requestid': requestId, 'content-type': `application/x-amz-json-${protocol.version}` };
    case 'query':
    case 'ec2':
      return { 'x-amzn-requestid': requestId, 'content-type': 'text/xml;charset=UTF-8' };
    case 'rest-xml':
      return { 'x-amz-request-id': requestId, 'x-amz-id-2': requestId, 'content-type': 'application/xml' };
  }
}
