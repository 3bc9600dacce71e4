import { availableParallelism, loadavg } from 'node:os';
import type { Bench, Count, Row } from './measure.ts';
import { renewPage, table } from './runs/page.ts';
import { BenchRegion, type Measured } from './runs/region.ts';
import { cluster, fleet, REQUEST, ROLLOUT, world } from './runs/worlds.ts';

const NODES = 10;

/** A rollout of a fleet with as many clusters, with what it costs above single migrations. */
export interface Rollout extends Measured {
  clusters: number;
  /** Transitions for each cluster above those of one migration. */
  above: number;
  /** The most memory that the process had so far, in MiB. */
  peak: number;
  /** Seconds of processor time, of all threads. */
  cpu: number;
}

/** Migrates one cluster, then fleets of these sizes, in one sandbox. */
export async function rollouts(region: BenchRegion, sizes: readonly number[], nodes = NODES): Promise<Rollout[]> {
  const single = await region.run(world([cluster('demo', nodes)]), 'migrate-cluster', { cluster: 'demo', ...REQUEST });
  const done: Rollout[] = [];
  for (const clusters of sizes) {
    const before = process.cpuUsage();
    const run = await region.run(world(fleet(clusters, nodes)), 'migrate-fleet', ROLLOUT);
    const { user, system } = process.cpuUsage(before);
    const above = run.counts.transitions / clusters - single.counts.transitions;
    done.push({ ...run, clusters, above, peak: process.resourceUsage().maxRSS / 1024, cpu: (user + system) / 1e6 });
  }
  return done;
}

function countsOf({ clusters, counts, above, peak, cpu }: Rollout): Count[] {
  return [
    { what: 'transitions a cluster above one migration', value: Number(above.toFixed(2)), most: 10 },
    { what: 'transitions', value: counts.transitions },
    { what: 'events', value: counts.events },
    { what: 's of processor', value: Math.round(cpu) },
    { what: 'MiB at most', value: Math.round(peak), ...(clusters === 1000 && { most: 2048 }) },
  ];
}

const rowOf = (rollout: Rollout): Row => ({
  what: `${rollout.clusters.toLocaleString('en')} clusters`,
  count: rollout.clusters,
  milliseconds: rollout.milliseconds,
  ...(rollout.clusters === 1000 && { limit: 600_000 }),
  counts: countsOf(rollout),
});

/** The sizes of which the command line wants no larger: `--most 100`. */
function sizes(): number[] {
  const at = process.argv.indexOf('--most');
  const most = at < 0 ? 1000 : Number(process.argv[at + 1]);
  return [10, 100, 1000].filter((size) => size <= most);
}

function page(done: readonly Rollout[]): string[] {
  const rows = done.map(({ clusters, counts, above, milliseconds, cpu, peak }) => [
    `${clusters.toLocaleString('en')} clusters`,
    counts.transitions,
    above.toFixed(2),
    (milliseconds / 1000).toFixed(0),
    cpu.toFixed(0),
    Math.round(peak),
  ]);
  const [load = 0] = loadavg();
  return [
    `Each cluster has ${NODES} nodes. The load average of the machine was ${load.toFixed(1)} at the end, on ${availableParallelism()} cores: a run on an idle machine takes fewer seconds. Clusters that begin when the window is open already, as those after the first hundred do, do not wait for it and take fewer transitions than the single migration that is compared, which waits.`,
    '',
    ...table(
      ['one stage', 'transitions', 'a cluster above one migration', 'seconds', 'of processor', 'MiB at most'],
      rows,
    ),
  ];
}

/** Measures whole rollouts: what each cluster adds, the time and the memory. */
export const bench: Bench = {
  title: 'migrate-fleet in the sandbox: one rollout, 10 nodes a cluster',
  async rows() {
    const region = await BenchRegion.start();
    try {
      const done = await rollouts(region, sizes());
      renewPage('fleets', page(done));
      return done.map(rowOf);
    } finally {
      await region.stop();
    }
  },
};
