import type { ApiCall } from '@nightshift/sandbox';
import { instanceTags } from '@nightshift/sandbox';
import { abort, failing } from '../workflow/scenarios.ts';
import { fleetOf, Schedules } from '../workflow/schedules.ts';
import { CLUSTER, REQUEST } from '../workflow/worlds.ts';
import { SHARED_CALENDAR } from './roles.ts';

/** One run, in a world of its own; answers what came of it. */
export type Run = (region: Schedules) => Promise<unknown>;

/** What was called in one run and by whom, and what tags its instances had: the next world has others of the same ids. */
export interface Seen {
  calls: readonly ApiCall[];
  tagsOf: (instance: string) => Record<string, string>;
}

/** What was seen in each run, and by name what came of it. */
export interface Played {
  seen: Seen[];
  ended: Record<string, unknown>;
}

/** Plays them one after the other in one sandbox with this template. */
export async function playRuns(template: unknown, runs: Record<string, Run>): Promise<Played> {
  const region = await Schedules.start(template);
  const played: Played = { seen: [], ended: {} };
  try {
    for (const [name, run] of Object.entries(runs)) {
      played.ended[name] = await run(region);
      const { calls, live } = region.workflow.sandbox;
      played.seen.push({ calls, tagsOf: (instance) => instanceTags(live.region, instance) });
    }
  } finally {
    await region.stop();
  }
  return played;
}

const calendars = {
  freeze: { state: 'CLOSED', transitions: ['2026-11-25T00:00:00Z'] },
  [SHARED_CALENDAR]: { state: 'CLOSED', transitions: ['2026-11-26T00:00:00Z'] },
};

/** A world with one enrolled cluster. */
export const enrolled = (cluster: object = {}) => fleetOf([cluster], { calendars });
/** One of which the daily sweeps take no notice, in runs that take days. */
export const notEnrolled = (cluster: object = {}) => enrolled({ tags: {}, ...cluster });

export const MIGRATE = { machine: 'nightshift-migrate-cluster' };
export const ROLLBACK = { machine: 'nightshift-rollback-cluster' };
export const UNHEARD = { events: 'lost', times: 'every' };
export const ON_IPVS = { addon: { ...CLUSTER.addon, configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' } };

/** Before there is a lease, whose switch would start a recovery; each attempt in a state that none before has entered. */
export const EARLY = [
  abort('InspectCluster', MIGRATE),
  ...['StopOwner', 'StopPrevious', 'InspectFormer'].map((state) => abort(state, ROLLBACK)),
];

/** The next object that is read when this state is entered. */
export const gone = (state: string) => ({ at: state, ...failing('s3', 'GetObject', 'NoSuchKey', 1) });

/** `name status` of every execution, when time has come to rest. */
export async function endings(region: Schedules): Promise<string> {
  await region.rest();
  const { executions } = await region.workflow.sandbox.state();
  return executions.map(({ name, status }) => `${name} ${status}`).join(', ');
}

/** Who sent to the queue of dead events, once time has come to rest. */
export async function buried(region: Schedules): Promise<string[]> {
  await region.rest();
  const sent = region.workflow.sandbox.calls.filter(({ operation }) => operation === 'SendMessage');
  return sent.map(({ principal }) => principal).sort();
}

interface Circumstances {
  cluster?: object;
  request?: object;
  /** Done by a person, before the execution starts. */
  before?: (region: Schedules) => Promise<void>;
}

/** An execution of migrate-cluster, and whatever it sets in motion. */
export const migration =
  (faults: object[] = [], { cluster = {}, request = {}, before = async () => {} }: Circumstances = {}): Run =>
  async (region) => {
    await region.workflow.migrate(notEnrolled(cluster), { ...REQUEST, ...request }, faults, () => before(region));
    return endings(region);
  };
