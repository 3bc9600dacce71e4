import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { distributed, ServedRegion, startOnly } from './served.ts';

const hasCli = spawnSync('aws', ['--version']).status === 0;
if (!hasCli) process.stderr.write('SKIPPED: the AWS CLI is not on the PATH; `pip install awscli` brings it\n');

describe.skipIf(!hasCli)('the stock AWS CLI', () => {
  let world: ServedRegion;
  beforeEach(() => {
    world = new ServedRegion();
  });
  afterEach(async () => {
    await world.close();
    expect([...world.bugs, ...world.broken, ...world.clockErrors]).toEqual([]);
  });

  test('lists, describes and updates Map Runs, and reports by a task’s token', async () => {
    const { sfn, sqs } = await world.open();
    const { QueueUrl } = await sqs.createQueue({ QueueName: 'approvals' });
    const asks = {
      Type: 'Task',
      Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
      Arguments: { QueueUrl, MessageBody: '{% $states.context.Task.Token %}' },
      End: true,
    };
    const executionArn = await startOnly(sfn, distributed({ Ask: asks }, { MaxConcurrency: 1 }), ['demo']);
    await world.clock.idle();

    const states = (...words: string[]) => world.aws('stepfunctions', ...words);
    const { mapRuns } = await states('list-map-runs', '--execution-arn', executionArn);
    expect(mapRuns).toMatchObject([{ executionArn, stateMachineArn: expect.stringMatching(/:fleet\/Clusters$/) }]);
    const mapRun = ['--map-run-arn', mapRuns[0].mapRunArn];
    expect(await states('describe-map-run', ...mapRun)).toMatchObject({
      status: 'RUNNING',
      maxConcurrency: 1,
      itemCounts: { running: 1, total: 1 },
    });
    await states('update-map-run', ...mapRun, '--max-concurrency', '5', '--tolerated-failure-percentage', '10');

    const { Messages } = await sqs.receiveMessage({ QueueUrl });
    const token = ['--task-token', Messages?.[0]?.Body ?? ''];
    await states('send-task-heartbeat', ...token);
    await states('send-task-success', ...token, '--task-output', '{"approved":true}');
    await world.clock.idle();

    expect(await states('describe-map-run', ...mapRun)).toMatchObject({
      status: 'SUCCEEDED',
      maxConcurrency: 5,
      toleratedFailurePercentage: 10,
      executionCounts: { succeeded: 1, total: 1 },
    });
    const { executions } = await states('list-executions', ...mapRun);
    const child = ['--execution-arn', executions[0].executionArn];
    expect(await states('describe-execution', ...child)).toMatchObject({ output: '{"approved":true}' });
    const { events } = await states('get-execution-history', ...child);
    expect(events).toHaveLength(8);
    const parent = await states('describe-execution', '--execution-arn', executionArn);
    expect(parent).toMatchObject({ status: 'SUCCEEDED', output: '[{"approved":true}]' });
  });
});
