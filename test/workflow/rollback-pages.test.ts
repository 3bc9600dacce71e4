import { describe, expect, it } from 'vitest';
import type { Rested } from './run.ts';
import { APPLIED, abort, crash, failing, IN_ROLLBACK, invoking, offline } from './scenarios.ts';
import { personAt, startedWorkflow } from './shared.ts';
import { endingOf, expectWhole } from './whole.ts';
import { REQUEST, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();
const person = personAt(workflow);

const run = (...faults: object[]) => workflow.migrateAndRest(worldOf({}), REQUEST, faults);

const rollbackOf = ({ executions }: Rested): string =>
  executions.find(({ name }) => name.startsWith('rollback-'))?.name ?? 'no rollback';

/** The executions that paged a person, by name. */
const pagedBy = ({ said }: Rested): string[] =>
  said.filter(({ event }) => event === 'nightshift.RollbackFailed').map(({ execution }) => execution);

describe('a node whose agent goes offline in the rollback', () => {
  it('does not keep other nodes from their proof; the rollback names the failure and pages once, in its own name', async () => {
    const rested = await run(APPLIED, offline('RestoreAddon', 2));
    expect(endingOf(rested)).toBe('FAILED RollbackFailed rollback-failed iptables');
    expectWhole(rested);
    const rollback = rollbackOf(rested);
    expect(pagedBy(rested)).toEqual([rollback]);
    expect(
      (await person.lines(`rollbacks/${rollback}/proof-1-1/evidence.ndjson.gz`))?.map(({ pass }) => pass).sort(),
    ).toEqual([false, true, true]);
    expect(await person.record(`rollbacks/${rollback}/outcome.json`)).toMatchObject({
      ending: 'rollback-failed',
      error: { name: 'NodesUnreachable', cause: expect.stringContaining('1 of 3 nodes of demo failed to validate') },
    });
  });

  it('and comes back is proven without a further restart', async () => {
    const rested = await run(crash('RestartDaemonSet', 'ipvs'), offline('ProveFormer', 2, 90));
    expect(endingOf(rested)).toBe('FAILED RolledBack rolled-back iptables');
    expectWhole(rested);
    const path = rested.executions.find(({ name }) => name === rollbackOf(rested))?.path ?? [];
    expect(path.filter((state) => state === 'RestartDaemonSet')).toHaveLength(1);
    expect(path).toContain('ChooseProofAgain');
  });
});

describe('a rollback that failed pages', () => {
  it('through its owner if it could not be started', async () => {
    const never = { at: 'Rollback', ...failing('states', 'StartExecution', 'AccessDeniedException', 'every') };
    const rested = await run(APPLIED, never);
    expect(pagedBy(rested)).toEqual(['test']);
  });

  it('through its owner if its own record could not be written', async () => {
    const unrecorded = { on: invoking('record-outcome'), error: 'ServiceException', times: 44 };
    const rested = await run(APPLIED, offline('RestoreAddon', 2), {
      at: 'RecordOutcome',
      ...IN_ROLLBACK,
      ...unrecorded,
    });
    expect(pagedBy(rested)).not.toContain(rollbackOf(rested));
    expect(pagedBy(rested).length).toBeGreaterThanOrEqual(1);
  });
});

describe('access that three recoveries could not revoke', () => {
  it('is recorded, and pages a person when the lease is released', async () => {
    const denied = failing('eks', 'DeleteAccessEntry', 'InvalidParameterException', 'every');
    const rested = await run(abort('AwaitRollout'), { at: 'RevokeAccess', ...IN_ROLLBACK, ...denied });
    expect(rested.said.map(({ execution, ending }) => `${execution} ${ending}`)).toEqual([
      'recover-test rolled-back',
      'recover2-test nothing-to-roll-back',
      'recover3-test rollback-failed',
    ]);
    expect(pagedBy(rested)).toEqual(['recover3-test']);
    expect(await person.record('rollbacks/recover3-test/outcome.json')).toMatchObject({
      error: { name: 'ServiceFailed', cause: expect.stringMatching(/^Eks\.InvalidParameterException: /) },
    });
    expect(rested.state.schedules).toEqual([]);
    expect(rested.cluster.accessEntries).toHaveLength(1);
  });
});
