import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { S3 } from '@aws-sdk/client-s3';
import { SFN } from '@aws-sdk/client-sfn';
import { type Sandbox, startSandbox } from '@nightshift/sandbox';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { aslValidatorMessages } from '../state-machines/asl-validator.ts';
import { FLEET, fleetTemplate, RIGHTS } from './fleet-template.ts';

/** A function that finds that one cluster complies. */
const LOOK = "export const handler = async ({ cluster }) => ({ complies: cluster === 'done' });\n";
const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const ARN = 'arn:aws:states:us-east-1:111122223333';
const FLEET_ARN = `${ARN}:stateMachine:toy-fleet`;

let folder: string;
let sandbox: Sandbox | undefined;
const bugs: unknown[] = [];
beforeAll(() => {
  mkdirSync(DIST, { recursive: true });
  folder = mkdtempSync(join(DIST, 'fleet-'));
  writeFileSync(join(folder, 'look.mjs'), LOOK);
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  await sandbox?.stop();
  sandbox = undefined;
  expect(bugs.splice(0)).toEqual([]);
});

/** A sandbox with the fleet's stack, whose role has these rights, and a list of clusters in S3. */
async function open(rights: Partial<typeof RIGHTS>) {
  sandbox = await startSandbox({
    world: {
      account: '111122223333',
      region: 'us-east-1',
      start: '2026-11-21T22:00:00Z',
      seed: 7,
      clusters: [],
      windows: {},
      latencies: { function: 0 },
    },
    stack: 'toy',
    template: fleetTemplate(rights),
    bundles: new Map([['look', join(folder, 'look.mjs')]]),
    onBug: (bug) => bugs.push(bug),
  });
  const options = {
    endpoint: sandbox.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'tester', secretAccessKey: 'tester' },
    maxAttempts: 1,
  };
  const Body = JSON.stringify(['a', 'broken', 'done', 'b'].map((name) => ({ name, stage: 1 })));
  await new S3({ ...options, forcePathStyle: true }).putObject({ Bucket: 'toy-lists', Key: 'one.json', Body });
  return { sfn: new SFN(options), clock: sandbox.live.region.clock };
}

async function start(sfn: SFN): Promise<string> {
  const input = JSON.stringify({ key: 'one.json', atOnce: 2, target: { mode: 'nftables' } });
  const { executionArn = '' } = await sfn.startExecution({ stateMachineArn: FLEET_ARN, name: 'night', input });
  return executionArn;
}

async function without(right: keyof typeof RIGHTS) {
  const { [right]: _, ...others } = RIGHTS;
  return open(others);
}

test('asl-validator accepts the fleet’s state machine', () => {
  expect(aslValidatorMessages(FLEET)).toEqual([]);
});

test('a fleet migrates two clusters at once, waits for a person, and soaks', async () => {
  const { sfn, clock } = await open(RIGHTS);
  const executionArn = await start(sfn);
  clock.at(new Date('2026-11-21T23:00:00Z'), async () => {
    const { events = [] } = await sfn.getExecutionHistory({ executionArn });
    const scheduled = events.find(
      ({ taskScheduledEventDetails: task }) => task?.resource === 'invoke.waitForTaskToken',
    );
    const { Payload } = JSON.parse(scheduled?.taskScheduledEventDetails?.parameters ?? '{}');
    await sfn.sendTaskSuccess({ taskToken: Payload.token, output: '{"by":"ada"}' });
  });
  await clock.idle();
  const { status, stopDate, output = '' } = await sfn.describeExecution({ executionArn });
  expect([status, stopDate, JSON.parse(output)]).toEqual([
    'SUCCEEDED',
    // After an hour of soak.
    new Date('2026-11-22T00:00:00Z'),
    {
      approvedBy: 'ada',
      results: [
        { cluster: 'a', outcome: 'nftables' },
        { cluster: 'broken', outcome: 'RolledBack' },
        { cluster: 'done', outcome: 'complies' },
        { cluster: 'b', outcome: 'nftables' },
      ],
    },
  ]);
  const { executions: migrations = [] } = await sfn.listExecutions({
    stateMachineArn: `${ARN}:stateMachine:toy-migrate`,
  });
  expect(migrations.map(({ name }) => name).sort()).toEqual(['night-a', 'night-b', 'night-broken']);
  const [mapRun] = (await sfn.listMapRuns({ executionArn })).mapRuns ?? [];
  expect(await sfn.describeMapRun({ mapRunArn: mapRun?.mapRunArn })).toMatchObject({
    status: 'SUCCEEDED',
    maxConcurrency: 2,
    toleratedFailurePercentage: 100,
    itemCounts: { total: 4, succeeded: 4 },
  });
});

test('an approval that does not come times out', async () => {
  const { sfn, clock } = await open(RIGHTS);
  const executionArn = await start(sfn);
  await clock.idle();
  expect(await sfn.describeExecution({ executionArn })).toMatchObject({
    status: 'FAILED',
    error: 'States.Timeout',
    stopDate: new Date('2026-11-28T22:10:00Z'),
  });
});

test.each([
  ['children', 'States.Permissions', /is not authorized to perform: states:StartExecution on resource: .+:toy-fleet /],
  ['watchChildren', 'States.Permissions', /states:DescribeExecution on resource: .+:toy-fleet\/Stage:night /],
] as const)('a fleet without the right "%s" fails by %s', async (right, error, cause) => {
  const { sfn, clock } = await without(right);
  const executionArn = await start(sfn);
  await clock.idle();
  expect(await sfn.describeExecution({ executionArn })).toMatchObject({ error, cause: expect.stringMatching(cause) });
});

test('a child of a fleet without rights on migrations gets the refusal as its task’s error', async () => {
  const { sfn, clock } = await without('migrate');
  const executionArn = await start(sfn);
  await clock.idle();
  const [mapRun] = (await sfn.listMapRuns({ executionArn })).mapRuns ?? [];
  const { executions = [] } = await sfn.listExecutions({ mapRunArn: mapRun?.mapRunArn });
  const children = executions.map(({ executionArn: child }) => sfn.describeExecution({ executionArn: child }));
  expect((await Promise.all(children)).map(({ output = '' }) => JSON.parse(output).outcome).sort()).toEqual([
    'StepFunctions.AWSStepFunctionsException',
    'StepFunctions.AWSStepFunctionsException',
    'StepFunctions.AWSStepFunctionsException',
    'complies',
  ]);
});

test('a fleet that may not keep Step Functions’ rule is not deployed', async () => {
  await expect(without('managedRule')).rejects.toThrow(
    "'arn:aws:iam::111122223333:role/toy-fleet' is not authorized to create managed-rule.",
  );
});
