import type * as Sdk from '@aws-sdk/client-lambda';
import type { Clock } from '../clock.ts';
import type { AsynchronousInvocations } from '../lambda/asynchronous.ts';
import { qualified, unqualified } from '../lambda/host.ts';
import type { Region } from '../region.ts';
import { ServiceError } from '../wire/error.ts';
import { type Operations, operations } from '../wire/operations.ts';
import { page } from './paging.ts';

/** What runs the functions; `sandbox/lambda/host.ts` does. */
export interface FunctionHost {
  readonly names: readonly string[];
  find(name: string): { readonly arn: string; readonly memory: number; readonly timeout: number } | undefined;
  invoke(
    name: string,
    payload: unknown,
    clock?: Clock,
  ): Promise<{ payload: unknown } | { error: { errorType: string; errorMessage: string; trace: string[] } }>;
}

/** AWS Lambda: Invoke, and enough to see what can be invoked. */
export function lambdaService(
  region: Region,
  host: FunctionHost,
  asynchronous: Pick<AsynchronousInvocations, 'invoke'>,
  onError: (error: unknown) => void,
): Operations {
  return operations<typeof Sdk>({
    Invoke: async ({ FunctionName, Qualifier, InvocationType = 'RequestResponse', Payload }, { principal }) => {
      const name = findFunction(host, FunctionName, Qualifier);
      if (InvocationType === 'DryRun') return { StatusCode: 204 };
      const event = readPayload(Payload);
      if (InvocationType === 'Event') {
        region.clock.busy(() => asynchronous.invoke(name, event, { principal, logged: true })).catch(onError);
        return { StatusCode: 202 };
      }
      const result = await region.clock.busy(() => host.invoke(name, event, region.clock));
      const base = { StatusCode: 200, ExecutedVersion: unqualified(name).version };
      if ('error' in result) return { ...base, FunctionError: 'Unhandled', Payload: bytes(result.error) };
      return { ...base, Payload: bytes(result.payload ?? null) };
    },
    GetFunction: ({ FunctionName, Qualifier }) => ({
      Configuration: describe(host, findFunction(host, FunctionName, Qualifier)),
    }),
    GetFunctionConfiguration: ({ FunctionName, Qualifier }) =>
      describe(host, findFunction(host, FunctionName, Qualifier)),
    ListFunctions: ({ Marker, MaxItems = 50 }) => {
      const { items, nextToken } = page(host.names, { token: Marker, size: MaxItems });
      return { Functions: items.map((name) => describe(host, name)), NextMarker: nextToken };
    },
  });
}

/** By name, ARN or partial ARN, with a version or without. Throws ResourceNotFoundException. */
function findFunction(host: FunctionHost, nameOrArn: string, qualifier: string | undefined): string {
  const [functionName = nameOrArn, suffix] = nameOrArn.replace(/^.*function:/, '').split(':');
  const name = qualified(functionName, qualifier ?? suffix);
  if (host.find(name)) return name;
  throw new ServiceError('ResourceNotFoundException', `Function not found: ${nameOrArn}`, 404, { Type: 'User' });
}

function readPayload(payload: Uint8Array | undefined): unknown {
  if (!payload || payload.byteLength === 0) return {};
  try {
    return JSON.parse(Buffer.from(payload).toString());
  } catch {
    throw new ServiceError('InvalidRequestContentException', 'Could not parse request body into json', 400, {
      Type: 'User',
    });
  }
}

function bytes(value: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(JSON.stringify(value)));
}

function describe(host: FunctionHost, name: string): Sdk.FunctionConfiguration {
  const definition = host.find(name);
  const { functionName: FunctionName, version: Version } = unqualified(name);
  return {
    FunctionName,
    FunctionArn: definition?.arn,
    MemorySize: definition?.memory,
    Timeout: definition?.timeout,
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Version,
  };
}
