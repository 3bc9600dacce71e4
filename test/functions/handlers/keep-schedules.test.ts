import { beforeEach, expect, test } from 'vitest';
import type { FoundSchedule, ScheduleGroup } from '../../../functions/aws/scheduler.ts';
import { keepAllSchedules, keepSchedule, type SweepDeps } from '../../../functions/handlers/shared/keep-schedules.ts';
import { deployment, WEEKEND } from '../core/fleet/schedule-plan-fixtures.ts';
import { MemoryStore, RecordedLog } from './fakes.ts';

const NOW = new Date('2026-11-20T22:00:00Z');
const MOMENTS = 'schedules/group/moments.json.gz';

/** A group of schedules in memory, which counts its GetSchedule calls. */
class Group implements ScheduleGroup {
  readonly there = new Map<string, FoundSchedule>();
  finds = 0;
  #changes = 0;

  async list() {
    return [...this.there].map(([name, { modifiedAt }]) => ({ name, modifiedAt }));
  }
  async find(name: string) {
    this.finds += 1;
    return this.there.get(name) ?? null;
  }
  async create(schedule: Parameters<ScheduleGroup['create']>[0]) {
    this.#changes += 1;
    const modifiedAt = new Date(NOW.getTime() + this.#changes);
    this.there.set(schedule.name, { ...schedule, enabled: true, modifiedAt });
    return { created: true };
  }
  async update(schedule: Parameters<ScheduleGroup['update']>[0]) {
    await this.create(schedule);
    return { updated: true };
  }
  async delete(name: string) {
    this.there.delete(name);
  }
}

let group: Group;
let store: MemoryStore;
let deps: SweepDeps;
let clusters: string[];
beforeEach(() => {
  group = new Group();
  store = new MemoryStore();
  clusters = [];
  deps = {
    schedules: group,
    store,
    ec2: { nodesByCluster: async () => new Map() },
    eks: {
      clusters: async () => clusters,
      standing: async (name) => ({ name, status: 'ACTIVE', autoMode: false, tags: {}, addon: { configuration: null } }),
    },
    deployment: () => ({ ...deployment, windows: new Map([['weekend', WEEKEND]]) }),
    fleet: () => null,
  };
});

const names = (count: number) => Array.from({ length: count }, (_, index) => `c${String(index).padStart(4, '0')}`);

async function tag(cluster: string): Promise<number> {
  const before = group.finds;
  await keepSchedule(deps, cluster, NOW, new RecordedLog());
  return group.finds - before;
}

const perMoment = () =>
  [...Map.groupBy(group.there.values(), ({ expression }) => expression)].map(([at, there]) => `${at} ${there.length}`);

test('clusters that are tagged one after the other share slots, and none costs more than 26 GetSchedule calls', async () => {
  const calls: number[] = [];
  for (const name of names(200)) calls.push(await tag(name));
  expect(perMoment().slice(0, 3)).toEqual([
    'at(2026-11-21T02:00:00) 5',
    'at(2026-11-21T02:10:00) 5',
    'at(2026-11-21T02:20:00) 5',
  ]);
  expect(new Set(perMoment().map((line) => line.split(' ')[1]))).toEqual(new Set(['5']));
  expect(Math.max(...calls)).toBe(26);
  expect(store.writes.filter((key) => key === MOMENTS)).toHaveLength(7);
});

test('after a sweep a tag costs one GetSchedule call, however many schedules there are', async () => {
  clusters = names(300);
  await keepAllSchedules(deps, NOW, new RecordedLog());
  expect(await tag('new')).toBe(1);
  expect(group.there.get('nightshift-new')?.expression).toBe('at(2026-12-12T04:00:00)');
});

test('a sweep that changes nothing looks at each schedule once, and remembers nothing anew', async () => {
  clusters = names(30);
  await keepAllSchedules(deps, NOW, new RecordedLog());
  const { finds } = group;
  const writes = store.writes.length;
  await keepAllSchedules(deps, NOW, new RecordedLog());
  expect([group.finds - finds, store.writes.length - writes]).toEqual([30, 0]);
});

test('a schedule that a person moved counts at its new moment', async () => {
  clusters = names(5);
  await keepAllSchedules(deps, NOW, new RecordedLog());
  const moved = group.there.get('nightshift-c0000');
  if (moved)
    await group.update({ ...moved, name: 'nightshift-c0000', description: '', expression: 'at(2026-11-21T03:33:00)' });
  expect(await tag('new')).toBe(2);
  expect(group.there.get('nightshift-new')?.expression).toBe('at(2026-11-21T02:00:00)');
});

test('a list of moments that is lost or broken costs calls, at most 500 for one event, and nothing else', async () => {
  clusters = names(700);
  await keepAllSchedules(deps, NOW, new RecordedLog());
  await store.put(MOMENTS, '{"nightshift-c0000":"soon"}');
  expect(await tag('new')).toBe(501);
  expect(await tag('newer')).toBe(202);
  expect(await tag('newest')).toBe(2);
});

test('a sweep gives the earlier slots to the clusters with fewer nodes, and keeps those that there are', async () => {
  clusters = names(6);
  await keepAllSchedules(deps, NOW, new RecordedLog());
  clusters = [...clusters, 'a-large', 'd', 'e', 'f', 'g'];
  const counts = new Map(clusters.map((cluster) => [cluster, cluster === 'a-large' ? 40 : 3]));
  deps.ec2 = { nodesByCluster: async () => counts };
  await keepAllSchedules(deps, NOW, new RecordedLog());
  const at = (cluster: string) => group.there.get(`nightshift-${cluster}`)?.expression;
  expect(names(6).map(at)).toEqual([...Array(5).fill('at(2026-11-21T02:00:00)'), 'at(2026-11-21T02:10:00)']);
  expect(['d', 'e', 'f', 'g', 'a-large'].map(at)).toEqual([
    ...Array(4).fill('at(2026-11-21T02:10:00)'),
    'at(2026-11-21T02:20:00)',
  ]);
});

test('a sweep that cannot count nodes goes by name, and logs that', async () => {
  clusters = ['b', 'a'];
  deps.ec2 = { nodesByCluster: () => Promise.reject(new Error('EC2 is away')) };
  deps.deployment = () => ({
    ...{ ...deployment, windows: new Map([['weekend', WEEKEND]]) },
    settings: { ...deployment.settings, stagger: { minutes: 10, atOnce: 1 } },
  });
  const log = new RecordedLog();
  await keepAllSchedules(deps, NOW, log);
  expect(log.decisions).toContain('schedules.by-name');
  expect([...group.there].map(([name, { expression }]) => `${name} ${expression}`).sort()).toEqual([
    'nightshift-a at(2026-11-21T02:00:00)',
    'nightshift-b at(2026-11-21T02:10:00)',
  ]);
});
