import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Searcher } from '../run.ts';
import { type FleetCase, type FleetCluster, fleetCaseShape, STAGE_TAG } from './case.ts';
import { violationsOfFleet } from './rules.ts';
import { runFleet } from './run.ts';

let searcher: Searcher;
beforeAll(async () => {
  searcher = await Searcher.start();
});
afterAll(() => searcher.stop());

const cluster = (name: string, stage: string, tags: Record<string, string> = {}): FleetCluster => ({
  name,
  version: '1.34',
  serviceCidr: '10.100.0.0/16',
  services: 2,
  servicesWithoutEndpoints: 0,
  endpoint: 'public',
  authenticationMode: 'API',
  addon: { version: 'v1.34.1-eksbuild.2', configuration: null },
  nodeGroups: [{ os: 'al2023', count: 1 }],
  tags: { 'nightshift:enrolled': 'true', 'nightshift:window': 'nightly', [STAGE_TAG]: stage, ...tags },
});

const caseOf = (clusters: FleetCluster[], more: Partial<FleetCase> = {}): FleetCase => ({
  world: { start: '2026-11-20T22:10:00.000Z', seed: 1, freeze: [], clusters },
  stages: [{ name: 'first', atOnce: 2, tolerate: 0, soakHours: 0 }],
  faults: [],
  resumes: [],
  ...more,
});

const HELD = '{"reason":"INC-4711","by":"ana","since":"2026-11-20T00:00:00.000Z","until":null}';
const IN_FLEET = { machine: 'nightshift-migrate-fleet' };

/** What the search once found, and had to be decided: the product or the rule was wrong. */
const CASES: Readonly<Record<string, FleetCase>> = {
  'a Map whose list is refused, and then no summary can be written': caseOf([cluster('c1', 'first')], {
    faults: [
      {
        ...IN_FLEET,
        at: 'RunMigrations',
        on: { service: 's3', operation: 'GetObject' },
        error: 'AccessDenied',
        times: 12,
      },
    ],
  }),
  'a cluster that a hold rolled back is no failure of its stage': caseOf(
    [cluster('c1', 'first'), cluster('c2', 'first')],
    {
      stages: [{ name: 'first', atOnce: 1, tolerate: 0, soakHours: 0 }],
      faults: [
        {
          ...{ machine: 'nightshift-migrate-cluster', at: 'PrepareNodes', after: 60, cluster: 'c1' },
          ...{ other: 'put-parameter', name: '/nightshift/holds/clusters/c1' },
          value: HELD,
        },
      ],
    },
  ),
  'a hold of the batch that comes after its migrations, and keeps the proofs from being started': caseOf(
    [cluster('c1', 'first'), cluster('c2', 'second')],
    {
      stages: ['first', 'second'].map((name) => ({ name, atOnce: 2, tolerate: 0, soakHours: 1 })),
      faults: [
        {
          ...{ ...IN_FLEET, at: 'AwaitSoak', cluster: 'c1' },
          ...{ other: 'put-parameter', name: '/nightshift/holds/batches/rollouts/R/first/1', value: HELD },
        },
      ],
      resumes: [{ when: 'rest', clears: false }],
    },
  ),
  'a cluster that was tolerated, and migrates with a resumption after the soak': caseOf(
    [cluster('c1', 'first'), cluster('c2', 'first')],
    {
      stages: [{ name: 'first', atOnce: 2, tolerate: 1, soakHours: 8 }],
      faults: [{ node: 'all', fault: 'kube-proxy-crash', mode: 'ipvs', times: 1, cluster: 'c1' }],
      resumes: [{ when: 'ended', clears: true }],
    },
  ),
};

describe('a fleet keeps every rule with', () => {
  it.each(Object.entries(CASES))('%s', async (_, of) => {
    expect(violationsOfFleet(await runFleet(searcher, fleetCaseShape.parse(of)))).toEqual([]);
  });
});
