import { expect, test } from 'vitest';
import { checkGuards } from '../../../functions/handlers/check-guards.ts';
import { common, RecordedLog } from './fakes.ts';

const guards = { alarms: ['a'], onGuard: 'hold' as const, onUnknown: 'closed' as const };
const input = { ...common, cluster: { name: 'demo', guards } };

function checking(result: 'put' | 'there', alarm = 'ALARM') {
  const put: object[] = [];
  const run = checkGuards({
    cloudwatch: { alarms: async () => ({ kind: 'read', alarms: [{ name: 'a', state: alarm, reason: '12 errors' }] }) },
    ssm: {
      parameters: async () => [],
      createParameter: async (parameter) => {
        put.push(parameter);
        return result === 'put';
      },
      putParameter: async (parameter) => void put.push(parameter),
    },
  });
  return { run, put };
}

test('alarms that are OK put no hold', async () => {
  const { run, put } = checking('put', 'OK');
  expect([await run(input, new RecordedLog()), put]).toEqual([{ kind: 'quiet' }, []]);
});

test('a hold that another put between the look and the own one stays', async () => {
  const { run, put } = checking('there');
  expect(await run(input, new RecordedLog())).toMatchObject({
    guard: {
      reason:
        'every node has proven the target, but the alarm a is in ALARM (12 errors); another hold was put just before',
      hold: 'kept',
    },
  });
  expect(put).toMatchObject([{ name: '/nightshift/holds/clusters/demo' }]);
});

test('the hold of a guard has a reason that a hold can have, whatever CloudWatch says', async () => {
  const alarms = Array.from({ length: 30 }, (_, index) => `alarm-${index}-${'x'.repeat(200)}`);
  const { run, put } = checking('put');
  const answer = await run({ ...input, cluster: { name: 'demo', guards: { ...guards, alarms } } }, new RecordedLog());
  expect(answer).toMatchObject({ guard: { alarms: { length: 10 }, hold: 'put' } });
  expect(JSON.parse(String(Reflect.get(put[0] ?? {}, 'value')))).toMatchObject({
    reason: expect.stringMatching(/^after the migration .{278,}…$/),
    by: 'nightshift',
  });
});
