import { expect, test } from 'vitest';
import { parseRequest } from '../../../functions/core/execution/request.ts';
import { parseSettings } from '../../../functions/core/fleet/settings.ts';
import { onClusterCreated } from '../../../functions/handlers/on-cluster-created.ts';
import { created, recording, SETTINGS } from './events.ts';
import { RecordedLog } from './fakes.ts';

const NAME = 'created-demo-24e9b653c917bb46';

function listening(settings: object = {}) {
  const { started, deps } = recording();
  const run = onClusterCreated({ ...deps, settings: () => parseSettings({ ...SETTINGS, ...settings }) });
  const ear = new RecordedLog();
  return { started, ear, run: (event: unknown) => run(event, ear) };
}

test('a new cluster is migrated as soon as it is ACTIVE, and the request says who made it', async () => {
  const { run, started } = listening();
  expect(await run(created())).toEqual({ kind: 'started', reason: null, name: NAME });
  expect(started).toEqual([
    {
      stateMachineArn: 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-cluster:live',
      name: NAME,
      input: {
        cluster: 'demo',
        target: { mode: 'ipvs', scheduler: 'rr' },
        window: 'weekend',
        acknowledge: ['ipvs-deprecated'],
        requestedBy:
          'nightshift, because arn:aws:sts::111122223333:assumed-role/platform/ada created the cluster (event 5b2c0d0e-0d6c-4c8e-9c57-2d54c2f6f3a1)',
        awaitActive: true,
      },
    },
  ]);
  expect(parseRequest(started[0]?.input)).toEqual(started[0]?.input);
});

test('another cluster of the same name, made later, is another execution', async () => {
  const { run, started } = listening();
  await run(created());
  expect(await run(created({}, { eventID: 'b7e2' }))).toMatchObject({ kind: 'started' });
  expect(new Set(started.map(({ name }) => name)).size).toBe(2);
});

test.each([
  ['that is tagged out', created({ tags: { 'nightshift:enrolled': 'false' } }), {}, /nightshift:enrolled says false/],
  [
    'that EKS refused to make, without parameters',
    created({}, { errorCode: 'AccessDenied', requestParameters: null }),
    {},
    /AccessDenied/,
  ],
  ['that EKS refused to make', created({}, { errorCode: 'AccessDenied' }), {}, /AccessDenied/],
  ['where new clusters are left alone', created(), { newClusters: 'ignore' }, /by the settings/],
])('a cluster %s starts nothing', async (_, event, settings, reason) => {
  const { run, started, ear } = listening(settings);
  expect(await run(event)).toEqual({ kind: 'ignored', reason: expect.stringMatching(reason), name: null });
  expect(started).toEqual([]);
  expect(ear.decisions).toEqual(['trigger.ignored']);
});

test('a tag that breaks a rule refuses its cluster by name', async () => {
  const { run, started, ear } = listening();
  const reason = expect.stringContaining('nightshift:scheduler must be one of rr,');
  expect(await run(created({ tags: { 'nightshift:scheduler': 'xx' } }))).toEqual({
    kind: 'refused',
    reason,
    name: null,
  });
  expect([started, ear.decisions]).toEqual([[], ['trigger.refused']]);
});

test('a cluster with a name of 100 characters has an execution whose name Step Functions takes', async () => {
  const { run, started } = listening();
  await run(created({ name: 'a'.repeat(100) }));
  await run(created({ name: `${'a'.repeat(99)}b` }));
  const [one, other] = started.map(({ name }) => name);
  expect(one).toMatch(/^created-a+-[0-9a-f]{16}-[0-9a-f]{16}$/);
  expect(one).toHaveLength(80);
  expect(one).not.toBe(other);
});
