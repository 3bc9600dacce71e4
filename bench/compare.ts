import { readFileSync } from 'node:fs';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { ApiCall } from '@nightshift/sandbox';
import { parse } from 'yaml';
import type { Bench, Row } from './measure.ts';
import { total } from './runs/counts.ts';
import { renewPage, table } from './runs/page.ts';
import { BenchRegion, type Measured } from './runs/region.ts';
import { Script } from './runs/script.ts';
import { cluster, REQUEST, world } from './runs/worlds.ts';

const IN_WINDOW = '2026-11-21T02:05:00-05:00';
const CONFIGURATION = { resources: { requests: { cpu: '150m' } }, mode: 'ipvs', ipvs: { scheduler: 'rr' } };
const BATCH = 50;
const NODES = 200;
/** Seconds: the sandbox's own belief, and a pod that is killed at the end of Kubernetes' usual grace period. */
const POD_RESTARTS = [4, 30];

/** One way from iptables to IPVS, in virtual seconds. */
export interface Way extends Measured {
  what: string;
  /** From the beginning to the end. */
  whole: number;
  /** From the first kube-proxy that is restarted to the last node that is proven. */
  disruption: number;
  /** The DaemonSet's own rollout: from the change of its template to the last new pod that runs. */
  rollout: number;
}

interface Moments {
  begun: number;
  firstRestart: number;
  templateChanged: number;
  lastProven: number;
  ended: number;
}

const timesOf = (calls: readonly ApiCall[], name: string): number[] =>
  calls.filter(({ service, operation }) => `${service} ${operation}` === name).map(({ at }) => Date.parse(at));

/** When the pods of kube-proxy that run now were created and started, in whole seconds as Kubernetes keeps them. */
async function pods({ sandbox }: BenchRegion): Promise<{ created: number; running: number }> {
  const config = new KubeConfig();
  config.loadFromFile(sandbox.kubeconfig);
  const api = config.makeApiClient(CoreV1Api);
  const { items } = await sandbox.live.region.clock.busy(() =>
    api.listNamespacedPod({ namespace: 'kube-system', labelSelector: 'k8s-app=kube-proxy' }),
  );
  const started = items.map(({ status }) => status?.containerStatuses?.[0]?.state?.running?.startedAt?.getTime() ?? 0);
  const created = items.map(({ metadata }) => metadata?.creationTimestamp?.getTime() ?? 0);
  return { created: Math.min(...created), running: Math.max(...started) };
}

function wayOf(what: string, measured: Measured, moments: Moments, running: number): Way {
  const { begun, firstRestart, templateChanged, lastProven, ended } = moments;
  return {
    ...measured,
    what,
    whole: (ended - begun) / 1000,
    disruption: (lastProven - firstRestart) / 1000,
    rollout: (running - templateChanged) / 1000,
  };
}

async function nightshift(region: BenchRegion): Promise<Way> {
  const arn = await region.begin('migrate-cluster', 'bench', { cluster: 'demo', ...REQUEST });
  const measured = await region.finished(arn);
  const { history, startDate, stopDate } = await region.sandbox.live.stepFunctions.ended(arn);
  const proofs = history.filter(({ stateExitedEventDetails }) => stateExitedEventDetails?.name === 'CollectValidation');
  const moments = {
    begun: startDate.getTime(),
    firstRestart: Math.min(...timesOf(measured.calls, 'kubernetes delete pods')),
    templateChanged: Math.min(...timesOf(measured.calls, 'kubernetes patch daemonsets')),
    lastProven: Math.max(...proofs.map(({ timestamp }) => timestamp?.getTime() ?? 0)),
    ended: stopDate?.getTime() ?? 0,
  };
  return wayOf('nightshift', measured, moments, (await pods(region)).running);
}

async function script(region: BenchRegion, nodes: readonly string[]): Promise<Way> {
  const { clock } = region.sandbox.live.region;
  const begun = clock.now().getTime();
  await new Script(region.sandbox).run('demo', nodes, JSON.stringify(CONFIGURATION));
  const ended = clock.now().getTime();
  const measured = await region.finished();
  const changed = Math.min(...timesOf(measured.calls, 'kubernetes patch daemonsets'));
  const moments = { begun, firstRestart: changed, templateChanged: changed, lastProven: ended, ended };
  return wayOf('a script, node after node', measured, moments, (await pods(region)).running);
}

async function inlineMap(region: BenchRegion, nodes: readonly string[]): Promise<Way> {
  const { stepFunctions, region: live } = region.sandbox.live;
  const text = readFileSync(new URL('runs/inline-map.asl.yaml', import.meta.url), 'utf8');
  const roleArn = 'arn:aws:iam::111122223333:role/inline-map';
  const machine = stepFunctions.register({ name: 'inline-map', definition: JSON.stringify(parse(text)), roleArn });
  const batches = Array.from({ length: Math.ceil(nodes.length / BATCH) }, (_, index) =>
    nodes.slice(index * BATCH, (index + 1) * BATCH),
  );
  const configuration = JSON.stringify({ ...CONFIGURATION, podAnnotations: { 'example.com/restarted': 'tonight' } });
  const begun = live.clock.now().getTime();
  const { arn } = stepFunctions.start(machine, 'bench', { cluster: 'demo', batches, configuration });
  const measured = await region.finished(arn);
  const { stopDate } = await stepFunctions.ended(arn);
  const { created, running } = await pods(region);
  const ended = stopDate?.getTime() ?? 0;
  const moments = { begun, firstRestart: created, templateChanged: created, lastProven: ended, ended };
  return wayOf(`an inline Map, ${BATCH} nodes an iteration`, measured, moments, running);
}

/**
 * Moves one cluster with these many nodes by each way, each time in the same world, whose window is open. A pod of
 * kube-proxy takes `podRestart` seconds to restart.
 */
export async function ways(region: BenchRegion, nodes: number, podRestart: number): Promise<Way[]> {
  const load = async (): Promise<string[]> => {
    await region.load({ ...world([cluster('demo', nodes)], { latencies: { podRestart } }), start: IN_WINDOW });
    return region.sandbox.live.region.clusters.get('demo')?.nodes.map(({ id }) => id) ?? [];
  };
  await load();
  const own = await nightshift(region);
  const byScript = await script(region, await load());
  return [own, byScript, await inlineMap(region, await load())];
}

const minutes = (seconds: number): string => (seconds / 60).toFixed(1);

function waysTable(done: readonly Way[]): string[] {
  const rows = done.map(({ what, counts, whole, disruption, rollout }) => [
    what,
    counts.transitions,
    counts.events,
    total(counts.calls) + total(counts.invocations),
    minutes(whole),
    minutes(disruption),
    minutes(rollout),
    (disruption / rollout).toFixed(2),
  ]);
  const heads = ['way', 'transitions', 'events', 'calls', 'minutes', 'disruption', "DaemonSet's rollout", 'ratio'];
  return table(heads, rows);
}

function page(measured: readonly { podRestart: number; done: readonly Way[] }[]): string[] {
  return [
    `One cluster with ${NODES} nodes, in an open window, in the sandbox's own time (its delays are invented). *Disruption* is the time in minutes from the first kube-proxy that is restarted to the last node that is proven; the ratio compares it with the DaemonSet's own rollout. nightshift's contains the canary and its proof, the pauses between its looks, and the removal of leftovers with a second proof. The script and the Map do less: they neither look whether the change is safe, nor have a canary, nor come back from a failure, nor keep evidence.`,
    ...measured.flatMap(({ podRestart, done }) => [
      '',
      `If a pod of kube-proxy restarts in about ${podRestart} seconds:`,
      '',
      ...waysTable(done),
    ]),
  ];
}

const rowOf = (way: Way, podRestart: number): Row => ({
  what: `${way.what}, ${podRestart} s`,
  count: 1,
  milliseconds: way.milliseconds,
  counts: [
    { what: 'transitions', value: way.counts.transitions },
    { what: 'events', value: way.counts.events },
    { what: 'calls', value: total(way.counts.calls) + total(way.counts.invocations) },
    { what: 'virtual s', value: Math.round(way.whole) },
    { what: 'virtual s of disruption', value: Math.round(way.disruption) },
    { what: 'times the rollout', value: Number((way.disruption / way.rollout).toFixed(2)) },
  ],
});

/** Measures nightshift beside a person's script and the usual workflow. */
export const bench: Bench = {
  title: `compare: one cluster with ${NODES} nodes, three ways, at two speeds of a pod's restart`,
  async rows() {
    const region = await BenchRegion.start();
    try {
      const measured = [];
      for (const podRestart of POD_RESTARTS) measured.push({ podRestart, done: await ways(region, NODES, podRestart) });
      renewPage('compare', page(measured));
      return measured.flatMap(({ podRestart, done }) => done.map((way) => rowOf(way, podRestart)));
    } finally {
      await region.stop();
    }
  },
};
