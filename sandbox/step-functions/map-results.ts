import type { MapState } from './asl.ts';
import type { Execution } from './execution.ts';
import { StateFailure } from './failure.ts';
import type { Json, JsonObject } from './json.ts';
import { isJsonObject, Payload, toJson } from './json.ts';
import type { MapRun } from './map-run.ts';
import { callForTask } from './service-call.ts';
import type { Thread, Visit } from './thread.ts';

type Writer = NonNullable<MapState['ResultWriter']>;
type Transformation = NonNullable<Writer['WriterConfig']>['Transformation'];

/** A child as the results have it: DescribeExecution's members, with input and output as texts. */
function describe(child: Execution): JsonObject {
  const output: JsonObject = child.output
    ? { Output: child.output.text, OutputDetails: { Included: true } }
    : { OutputDetails: { Included: true } };
  return {
    ExecutionArn: child.arn,
    Input: child.input.text,
    InputDetails: { Included: true },
    Name: child.name,
    ...output,
    ...(child.error === undefined ? {} : { Error: child.error }),
    ...(child.cause === undefined ? {} : { Cause: child.cause }),
    RedriveCount: 0,
    RedriveStatus: 'NOT_REDRIVABLE',
    RedriveStatusReason: `Execution is ${child.status} and cannot be redriven`,
    StartDate: child.startDate.toISOString(),
    StateMachineArn: child.machine.arn,
    Status: child.status,
    ...(child.stopDate ? { StopDate: child.stopDate.toISOString() } : {}),
  };
}

/** What did not succeed is described whatever the transformation is. */
function transform(children: readonly Execution[], how: Transformation): Json[] {
  return children.flatMap((child): Json[] => {
    if (how === 'NONE' || !child.output) return [describe(child)];
    const { value } = child.output;
    return how === 'FLATTEN' && Array.isArray(value) ? value : [value];
  });
}

/**
 * The result of a Map Run whose children have ended: their outputs, or where a ResultWriter put them. What it puts
 * there of a Map Run that failed is the same. Throws States.ResultWriterFailed.
 * https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
 */
export async function mapResult(thread: Thread, visit: Visit, state: MapState, mapRun: MapRun): Promise<Payload> {
  const { ResultWriter: writer } = state;
  if (!writer || writer.Arguments === undefined)
    return new Payload(transform(mapRun.children, writer?.WriterConfig?.Transformation ?? 'COMPACT'));
  const args = await thread.evaluate(visit, toJson(writer.Arguments), 'ResultWriter/Arguments');
  const { Bucket, Prefix = '' } = isJsonObject(args) ? args : { Bucket: null };
  if (typeof Bucket !== 'string' || typeof Prefix !== 'string')
    throw new StateFailure('States.ResultWriterFailed', 'The ResultWriter needs Bucket and Prefix as texts.');
  const id = mapRun.arn.slice(mapRun.arn.lastIndexOf(':') + 1);
  const folder = [...(Prefix === '' ? [] : [Prefix.replace(/\/$/, '')]), id].join('/');
  const manifest = await write(thread, { Bucket, folder, writer, mapRun });
  return new Payload({ MapRunArn: mapRun.arn, ResultWriterDetails: { Bucket, Key: manifest } });
}

/** Writes a file for each kind of end that there is, and the manifest. Answers the manifest's key. */
async function write(
  thread: Thread,
  { Bucket, folder, writer, mapRun }: { Bucket: string; folder: string; writer: Writer; mapRun: MapRun },
): Promise<string> {
  const put = async (Key: string, text: string) => {
    const input = { Bucket, Key, Body: Buffer.from(text) };
    const call = { service: 's3', operation: 'PutObject', input } as const;
    await callForTask(call, thread.run, 'S3', () => 'States.ResultWriterFailed');
    return { Key, Size: input.Body.byteLength };
  };
  const { Transformation: how = 'NONE', OutputType: type = 'JSON' } = writer.WriterConfig ?? {};
  const file = async (kind: string, results: Json[]): Promise<Json[]> => {
    if (results.length === 0) return [];
    const text = type === 'JSON' ? JSON.stringify(results) : results.map((each) => JSON.stringify(each)).join('\n');
    return [await put(`${folder}/${kind}_0.${type.toLowerCase()}`, text)];
  };
  const { children, batches } = mapRun;
  const succeeded = children.filter(({ status }) => status === 'SUCCEEDED');
  const others = children.filter(({ status }) => status !== 'SUCCEEDED');
  const waiting = batches.slice(children.length).map(({ input }) => ({ Input: input.text, Status: 'PENDING' }));
  const ResultFiles = {
    FAILED: await file('FAILED', transform(others, 'NONE')),
    PENDING: await file('PENDING', waiting),
    SUCCEEDED: await file('SUCCEEDED', transform(succeeded, how)),
  };
  const { Key } = await put(
    `${folder}/manifest.json`,
    JSON.stringify({ DestinationBucket: Bucket, MapRunArn: mapRun.arn, ResultFiles }),
  );
  return Key;
}
