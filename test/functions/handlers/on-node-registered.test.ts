import { expect, test } from 'vitest';
import { parseRequest } from '../../../functions/core/execution/request.ts';
import type { ClusterStanding } from '../../../functions/core/fleet/schedule-plan.ts';
import { parseSettings } from '../../../functions/core/fleet/settings.ts';
import { onNodeRegistered } from '../../../functions/handlers/on-node-registered.ts';
import { COMPLIANT, recording, running, SETTINGS } from './events.ts';
import { RecordedLog } from './fakes.ts';

const OF_DEMO = { 'aws:eks:cluster-name': 'demo', 'kubernetes.io/cluster/demo': 'owned' };

function listening({
  standing = COMPLIANT,
  tags = OF_DEMO,
}: {
  standing?: ClusterStanding | null;
  tags?: Record<string, string> | null;
} = {}) {
  const { started, deps } = recording();
  const asked: string[] = [];
  const run = onNodeRegistered({
    ...deps,
    ec2: { tags: async () => tags },
    eks: {
      standing: async (cluster) => {
        asked.push(cluster);
        return standing;
      },
    },
    settings: () => parseSettings(SETTINGS),
  });
  return { started, asked, run: (event: unknown) => run(event, new RecordedLog()) };
}

test('a node that joins a compliant cluster has all its nodes proven when it has settled', async () => {
  const { run, started } = listening();
  const name = 'joined-demo-20261120T2215';
  expect(await run(running('i-0a', '2026-11-20T22:07:12Z'))).toEqual({ kind: 'started', reason: null, name });
  expect(started).toMatchObject([
    {
      name,
      input: {
        cluster: 'demo',
        target: { mode: 'ipvs', scheduler: 'rr' },
        window: 'weekend',
        acknowledge: ['ipvs-deprecated'],
        requestedBy: 'nightshift, because nodes joined until 2026-11-20T22:15:00.000Z, i-0a among them',
        notBefore: '2026-11-20T22:20:00.000Z',
      },
    },
  ]);
  expect(parseRequest(started[0]?.input)).toEqual(started[0]?.input);
});

test('a node that joins in the next quarter of an hour starts the next one', async () => {
  const { run, started } = listening();
  await run(running('i-0a', '2026-11-20T22:14:59Z'));
  await run(running('i-0b', '2026-11-20T22:15:00Z'));
  expect(started.map(({ name }) => name)).toEqual(['joined-demo-20261120T2215', 'joined-demo-20261120T2230']);
});

test('an event that comes hours late belongs to the quarter in which the node joined', async () => {
  const { run } = listening();
  await run(running('i-0a', '2026-11-20T22:07:12Z'));
  expect(await run(running('i-0b', '2026-11-20T22:08:00Z'))).toMatchObject({ kind: 'already-started' });
});

test.each<[string, Parameters<typeof listening>[0], RegExp]>([
  [
    'whose cluster still runs iptables',
    { standing: { ...COMPLIANT, addon: { configuration: null } } },
    /prepares every node/,
  ],
  ['whose cluster has a self-managed kube-proxy', { standing: { ...COMPLIANT, addon: null } }, /prepares every node/],
  [
    'whose cluster has a configuration that nobody can read',
    { standing: { ...COMPLIANT, addon: { configuration: '{' } } },
    /prepares every node/,
  ],
  ['whose cluster is not enrolled', { standing: { ...COMPLIANT, tags: {} } }, /only tagged clusters are enrolled/],
  ['whose cluster is still being made', { standing: { ...COMPLIANT, status: 'CREATING' } }, /is CREATING/],
  ['whose cluster is gone', { standing: null }, /no such cluster/],
  ['of no cluster', { tags: { Name: 'bastion' } }, /not a worker node/],
  ['that is gone already', { tags: null }, /instance is gone/],
  [
    'that names two clusters',
    { tags: { 'kubernetes.io/cluster/demo': 'owned', 'kubernetes.io/cluster/blue': 'shared' } },
    /several clusters: blue, demo/,
  ],
])('a node %s starts nothing', async (_, world, reason) => {
  const { run, started } = listening(world);
  expect(await run(running('i-0a', '2026-11-20T22:07:12Z'))).toEqual({
    kind: 'ignored',
    reason: expect.stringMatching(reason),
    name: null,
  });
  expect(started).toEqual([]);
});

test("a cluster's tag that breaks a rule is refused by name", async () => {
  const { run } = listening({ standing: { ...COMPLIANT, tags: { 'nightshift:enrolled': 'yes' } } });
  expect(await run(running('i-0a', '2026-11-20T22:07:12Z'))).toMatchObject({
    kind: 'refused',
    reason: 'The tag nightshift:enrolled must be true or false, but it is "yes".',
  });
});
