import { ServiceError } from '../wire/error.ts';
import type { Operations } from '../wire/operations.ts';
import { operations } from '../wire/operations.ts';
import type { StepFunctions } from './engine.ts';
import type { MapRun } from './map-run.ts';
import { page } from './pages.ts';

/** Throws InvalidArn and ResourceNotFound. */
export function findMapRun(engine: StepFunctions, arn: string): MapRun {
  if (!/^arn:aws:states:[a-z0-9-]+:\d{12}:mapRun:[^:/]+\/[^:/]+:[^:]+$/.test(arn))
    throw new ServiceError('InvalidArn', `Invalid Arn: '${arn}'`);
  const mapRun = engine.mapRuns.get(arn);
  if (!mapRun) throw new ServiceError('ResourceNotFound', `Resource not found: '${arn}'`);
  return mapRun;
}

function describe(mapRun: MapRun) {
  const { limits, stopDate } = mapRun;
  const counts = mapRun.counts();
  return {
    mapRunArn: mapRun.arn,
    executionArn: mapRun.parent.arn,
    status: mapRun.status,
    startDate: mapRun.startDate,
    ...(stopDate && { stopDate }),
    maxConcurrency: limits.maxConcurrency,
    toleratedFailurePercentage: limits.toleratedFailurePercentage ?? 0,
    toleratedFailureCount: limits.toleratedFailureCount ?? 0,
    itemCounts: counts.items,
    executionCounts: counts.executions,
    redriveCount: 0,
  };
}

/** The operations of Step Functions that deal with Map Runs. */
export function mapRunOperations(engine: StepFunctions): Operations {
  return operations<typeof import('@aws-sdk/client-sfn')>({
    ListMapRuns: ({ executionArn, maxResults, nextToken }) => {
      if (!engine.executions.has(executionArn))
        throw new ServiceError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
      const newestFirst = [...engine.mapRuns.values()].filter(({ parent }) => parent.arn === executionArn).reverse();
      const { items, rest } = page(newestFirst, maxResults, 100, nextToken);
      const mapRuns = items.map(({ arn, machineArn, startDate, stopDate }) => ({
        executionArn,
        mapRunArn: arn,
        stateMachineArn: machineArn,
        startDate,
        ...(stopDate && { stopDate }),
      }));
      return { mapRuns, ...rest };
    },
    DescribeMapRun: ({ mapRunArn }) => describe(findMapRun(engine, mapRunArn)),
    UpdateMapRun: ({ mapRunArn, maxConcurrency, toleratedFailureCount, toleratedFailurePercentage }) => {
      const mapRun = findMapRun(engine, mapRunArn);
      if (mapRun.status !== 'RUNNING')
        throw new ServiceError(
          'ValidationException',
          `The Map Run is ${mapRun.status}: only a running one can change.`,
        );
      checkLimits(maxConcurrency, toleratedFailureCount, toleratedFailurePercentage);
      const { limits } = mapRun;
      limits.maxConcurrency = maxConcurrency ?? limits.maxConcurrency;
      limits.toleratedFailureCount = toleratedFailureCount ?? limits.toleratedFailureCount;
      limits.toleratedFailurePercentage = toleratedFailurePercentage ?? limits.toleratedFailurePercentage;
      mapRun.pump();
      return {};
    },
  });
}

/** Throws ValidationException. https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateMapRun.html */
function checkLimits(concurrency: number | undefined, count: number | undefined, percentage: number | undefined): void {
  if ([concurrency, count, percentage].some((each) => each !== undefined && each < 0) || (percentage ?? 0) > 100)
    throw new ServiceError('ValidationException', 'Limits of a Map Run are not negative, a percentage is at most 100.');
}
