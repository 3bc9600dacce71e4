import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type * as z from 'zod/mini';
import { AnswerTooLarge, NightshiftError } from '../core/errors.ts';
import { jsonBytes, LARGEST_ANSWER } from '../core/execution/state-data.ts';
import { parseInput } from '../core/values/parse-input.ts';

/** The log and the metrics of a handler. */
export interface Log {
  /** Logs one line for one decision (`window.closed`): ids, counts and a reason, never a payload. */
  decision(name: string, facts: Record<string, string | number | boolean | null>): void;
  /** Publishes a CloudWatch metric in the namespace `nightshift`. */
  count(metric: string, value: number): void;
}

/** The work of a handler: takes the parsed input and returns the answer for the state machine. */
export type Run<Input, Output> = (input: Input, log: Log) => Promise<Output>;

const logger = new Logger({ serviceName: 'nightshift' });
const metrics = new Metrics({ namespace: 'nightshift', serviceName: 'nightshift' });

const log: Log = {
  decision: (name, facts) => logger.info(name, { decision: facts }),
  count: (metric, value) => void metrics.addMetric(metric, MetricUnit.Count, value),
};

/**
 * Makes a Lambda handler of a function: parses the event, logs and counts, and throws errors under the names that the
 * state machine catches. `errorMessage` says what happened and what to do next.
 */
export function wrap<Input, Output>(
  schema: z.ZodMiniType<Input>,
  run: Run<Input, Output>,
): (event: unknown, context: Context) => Promise<Output> {
  return middy<unknown, Output>()
    .use(injectLambdaContext(logger, { resetKeys: true }))
    .use(logMetrics(metrics))
    .handler(async (event: unknown) => {
      try {
        const output = await run(parseInput(schema, event, 'The input'), log);
        refuseTooLarge(output);
        log.count('Succeeded', 1);
        return output;
      } catch (error) {
        log.count('Failed', 1);
        const shown = presented(error);
        logger.error('failed', { decision: { error: shown.name, message: shown.message } });
        throw shown;
      }
    });
}

/** Refuses an answer that is too large: Step Functions would end the execution with an error that no Catch sees. */
function refuseTooLarge(output: unknown): void {
  const bytes = jsonBytes(output);
  if (bytes > LARGEST_ANSWER)
    throw new AnswerTooLarge(`The answer has ${bytes} bytes; a state machine takes ${LARGEST_ANSWER}.`);
}

/** The error that Lambda reports: its name becomes `errorType`, its message `errorMessage`. */
export function presented(error: unknown): Error {
  if (error instanceof NightshiftError) {
    const shown = new Error(`${error.message} ${error.nextStep}`, { cause: error.cause });
    shown.name = error.name;
    return shown;
  }
  const shown = error instanceof Error ? error : new Error(String(error));
  if (!THROTTLED.has(shown.name)) return shown;
  const throttled = new Error(`${shown.name}: ${shown.message}`, { cause: shown });
  throttled.name = 'ThrottlingException';
  return throttled;
}

/**
 * What services call a throttled request besides ThrottlingException, which is the name that the state machines retry.
 * https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html and the list that the SDKs retry
 */
const THROTTLED = new Set([
  'EC2ThrottledException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
]);
