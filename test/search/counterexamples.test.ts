import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Case, type CaseCluster, caseShape } from './case.ts';
import { Searcher } from './run.ts';

let searcher: Searcher;
beforeAll(async () => {
  searcher = await Searcher.start();
});
afterAll(() => searcher.stop());

const CLUSTER: CaseCluster = {
  name: 'demo',
  version: '1.34',
  serviceCidr: '10.100.0.0/16',
  services: 8,
  servicesWithoutEndpoints: 2,
  endpoint: 'public',
  authenticationMode: 'API',
  addon: { version: 'v1.34.1-eksbuild.2', configuration: null },
  nodeGroups: [{ os: 'al2023', count: 2 }],
};

function caseOf(cluster: Partial<CaseCluster>, faults: Case['faults']): Case {
  return {
    world: { start: '2026-11-20T22:10:00.000Z', seed: 1, freeze: [], clusters: [{ ...CLUSTER, ...cluster }] },
    requests: [
      {
        cluster: 'demo',
        target: { mode: 'ipvs', scheduler: 'rr' },
        now: { reason: 'a drill' },
        acknowledge: ['unlisted-nodes'],
      },
    ],
    faults,
  };
}

/** What the search has found, smaller than it was, and what was wrong. The product was mended after each. */
const FOUND: Readonly<Record<string, Case>> = {
  // The bucket took no record, and the recovery that the lease's schedule started read records alone: it paged again.
  'an incident pages once, although the bucket takes no record of it': caseOf(
    { nodeGroups: [{ os: 'bottlerocket', count: 1 }] },
    [
      { at: 'Begin', machine: 'nightshift-rollback-cluster', outage: 's3', operation: 'PutObject' },
      { at: 'InspectCluster', machine: 'nightshift-migrate-cluster', after: 17, outage: 'scheduler' },
    ],
  ),
  // The switch fired while the owner waited for its rollback: stopping the owner stops the rollback too, and both asked
  // for a recovery under another name. The two changed the cluster at the same time.
  'a lease that fires during the rollback starts one recovery': caseOf({}, [
    {
      at: 'UpdateAddon',
      machine: 'nightshift-migrate-cluster',
      addonUpdate: 'Failed',
      code: 'ConfigurationConflict',
      applied: true,
    },
    { at: 'AwaitRollout', machine: 'nightshift-rollback-cluster', clock: 'skip', hours: 3 },
  ]),
  // DeleteAccessEntry is refused where the authentication mode has no access entries. The recovery took that for an
  // entry that stays behind, kept its switch on to try again, and so did the next one, for ever.
  'a recovery ends if the authentication mode has no access entries': caseOf({ authenticationMode: 'CONFIG_MAP' }, [
    { at: 'ChooseRestart', machine: 'nightshift-migrate-cluster', execution: 'abort' },
  ]),
  // `leased` in the input said that the lease of the execution that waits counts. Whoever started the rollback again with
  // the same input went past the lease as well, and worked beside the first.
  'a rollback that is started twice with one input works once': caseOf({}, [
    {
      at: 'UpdateAddon',
      machine: 'nightshift-migrate-cluster',
      addonUpdate: 'Failed',
      code: 'ConfigurationConflict',
      applied: true,
    },
    { at: 'Begin', machine: 'nightshift-rollback-cluster', execution: 'duplicate' },
  ]),
  // The switch of a recovery's own lease fired while it was at work. The next attempt stopped the owner, which had ended,
  // and not the attempt before it, and both changed the cluster.
  'a recovery that outlasts its lease is stopped by the next attempt': caseOf({}, [
    { at: 'RestartDaemonSet', machine: 'nightshift-migrate-cluster', execution: 'abort' },
    { at: 'AwaitAddon', machine: 'nightshift-rollback-cluster', clock: 'skip', hours: 12 },
  ]),
  // Every node was proven, and then the access entry could not be deleted: the record said `failed` of a cluster that was
  // migrated, and the recovery, which found a record, said nothing else.
  'a proven migration that keeps its access entry for a while is recorded as migrated': caseOf({}, [
    {
      at: 'Begin',
      machine: 'nightshift-migrate-cluster',
      on: { service: 'eks', operation: 'DeleteAccessEntry' },
      error: 'ThrottlingException',
      times: 12,
    },
  ]),
  // The record was there, but the bus took no event for a minute: the execution failed, and whoever came after it found
  // the record and took it for said. Ten calls each of four attempts are refused, and the first ones of the function that
  // completes the record when the execution has ended.
  'an ending that the bus does not accept for a while is published later': caseOf({}, [
    {
      at: 'Begin',
      machine: 'nightshift-migrate-cluster',
      on: { service: 'events', operation: 'PutEvents' },
      error: 'ThrottlingException',
      times: 45,
    },
  ]),
  // A Bottlerocket node says its mode and no scheduler: the recovery took it for proven, and it ran the former scheduler.
  'a node that cannot show its scheduler proves no change of the scheduler without a restart': {
    ...caseOf(
      {
        nodeGroups: [{ os: 'bottlerocket', count: 1 }],
        addon: { version: 'v1.34.1-eksbuild.2', configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' },
      },
      [{ at: 'AwaitAddon', clock: 'skip', hours: 12 }],
    ),
    requests: [{ cluster: 'demo', target: { mode: 'ipvs', scheduler: 'wrr' }, now: { reason: 'a drill' } }],
  },
  // Scheduler was out for hours: the first recovery failed and paged, its lease started the second, and that one paged
  // for the same incident.
  'an incident pages once, however many recoveries follow': caseOf({}, [
    { at: 'InspectCluster', machine: 'nightshift-migrate-cluster', after: 2, outage: 'scheduler', for: 10_800 },
    { at: 'GrantAccess', machine: 'nightshift-migrate-cluster', execution: 'abort' },
  ]),
  // The rollback had failed, recorded that and paged, and was stopped after that: its migration paged again.
  'a rollback that is stopped after it paged pages once': caseOf({}, [
    { at: 'ChooseEnding', machine: 'nightshift-rollback-cluster', execution: 'abort' },
    {
      at: 'AwaitValidation',
      machine: 'nightshift-migrate-cluster',
      other: 'change-addon',
      configuration: '{"mode":"ipvs","ipvs":{"scheduler":"sh"}}',
    },
  ]),
  // The bus refused twelve calls: more than two daily sweeps owed the record.
  'a record that is missing for days is written in the end': caseOf({}, [
    {
      at: 'Begin',
      machine: 'nightshift-migrate-cluster',
      on: { service: 'events', operation: 'PutEvents' },
      error: 'AccessDeniedException',
      times: 12,
    },
  ]),
  // The bucket was out for ever, also for reading: the way back had no former state, and nobody heard of it.
  'a bucket that never answers does not prevent a rollback': caseOf({}, [
    { at: 'UpdateAddon', machine: 'nightshift-migrate-cluster', outage: 's3' },
    {
      at: 'UpdateAddon',
      machine: 'nightshift-migrate-cluster',
      addonUpdate: 'Failed',
      code: 'ConfigurationConflict',
      applied: true,
    },
  ]),
};

describe('a run that once broke a rule', () => {
  it.each(Object.entries(FOUND))('%s', async (_, found) => {
    expect(await searcher.violations(caseShape.parse(found))).toEqual([]);
  });
});
