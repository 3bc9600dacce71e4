import { afterEach, expect, test } from 'vitest';
import { startSettling } from '../../kubernetes/settling.ts';
import { ask } from './clients.ts';
import { eksToken } from './token.ts';
import { EDIT_IN_KUBE_SYSTEM, ISSUED, ROLE_ARN, startWorld, VIEW, type World } from './world.ts';

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.api.close();
});

const DAEMONSET = '/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy';
const PODS = '/api/v1/namespaces/kube-system/pods';

async function status(world: World, path: string): Promise<number> {
  const token = await eksToken({ cluster: 'demo', region: 'us-east-1', credentials: ISSUED });
  return (await ask(world, path, token)).status;
}

/** A role whose grant was made a moment ago. */
async function granted(salt: number): Promise<World> {
  const world = await startWorld({ entries: [[VIEW, EDIT_IN_KUBE_SYSTEM]] });
  worlds.push(world);
  const entry = world.cluster.accessEntries.get(ROLE_ARN);
  if (entry)
    entry.settling = startSettling({
      account: '111122223333',
      name: 'us-east-1',
      clusters: new Map(),
      clock: world.clock,
      random: () => salt,
      latencies: { addonUpdate: 0, command: 0, prepareCommand: 0, podRestart: 0, function: 0, grant: 10 },
    });
  return world;
}

/** What each path is answered, ten times a second for two seconds. */
async function statuses(world: World, ...paths: string[]): Promise<Record<string, number[]>> {
  const seen: Record<string, number[]> = Object.fromEntries(paths.map((path) => [path, []]));
  for (let time = 0; time < 20; time += 1) {
    for (const path of paths) seen[path]?.push(await status(world, path));
    await world.clock.skip(100);
  }
  return seen;
}

test('for some seconds after a grant a 403 comes and goes, and then no more', async () => {
  const world = await granted(0.5);
  await world.clock.skip(7_900);
  const seen = (await statuses(world, DAEMONSET))[DAEMONSET];
  // It comes back after it went.
  expect(seen?.join(' ')).toMatch(/403.* 200 .*403/);
  await world.clock.skip(100);
  expect(await statuses(world, DAEMONSET)).toEqual({ [DAEMONSET]: Array(20).fill(200) });
});

test('the same seed refuses the same requests in whatever order they come, and another seed others', async () => {
  const first = await statuses(await granted(0.25), DAEMONSET, PODS);
  expect(await statuses(await granted(0.25), PODS, DAEMONSET)).toEqual(first);
  expect(await statuses(await granted(0.75), DAEMONSET, PODS)).not.toEqual(first);
});
