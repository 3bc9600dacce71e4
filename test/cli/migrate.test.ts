import { afterEach, describe, expect, test } from 'vitest';
import { type FakeRegion, type RegionContent, startFakeRegion } from './fake-region.ts';
import { migration, REQUEST, Recorder, VERDICTS } from './history-fixture.ts';
import { call, ended, says, start } from './run.ts';

const PASSED = VERDICTS.filter((verdict) => verdict.pass);
const MIGRATED: RegionContent = { ...migration(PASSED, 'migrated'), status: 'SUCCEEDED' };
const FAILED: RegionContent = { ...migration(VERDICTS, 'failed'), status: 'FAILED' };
const EXECUTION = 'arn:aws:states:us-east-1:111122223333:execution:migrate-cluster:demo-1';

let region: FakeRegion | undefined;
afterEach(() => region?.close());

async function inRegion(content: RegionContent, args: string[]) {
  region = await startFakeRegion(content);
  return call(args, region.env);
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split('\n').at(-1);
}

describe('migrate', () => {
  test('starts the execution with the request and its requester', async () => {
    await inRegion(MIGRATED, ['migrate', 'demo', '--window', 'weekend', '--scheduler', 'lc']);
    const started = region?.requests.find(({ operation }) => operation === 'StartExecution')?.input;
    expect(started).toMatchObject({
      stateMachineArn: 'arn:aws:states:us-east-1:111122223333:stateMachine:migrate-cluster',
      name: expect.stringMatching(/^demo-\d{8}T\d{9}Z$/),
      input: JSON.stringify({
        cluster: 'demo',
        target: { mode: 'ipvs', scheduler: 'lc' },
        window: 'weekend',
        requestedBy: 'arn:aws:iam::111122223333:user/anna',
      }),
    });
  });

  test('with --now records the reason and the accepted warnings', async () => {
    const accepted = ['--acknowledge', 'ipvs-deprecated', '--acknowledge', 'idle-timeout'];
    await inRegion(MIGRATED, ['migrate', 'demo', '--now', '--reason', ' CHG-1 ', ...accepted]);
    const started = region?.requests.find(({ operation }) => operation === 'StartExecution')?.input;
    expect(started).toMatchObject({
      input: JSON.stringify({
        cluster: 'demo',
        target: { mode: 'ipvs', scheduler: 'rr' },
        now: { reason: 'CHG-1' },
        acknowledge: ['ipvs-deprecated', 'idle-timeout'],
        requestedBy: 'arn:aws:iam::111122223333:user/anna',
      }),
    });
  });

  test('keeps the name of an execution within 80 characters', async () => {
    await inRegion(MIGRATED, ['migrate', 'x'.repeat(100)]);
    const started = region?.requests.find(({ operation }) => operation === 'StartExecution')?.input;
    expect(started).toMatchObject({ name: expect.stringMatching(/^x{60}-\d{8}T\d{9}Z$/) });
  });

  test('piped, prints one plain line for each step and ends with 0', async () => {
    const { code, stdout, stderr } = await inRegion(MIGRATED, ['migrate', 'demo']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('\u001b');
    expect(stdout.split('\n').slice(0, 5)).toEqual([
      `execution ${EXECUTION}`,
      '2026-11-20 22:00:00Z  Start          cluster demo to ipvs rr, in window weekend, asked by arn:aws:iam::111122223333:user/anna',
      '2026-11-20 22:00:00Z  Inspect        reads the cluster, its add-on and its nodes',
      '2026-11-20 22:00:03Z  Inspect        Kubernetes 1.34, kube-proxy add-on v1.34.1-eksbuild.2, 2 nodes, plan: migrate',
      '2026-11-20 22:00:04Z  Window         closed: weekend is closed; waits until 2026-11-21 07:00:00Z',
    ]);
    expect(stdout).toContain('Validate       2 of 2 nodes proved it');
    expect(lastLine(stdout)).toBe(`ended migrated; its story: npx nightshift audit ${EXECUTION}`);
  });

  test('shows an attempt as retried once its retry is known, and only the last one as a failure', async () => {
    const refused: [string, string] = [
      'KubernetesForbidden',
      'The API server refused nightshift (403). See `kubectl`.',
    ];
    const record = new Recorder('2026-11-20T22:00:00Z')
      .start(REQUEST)
      .retried('InspectWorkloads', 2, refused, 'failed')
      .task('RecordOutcome', {
        ending: 'failed',
        error: { name: refused[0], cause: refused[1] },
        outcome: { key: 'k', sha256: 's' },
      })
      .end('ExecutionFailed', ...refused);
    const { code, stdout, stderr } = await inRegion({ events: record.events, status: 'FAILED' }, ['migrate', 'demo']);
    expect(code).toBe(1);
    expect(stdout.split('\n').slice(2, 4)).toEqual([
      '2026-11-20 22:00:05Z  Inspect        the access to Kubernetes is not in force yet: asks again',
      '2026-11-20 22:00:15Z  Inspect        KubernetesForbidden: The API server refused nightshift (403). See `kubectl`.',
    ]);
    expect(lastLine(stderr)).toBe(
      'nightshift: The API server refused nightshift (403). See `kubectl`. Error: KubernetesForbidden',
    );
  });

  describe('of a cluster whose lease another execution holds', () => {
    const LEASE = { GroupName: 'nightshift-leases', Name: 'nightshift-demo' };
    const cause = 'Another execution holds the lease nightshift-demo of cluster demo.';
    const { events } = new Recorder('2026-11-20T22:00:00Z')
      .start(REQUEST)
      .schedule('AcquireLease', LEASE, 'Scheduler.ConflictException')
      .task('RecordOutcome', {
        ending: 'failed',
        error: { name: 'AlreadyMigrating', cause },
        outcome: { key: 'k', sha256: 's' },
      })
      .end('ExecutionFailed', 'AlreadyMigrating', cause);
    const CONTENT: RegionContent = { events, status: 'FAILED' };
    const held = (input: unknown) => ({
      'nightshift-leases/nightshift-demo': JSON.stringify({ Input: JSON.stringify(input) }),
    });

    test("names the holder and the command for its story, without the service's message", async () => {
      const holder = EXECUTION.replace('demo-1', 'demo-0');
      const { code, stdout, stderr } = await inRegion({ ...CONTENT, schedules: held({ holder }) }, ['migrate', 'demo']);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr:
          `next: follow that one, or wait for its end: npx nightshift audit ${holder}\n` +
          "nightshift: another execution holds the cluster's lease, demo-0: AlreadyMigrating\n",
      });
      expect(stdout).toContain('another execution holds the lease of the cluster\n');
      expect(stdout).not.toContain('ConflictException');
    });

    test.each([
      ['is no execution', held({ mode: 'other' })],
      ['is gone', {}],
    ])('that %s, has the sentence of the workflow', async (_, schedules) => {
      const { stderr } = await inRegion({ ...CONTENT, schedules }, ['migrate', 'demo']);
      expect(lastLine(stderr)).toBe(
        'nightshift: Another execution holds the lease nightshift-demo of cluster demo: AlreadyMigrating',
      );
    });
  });

  test('interrupted before its execution is started prints that nothing was started', async () => {
    region = await startFakeRegion({ ...MIGRATED, gate: new Promise(() => {}) });
    const child = start(['migrate', 'demo'], region.env);
    const result = ended(child);
    await expect.poll(() => region?.requests.length, { timeout: 60_000 }).toBe(1);
    child.kill('SIGINT');
    expect(await result).toEqual({ code: 130, stdout: '', stderr: '\nNothing was started.\n' });
    expect(region.requests.map(({ operation }) => operation)).toEqual(['GetCallerIdentity']);
  });

  test('that fails ends with 1 and the error name last', async () => {
    const { code, stdout, stderr } = await inRegion(FAILED, ['migrate', 'demo']);
    expect(code).toBe(1);
    expect(lastLine(stdout)).toBe('ended failed: ValidationFailed');
    expect(lastLine(stderr)).toBe('nightshift: 1 of 2 nodes did not prove ipvs rr: ValidationFailed');
    expect(stderr).toContain(`next: read what happened: npx nightshift audit ${EXECUTION}`);
  });

  test('--json prints one document and nothing else', async () => {
    const { code, stdout } = await inRegion(FAILED, ['migrate', 'demo', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      execution: EXECUTION,
      name: 'demo-1',
      status: 'FAILED',
      ending: 'failed',
      error: { name: 'ValidationFailed', cause: '1 of 2 nodes did not prove ipvs rr.' },
      evidence: [{ key: expect.stringContaining('validate-2-1/evidence.ndjson.gz') }],
    });
  });

  test('--json of a success has no error', async () => {
    const { code, stdout, stderr } = await inRegion(MIGRATED, ['migrate', 'demo', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'SUCCEEDED', ending: 'migrated' });
    expect(JSON.parse(stdout)).not.toHaveProperty('error');
  });

  test('without a deployed nightshift fails with the Region and what to do', async () => {
    const { code, stderr } = await inRegion({ stateMachines: [] }, ['migrate', 'demo']);
    expect(code).toBe(1);
    expect(stderr).toBe(
      'next: choose the Region where it is with AWS_REGION, or try it without AWS: npx nightshift demo\n' +
        'nightshift: nightshift is not deployed in us-east-1: no state machine migrate-cluster: NotDeployed\n',
    );
  });

  test('with several deployments asks for one of them', async () => {
    const machine = 'arn:aws:states:us-east-1:111122223333:stateMachine:';
    const stateMachines = [`${machine}a-migrate-cluster`, `${machine}b-migrate-cluster`];
    const { code, stderr } = await inRegion({ stateMachines }, ['migrate', 'demo']);
    expect(code).toBe(1);
    expect(lastLine(stderr)).toMatch(/AmbiguousStateMachine$/);
  });

  test('interrupted with Ctrl-C prints that the execution goes on, and how to follow and stop it', async () => {
    const record = new Recorder('2026-11-20T22:00:00Z').start(REQUEST);
    region = await startFakeRegion({ events: record.events });
    const child = start(['migrate', 'demo'], region.env);
    const result = ended(child);
    await says(child.stdout, 'Start');
    child.kill('SIGINT');
    const { code, stderr } = await result;
    expect(code).toBe(130);
    expect(stderr).toContain(`The execution goes on without this terminal: ${EXECUTION}`);
    expect(stderr).toContain(`nightshift audit ${EXECUTION}`);
    expect(stderr).toContain(`aws stepfunctions stop-execution --execution-arn ${EXECUTION}`);
  });

  test('whose output is closed prints that the execution goes on', async () => {
    const record = new Recorder('2026-11-20T22:00:00Z').start(REQUEST);
    region = await startFakeRegion({ events: record.events });
    const child = start(['migrate', 'demo'], region.env);
    const result = ended(child);
    await says(child.stdout, 'Start');
    child.stdout.destroy();
    record.task('InspectCluster', {}).task('RestartDaemonSet', {});
    const { code, stderr } = await result;
    expect(code).toBe(141);
    expect(stderr.split('\n').slice(0, 3)).toEqual([
      '',
      `The execution goes on without this terminal: ${EXECUTION}`,
      `  its story so far:  npx nightshift audit ${EXECUTION}`,
    ]);
  });
});

describe('migrate --dry-run', () => {
  const LOOK = {
    plan: { kind: 'migrate', reasons: ['kube-proxy runs iptables.'], strategy: 'kubernetes-api', configuration: '{}' },
    cluster: { name: 'demo', version: '1.34' },
    addon: { version: 'v1', configuration: null },
    inventory: {
      key: 'k',
      sha256: 's',
      counts: { total: 3, ssm: 3, proxyMode: 0, excluded: 0, blocked: 0 },
    },
    estimateSeconds: 240,
    windowSeconds: 240,
  };

  test('invokes only the first inspection and prints the plan', async () => {
    const { code, stdout } = await inRegion({ function: { payload: LOOK } }, ['migrate', 'demo', '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toContain('Nodes    3 nodes');
    expect(stdout).toContain('Plan     migrate');
    expect(stdout).toContain('  - kube-proxy runs iptables.');
    expect(region?.requests.map(({ operation }) => operation)).toEqual(['GetCallerIdentity', 'Invoke']);
  });

  test('counts the checks that are made later apart from the warnings', async () => {
    const check = { verdict: 'WARN', why: 'w', fix: '', accepted: false };
    const checks = [
      { ...check, name: 'ipvs-deprecated' },
      { ...check, name: 'metallb', later: true },
    ];
    const payload = { ...LOOK, plan: { ...LOOK.plan, checks } };
    const { stdout } = await inRegion({ function: { payload } }, ['migrate', 'demo', '--dry-run']);
    expect(stdout).toContain('What 2 preflight checks found: 0 pass, 1 warn, 0 block, 1 not looked at yet\n');
    expect(stdout).toContain('\n  later  metallb ');
  });

  test('of a cluster that is refused ends with 1 and PreflightRefused', async () => {
    const payload = { ...LOOK, plan: { kind: 'refuse', reasons: ['The cluster runs Auto Mode.'] } };
    const { code, stderr } = await inRegion({ function: { payload } }, ['migrate', 'demo', '--dry-run']);
    expect(code).toBe(1);
    expect(lastLine(stderr)).toBe('nightshift: The cluster runs Auto Mode: PreflightRefused');
  });

  test("ends with the function's own error name", async () => {
    const payload = { errorType: 'UnknownCluster', errorMessage: 'There is no cluster demo.', trace: [] };
    const { code, stderr } = await inRegion({ function: { payload, error: true } }, ['migrate', 'demo', '--dry-run']);
    expect(code).toBe(1);
    expect(lastLine(stderr)).toBe('nightshift: There is no cluster demo: UnknownCluster');
  });
});
