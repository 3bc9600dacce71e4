import { ListExecutionsCommand, SFN, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { SSM } from '@aws-sdk/client-ssm';
import { afterEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../index.ts';
import { WorldError } from '../../world.ts';
import { worldOf } from '../world.ts';

let sandbox: Sandbox | undefined;
afterEach(() => sandbox?.stop());

const MACHINE = 'arn:aws:states:us-east-1:111122223333:stateMachine:sandbox-pass';
const template = {
  Resources: {
    Pass: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        StateMachineName: 'sandbox-pass',
        RoleArn: 'arn:aws:iam::111122223333:role/pass',
        DefinitionString: JSON.stringify({
          QueryLanguage: 'JSONata',
          StartAt: 'One',
          States: { One: { Type: 'Pass', Next: 'Two' }, Two: { Type: 'Pass', End: true } },
        }),
      },
    },
  },
};

async function open(more: object) {
  sandbox = await startSandbox({ world: worldOf([], more), template });
  const { endpoint, live } = sandbox;
  const credentials = { accessKeyId: 'AKIAPERSON', secretAccessKey: 'secret' };
  const options = { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 };
  return { sandbox, clock: live.region.clock, sfn: new SFN(options), ssm: new SSM(options) };
}

test('StartExecution takes a token from a bucket of 1,300 in us-east-1, which gains 300 a second', async () => {
  const { sandbox: running, clock, sfn } = await open({ rates: { published: true } });
  const start = async () => {
    const input = '{}';
    const outcome = await sfn
      .send(new StartExecutionCommand({ stateMachineArn: MACHINE, input }))
      .catch((error) => error);
    return outcome instanceof Error ? `${outcome.name}: ${outcome.message}` : 'started';
  };
  const many = async (count: number) => {
    const outcomes: string[] = [];
    for (let done = 0; done < count; done += 50)
      outcomes.push(...(await Promise.all(Array.from({ length: Math.min(50, count - done) }, start))));
    return outcomes.filter((outcome) => outcome === 'started').length;
  };
  await clock.busy(async () => {
    expect(await many(1_305)).toBe(1_300);
    expect(await start()).toBe('ThrottlingException: Rate exceeded');
  });
  expect(await running.state()).toMatchObject({ throttled: { 'states:StartExecution': 6 } });
  expect(running.calls.filter(({ error }) => error === 'ThrottlingException')).toHaveLength(6);
  await clock.sleep(1_000);
  await clock.busy(async () => expect(await many(302)).toBeGreaterThanOrEqual(300));
});

test('operations that share a quota share a bucket, in the shape of their service’s errors', async () => {
  const { sandbox: running, clock, ssm } = await open({ rates: { published: true } });
  await ssm.putParameter({ Name: '/a', Value: 'v', Type: 'String' });
  await clock.busy(async () => {
    for (let call = 0; call < 20; call += 1) {
      await ssm.getParameter({ Name: '/a' });
      await ssm.getParametersByPath({ Path: '/' });
    }
    await expect(ssm.getParameters({ Names: ['/a'] })).rejects.toMatchObject({
      name: 'ThrottlingException',
      message: 'Rate exceeded',
      $metadata: { httpStatusCode: 400 },
    });
  });
  expect((await running.state()).throttled).toEqual({ 'ssm:GetParameters': 1 });
});

test('a world has rates of its own, for what AWS publishes none', async () => {
  const { clock, ssm } = await open({ rates: { own: { 'ssm:ListCommands': { size: 2, perSecond: 0.5 } } } });
  await clock.busy(async () => {
    await ssm.listCommands({});
    await ssm.listCommands({});
    await expect(ssm.listCommands({})).rejects.toThrow('Rate exceeded');
  });
  await clock.sleep(2_000);
  await clock.busy(async () => {
    await ssm.listCommands({});
    await expect(ssm.listCommands({})).rejects.toThrow('Rate exceeded');
  });
});

test('executions wait where there are more transitions than 800 at once and 500 a second', async () => {
  const world = { ...worldOf([], { rates: { published: true } }), region: 'eu-central-1' };
  sandbox = await startSandbox({ world, template });
  const { live } = sandbox;
  const { clock } = live.region;
  const began = clock.now().getTime();
  const [stateMachineArn = ''] = Object.values(sandbox.stateMachines);
  const call = { service: 'states', operation: 'StartExecution', principal: 'person', principalArn: 'arn' } as const;
  await clock.busy(async () => {
    for (let started = 0; started < 800; started += 1)
      await live.dispatcher.call({ ...call, input: { stateMachineArn, input: '{}' } });
  });
  await clock.idle();
  // 1,600 transitions: 800 at once, 800 at 500 a second.
  expect(clock.now().getTime() - began).toBe(1_600);
  const { executions, throttled } = await sandbox.state();
  expect([executions.filter(({ status }) => status === 'SUCCEEDED').length, throttled]).toEqual([
    800,
    { StateTransition: 800 },
  ]);
});

test('without rates no call is throttled, and the state has no count', async () => {
  const { sandbox: running, clock, sfn } = await open({});
  await clock.busy(async () => {
    for (let call = 0; call < 210; call += 1) await sfn.send(new ListExecutionsCommand({ stateMachineArn: MACHINE }));
  });
  expect(await running.state()).not.toHaveProperty('throttled');
});

test('a rate of an operation that is not there is refused', async () => {
  const world = worldOf([], { rates: { own: { 'ssm:Nothing': { size: 1, perSecond: 1 } } } });
  await expect(startSandbox({ world })).rejects.toThrow(
    new WorldError('/rates/own/ssm:Nothing: is no operation of a service that the sandbox has'),
  );
});
