import { afterEach, describe, expect, test } from 'vitest';
import { type FakeRegion, type RegionContent, startFakeRegion } from '../fake-region.ts';
import { migration, REQUEST, Recorder, VERDICTS } from '../history-fixture.ts';
import { call } from '../run.ts';

const FAILED: RegionContent = { ...migration(VERDICTS, 'failed'), status: 'FAILED' };
const EXECUTION = 'arn:aws:states:us-east-1:111122223333:execution:migrate-cluster:demo-1';

let region: FakeRegion | undefined;
afterEach(() => region?.close());

async function inRegion(content: RegionContent, args: string[]) {
  region = await startFakeRegion(content);
  return call(args, region.env);
}

describe('audit', () => {
  test('of an execution by its name prints its story, and writes nothing', async () => {
    const { code, stdout, stderr } = await inRegion(FAILED, ['audit', 'demo-1']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Execution  ${EXECUTION}`);
    expect(stdout).toContain('Asked by   arn:aws:iam::111122223333:user/anna');
    expect(stdout).toContain('Before     no configuration values');
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/ValidationFailed$/);
    expect(region?.requests.map(({ operation }) => operation)).toEqual(['ListStateMachines', 'GetExecutionHistory']);
  });

  test('by its ARN needs no search', async () => {
    const { code } = await inRegion(FAILED, ['audit', EXECUTION]);
    expect(code).toBe(0);
    expect(region?.requests.map(({ operation }) => operation)).toEqual(['GetExecutionHistory']);
  });

  test('as JSON has every verdict and its raw excerpt', async () => {
    const { code, stdout } = await inRegion(FAILED, ['audit', 'demo-1', '--format', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      execution: { name: 'demo-1', status: 'FAILED', startedAt: '2026-11-20T22:00:00.000Z' },
      nodes: [
        { node: 'i-0a1', pass: true },
        { node: 'i-0b2', pass: false, excerpt: 'IP Virtual Server version 1.2.1 (size=4096)\u001b[2J' },
      ],
      ending: { kind: 'failed', error: { name: 'ValidationFailed' } },
      alarms: [],
    });
  });

  test('of evidence that was changed raises an alarm and ends with 1', async () => {
    const objects = FAILED.objects?.map((object) => ({ ...object, bytes: Buffer.from('forged') })) ?? [];
    const { code, stdout, stderr } = await inRegion({ ...FAILED, objects }, ['audit', 'demo-1']);
    expect(code).toBe(1);
    expect(stdout.split('\n')[0]).toContain('EVIDENCE DOES NOT MATCH');
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/EvidenceMismatch$/);
  });

  test('of evidence that was deleted lists it as absent', async () => {
    const { code, stdout } = await inRegion({ ...FAILED, objects: [] }, ['audit', 'demo-1']);
    expect(code).toBe(0);
    expect(stdout).toContain('ABSENT    executions/');
    expect(stdout).toContain('no verdict on what a node runs is in the evidence');
  });

  test('of an execution that was cut off searches its recovery, and reports that it has none', async () => {
    const events = new Recorder('2026-11-20T22:00:00Z')
      .start(REQUEST)
      .call('GrantAccess', {})
      .end('ExecutionAborted').events;
    const { code, stdout } = await inRegion({ events, status: 'ABORTED' }, ['audit', 'demo-1']);
    expect(code).toBe(0);
    expect(stdout).toContain('no recovery was found: rollback-cluster has no execution recover-demo-1');
    expect(stdout).toContain('the access to Kubernetes was not revoked');
  });

  test('of an execution that was cut off shows the recovery that has its name', async () => {
    const events = new Recorder('2026-11-20T22:00:00Z')
      .start(REQUEST)
      .call('GrantAccess', {})
      .end('ExecutionAborted').events;
    const owner = { name: 'demo-1', arn: EXECUTION };
    const input = { mode: 'recover', cluster: 'demo', execution: owner, reason: 'It ended ABORTED.', attempt: 1 };
    const answer = { ending: 'nothing-to-roll-back', modes: {}, evidence: [] };
    const recovery = new Recorder('2026-11-20T22:01:00Z')
      .start(input)
      .task('InspectFormer', { plan: { kind: 'nothing', reasons: ['Nothing was saved.'] }, former: null })
      .call('RevokeAccess', {})
      .task('RecordOutcome', answer)
      .succeed(answer).events;
    const region: RegionContent = { events, status: 'ABORTED', rollbacks: { 'recover-demo-1': recovery } };
    const { code, stdout } = await inRegion(region, ['audit', 'demo-1', '--format', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ending: { kind: 'aborted' },
      failure: { state: 'GrantAccess', error: { name: 'ExecutionAborted' } },
      rollbacks: [{ mode: 'recover', nothing: ['Nothing was saved.'], ending: { kind: 'nothing-to-roll-back' } }],
      access: 'given-back',
      lease: 'not-taken',
    });
  });

  test('of an unknown execution ends with 1 and its name', async () => {
    const { code, stderr } = await inRegion({}, ['audit', 'demo-1']);
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(
      `nightshift: there is no execution ${EXECUTION}: ExecutionDoesNotExist`,
    );
  });

  test.each(['../x', 'a b', 'arn:aws:s3:::x', '', 'x'.repeat(81)])('of %j ends with 2', async (text) => {
    const { code, stderr } = await inRegion({}, ['audit', '--', text]);
    expect(code).toBe(2);
    expect(stderr).toContain('is neither the ARN nor the name of an execution');
  });
});
