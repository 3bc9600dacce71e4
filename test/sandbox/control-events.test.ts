import type { Sandbox } from '@nightshift/sandbox';
import { worldOf } from '@nightshift/sandbox/test/world';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startNightshift } from '../../cli/start-sandbox.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startNightshift({ world: worldOf([{}]) });
});
afterAll(() => sandbox.stop());
beforeEach(() => sandbox.load(worldOf([{}])));

async function post(path: string, body: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${sandbox.endpoint}${path}`, { method: 'POST', body });
  return { status: response.status, body: await response.json() };
}

describe('/_sandbox/events', () => {
  const ended = {
    source: 'aws.states',
    'detail-type': 'Step Functions Execution Status Change',
    detail: {
      status: 'SUCCEEDED',
      stateMachineArn: 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-cluster',
    },
  };

  test('puts events on the default bus, tells the rules that they match, and delivers them', async () => {
    const other = { source: 'aws.ec2', 'detail-type': 'EC2 Instance State-change Notification', detail: {}, id: 'one' };
    const { status, body } = await post('/_sandbox/events', JSON.stringify([ended, other]));
    expect([status, body]).toEqual([
      200,
      [
        { id: expect.stringMatching(/^[0-9a-f-]{36}$/), rules: ['nightshift-execution-ended'] },
        { id: 'one', rules: [] },
      ],
    ]);
    await sandbox.live.region.clock.sleep(1000);
    expect(sandbox.calls).toMatchObject([
      {
        at: '2026-11-20T22:00:00.500Z',
        service: 'lambda',
        operation: 'Invoke',
        principal: 'events',
        input: {
          FunctionName: 'nightshift-on-execution-ended',
          Payload: {
            ...ended,
            version: '0',
            account: '111122223333',
            region: 'us-east-1',
            time: '2026-11-20T22:00:00Z',
          },
        },
      },
    ]);
  });

  test.each([
    ['{', 'events: must be JSON: '],
    ['{"source":"aws.eks","detail":{}}', 'events.0.detail-type: '],
    [JSON.stringify([ended, { ...ended, Detail: 1 }]), 'events.1: Unrecognized key: "Detail"'],
  ])('takes no %s', async (sent, problem) => {
    const { status, body } = await post('/_sandbox/events', sent);
    expect([status, body]).toEqual([400, { error: expect.stringContaining(problem) }]);
    expect(sandbox.live.messaging.buses.events).toEqual([]);
  });
});

describe('/_sandbox/schedules', () => {
  test('fires a schedule now, and names the one that is not there', async () => {
    const { schedules } = sandbox.live;
    schedules.create({
      name: 'sweep',
      group: 'default',
      expression: 'rate(1 day)',
      timezone: 'UTC',
      target: {
        Arn: 'arn:aws:lambda:us-east-1:111122223333:function:nightshift-on-execution-ended',
        RoleArn: 'arn:aws:iam::111122223333:role/nightshift-scheduler',
        Input: '{"kind":"sweep"}',
      },
      window: { Mode: 'OFF' },
      state: 'ENABLED',
      description: undefined,
      startDate: undefined,
      endDate: undefined,
      actionAfterCompletion: 'NONE',
      clientToken: undefined,
    });
    const fire = (body: string) => post('/_sandbox/schedules', body);
    expect(await fire('{"name":"sweep"}')).toMatchObject({ status: 200, body: { fired: true } });
    const { input } = sandbox.calls.find(({ principal }) => principal === 'nightshift-scheduler') ?? {};
    expect(input).toMatchObject({ Payload: { kind: 'sweep' } });
    expect(await fire('{"name":"none"}')).toMatchObject({
      status: 404,
      body: { error: 'Schedule none does not exist.' },
    });
    expect((await fire('sweep')).status).toBe(400);
  });
});
