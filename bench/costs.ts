import type { Bench, Row } from './measure.ts';
import { dollars, PRICED, PRICES, PRICES_OF, type Priced, quantities } from './prices.ts';
import { type Counts, total } from './runs/counts.ts';
import { renewPage, table } from './runs/page.ts';
import { BenchRegion } from './runs/region.ts';
import { cluster, fleet, REQUEST, ROLLOUT, world } from './runs/worlds.ts';

/** What an invocation is assumed to take: the sandbox's own belief, and a slow one. Lambda bills its real time. */
const SECONDS = { usual: 0.4, slow: 3 };

interface Size {
  what: string;
  clusters: number;
  milliseconds: number;
  counts: Counts;
}

/** Migrates single clusters with these many nodes, then fleets of these many clusters with 10 nodes each. */
async function measure(region: BenchRegion, nodes: readonly number[], fleets: readonly number[]): Promise<Size[]> {
  const sizes: Size[] = [];
  for (const count of nodes) {
    const request = { cluster: 'demo', ...REQUEST };
    const run = await region.run(world([cluster('demo', count)]), 'migrate-cluster', request);
    sizes.push({ ...run, what: `1 cluster, ${count.toLocaleString('en')} nodes`, clusters: 1 });
  }
  for (const clusters of fleets) {
    const run = await region.run(world(fleet(clusters, 10)), 'migrate-fleet', ROLLOUT);
    sizes.push({ ...run, what: `${clusters.toLocaleString('en')} clusters, 10 nodes each`, clusters });
  }
  return sizes;
}

const scaled = (counts: Readonly<Record<string, number>>, factor: number): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Math.round(count * factor)]));

/**
 * The counts of `clusters` clusters by those of two fleets of the same run. Throws unless each cluster of the larger
 * fleet took as many transitions and calls as one of the smaller, within a twentieth.
 */
export function extrapolated(smaller: Pick<Size, 'clusters' | 'counts'>, larger: typeof smaller, clusters: number) {
  const each = ({ counts, clusters: all }: typeof smaller) => [
    counts.transitions / all,
    counts.events / all,
    total(counts.calls) / all,
    total(counts.invocations) / all,
  ];
  const few = each(smaller);
  const isLinear = each(larger).every((value, index) => Math.abs(value - (few[index] ?? 0)) <= 0.05 * value);
  if (!isLinear) throw new Error(`the counts are not linear: ${few.join(', ')} and ${each(larger).join(', ')}`);
  const factor = clusters / larger.clusters;
  const { counts } = larger;
  return {
    transitions: Math.round(counts.transitions * factor),
    events: Math.round(counts.events * factor),
    calls: scaled(counts.calls, factor),
    invocations: scaled(counts.invocations, factor),
    logBytes: Math.round(counts.logBytes * factor),
  };
}

const money = (value: number): string => `$${value < 0.1 ? value.toFixed(5) : value.toFixed(2)}`;

/** All digits of a price, without an exponent. */
const unitPrice = (price: number): string => `$${price.toFixed(10).replace(/\.?0+$/, '')}`;

const costOf = (counts: Counts, seconds: number): number => dollars(quantities(counts, seconds));

function sizesTable(sizes: readonly Size[]): string[] {
  const rows = sizes.map(({ what, clusters, counts }) => [
    what,
    counts.transitions,
    counts.events,
    total(counts.calls),
    total(counts.invocations),
    money(costOf(counts, SECONDS.usual)),
    money(costOf(counts, SECONDS.slow)),
    money(costOf(counts, SECONDS.usual) / clusters),
  ]);
  const heads = ['', 'transitions', 'events', 'API calls', 'invocations', 'cost', 'if slow', 'a cluster'];
  return table(heads, rows);
}

function itemsTable(counts: Counts): string[] {
  const of = quantities(counts, SECONDS.usual);
  const amount = (name: Priced) => (of[name] < 100 ? of[name].toPrecision(3) : Math.round(of[name]));
  const rows = PRICED.map((name) => [
    `[${PRICES[name].what}](${PRICES[name].source})`,
    amount(name),
    unitPrice(PRICES[name].dollars),
    money(of[name] * PRICES[name].dollars),
  ]);
  return table(['', 'how many', 'price of one', 'cost'], rows);
}

function callsTable(sizes: readonly Size[]): string[] {
  const services = [...new Set(sizes.flatMap(({ counts }) => Object.keys(counts.calls)))].map((name) =>
    name.replace(/:.*/, ''),
  );
  const rows = [...new Set(services)]
    .sort()
    .map((service) => [service, ...sizes.map(({ counts }) => total(counts.calls, new RegExp(`^${service}:`)))]);
  return table(['calls', ...sizes.map(({ what }) => what)], rows);
}

function page(sizes: readonly Size[], items: Size): string[] {
  return [
    `List prices of ${PRICES_OF.region} as of ${PRICES_OF.day}, without free tiers. An invocation is assumed to take ${SECONDS.usual} s, which is the sandbox's own belief and not measured on AWS; *if slow* assumes ${SECONDS.slow} s for each. Not in it: what is paid by the month (a key, alarms, a dashboard, stored evidence), CloudTrail, and the nodes.`,
    '',
    ...sizesTable(sizes),
    '',
    `The last row is extrapolated from the two above it, which took the same for each cluster within a twentieth. It is high: clusters that begin when the window is open already do not wait for it, and [the rollout above](#one-rollout-of-a-fleet) took fewer transitions. Calls by service:`,
    '',
    ...callsTable(sizes),
    '',
    `What ${items.what} cost:`,
    '',
    ...itemsTable(items.counts),
  ];
}

const rowOf = ({ what, clusters, counts, milliseconds }: Size): Row => ({
  what,
  count: clusters,
  milliseconds,
  counts: [
    { what: 'transitions', value: counts.transitions },
    { what: 'events', value: counts.events },
    { what: 'API calls', value: total(counts.calls) },
    { what: 'invocations', value: total(counts.invocations) },
    { what: 'US cents', value: Number((costOf(counts, SECONDS.usual) * 100).toFixed(3)) },
  ],
});

/** Measures what migrations cost, and extrapolates to a fleet of 1,000 clusters if the counts are linear. */
export const bench: Bench = {
  title: 'costs: what AWS charges for migrations',
  async rows() {
    const region = await BenchRegion.start();
    try {
      const sizes = await measure(region, [3, 50, 5000], [10, 100]);
      const [, , , ten, hundred] = sizes;
      if (!ten || !hundred) throw new Error('no fleet was measured');
      const counts = extrapolated(ten, hundred, 1000);
      const thousand = { ...hundred, what: '1,000 clusters, 10 nodes each', clusters: 1000, counts };
      renewPage('costs', page([...sizes, thousand], hundred));
      return sizes.map(rowOf);
    } finally {
      await region.stop();
    }
  },
};
