import { ServiceError } from '../wire/error.ts';
import type { Operations } from '../wire/operations.ts';
import { operations } from '../wire/operations.ts';
import type { StepFunctions } from './engine.ts';
import type { Execution, Origin, StateMachine } from './execution.ts';
import { errorAndCause } from './execution.ts';
import { InvalidDefinition } from './failure.ts';
import { uuid } from './functions.ts';
import type { Json } from './json.ts';
import { PAYLOAD_LIMIT, toJson } from './json.ts';
import { findMapRun, mapRunOperations } from './map-run-operations.ts';
import { page, withoutData } from './pages.ts';
import { checkMachineAsked, isOf, listedOf, metadataOnly } from './request-checks.ts';
import { tokenOperations } from './token-operations.ts';
import { versionOperations } from './version-operations.ts';

/** https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html */
const NAME = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]{1,80}$/u;
/** An ended execution's name is free again after this many days. */
const NAME_DAYS = 90;
const DAY = 86_400_000;

function checkName(name: string): void {
  if (!NAME.test(name))
    throw new ServiceError(
      'InvalidName',
      `Invalid Name: '${name}' (1 to 80 characters, none of them a space, a bracket, a wildcard or special)`,
    );
}

/** `arn:aws:states:region:account:stateMachine:name`, with or without a version or alias behind. */
function resolveMachine(engine: StepFunctions, arn: string): { machine: StateMachine; origin: Origin } {
  if (!/^arn:aws:states:[a-z0-9-]+:\d{12}:stateMachine:[^:]+(:[^:]+)?$/.test(arn))
    throw new ServiceError('InvalidArn', `Invalid Arn: '${arn}'`);
  const machine = engine.machines.get(arn);
  const found = machine ? { machine, origin: {} } : engine.versions.resolve(arn);
  if (!found) throw new ServiceError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  return found;
}

function findExecution(engine: StepFunctions, arn: string): Execution {
  if (!/^arn:aws:states:[a-z0-9-]+:\d{12}:execution:[^:]+:[^:]+$/.test(arn))
    throw new ServiceError('InvalidArn', `Invalid Arn: '${arn}'`);
  const execution = engine.executions.get(arn);
  if (!execution) throw new ServiceError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  return execution;
}

function parseInput(text: string): Json {
  if (Buffer.byteLength(text) > PAYLOAD_LIMIT)
    throw new ServiceError(
      'InvalidExecutionInput',
      `Invalid State Machine Execution Input: more than ${PAYLOAD_LIMIT} bytes`,
    );
  try {
    return toJson(JSON.parse(text));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ServiceError('InvalidExecutionInput', `Invalid State Machine Execution Input: '${message}'`);
  }
}

/**
 * Starts an execution, or answers the running one of this name and input. Names are taken until 90 days after the end.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
function startExecution(engine: StepFunctions, arn: string, name: string, text: string): Execution {
  const { machine, origin } = resolveMachine(engine, arn);
  checkName(name);
  const input = parseInput(text);
  const former = engine.executions.get(engine.executionArn(machine, name));
  if (!former) return engine.start(machine, name, input, origin);
  if (former.status === 'RUNNING' && former.input.text === JSON.stringify(input)) return former;
  const now = engine.world.region.clock.now().getTime();
  if (former.stopDate && now - former.stopDate.getTime() >= NAME_DAYS * DAY)
    return engine.start(machine, name, input, origin);
  throw new ServiceError('ExecutionAlreadyExists', `Execution Already Exists: '${former.arn}'`);
}

/** Oldest first. */
function executionsOf(engine: StepFunctions, asked: ReturnType<typeof listedOf>): Execution[] {
  if ('mapRunArn' in asked) return [...findMapRun(engine, asked.mapRunArn).children];
  const { machine, origin } = resolveMachine(engine, asked.stateMachineArn);
  return [...engine.executions.values()].filter((each) => isOf(each, machine, origin));
}

function listedExecution({ arn, machine, mapRun, name, status, startDate, stopDate }: Execution) {
  return {
    executionArn: arn,
    stateMachineArn: machine.arn,
    ...(mapRun && { mapRunArn: mapRun.arn, itemCount: mapRun.items }),
    name,
    status,
    startDate,
    ...(stopDate ? { stopDate } : {}),
  };
}

function describeExecution(execution: Execution, bare: boolean) {
  const { stopDate, output, origin } = execution;
  const included = !bare;
  return {
    executionArn: execution.arn,
    stateMachineArn: execution.machine.arn,
    stateMachineVersionArn: origin.versionArn,
    stateMachineAliasArn: origin.aliasArn,
    ...(execution.mapRun && { mapRunArn: execution.mapRun.arn }),
    name: execution.name,
    status: execution.status,
    startDate: execution.startDate,
    ...(stopDate ? { stopDate } : {}),
    ...(included && { input: execution.input.text }),
    inputDetails: { included },
    ...(output && { ...(included && { output: output.text }), outputDetails: { included } }),
    ...(included && errorAndCause(execution.error, execution.cause)),
    redriveCount: 0,
    redriveStatus: 'NOT_REDRIVABLE' as const,
    redriveStatusReason: `Execution is ${execution.status} and cannot be redriven`,
  };
}

/** Without its data a definition is `{}`. */
function describeMachine(machine: StateMachine, bare: boolean) {
  return {
    stateMachineArn: machine.arn,
    name: machine.name,
    definition: bare ? '{}' : machine.text,
    roleArn: machine.roleArn,
    revisionId: machine.revisionId,
  };
}

function createStateMachine(engine: StepFunctions, name: string, definition: string, roleArn: string): StateMachine {
  checkName(name);
  const { account, name: region } = engine.world.region;
  const former = engine.machines.get(`arn:aws:states:${region}:${account}:stateMachine:${name}`);
  if (former && former.text === definition && former.roleArn === roleArn) return former;
  if (former) throw new ServiceError('StateMachineAlreadyExists', `State Machine Already Exists: '${former.arn}'`);
  try {
    return engine.register({ name, definition, roleArn });
  } catch (error) {
    if (error instanceof InvalidDefinition) throw new ServiceError('InvalidDefinition', error.message);
    throw error;
  }
}

/** The API of Step Functions, service id `states`, over `engine`. Errors are ServiceErrors with AWS's codes. */
export function stepFunctionsService(engine: StepFunctions): Operations {
  const { clock, random } = engine.world.region;
  const own = operations<typeof import('@aws-sdk/client-sfn')>({
    CreateStateMachine: ({ name, definition, roleArn, publish, ...asked }) => {
      checkMachineAsked({ publish, ...asked });
      const machine = createStateMachine(engine, name, definition, roleArn);
      const version = publish === true ? engine.versions.publish(machine, clock.now()) : undefined;
      return {
        stateMachineArn: machine.arn,
        creationDate: machine.createdAt,
        ...(version && { stateMachineVersionArn: version.arn }),
      };
    },
    ListStateMachines: ({ maxResults, nextToken }) => {
      const { items, rest } = page([...engine.machines.values()], maxResults, 100, nextToken);
      const stateMachines = items.map(({ arn, name, createdAt }) => ({
        stateMachineArn: arn,
        name,
        type: 'STANDARD' as const,
        creationDate: createdAt,
      }));
      return { stateMachines, ...rest };
    },
    DescribeStateMachine: ({ stateMachineArn, includedData }) => {
      const machine = resolveMachine(engine, stateMachineArn).machine;
      const described = describeMachine(machine, metadataOnly(includedData));
      return { ...described, status: 'ACTIVE', type: 'STANDARD', creationDate: machine.createdAt };
    },
    DescribeStateMachineForExecution: ({ executionArn, includedData }) => {
      const { machine, mapRun } = findExecution(engine, executionArn);
      const described = describeMachine(machine, metadataOnly(includedData));
      const ofMapRun = mapRun && { mapRunArn: mapRun.arn, label: machine.name.split('/')[1] };
      return { ...described, ...ofMapRun, updateDate: machine.createdAt };
    },
    StartExecution: ({ stateMachineArn, name, input }) => {
      const { arn, startDate } = startExecution(engine, stateMachineArn, name ?? uuid(random), input ?? '{}');
      return { executionArn: arn, startDate };
    },
    StopExecution: ({ executionArn, error, cause }) => {
      const execution = findExecution(engine, executionArn);
      engine.stop(execution, error, cause);
      return { stopDate: execution.stopDate ?? clock.now() };
    },
    DescribeExecution: ({ executionArn, includedData }) =>
      describeExecution(findExecution(engine, executionArn), metadataOnly(includedData)),
    ListExecutions: ({ maxResults, nextToken, ...asked }) => {
      const { statusFilter } = asked;
      const newestFirst = executionsOf(engine, listedOf(asked))
        .filter(({ status }) => !statusFilter || status === statusFilter)
        .reverse();
      const { items, rest } = page(newestFirst, maxResults, 100, nextToken);
      return { executions: items.map(listedExecution), ...rest };
    },
    GetExecutionHistory: ({ executionArn, maxResults, nextToken, reverseOrder, includeExecutionData }) => {
      const { history } = findExecution(engine, executionArn);
      const { items, rest } = page(reverseOrder ? history.toReversed() : history, maxResults, 100, nextToken);
      return { events: includeExecutionData === false ? items.map(withoutData) : items, ...rest };
    },
  });
  return { ...own, ...versionOperations(engine), ...mapRunOperations(engine), ...tokenOperations(engine) };
}
