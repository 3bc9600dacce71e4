import type { SFN } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { distributed, ServedRegion, startOnly } from './served.ts';

const ARN = 'arn:aws:states:us-east-1:111122223333';
const CHILD = `${ARN}:execution:child:run-1`;

let world: ServedRegion;
let sfn: SFN;
beforeEach(async () => {
  world = new ServedRegion();
  ({ sfn } = await world.open());
});
afterEach(async () => {
  await world.close();
  expect([...world.bugs, ...world.broken, ...world.clockErrors]).toEqual([]);
});

async function createChild(state: Record<string, unknown>): Promise<void> {
  const definition = JSON.stringify({ QueryLanguage: 'JSONata', StartAt: 'Only', States: { Only: state } });
  await sfn.createStateMachine({ name: 'child', definition, roleArn: 'arn:aws:iam::111122223333:role/child' });
}
const starts = (pattern: string, fields: Record<string, unknown> = {}) => ({
  Type: 'Task',
  Resource: `arn:aws:states:::states:startExecution${pattern}`,
  Arguments: {
    StateMachineArn: `${ARN}:stateMachine:child`,
    Name: '{% $states.context.Execution.Name %}',
    Input: { cluster: 'demo', parent: '{% $states.context.Execution.Id %}' },
  },
  ...fields,
});
const described = {
  ExecutionArn: CHILD,
  InputDetails: { Included: true },
  Name: 'run-1',
  StartDate: 1795298400000,
  StateMachineArn: `${ARN}:stateMachine:child`,
  StopDate: 1795302000000,
};
const INPUT = { cluster: 'demo', parent: `${ARN}:execution:fleet:run-1` };
const waits = { Type: 'Wait', Seconds: 3600, Output: { done: true }, End: true };

test.each([
  ['.sync', { Input: JSON.stringify(INPUT), Output: '{"done":true}' }],
  ['.sync:2', { Input: INPUT, Output: { done: true } }],
])('startExecution%s waits for the child and answers its description', async (pattern, data) => {
  await createChild(waits);
  const arn = await startOnly(sfn, starts(pattern));
  await world.clock.idle();
  const { output } = await sfn.describeExecution({ executionArn: arn });
  expect(JSON.parse(output ?? '')).toEqual({
    ...described,
    ...data,
    OutputDetails: { Included: true },
    Status: 'SUCCEEDED',
  });
  const { events = [] } = await sfn.getExecutionHistory({ executionArn: arn });
  expect(events[4]).toMatchObject({
    type: 'TaskSubmitted',
    taskSubmittedEventDetails: { resourceType: 'states', resource: `startExecution${pattern}` },
  });
});

test.each(['.sync', '.sync:2'])('startExecution%s fails with the child, and says how', async (pattern) => {
  await createChild({ Type: 'Fail', Error: 'TooLate', Cause: 'the window is over' });
  const arn = await startOnly(sfn, starts(pattern));
  await world.clock.idle();
  const { error, cause } = await sfn.describeExecution({ executionArn: arn });
  expect(error).toBe('States.TaskFailed');
  expect(JSON.parse(cause ?? '')).toMatchObject({
    ExecutionArn: CHILD,
    Input: JSON.stringify(INPUT),
    Status: 'FAILED',
    Error: 'TooLate',
    Cause: 'the window is over',
  });
});

test.each(['.sync', '.sync:2'])('stopping the parent of startExecution%s stops the child', async (pattern) => {
  await createChild(waits);
  const executionArn = await startOnly(sfn, starts(pattern));
  await world.frozen(async () => {
    while (world.calls.filter(({ operation }) => operation === 'StartExecution').length < 2)
      await new Promise(setImmediate);
    await sfn.stopExecution({ executionArn });
  });
  await world.clock.idle();
  expect(await sfn.describeExecution({ executionArn: CHILD })).toMatchObject({
    status: 'ABORTED',
    stopDate: new Date('2026-11-21T22:00:00Z'),
  });
});

test('startExecution alone does not wait, and the child outlives its parent', async () => {
  await createChild(waits);
  const arn = await startOnly(sfn, starts(''));
  await world.clock.idle();
  expect(await sfn.describeExecution({ executionArn: arn })).toMatchObject({
    output: `{"ExecutionArn":"${CHILD}","StartDate":"2026-11-21T22:00:00.000Z"}`,
    stopDate: new Date('2026-11-21T22:00:00Z'),
  });
  expect(await sfn.describeExecution({ executionArn: CHILD })).toMatchObject({
    status: 'SUCCEEDED',
    stopDate: new Date('2026-11-21T23:00:00Z'),
  });
});

test('a name that is taken fails the task by name', async () => {
  await createChild({ Type: 'Succeed' });
  await sfn.startExecution({ stateMachineArn: `${ARN}:stateMachine:child`, name: 'run-1' });
  await world.clock.idle();
  const arn = await startOnly(sfn, starts('.sync:2'));
  await world.clock.idle();
  expect((await sfn.describeExecution({ executionArn: arn })).error).toBe(
    'StepFunctions.ExecutionAlreadyExistsException',
  );
});

test('startExecution with a token waits for the token, not for the child', async () => {
  await createChild({
    Type: 'Task',
    Resource: 'arn:aws:states:::aws-sdk:sfn:sendTaskSuccess',
    Arguments: { TaskToken: '{% $states.input.token %}', Output: { from: 'the child' } },
    End: true,
  });
  const state = starts('.waitForTaskToken');
  const Arguments = { ...state.Arguments, Input: { token: '{% $states.context.Task.Token %}' } };
  const arn = await startOnly(sfn, { ...state, Arguments });
  await world.clock.idle();
  expect((await sfn.describeExecution({ executionArn: arn })).output).toBe('{"from":"the child"}');
});

const REFUSED =
  /^User: arn:aws:sts::111122223333:assumed-role\/fleet\/run-1 is not authorized to perform: (.+) on resource: (.+) because no identity-based policy allows the .+ action \(Service: AWSStepFunctions, /;

test.each([
  ['', `states:StartExecution ${ARN}:stateMachine:child`],
  ['.sync:2', `states:StartExecution ${ARN}:stateMachine:child`],
  ['.sync:2', `states:DescribeExecution ${CHILD}`],
])('startExecution%s fails by name without %s', async (pattern, right) => {
  await createChild(waits);
  world.lacking.add(right);
  const arn = await startOnly(sfn, starts(pattern));
  await world.clock.idle();
  const { error, cause = '' } = await sfn.describeExecution({ executionArn: arn });
  expect(error).toBe('StepFunctions.AWSStepFunctionsException');
  expect(REFUSED.exec(cause)?.slice(1).join(' ')).toBe(right);
});

test('without states:StopExecution a stopped parent leaves the child running', async () => {
  await createChild(waits);
  world.lacking.add(`states:StopExecution ${CHILD}`);
  const executionArn = await startOnly(sfn, starts('.sync:2'));
  await world.frozen(async () => {
    while (world.calls.filter(({ operation }) => operation === 'StartExecution').length < 2)
      await new Promise(setImmediate);
    await sfn.stopExecution({ executionArn });
  });
  await world.clock.idle();
  expect((await sfn.describeExecution({ executionArn })).status).toBe('ABORTED');
  expect(await sfn.describeExecution({ executionArn: CHILD })).toMatchObject({
    status: 'SUCCEEDED',
    stopDate: new Date('2026-11-21T23:00:00Z'),
  });
});

test.each(['PutTargets', 'PutRule', 'DescribeRule'])(
  'a state machine that waits for executions is refused without events:%s on the rule that reports their ends',
  async (action) => {
    const rule = 'arn:aws:events:us-east-1:111122223333:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule';
    world.lacking.add(`events:${action} ${rule}`);
    await createChild(waits);
    const inMap = distributed({ Run: { ...starts('.sync:2'), End: true } });
    for (const state of [starts('.sync'), starts('.sync:2'), inMap])
      await expect(startOnly(sfn, state)).rejects.toMatchObject({
        name: 'AccessDeniedException',
        message: "'arn:aws:iam::111122223333:role/fleet' is not authorized to create managed-rule.",
      });
    await startOnly(sfn, starts(''));
    await world.clock.idle();
  },
);
