import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { batchOf, rolloutOfFleet } from '../../functions/core/fleet/rollout.ts';
import { type Fleet, FleetInput } from '../../functions/core/fleet/stages.ts';
import { readWith } from '../../functions/core/values/parse-input.ts';
import { asking, type Connection, whoAsks } from '../aws.ts';
import { type ExecutionName, findStateMachine, startExecution } from '../execution/executions.ts';
import { Failure, UsageError } from '../exit.ts';
import { deleteHold } from '../holds.ts';
import { readJsonFile } from '../json-file.ts';
import { nightshiftCommand } from '../terminal/paste.ts';
import { findRollout, runningRollouts } from './find-rollout.ts';

export interface StartedRollout {
  rollout: string;
  execution: ExecutionName;
}

/**
 * Starts a rollout of these stages, or, if `fleet` is null, of those that the deployment is configured with.
 * @throws Failure `NoStages` if the deployment has none, `RolloutRunning` while a rollout runs
 */
export async function startRollout(connection: Connection, fleet: Fleet | null, now: Date): Promise<StartedRollout> {
  const stateMachine = await findStateMachine(connection, 'migrate-fleet');
  const stages = fleet ?? (await configuredFleet(connection, stateMachine));
  await refuseSecond(connection, stateMachine);
  const requestedBy = await whoAsks(connection);
  if (fleet === null) {
    // The daily sweep continues the rollout of the configured stages, so it is one and the same.
    const rollout = rolloutOfFleet(stages);
    const input = { ...stages, rollout, requestedBy };
    return {
      rollout,
      execution: await startExecution(connection, { stateMachine, name: `${rollout}-${stamp(now)}`, input }),
    };
  }
  const rollout = `fleet-${stamp(now)}`;
  const input = { ...stages, requestedBy };
  return { rollout, execution: await startExecution(connection, { stateMachine, name: rollout, input }) };
}

/**
 * Releases the holds that a rollout put on its stages, and continues it.
 * @throws Failure `UnknownRollout`, `NotOpened`, `RolloutSucceeded`; `RolloutRunning` while this or another one runs
 */
export async function resumeRollout(connection: Connection, rollout: string, now: Date): Promise<StartedRollout> {
  const stateMachine = await findStateMachine(connection, 'migrate-fleet');
  const { record, described } = await findRollout(connection, stateMachine, rollout);
  await refuseSecond(connection, stateMachine);
  const status = nightshiftCommand(`rollout status ${rollout}`);
  if (record === null)
    throw new Failure('NotOpened', `rollout ${rollout} ended before it opened a stage: there is nothing to resume`, {
      nextStep: status,
    });
  if (described?.status === 'SUCCEEDED')
    throw new Failure('RolloutSucceeded', `rollout ${rollout} has succeeded: there is nothing to resume`, {
      nextStep: `for clusters that came later: ${nightshiftCommand('rollout start')}`,
    });
  for (const { name } of record.fleet.stages)
    await deleteHold(connection, { kind: 'batch', batch: batchOf({ rollout, stage: name }, record.attempt) });
  const input = { ...record.fleet, rollout, resume: true, requestedBy: await whoAsks(connection) };
  const name = `${rollout}-${stamp(now)}`;
  return { rollout, execution: await startExecution(connection, { stateMachine, name, input }) };
}

/** The workflow refuses a second rollout, too, but its execution would have started. @throws Failure */
async function refuseSecond(connection: Connection, stateMachine: string): Promise<void> {
  const [running] = await runningRollouts(connection, stateMachine);
  if (running)
    throw new Failure('RolloutRunning', `rollout ${running.rollout} is running, and only one can run at a time`, {
      nextStep: nightshiftCommand(`rollout status ${running.rollout}`),
    });
}

/** To the millisecond: two rollouts of one name cannot be. */
const stamp = (now: Date) => now.toISOString().replaceAll(/[-:.]/g, '');

/** The stages in a file. @throws UsageError for a file that cannot be read or breaks a rule */
export const readFleet = (file: string): Fleet => fleetIn(readJsonFile(file), file);

function fleetIn(value: unknown, place: string): Fleet {
  const read = readWith(FleetInput, value, 'The fleet');
  if (read.kind === 'parsed') return read.data;
  throw new UsageError(`${place}: ${read.sentence}`);
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
