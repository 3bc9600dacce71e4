import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListStateMachinesCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { isExecutionName } from '../../functions/core/execution/executions.ts';
import type { Machine } from '../../state-machines/phases.ts';
import { asking, type Connection } from '../aws.ts';
import { Failure, UsageError } from '../exit.ts';
import { nightshiftCommand } from '../terminal/paste.ts';

const EXECUTION_ARN =
  /^arn:[\w-]+:states:(?<region>[\w-]+):(?<account>\d{12}):execution:(?<machine>[\w-]+):(?<name>[^:]+)$/;

/** An execution's ARN, taken apart. */
export interface ExecutionName {
  arn: string;
  name: string;
  region: string;
  account: string;
  stateMachine: string;
}

/** Null when `text` is not the ARN of a Standard execution. */
export function parseExecutionArn(text: string): ExecutionName | null {
  const groups = EXECUTION_ARN.exec(text)?.groups;
  if (!groups) return null;
  const { name = '', region = '', account = '', machine = '' } = groups;
  if (!isExecutionName(name)) return null;
  return { arn: text, name, region, account, stateMachine: machine };
}

/**
 * ARN of the deployed state machine whose name ends in `machine`: a deployment may put a prefix in front.
 *
 * @throws Failure `NotDeployed`, or `AmbiguousStateMachine` when several names end in it.
 */
export async function findStateMachine(
  connection: Connection,
  machine: Machine | 'migrate-fleet' = 'migrate-cluster',
): Promise<string> {
  return onlyOne(connection, machine, await stateMachines(connection));
}

async function stateMachines(connection: Connection): Promise<string[]> {
  const found: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await asking(connection, 'list the state machines', () =>
      connection.sfn.send(new ListStateMachinesCommand({ maxResults: 1000, nextToken })),
    );
    found.push(...(page.stateMachines ?? []).flatMap(({ stateMachineArn }) => stateMachineArn ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found;
}

function onlyOne(connection: Connection, machine: Machine | 'migrate-fleet', all: readonly string[]): string {
  const found = all.filter((arn) => arn.endsWith(machine));
  const [only, ...others] = found;
  if (only === undefined)
    throw new Failure(
      'NotDeployed',
      `nightshift is not deployed in ${connection.region}: no state machine ${machine}`,
      {
        nextStep: `choose the Region where it is with AWS_REGION, or try it without AWS: ${nightshiftCommand('demo')}`,
      },
    );
  if (others.length > 0)
    throw new Failure('AmbiguousStateMachine', `several state machines end in ${machine}: ${found.join(', ')}`, {
      nextStep: 'choose one with --state-machine ARN',
    });
  return only;
}

/**
 * The executions that a person can mean by an ARN or a name: of the migration by that name, or of a rollback.
 *
 * @throws UsageError when it can be neither.
 */
export async function possibleExecutions(
  connection: Connection,
  text: string,
): Promise<[ExecutionName, ...ExecutionName[]]> {
  const arn = parseExecutionArn(text);
  if (arn) return [arn];
  if (!isExecutionName(text))
    throw new UsageError(`${JSON.stringify(text.slice(0, 120))} is neither the ARN nor the name of an execution`, {
      nextStep: 'a name has 1 to 80 letters, digits, dots, - or _; `migrate` prints it',
    });
  const machines = await stateMachines(connection);
  const first = executionOf(onlyOne(connection, 'migrate-cluster', machines), text);
  const rollbacks = machines.filter((machine) => machine.endsWith('rollback-cluster'));
  return [first, ...rollbacks.map((machine) => executionOf(machine, text))];
}

function executionOf(machine: string, name: string): ExecutionName {
  const execution = parseExecutionArn(`${machine.replace(':stateMachine:', ':execution:')}:${name}`);
  if (!execution) throw new UsageError(`${machine} is not the ARN of a Standard state machine`);
  return execution;
}

/**
 * Name of a new execution: the cluster and the moment, in at most 80 characters. Two clusters whose first 60 characters
 * agree differ by the moment.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function executionName(cluster: string, now: Date): string {
  return `${cluster.slice(0, 60)}-${now.toISOString().replace(/[-:.]/g, '')}`;
}

/** Starts one execution. @throws Failure when the state machine does not exist or refuses. */
export async function startExecution(
  connection: Connection,
  execution: { stateMachine: string; name: string; input: unknown },
): Promise<ExecutionName> {
  const answer = await asking(connection, 'start the execution', () =>
    connection.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: execution.stateMachine,
        name: execution.name,
        input: JSON.stringify(execution.input),
      }),
    ),
  ).catch((error: unknown) => {
    throw notThere(error, execution.stateMachine, 'state machine');
  });
  const started = parseExecutionArn(answer.executionArn ?? '');
  if (!started) throw new Failure('UnexpectedAnswer', `StartExecution answered ${String(answer.executionArn)}`);
  return started;
}

/** The execution as Step Functions describes it now. @throws Failure if it does not exist. */
export async function describeExecution(connection: Connection, arn: string): Promise<DescribeExecutionOutput> {
  return asking(connection, 'ask for the execution', () =>
    connection.sfn.send(new DescribeExecutionCommand({ executionArn: arn })),
  ).catch((error: unknown) => {
    throw notThere(error, arn, 'execution');
  });
}

/** Whether Step Functions knows the execution. */
export async function executionThere(connection: Connection, arn: string): Promise<boolean> {
  try {
    await describeExecution(connection, arn);
    return true;
  } catch (error) {
    if (error instanceof Failure && error.name === 'ExecutionDoesNotExist') return false;
    throw error;
  }
}

/**
 * The events after `lastId`, oldest first. Reads backwards from the newest, so that a follower reads only new events.
 */
export async function eventsAfter(connection: Connection, arn: string, lastId: number): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await asking(connection, "read the execution's history", () =>
      connection.sfn.send(
        new GetExecutionHistoryCommand({ executionArn: arn, reverseOrder: true, maxResults: 200, nextToken }),
      ),
    ).catch((error: unknown) => {
      throw notThere(error, arn, 'execution');
    });
    const fresh = (page.events ?? []).filter((event) => (event.id ?? 0) > lastId);
    events.push(...fresh);
    nextToken = fresh.length === page.events?.length ? page.nextToken : undefined;
  } while (nextToken !== undefined);
  return events.toSorted((a, b) => (a.id ?? 0) - (b.id ?? 0));
}

const NOT_THERE = new Set(['ExecutionDoesNotExist', 'StateMachineDoesNotExist', 'InvalidArn']);

function notThere(error: unknown, arn: string, noun: string): unknown {
  if (!(error instanceof Error) || !NOT_THERE.has(error.name)) return error;
  return new Failure(error.name, `there is no ${noun} ${arn}`, {
    nextStep:
      noun === 'execution'
        ? 'check name and Region; Step Functions forgets an execution 90 days after its end, the evidence bucket keeps its outcome'
        : 'leave --state-machine out to find the one that is deployed',
    cause: error,
  });
}
