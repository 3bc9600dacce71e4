import type { Bench, Row } from './measure.ts';
import { tally } from './runs/counts.ts';
import { renewPage, table } from './runs/page.ts';
import { BenchRegion } from './runs/region.ts';
import { fleet, REQUEST, world } from './runs/worlds.ts';

const CLUSTERS = 50;
const NODES = 3;

/** AWS publishes no rates for EKS and Run Command: these are assumed, and low. */
const ASSUMED = Object.fromEntries(
  [
    'eks:DescribeCluster',
    'eks:DescribeAddon',
    'eks:ListUpdates',
    'eks:DescribeUpdate',
    'eks:UpdateAddon',
    'ssm:SendCommand',
    'ssm:ListCommandInvocations',
    'ssm:DescribeInstanceInformation',
  ].map((name) => [name, { size: 20, perSecond: 10 }]),
);

/** Clusters that begin in one window, and the rates that they meet. */
interface Burst {
  what: string;
  /** When the first execution begins: in its window, or before it, so that all wait for the same second. */
  start: string;
  /** Seconds from the first to the last start. */
  within: number;
  rates: object;
}

const IN_WINDOW = '2026-11-21T02:05:00-05:00';
const BEFORE = '2026-11-21T01:30:00-05:00';
const OPENS = Date.parse('2026-11-21T02:00:00-05:00');

const BURSTS: readonly Burst[] = [
  { what: 'in one minute, published rates', start: IN_WINDOW, within: 60, rates: { published: true } },
  { what: 'in one second, published rates', start: BEFORE, within: 0, rates: { published: true } },
  {
    what: 'in one minute, assumed rates for EKS and SSM too',
    start: IN_WINDOW,
    within: 60,
    rates: { published: true, own: ASSUMED },
  },
];

/** How many clusters migrated, and which calls were throttled. */
export interface Ridden {
  what: string;
  clusters: number;
  migrated: number;
  /** Errors of the executions that failed, each with its cause, by how many had it. */
  failures: Record<string, number>;
  throttled: Record<string, number>;
  calls: number;
  /** Virtual minutes from the first start in the window to the last end. */
  minutes: number;
  milliseconds: number;
}

/** Starts one migration for each cluster and lets all of them end. */
async function ride(region: BenchRegion, { what, start, within, rates }: Burst, clusters: number): Promise<Ridden> {
  const members = fleet(clusters, NODES);
  await region.load({ ...world(members, { rates }), start });
  const { live } = region.sandbox;
  const { clock } = live.region;
  const from = performance.now();
  const first = clock.now().getTime();
  await clock.busy(async () => {
    for (const [index, { name }] of members.entries())
      clock.at(new Date(first + (within * 1000 * index) / clusters), async () => {
        await region.begin('migrate-cluster', `bench-${name}`, { cluster: name, ...REQUEST });
      });
  });
  await clock.idle();
  const executions = [...live.stepFunctions.executions.values()].filter(({ name }) => name.startsWith('bench-'));
  const last = Math.max(...executions.map(({ stopDate, startDate }) => (stopDate ?? startDate).getTime()));
  return {
    what,
    clusters,
    migrated: executions.filter(({ status }) => status === 'SUCCEEDED').length,
    failures: tally(executions.flatMap(({ error, cause }) => (error === undefined ? [] : `${error}: ${cause}`))),
    throttled: (await region.sandbox.state()).throttled ?? {},
    calls: region.sandbox.calls.length,
    minutes: (last - Math.max(first, OPENS)) / 60_000,
    milliseconds: performance.now() - from,
  };
}

/** Rides every burst with these many clusters. */
export async function rideAll(region: BenchRegion, clusters: number): Promise<Ridden[]> {
  const ridden: Ridden[] = [];
  for (const burst of BURSTS) ridden.push(await ride(region, burst, clusters));
  return ridden;
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((all, count) => all + count, 0);

const listed = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ') || 'none';

function page(ridden: readonly Ridden[]): string[] {
  const rows = ridden.map(({ what, clusters, migrated, failures, throttled, calls, minutes }) => [
    what,
    `${migrated} of ${clusters}`,
    listed(failures),
    calls,
    listed(throttled),
    minutes.toFixed(1),
  ]);
  const [example] = Object.values(ASSUMED);
  return [
    `Each cluster has ${NODES} nodes. AWS publishes no rates for EKS and Run Command; the last row assumes ${example?.perSecond} calls a second and ${example?.size} at once for each of ${Object.keys(ASSUMED).length} operations. The pauses of a function between its own retries take no time in the sandbox, so a throttled function fails sooner there than on AWS.`,
    '',
    ...table(
      [`${CLUSTERS} clusters start`, 'migrated', 'failed', 'calls', 'throttled', 'minutes to the last end'],
      rows,
    ),
  ];
}

const rowOf = ({ what, clusters, migrated, throttled, calls, milliseconds }: Ridden): Row => ({
  what,
  count: clusters,
  milliseconds,
  counts: [
    { what: 'clusters not migrated', value: clusters - migrated, most: 0 },
    { what: 'throttled', value: sum(throttled) },
    { what: 'API calls', value: calls },
  ],
});

/** Measures whether clusters that begin together migrate although calls are throttled. */
export const bench: Bench = {
  title: `bursts: ${CLUSTERS} clusters that begin together`,
  async rows() {
    const region = await BenchRegion.start();
    try {
      const ridden = await rideAll(region, CLUSTERS);
      renewPage('bursts', page(ridden));
      return ridden.map(rowOf);
    } finally {
      await region.stop();
    }
  },
};
