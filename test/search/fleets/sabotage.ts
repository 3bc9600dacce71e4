import type fc from 'fast-check';
import { change, type Sabotage } from '../sabotage.ts';
import type { FleetCase, FleetCluster, FleetStage } from './case.ts';
import { GUARD_TAG, STAGE_TAG } from './case.ts';
import { anyFleet } from './draw.ts';

/** One guard of rollouts taken away, and the fleets that would show it soonest. */
export type FleetSabotage = Sabotage<FleetCase>;

interface Shape {
  /** The stages with their clusters, whose names begin with the first letter of the stage. */
  stages: Record<string, { clusters: number; windows?: string[] } & Partial<Omit<FleetStage, 'name'>>>;
  faults?: FleetCase['faults'];
  resumes?: FleetCase['resumes'];
  guard?: string;
}

/** Drawn fleets with this shape: how large the clusters are, what they run and when it begins stays drawn. */
function shaped({ stages, faults = [], resumes = [], guard }: Shape): fc.Arbitrary<FleetCase> {
  return anyFleet.map(({ world }) => {
    const [model] = world.clusters;
    if (!model) throw new Error('a fleet has a cluster');
    const clusters = Object.entries(stages).flatMap(([stage, { clusters: count, windows = ['nightly'] }]) =>
      Array.from(
        { length: count },
        (_, index): FleetCluster => ({
          ...model,
          name: `${stage}-${index + 1}`,
          addon: { version: 'v1.34.1-eksbuild.2', configuration: null },
          tags: {
            'nightshift:enrolled': 'true',
            'nightshift:window': windows[index % windows.length] ?? '',
            [STAGE_TAG]: stage,
            ...(guard !== undefined && { [GUARD_TAG]: guard }),
          },
        }),
      ),
    );
    const drawn = Object.entries(stages).map(([name, { clusters: _, windows: __, ...more }]) => ({
      ...{ name, atOnce: 1, tolerate: 0, soakHours: 0 },
      ...more,
    }));
    return { world: { ...world, clusters }, stages: drawn, faults, resumes };
  });
}

const TWO = { first: { clusters: 2 }, second: { clusters: 1 } };
const fails = (cluster: string, times: number | 'every' = 'every') => ({
  ...{ node: 'all', cluster, fault: 'kube-proxy-crash', mode: 'ipvs', times },
});
const hold = (scope: string) => ({
  ...{ other: 'put-parameter', cluster: 'first-1', name: `/nightshift/holds/${scope}` },
  value: JSON.stringify({ reason: 'a drill', by: 'ana', since: '2026-11-20T00:00:00.000Z', until: null }),
});
const alarm = (state: string) => ({ other: 'set-alarm', cluster: 'first-1', name: 'checkout', state });
const ORDER = ['stages in order', 'success is proven'];

export const FLEET_SABOTAGES: Readonly<Record<string, FleetSabotage>> = {
  judgement: {
    what: 'passes every stage, however its clusters ended',
    breaks: ORDER,
    draw: shaped({ stages: TWO, faults: [fails('first-1')] }),
    sources: [
      {
        file: 'functions/core/fleet/rollout.ts',
        from: 'return reasons.length === 0\n',
        to: 'return reasons.length >= 0\n',
      },
    ],
  },
  'order of stages': {
    what: 'opens the next stage although one is held',
    breaks: ORDER,
    draw: shaped({ stages: TWO, faults: [fails('first-1')] }),
    definitions: { 'migrate-fleet': (states) => change(states, 'ChooseJudged', { Default: 'NextStage' }) },
  },
  'record of a failure': {
    what: 'records a cluster that failed as migrated',
    breaks: ORDER,
    draw: shaped({ stages: TWO, faults: [fails('first-2')] }),
    sources: [
      {
        file: 'functions/handlers/record-cluster.ts',
        from: "? 'held' : 'failed'",
        to: "? 'held' : 'migrated'",
      },
    ],
  },
  'holds of rollouts': {
    what: 'begins a change under a hold',
    breaks: ['nothing begins under a stop'],
    draw: shaped({ stages: TWO, faults: [hold('stages/first')] }),
    sources: [
      {
        file: 'functions/handlers/decide-window.ts',
        from: 'const hold = holdInForce(holds, input.now);',
        to: 'const hold = holdInForce([], input.now);',
      },
    ],
  },
  'hold of a batch': {
    what: 'begins a change although more of its batch failed than may',
    breaks: ['no more failures than tolerated', 'nothing begins under a stop'],
    draw: shaped({
      stages: { first: { clusters: 2, atOnce: 2, windows: ['nightly', 'brief'] } },
      faults: [fails('first-1')],
    }),
    sources: [
      {
        file: 'functions/handlers/decide-window.ts',
        from: 'const holds = await deps.ssm.parameters(holdsOf(cluster, scopes));',
        to: 'const holds = (await deps.ssm.parameters(holdsOf(cluster, scopes))).filter((one) => !isBatchHold(one));',
      },
    ],
  },
  'count of failures': {
    what: 'never holds a batch, and starts one cluster after the other',
    breaks: ['no more failures than tolerated'],
    draw: shaped({ stages: { first: { clusters: 3 } }, faults: [fails('first-1')] }),
    sources: [
      {
        file: 'functions/core/fleet/batch.ts',
        from: 'failed.length > tolerate;',
        to: 'failed.length > tolerate + 1_000;',
      },
    ],
  },
  guards: {
    what: 'begins a change while an alarm of the cluster rings',
    breaks: ['nothing begins under a stop'],
    draw: shaped({ stages: TWO, guard: 'checkout', faults: [alarm('ALARM')] }),
    sources: [
      {
        file: 'functions/handlers/decide-window.ts',
        from: 'const stop = hold === null ? await guardOf(deps, input, log) : byHold(hold);',
        to: 'const stop = hold === null ? null : byHold(hold);',
      },
    ],
  },
  'end of a rollout': {
    what: 'begins a change although its rollout was aborted',
    breaks: ['an ended rollout begins nothing'],
    draw: shaped({
      stages: { first: { clusters: 1, windows: ['weekend'] } },
      faults: [{ machine: 'nightshift-migrate-fleet', at: 'RunMigrations', after: 30, execution: 'abort' }],
    }),
    sources: [
      {
        file: 'functions/handlers/decide-window.ts',
        from: "if (input.before === 'change') await requireRollout(deps, request);",
        to: '',
      },
    ],
  },
  soak: {
    what: 'does not soak',
    breaks: ORDER,
    draw: shaped({ stages: { first: { clusters: 1, soakHours: 8 }, second: { clusters: 1 } } }),
    sources: [
      {
        file: 'functions/handlers/judge-stage.ts',
        from: 'if (soakSeconds === 0) return null;',
        to: 'if (soakSeconds >= 0) return null;',
      },
    ],
  },
  'proof after the soak': {
    what: 'does not prove the clusters again after the soak',
    breaks: ORDER,
    draw: shaped({ stages: { first: { clusters: 1, soakHours: 8 }, second: { clusters: 1 } } }),
    definitions: {
      'migrate-fleet': (states) =>
        change(states, 'ChooseSoak', {
          Choices: [
            {
              Condition: "{% $soak.kind = 'soaking' %}",
              Assign: { nextLook: '{% $soak.nextLook %}' },
              Next: 'AwaitSoak',
            },
            { Condition: "{% $soak.kind = 'over' %}", Next: 'NextStage' },
          ],
        }),
    },
  },
  'memory of proofs': {
    what: 'forgets in a resumption what is proven',
    breaks: ['what is proven stays'],
    draw: shaped({
      stages: { first: { clusters: 2, atOnce: 2 } },
      faults: [fails('first-2', 1)],
      resumes: [{ when: 'rest', clears: true }],
    }),
    sources: [
      {
        file: 'functions/handlers/open-stage.ts',
        from: '.filter(isProven).map(({ cluster }) => cluster));',
        to: '.filter((one) => isProven(one) && one.cluster === null).map(({ cluster }) => cluster));',
      },
    ],
  },
  summary: {
    what: 'names no cluster that is not proven in the summary',
    breaks: ['the summary names the rest'],
    draw: shaped({ stages: { first: { clusters: 2, tolerate: 1 } }, faults: [fails('first-1')] }),
    sources: [
      {
        file: 'functions/handlers/record-rollout.ts',
        from: 'notProven: left.slice(0, MOST_NAMED)',
        to: 'notProven: left.slice(MOST_NAMED)',
      },
    ],
  },
  announcement: {
    what: 'does not announce the end of a rollout',
    breaks: ['every rollout ends'],
    draw: shaped({ stages: { first: { clusters: 1 } } }),
    sources: [
      {
        file: 'functions/handlers/record-rollout.ts',
        from: 'await bus.put({',
        to: 'if (startedAt.getTime() === 0) await bus.put({',
      },
    ],
  },
};
