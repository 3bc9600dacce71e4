import { describe, expect, it } from 'vitest';
import { followedState, PHASES } from '../../state-machines/phases.ts';
import { abortIn, MIGRATE_STATES } from './abort-routes.ts';
import type { Rested } from './run.ts';
import { startedWorkflow } from './shared.ts';
import { endingOf, expectWhole } from './whole.ts';

const workflow = await startedWorkflow();

/** Who has the last word. An incident pages once: a rollback that failed has paged, and its recovery does not. */
const SPEAKER: Readonly<Record<string, RegExp>> = {
  'nothing-to-roll-back': /^recover-test$/,
  'rolled-back': /^recover-test$/,
  finished: /^recover-test$/,
  'rollback-failed': /^rollback-/,
  failed: /^test$/,
  migrated: /^test$/,
  'already-compliant': /^test$/,
};

/** Whether a lease guarded the cluster when the recovery was started. */
function isLeased({ calls }: Rested): boolean {
  const recovered = calls.findIndex(({ operation, input }) => operation === 'StartExecution' && isRecovery(input));
  const of = calls.slice(0, recovered).filter(({ service, error }) => service === 'scheduler' && error === undefined);
  return of.findLast(({ operation }) => /^(Create|Delete)Schedule$/.test(operation))?.operation === 'CreateSchedule';
}

const isRecovery = (input: unknown) => JSON.stringify(input).includes('"recover-test"');

/** Before the lease is taken, while the window is waited for, and where the first look refuses. */
const UNLEASED = [
  'ReadRequest',
  'AwaitBeginning',
  'DescribeCluster',
  'AwaitCluster',
  'DescribeAddon',
  'AwaitAddonActive',
  'InspectCluster',
  'AcquireLease',
  'AwaitWindow',
  'RecordRefusal',
];

describe('an execution of migrate-cluster that is aborted leaves one proven mode, no access and no lease', () => {
  it.each(MIGRATE_STATES)('in %s', async (state) => {
    const { rested, former, ending } = await abortIn(workflow, 'migrate-cluster', state);
    expect(endingOf(rested)).toBe(ending);
    expectWhole(rested, { former });
    const last = rested.said.at(-1);
    expect(last?.execution).toMatch(SPEAKER[last?.ending ?? ''] ?? /^nobody$/);
    if (last?.execution === 'recover-test') expect(isLeased(rested)).toBe(!UNLEASED.includes(state));
  });
});

/** The states that come first and last in a phase. */
const BOUNDS = PHASES['migrate-cluster'].flatMap(({ name }) => {
  const states = MIGRATE_STATES.filter((state) => followedState(state, 'migrate-cluster').phase === name);
  return [states[0], states.at(-1)].filter((state) => state !== undefined);
});
describe('an execution that is aborted without an event is recovered by its lease alone', () => {
  it.each([...BOUNDS.filter((state) => !UNLEASED.includes(state)), 'GrantAccess', 'OutcomeNotRecorded'])(
    'in %s',
    async (state) => {
      const { rested, former } = await abortIn(workflow, 'migrate-cluster', state, { unheard: true });
      expectWhole(rested, { former });
      expect(endingOf(rested)).not.toContain('nothing-said');
    },
  );

  it.each(BOUNDS.filter((state) => UNLEASED.includes(state)))(
    'or leaves nothing to recover when aborted in %s',
    async (state) => {
      const { rested, former } = await abortIn(workflow, 'migrate-cluster', state, { unheard: true });
      expectWhole(rested, { former, recorded: false });
      expect(rested.executions.map(({ name, status }) => [name, status])).toEqual([['test', 'ABORTED']]);
    },
  );
});
