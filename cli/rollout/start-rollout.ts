import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { isNightshiftError } from '../../functions/core/errors.ts';
import { batchOf } from '../../functions/core/fleet/rollout.ts';
import { type Fleet, parseRollout } from '../../functions/core/fleet/stages.ts';
import { asking, type Connection, whoAsks } from '../aws.ts';
import { describeExecution, type ExecutionName, findStateMachine, startExecution } from '../execution/executions.ts';
import { Failure, UsageError } from '../exit.ts';
import { deleteHold } from '../holds.ts';
import { readJsonFile } from '../json-file.ts';
import { nightshiftCommand } from '../terminal/paste.ts';
import { readRollout } from './read-rollout.ts';

export interface StartedRollout {
  rollout: string;
  execution: ExecutionName;
}

/**
 * Starts a rollout of the stages in a file, or, if `file` is null, of those that the deployment is configured with.
 * @throws UsageError for a file that breaks a rule; Failure `NoStages` if the deployment has none
 */
export async function startRollout(connection: Connection, file: string | null, now: Date): Promise<StartedRollout> {
  const stateMachine = await findStateMachine(connection, 'migrate-fleet');
  const fleet = file === null ? await configuredFleet(connection, stateMachine) : fleetIn(readJsonFile(file), file);
  const rollout = `fleet-${stamp(now)}`;
  const input = { ...fleet, requestedBy: await whoAsks(connection) };
  return { rollout, execution: await startExecution(connection, { stateMachine, name: rollout, input }) };
}

/** Releases the holds of a rollout's stages and continues it. @throws Failure `StillRunning`, `UnknownRollout` */
export async function resumeRollout(connection: Connection, rollout: string, now: Date): Promise<StartedRollout> {
  const stateMachine = await findStateMachine(connection, 'migrate-fleet');
  const record = await readRollout(connection, stateMachine, rollout);
  const { status } = await describeExecution(connection, record.execution);
  if (status === 'RUNNING')
    throw new Failure('StillRunning', `rollout ${rollout} is running`, {
      nextStep: nightshiftCommand(`rollout status ${rollout}`),
    });
  for (const { name } of record.fleet.stages)
    await deleteHold(connection, { kind: 'batch', batch: batchOf({ rollout, stage: name }, record.attempt) });
  const input = { ...record.fleet, rollout, resume: true, requestedBy: await whoAsks(connection) };
  const name = `${rollout}-${stamp(now)}`;
  return { rollout, execution: await startExecution(connection, { stateMachine, name, input }) };
}

const stamp = (now: Date) => now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '');

function fleetIn(value: unknown, place: string): Fleet {
  try {
    return parseRollout(value);
  } catch (cause) {
    if (isNightshiftError(cause)) throw new UsageError(`${place}: ${cause.message}`, { cause });
    throw cause;
  }
}

/** The stages stand in the environment of the function that starts rollouts by itself. */
async function configuredFleet(connection: Connection, stateMachine: string): Promise<Fleet> {
  const prefix = /:stateMachine:(.*)migrate-fleet$/.exec(stateMachine)?.[1] ?? '';
  const FunctionName = `${prefix}schedule-migrations`;
  const { Environment } = await asking(connection, 'read the configured stages', () =>
    connection.lambda.send(new GetFunctionConfigurationCommand({ FunctionName })),
  );
  const text = Environment?.Variables?.['NIGHTSHIFT_FLEET'];
  if (text !== undefined && text !== 'null') return fleetIn(JSON.parse(text), FunctionName);
  throw new Failure('NoStages', 'the deployment has no stages', {
    nextStep: 'give --stages FILE, or configure fleet.stages in nightshift.config.json',
  });
}
