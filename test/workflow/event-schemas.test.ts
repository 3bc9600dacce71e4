import { describe, expect, it, test } from 'vitest';
import { DESCRIBED, eventsIn, problemsOf } from './event-schemas.ts';
import { APPLIED, abort, offline } from './scenarios.ts';
import { startedWorkflow } from './shared.ts';
import { ON_IPVS, REQUEST, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();

test('every event that nightshift publishes on its bus has a schema', () => {
  expect(DESCRIBED).toEqual([
    'nightshift.ApprovalRequested',
    'nightshift.BatchHeld',
    'nightshift.DriftDetected',
    'nightshift.MigrationFailed',
    'nightshift.MigrationRefused',
    'nightshift.MigrationRolledBack',
    'nightshift.MigrationSucceeded',
    'nightshift.RollbackFailed',
    'nightshift.RolloutEnded',
    'nightshift.StageEnded',
  ]);
});

describe('the event satisfies its schema, without additional members, when a migration', () => {
  it.each<[string, object, object, object[], string]>([
    ['succeeds', {}, REQUEST, [], 'MigrationSucceeded'],
    ['finds its work done', { addon: ON_IPVS }, REQUEST, [], 'MigrationSucceeded'],
    ['is refused', { autoMode: true }, REQUEST, [], 'MigrationRefused'],
    ['has an invalid request', {}, { cluster: 7 }, [], 'MigrationFailed'],
    ['cannot prepare its nodes', {}, REQUEST, [{ node: 1, fault: 'module-missing:ip_vs' }], 'MigrationFailed'],
    ['is undone', {}, REQUEST, [APPLIED], 'MigrationRolledBack'],
    ['cannot be undone', {}, REQUEST, [APPLIED, offline('RestoreAddon', 2)], 'RollbackFailed'],
    ['is aborted and finished or undone', {}, REQUEST, [abort('AwaitRollout')], 'MigrationRolledBack'],
  ])('%s', async (_, cluster, request, faults, name) => {
    const { calls } = await workflow.migrateAndRest(worldOf(cluster), request, faults);
    const events = eventsIn(calls);
    expect(events.flatMap(problemsOf)).toEqual([]);
    // A rollback tells of itself, and its migration does.
    expect([...new Set(events.map((event) => event['detail-type']))]).toEqual([`nightshift.${name}`]);
  });
});

test('an event that lacks a field, or has an unknown version, is noticed', () => {
  const detail = {
    version: 2,
    cluster: 'demo',
    ending: 'rollback-failed',
    error: { name: 'X', cause: '' },
    colour: 'red',
  };
  const event = { source: 'nightshift', 'detail-type': 'nightshift.RollbackFailed', resources: ['arn:x'], detail };
  expect(problemsOf(event)).toEqual([
    "/detail must have required property 'execution'",
    '/detail/version must be equal to constant',
    '/detail/colour is not described',
  ]);
});
