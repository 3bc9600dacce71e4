import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { HistoryEvent } from '@aws-sdk/client-sfn';

/** What a small stand-in for a Region answers: Step Functions, S3, STS and Lambda over their real wire protocols. */
export interface RegionContent {
  stateMachines?: string[];
  events?: HistoryEvent[];
  objects?: { reference: { key: string }; bytes: Buffer }[];
  status?: string;
  /** Histories of rollback-cluster by the execution's name; any other of it does not exist. */
  rollbacks?: Record<string, HistoryEvent[]>;
  /** How many of the next requests about an execution of rollback-cluster find nobody who answers. */
  unanswered?: number;
  /** Inputs of the targets of schedules, by `GROUP/NAME`. */
  schedules?: Record<string, string>;
  /** What GetCallerIdentity waits for. */
  gate?: Promise<void>;
  /** Payload and whether it is a function's error. */
  function?: { payload: unknown; error?: boolean };
}

export interface FakeRegion {
  endpoint: string;
  requests: { operation: string; input: unknown }[];
  /** Environment that points an AWS SDK at it. */
  env: Record<string, string>;
  close(): Promise<void>;
}

export const MACHINE = 'arn:aws:states:us-east-1:111122223333:stateMachine:migrate-cluster';

/** Serves `content` on a free port; it is read at each request, so a test may change it meanwhile. */
export async function startFakeRegion(content: RegionContent): Promise<FakeRegion> {
  const requests: FakeRegion['requests'] = [];
  const server = createServer((request, response) => {
    void answer(request, response, content, requests);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const endpoint = `http://127.0.0.1:${address.port}`;
  return {
    endpoint,
    requests,
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  content: RegionContent,
  requests: FakeRegion['requests'],
): Promise<void> {
  const body = await text(request);
  const target = String(request.headers['x-amz-target'] ?? '').split('.')[1];
  if (target !== undefined) {
    const input: unknown = JSON.parse(body);
    requests.push({ operation: target, input });
    if (isRollback(input) && content.unanswered) {
      content.unanswered -= 1;
      response.destroy();
      return;
    }
    const { status, output } = stepFunctions(target, ofExecution(input, content));
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(output));
  } else if (body.includes('Action=GetCallerIdentity')) {
    requests.push({ operation: 'GetCallerIdentity', input: null });
    await content.gate;
    response.writeHead(200, { 'content-type': 'text/xml' }).end(IDENTITY);
  } else if (request.url?.endsWith('/invocations')) {
    requests.push({ operation: 'Invoke', input: JSON.parse(body) });
    const error = content.function?.error ? { 'x-amz-function-error': 'Unhandled' } : {};
    response.writeHead(200, error).end(JSON.stringify(content.function?.payload ?? null));
  } else if (request.url?.startsWith('/schedules/')) schedule(request, response, content);
  else object(request, response, content);
}

function schedule(request: IncomingMessage, response: ServerResponse, content: RegionContent): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://host');
  const Input = content.schedules?.[`${searchParams.get('groupName')}/${pathname.split('/').at(-1)}`];
  const headers = { 'content-type': 'application/json' };
  if (Input !== undefined)
    response.writeHead(200, headers).end(JSON.stringify({ Target: { Arn: 'a', RoleArn: 'r', Input } }));
  else
    response.writeHead(404, { ...headers, 'x-amzn-errortype': 'ResourceNotFoundException' }).end('{"Message":"none"}');
}

const IDENTITY = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::111122223333:user/anna</Arn><UserId>AIDA</UserId><Account>111122223333</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>`;

function executionIn(input: unknown): string {
  return typeof input === 'object' && input !== null && 'executionArn' in input ? String(input.executionArn) : '';
}

const isRollback = (input: unknown) => executionIn(input).includes(':rollback-cluster:');

/** What is known of the execution that a request names. */
function ofExecution(input: unknown, content: RegionContent): RegionContent {
  if (!isRollback(input)) return content;
  const arn = executionIn(input);
  const events = content.rollbacks?.[arn.split(':').at(-1) ?? ''] ?? [];
  return { ...content, events, status: statusOf(events) };
}

const STATUSES: Readonly<Record<string, string>> = {
  ExecutionSucceeded: 'SUCCEEDED',
  ExecutionFailed: 'FAILED',
  ExecutionTimedOut: 'TIMED_OUT',
  ExecutionAborted: 'ABORTED',
};

function statusOf(events: readonly HistoryEvent[]): string {
  return events.length === 0 ? 'NONE' : (STATUSES[events.at(-1)?.type ?? ''] ?? 'RUNNING');
}

const NOT_THERE = { status: 400, output: { __type: 'ExecutionDoesNotExist', message: 'Execution Does Not Exist' } };

function stepFunctions(operation: string, content: RegionContent): { status: number; output: unknown } {
  const { stateMachines = [MACHINE], events = [], status = 'RUNNING' } = content;
  const seconds = (date: Date | undefined) => (date ? date.getTime() / 1000 : 0);
  const execution = `${MACHINE.replace('stateMachine', 'execution')}:demo-1`;
  switch (operation) {
    case 'ListStateMachines':
      return {
        status: 200,
        output: {
          stateMachines: stateMachines.map((arn) => ({
            stateMachineArn: arn,
            name: arn.split(':').at(-1),
            type: 'STANDARD',
            creationDate: 1,
          })),
        },
      };
    case 'StartExecution':
      return { status: 200, output: { executionArn: execution, startDate: 1 } };
    case 'DescribeExecution':
      if (status === 'NONE' && events.length === 0) return NOT_THERE;
      return {
        status: 200,
        output: { executionArn: execution, stateMachineArn: MACHINE, status, startDate: 1, ...failure(events) },
      };
    case 'GetExecutionHistory':
      if (events.length === 0) return NOT_THERE;
      return {
        status: 200,
        output: { events: events.toReversed().map((event) => ({ ...event, timestamp: seconds(event.timestamp) })) },
      };
    default:
      return { status: 400, output: { __type: 'UnknownOperationException', message: operation } };
  }
}

function failure(events: readonly HistoryEvent[]): { error?: string; cause?: string } {
  const details = events.at(-1)?.executionFailedEventDetails;
  return details?.error ? { error: details.error, cause: details.cause ?? '' } : {};
}

function object(request: IncomingMessage, response: ServerResponse, content: RegionContent): void {
  const path = decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname);
  const found = content.objects?.find(({ reference }) => path.endsWith(`/${reference.key}`));
  if (found) response.writeHead(200).end(found.bytes);
  else
    response
      .writeHead(404, { 'content-type': 'application/xml' })
      .end('<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>');
}
