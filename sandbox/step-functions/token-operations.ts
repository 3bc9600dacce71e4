import { ServiceError } from '../wire/error.ts';
import type { Operations } from '../wire/operations.ts';
import { operations } from '../wire/operations.ts';
import type { StepFunctions } from './engine.ts';
import type { Json } from './json.ts';
import { PAYLOAD_LIMIT, toJson } from './json.ts';

/** Throws InvalidOutput. */
function parseOutput(text: string): Json {
  if (Buffer.byteLength(text) > PAYLOAD_LIMIT)
    throw new ServiceError('InvalidOutput', `Invalid Output: more than ${PAYLOAD_LIMIT} bytes`);
  try {
    return toJson(JSON.parse(text));
  } catch (error) {
    throw new ServiceError('InvalidOutput', `Invalid Output: '${error instanceof Error ? error.message : error}'`);
  }
}

/** The operations by which others report what became of a task that waits with a token. */
export function tokenOperations({ tokens }: StepFunctions): Operations {
  return operations<typeof import('@aws-sdk/client-sfn')>({
    SendTaskSuccess: ({ taskToken, output }) => {
      tokens.succeed(taskToken, parseOutput(output));
      return {};
    },
    SendTaskFailure: ({ taskToken, error, cause }) => {
      tokens.fail(taskToken, error, cause);
      return {};
    },
    SendTaskHeartbeat: ({ taskToken }) => {
      tokens.heartbeat(taskToken);
      return {};
    },
  });
}
