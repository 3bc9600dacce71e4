import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PAUSE, Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
beforeEach(() => scene.load());
afterEach(() => expect(scene.bugs).toEqual([]));
afterAll(() => scene.stop());

const pass = async (seconds: number) =>
  scene.run(await scene.machine(`pausing-${seconds}`, { Pause: { ...PAUSE, Seconds: seconds } }));

describe('an outage', () => {
  test('of a service lasts as many seconds as it says, for every operation', async () => {
    await scene.arm({ outage: 'scheduler', for: 600 });
    await expect(scene.scheduler.listSchedules({})).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    await expect(scene.scheduler.listScheduleGroups({})).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    await pass(599);
    await expect(scene.scheduler.listSchedules({})).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    await pass(2);
    expect((await scene.scheduler.listSchedules({})).Schedules).toEqual([]);
  });

  test('begins when an execution enters a state, and without an end never ends', async () => {
    const machine = await scene.machine('pausing', { First: PAUSE, Second: PAUSE });
    await scene.arm({ at: 'Second', outage: 'eks' });
    expect((await scene.eks.listClusters({})).clusters).toEqual(['demo']);
    await scene.run(machine);
    await pass(86_400 * 30);
    await expect(scene.eks.listClusters({})).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  test('of one operation leaves the others of its service', async () => {
    await scene.arm({ outage: 'eks', operation: 'ListClusters' });
    await expect(scene.eks.listClusters({})).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    expect((await scene.eks.describeCluster({ name: 'demo' })).cluster?.name).toBe('demo');
  });

  test('of the Kubernetes API cuts every connection', async () => {
    await scene.arm({ outage: 'kubernetes', for: 60 });
    const read = () => scene.kubernetes().listNamespacedPod({ namespace: 'kube-system' });
    await expect(read()).rejects.toThrow('fetch failed');
    await expect(read()).rejects.toThrow('fetch failed');
    await pass(61);
    expect((await read()).items).toHaveLength(3);
  });

  test('is forgotten with everything else that was to go wrong', async () => {
    await scene.arm(
      { outage: 'eks' },
      { kubernetes: 'unreachable', times: 3 },
      { at: 'InspectCluster', clock: 'skip', hours: 1 },
    );
    scene.live.faults.clear();
    expect((await scene.state()).faults).toEqual([]);
    expect((await scene.eks.listClusters({})).clusters).toEqual(['demo']);
  });

  test('is in the state with its end while it lasts', async () => {
    await scene.arm({ outage: 's3', for: 60 }, { outage: 'events', operation: 'PutEvents' });
    expect((await scene.state()).faults).toEqual([
      { outage: 's3', for: 60, until: '2026-11-20T22:01:00.000Z' },
      { outage: 'events', operation: 'PutEvents', until: 'ever' },
    ]);
    await pass(61);
    expect((await scene.state()).faults).toEqual([{ outage: 'events', operation: 'PutEvents', until: 'ever' }]);
  });
});
