import fc from 'fast-check';
import { type FleetCase, type FleetCluster, type FleetStage, GUARD_TAG, type Resume, STAGE_TAG } from './case.ts';
import { fleetFaults } from './draw-faults.ts';

/** In the nightly window, just before it, in the noon before it, and just before the weekend's. */
const STARTS = [
  '2026-11-20T22:10:00.000Z',
  '2026-11-20T21:50:00.000Z',
  '2026-11-20T12:00:00.000Z',
  '2026-11-21T01:40:00.000Z',
];
const CONFIGURATIONS = [
  null,
  '{"resources":{"requests":{"cpu":"150m"}}}',
  '{"mode":"iptables","podLabels":{"team":"net"}}',
  '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}',
];
const STAGES = ['first', 'second', 'third'];

interface DrawnCluster {
  stage: number;
  nodes: number;
  configuration: string | null;
  window: string;
  guard: string | null;
}

const cluster: fc.Arbitrary<DrawnCluster> = fc.record({
  stage: fc.constantFrom(0, 0, 0, 1, 1, 2),
  nodes: fc.constantFrom(1, 1, 2, 3),
  configuration: fc.constantFrom(...CONFIGURATIONS),
  window: fc.constantFrom('nightly', 'nightly', 'nightly', 'weekend', 'brief'),
  guard: fc.constantFrom(null, null, 'checkout', 'search', 'checkout search'),
});

function clusterOf(
  { nodes, configuration, window, guard, stage }: DrawnCluster,
  index: number,
  names: string[],
): FleetCluster {
  return {
    name: `c${index + 1}`,
    version: '1.34',
    serviceCidr: '10.100.0.0/16',
    services: 2,
    servicesWithoutEndpoints: 0,
    endpoint: 'public',
    authenticationMode: 'API',
    addon: { version: 'v1.34.1-eksbuild.2', configuration },
    nodeGroups: [{ os: 'al2023', count: nodes }],
    tags: {
      'nightshift:enrolled': 'true',
      'nightshift:window': window,
      [STAGE_TAG]: names[stage] ?? '',
      ...(guard !== null && { [GUARD_TAG]: guard }),
    },
  };
}

const stage = (name: string): fc.Arbitrary<FleetStage> =>
  fc.record({
    name: fc.constant(name),
    atOnce: fc.constantFrom(1, 2, 2, 5),
    tolerate: fc.constantFrom<(number | string)[]>(0, 0, 1, 2, '25%', '50%'),
    soakHours: fc.constantFrom(0, 0, 0, 1, 8, 30),
  });

const resume: fc.Arbitrary<Resume> = fc.record({
  when: fc.constantFrom<Resume['when'][]>('rest', 'rest', 'rest', 'ended', 'ended', 'together'),
  clears: fc.constantFrom(true, true, false),
});

/** Only stages that have a cluster, in their order. */
const fleet: fc.Arbitrary<Pick<FleetCase, 'world' | 'stages'>> = fc
  .record({
    start: fc.constantFrom(...STARTS),
    seed: fc.integer({ min: 1, max: 1_000 }),
    drawn: fc.oneof(
      { weight: 4, arbitrary: fc.array(cluster, { minLength: 1, maxLength: 4 }) },
      { weight: 1, arbitrary: fc.array(cluster, { minLength: 5, maxLength: 8 }) },
    ),
    stages: fc.tuple(...STAGES.map(stage)),
  })
  .map(({ start, seed, drawn, stages }) => {
    const used = new Set(drawn.map((each) => each.stage));
    const clusters = drawn.map((each, index) => clusterOf(each, index, STAGES));
    return { world: { start, seed, freeze: [], clusters }, stages: stages.filter((_, index) => used.has(index)) };
  });

/** Fleets, and misfortunes and people of every kind that concerns a rollout. */
export const anyFleet: fc.Arbitrary<FleetCase> = fleet.chain((drawn) =>
  fc.record({
    world: fc.constant(drawn.world),
    stages: fc.constant(drawn.stages),
    faults: fleetFaults(drawn),
    resumes: fc.oneof(
      { weight: 2, arbitrary: fc.constant<Resume[]>([]) },
      { weight: 3, arbitrary: fc.array(resume, { minLength: 1, maxLength: 2 }) },
    ),
  }),
);
