import type { ApiCall } from '@nightshift/sandbox';
import { instanceTags } from '@nightshift/sandbox';
import { abort, failing } from '../workflow/scenarios.ts';
import { fleetOf, Schedules } from '../workflow/schedules.ts';
import { CLUSTER, REQUEST } from '../workflow/worlds.ts';
import { SHARED_CALENDAR } from './roles.ts';

/** One run, in a world of its own; returns its result. */
export type Run = (region: Schedules) => Promise<unknown>;

/** The calls of one run with their callers, and the tags of its instances: the next world reuses the ids. */
export interface Seen {
  calls: readonly ApiCall[];
  tagsOf: (instance: string) => Record<string, string>;
}

/** The calls of each run, and each run's result by its name. */
export interface Played {
  seen: Seen[];
  ended: Record<string, unknown>;
}

/** Runs them one after the other in one sandbox with this template. */
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
/** A cluster that the daily sweeps ignore, for runs that take days. */
export const notEnrolled = (cluster: object = {}) => enrolled({ tags: {}, ...cluster });

export const MIGRATE = { machine: 'nightshift-migrate-cluster' };
export const ROLLBACK = { machine: 'nightshift-rollback-cluster' };
export const UNHEARD = { events: 'lost', times: 'every' };
export const ON_IPVS = { addon: { ...CLUSTER.addon, configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' } };

/**
 * Faults before there is a lease that would start a recovery; each attempt fails in a state that no earlier one
 * entered.
 */
export const EARLY = [
  abort('InspectCluster', MIGRATE),
  ...['StopOwner', 'StopPrevious', 'InspectFormer'].map((state) => abort(state, ROLLBACK)),
];

/** The next object that is read after this state is entered is missing. */
export const gone = (state: string) => ({ at: state, ...failing('s3', 'GetObject', 'NoSuchKey', 1) });

/** `name status` of every execution, after virtual time has come to rest. */
export async function endings(region: Schedules): Promise<string> {
  await region.rest();
  const { executions } = await region.workflow.sandbox.state();
  return executions.map(({ name, status }) => `${name} ${status}`).join(', ');
}

/** The senders to the queue of dead events, after virtual time has come to rest. */
export async function buried(region: Schedules): Promise<string[]> {
  await region.rest();
  const sent = region.workflow.sandbox.calls.filter(({ operation }) => operation === 'SendMessage');
  return sent.map(({ principal }) => principal).sort();
}

interface Circumstances {
  cluster?: object;
  request?: object;
  /** An action of a person before the execution starts. */
  before?: (region: Schedules) => Promise<void>;
}

/** Runs an execution of migrate-cluster, and all executions that it starts. */
export const migration =
  (faults: object[] = [], { cluster = {}, request = {}, before = async () => {} }: Circumstances = {}): Run =>
  async (region) => {
    await region.workflow.migrate(notEnrolled(cluster), { ...REQUEST, ...request }, faults, () => before(region));
    return endings(region);
  };
