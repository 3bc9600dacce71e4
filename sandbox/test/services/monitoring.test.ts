import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSandbox } from '../../index.ts';
import { Alarms } from '../../services/monitoring/alarms.ts';
import { monitoringService } from '../../services/monitoring.ts';
import { worldOf } from '../world.ts';
import { TestRegion } from './region.ts';

const SCOPE = 'Credential=AKIAX/20261121/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=0';
const authorization = `AWS4-HMAC-SHA256 ${SCOPE}`;

/** As the AWS SDK for JavaScript sends it. */
async function call(endpoint: string, operation: string, input: object) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      authorization,
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `GraniteServiceVersion20100801.${operation}`,
      'x-amzn-query-mode': 'true',
    },
    body: JSON.stringify(input),
  });
  const text = await response.text();
  const queryError = response.headers.get('x-amzn-query-error');
  return { status: response.status, queryError, body: JSON.parse(text) };
}

const METRIC = {
  Namespace: 'AWS/SQS',
  MetricName: 'ApproximateNumberOfMessagesVisible',
  EvaluationPeriods: 1,
  ComparisonOperator: 'GreaterThanThreshold',
  Threshold: 0,
};

describe('CloudWatch’s alarms', () => {
  let world: TestRegion;
  let endpoint: string;
  beforeEach(async () => {
    world = new TestRegion();
    world.dispatcher.register('monitoring', monitoringService(new Alarms(world.region)));
    ({ endpoint } = await world.listen());
  });
  afterEach(() => world.close());
  const names = async (input: object) => {
    const { body } = await call(endpoint, 'DescribeAlarms', input);
    return [...body.MetricAlarms, ...body.CompositeAlarms].map(({ AlarmName }: { AlarmName: string }) => AlarmName);
  };

  test('a new alarm has insufficient data; a changed one keeps its state', async () => {
    await call(endpoint, 'PutMetricAlarm', { AlarmName: 'errors', ...METRIC });
    await call(endpoint, 'SetAlarmState', { AlarmName: 'errors', StateValue: 'OK', StateReason: 'quiet' });
    await call(endpoint, 'PutMetricAlarm', { AlarmName: 'errors', ...METRIC, Threshold: 7 });
    await call(endpoint, 'PutMetricAlarm', { AlarmName: 'new', ...METRIC });
    const { body } = await call(endpoint, 'DescribeAlarms', {});
    expect(body).toEqual({
      CompositeAlarms: [],
      MetricAlarms: [
        {
          AlarmName: 'errors',
          AlarmArn: 'arn:aws:cloudwatch:us-east-1:111122223333:alarm:errors',
          AlarmConfigurationUpdatedTimestamp: 1795298400,
          ActionsEnabled: true,
          OKActions: [],
          AlarmActions: [],
          InsufficientDataActions: [],
          Dimensions: [],
          ...METRIC,
          Threshold: 7,
          StateValue: 'OK',
          StateReason: 'quiet',
          StateUpdatedTimestamp: 1795298400,
          StateTransitionedTimestamp: 1795298400,
        },
        expect.objectContaining({
          StateValue: 'INSUFFICIENT_DATA',
          StateReason: 'Unchecked: Initial alarm creation',
        }),
      ],
    });
  });

  test('alarms are chosen by name, prefix, type and state; names that are not there are absent', async () => {
    for (const AlarmName of ['web-errors', 'web-latency', 'jobs'])
      await call(endpoint, 'PutMetricAlarm', { AlarmName, ...METRIC, AlarmActions: ['arn:aws:sns:us-east-1:1:page'] });
    await call(endpoint, 'PutCompositeAlarm', { AlarmName: 'web', AlarmRule: 'ALARM("web-errors")' });
    await call(endpoint, 'SetAlarmState', { AlarmName: 'jobs', StateValue: 'ALARM', StateReason: '' });
    expect(await names({})).toEqual(['jobs', 'web-errors', 'web-latency']);
    expect(await names({ AlarmNames: ['jobs', 'unknown', 'web'] })).toEqual(['jobs']);
    const AlarmTypes = ['MetricAlarm', 'CompositeAlarm'];
    expect(await names({ AlarmNames: ['jobs', 'unknown', 'web'], AlarmTypes })).toEqual(['jobs', 'web']);
    expect(await names({ AlarmNamePrefix: 'web', AlarmTypes })).toEqual(['web-errors', 'web-latency', 'web']);
    expect(await names({ StateValue: 'ALARM' })).toEqual(['jobs']);
    expect(await names({ ActionPrefix: 'arn:aws:sns', AlarmTypes })).toEqual(['jobs', 'web-errors', 'web-latency']);
  });

  test('pages have as many alarms as are asked for', async () => {
    for (const AlarmName of ['a', 'b', 'c']) await call(endpoint, 'PutMetricAlarm', { AlarmName, ...METRIC });
    const { body } = await call(endpoint, 'DescribeAlarms', { MaxRecords: 2 });
    expect(await names({ MaxRecords: 2, NextToken: body.NextToken })).toEqual(['c']);
    expect(await call(endpoint, 'DescribeAlarms', { NextToken: 'x' })).toMatchObject({
      status: 400,
      body: { __type: 'InvalidNextToken' },
    });
  });

  test.each([
    ['DescribeAlarms', { AlarmNames: ['a'], AlarmNamePrefix: 'a' }, 400, 'ValidationException', 'ValidationError'],
    ['DescribeAlarms', { StateValue: 'RINGING' }, 400, 'ValidationException', 'ValidationError'],
    ['DescribeAlarms', { MaxRecords: 101 }, 400, 'ValidationException', 'ValidationError'],
    ['PutMetricAlarm', { AlarmName: 'a' }, 400, 'ValidationException', 'ValidationError'],
    ['PutCompositeAlarm', { AlarmName: 'a' }, 400, 'ValidationException', 'ValidationError'],
    [
      'SetAlarmState',
      { AlarmName: 'a', StateValue: 'OK', StateReason: '' },
      404,
      'ResourceNotFound',
      'ResourceNotFound',
    ],
  ])('%s refuses %j', async (operation, input, status, code, queryCode) => {
    expect(await call(endpoint, operation, input)).toMatchObject({
      status,
      queryError: `${queryCode};Sender`,
      body: { __type: code },
    });
  });

  test('an older client speaks the query protocol', async () => {
    await call(endpoint, 'PutMetricAlarm', { AlarmName: 'a&b', ...METRIC });
    const ask = async (form: Record<string, string>) => {
      const body = new URLSearchParams({ Version: '2010-08-01', ...form });
      return (await fetch(endpoint, { method: 'POST', headers: { authorization }, body })).text();
    };
    const described = await ask({ Action: 'DescribeAlarms', 'AlarmNames.member.1': 'a&b' });
    expect(described).toContain('<MetricAlarms><member><AlarmName>a&amp;b</AlarmName>');
    expect(described).toContain('<StateUpdatedTimestamp>2026-11-21T22:00:00.000Z</StateUpdatedTimestamp>');
    world.faults.add([{ on: { service: 'monitoring', operation: 'DescribeAlarms' }, error: 'ThrottlingException' }]);
    expect(await ask({ Action: 'DescribeAlarms' })).toContain('<Type>Sender</Type><Code>Throttling</Code>');
  });

  test('a fault lets DescribeAlarms fail', async () => {
    const on = { service: 'monitoring', operation: 'DescribeAlarms' };
    await world.faults.add([
      { on, error: 'AccessDenied' },
      { on, error: 'ThrottlingException' },
    ]);
    expect((await call(endpoint, 'DescribeAlarms', {})).body.__type).toBe('AccessDenied');
    expect(await call(endpoint, 'DescribeAlarms', {})).toMatchObject({
      status: 400,
      queryError: 'Throttling;Sender',
      body: { __type: 'ThrottlingException', message: 'Rate exceeded' },
    });
    expect((await call(endpoint, 'DescribeAlarms', {})).status).toBe(200);
  });
});

test('POST /_sandbox/alarms sets alarms, a template’s own too, which follow what the sandbox measures until then', async () => {
  const alarm = (name: string, more: object) => ({
    Type: 'AWS::CloudWatch::Alarm',
    Properties: { AlarmName: name, ...METRIC, Dimensions: [{ Name: 'QueueName', Value: 'dead' }], ...more },
  });
  const template = {
    Resources: {
      Dead: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'dead' } },
      Waiting: alarm('waiting', { TreatMissingData: 'notBreaching' }),
      Elsewhere: alarm('elsewhere', { MetricName: 'NumberOfMessagesSent' }),
      Quiet: alarm('quiet', { MetricName: 'NumberOfMessagesSent', TreatMissingData: 'notBreaching' }),
    },
  };
  const sandbox = await startSandbox({ world: worldOf([]), template });
  try {
    const states = async () => {
      const { body } = await call(sandbox.endpoint, 'DescribeAlarms', {});
      return body.MetricAlarms.map((each: Record<string, string>) => `${each['AlarmName']} ${each['StateValue']}`);
    };
    const post = async (body: object) => {
      const response = await fetch(`${sandbox.endpoint}/_sandbox/alarms`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    };
    expect(await states()).toEqual(['elsewhere INSUFFICIENT_DATA', 'quiet OK', 'waiting OK']);
    const { queues } = sandbox.live.messaging;
    queues.send(queues.find('dead'), { body: 'x', sender: 'y', attributes: {} });
    expect(await states()).toEqual(['elsewhere INSUFFICIENT_DATA', 'quiet OK', 'waiting ALARM']);
    await post({ name: 'waiting', state: 'OK' });
    expect(await post({ name: 'errors', state: 'ALARM', reason: '12 errors' })).toEqual({
      status: 200,
      body: { name: 'errors', arn: 'arn:aws:cloudwatch:us-east-1:111122223333:alarm:errors', state: 'ALARM' },
    });
    expect(await states()).toEqual(['elsewhere INSUFFICIENT_DATA', 'errors ALARM', 'quiet OK', 'waiting OK']);
    expect(await post({ name: 'errors', state: 'RED' })).toEqual({
      status: 400,
      body: { error: 'alarms: must be {"name": …, "state": INSUFFICIENT_DATA | ALARM | OK, "reason": …}' },
    });
  } finally {
    await sandbox.stop();
  }
});
