import type { SandboxState } from '@nightshift/sandbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { eventsIn, problemsOf } from '../workflow/event-schemas.ts';
import { CLUSTER } from '../workflow/worlds.ts';
import { deployWithTolerance, modesOf, Scene } from './scene.ts';

/** Eight clusters: the later its name, the fewer nodes a cluster has. */
const FLEET = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name, index) => ({
  name,
  nodeGroups: [{ ...CLUSTER.nodeGroups[0], count: 8 - index }],
}));
/** kube-proxy on one node of this cluster does not start in nftables mode, once. */
const crash = (cluster: string) => ({ node: 0, cluster, fault: 'kube-proxy-crash', mode: 'nftables', times: 1 });
/** What one node of this cluster answers when it is prepared cannot be read, once. */
const unprepared = (cluster: string) => ({
  ...{ node: 0, cluster, fault: 'output-garbage', document: 'prepare-node', times: 1 },
});

const Ended = z.object({ cluster: z.string(), ending: z.string(), error: z.optional(z.object({ name: z.string() })) });
const endings = (scene: Scene) =>
  eventsIn(scene.calls).flatMap(({ detail }) => {
    const { data } = Ended.safeParse(detail);
    return data ? `${data.cluster} ${data.ending} ${data.error?.name ?? ''}`.trim() : [];
  });
const heldIn = (scene: Scene) => eventsIn(scene.calls).filter((event) => event['detail-type'].endsWith('.BatchHeld'));

const Message = z.object({ 'detail-type': z.string(), detail: z.record(z.string(), z.unknown()) });
/** The details of the messages about a held batch that people got. */
const pages = ({ topics }: SandboxState) =>
  topics
    .flatMap(({ messages }) => messages.map((message) => Message.parse(JSON.parse(message))))
    .flatMap((message) => (message['detail-type'] === 'nightshift.BatchHeld' ? [message.detail] : []));

const Update = z.object({ clusterName: z.string() });
/** The clusters whose add-on was updated, each update once. */
const updated = (scene: Scene) =>
  scene.calls.flatMap(({ operation, input }) => (operation === 'UpdateAddon' ? [Update.parse(input).clusterName] : []));
const prepared = (scene: Scene) =>
  scene.calls.filter(
    ({ operation, input }) => operation === 'SendCommand' && /prepare-node/.test(JSON.stringify(input)),
  ).length;

const FIRST_NIGHT = [
  'nightshift-a at(2026-11-22T01:30:00) Etc/UTC',
  'nightshift-b at(2026-11-22T01:00:00) Etc/UTC',
  'nightshift-c at(2026-11-22T00:30:00) Etc/UTC',
  'nightshift-d at(2026-11-22T00:00:00) Etc/UTC',
  'nightshift-e at(2026-11-21T23:30:00) Etc/UTC',
  'nightshift-f at(2026-11-21T23:00:00) Etc/UTC',
  'nightshift-g at(2026-11-21T22:30:00) Etc/UTC',
  'nightshift-h at(2026-11-21T22:00:00) Etc/UTC',
];

async function withTolerance(tolerate: number): Promise<Scene> {
  return Scene.start(await deployWithTolerance(tolerate));
}

describe('of eight clusters in one window, when two fail and one may', () => {
  let scene: Scene;
  let state: SandboxState;
  beforeAll(async () => {
    scene = await withTolerance(1);
    state = await scene.play(FLEET, async () => {
      await scene.post('faults', [crash('g'), unprepared('f')]);
      await scene.sweep('schedule-migrations');
      expect(await scene.planned()).toEqual(FIRST_NIGHT);
    });
  });
  afterAll(() => scene.stop());

  it('the smallest go first, and the rest is held and not changed', () => {
    expect(endings(scene)).toEqual([
      'h migrated',
      'g rolled-back',
      'g rolled-back CanaryFailed',
      'f failed NodesNotPrepared',
      'e failed OnHold',
      'd failed OnHold',
      'c failed OnHold',
      'b failed OnHold',
      'a failed OnHold',
    ]);
    expect(updated(scene)).toEqual(['h', 'g', 'g']);
    expect(prepared(scene)).toBe(3);
    expect(modesOf(state)).toEqual([
      'a iptables iptables iptables iptables iptables iptables iptables iptables',
      'b iptables iptables iptables iptables iptables iptables iptables',
      'c iptables iptables iptables iptables iptables iptables',
      'd iptables iptables iptables iptables iptables',
      'e iptables iptables iptables iptables',
      'f iptables iptables iptables',
      'g iptables iptables',
      'h nftables',
    ]);
  });

  it('one page names which clusters failed and why, what is held, and how it is released', () => {
    expect(heldIn(scene).flatMap(problemsOf)).toEqual([]);
    const arn = 'arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-cluster';
    const execution = (name: string) => ({ name, arn: `${arn}:${name}` });
    expect(pages(state)).toEqual([
      {
        version: 1,
        cluster: null,
        batch: 'nights/weekend/20261121T2200',
        tolerate: 1,
        failures: 2,
        failed: [
          { cluster: 'f', error: 'NodesNotPrepared', execution: execution('scheduled-f-20261121T2300') },
          { cluster: 'g', error: 'CanaryFailed', execution: execution('scheduled-g-20261121T2230') },
        ],
        hold: '/nightshift/holds/batches/nights/weekend/20261121T2200',
        held: 'Every migration of the batch nights/weekend/20261121T2200 that has not begun its change ends as OnHold; those that have begun go on. Release: nightshift release --batch nights/weekend/20261121T2200',
      },
    ]);
  });

  it('the next night starts anew: it tolerates a failure again, and goes on after it', async () => {
    const before = endings(scene).length;
    const next = await scene.goOn(async () => {
      await scene.post('faults', [crash('g')]);
      await scene.sweep('schedule-migrations');
    });
    expect(endings(scene).slice(before)).toEqual([
      'g rolled-back',
      'g rolled-back CanaryFailed',
      'f migrated',
      'e migrated',
      'd migrated',
      'c migrated',
      'b migrated',
      'a migrated',
      // In the night after that.
      'g migrated',
    ]);
    expect(pages(next)).toHaveLength(1);
  });
});

describe('a night that tolerates no failure', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await withTolerance(0);
  });
  afterAll(() => scene.stop());

  it('holds the rest after the first one', async () => {
    const state = await scene.play(FLEET.slice(4), async () => {
      await scene.post('faults', [crash('g')]);
      await scene.sweep('schedule-migrations');
    });
    expect(endings(scene)).toEqual([
      'h migrated',
      'g rolled-back',
      'g rolled-back CanaryFailed',
      'f failed OnHold',
      'e failed OnHold',
    ]);
    expect(pages(state)).toMatchObject([{ tolerate: 0, failed: [{ cluster: 'g', error: 'CanaryFailed' }] }]);
  });
});
