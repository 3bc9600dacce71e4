import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isErrorName } from '../../functions/core/errors.ts';
import { changes } from './run.ts';
import { APPLIED } from './scenarios.ts';
import { personAt, startedWorkflow } from './shared.ts';
import { REQUEST, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();
const person = personAt(workflow);

type Machine = 'migrate-cluster' | 'rollback-cluster';
let runs = 0;

async function start(machine: Machine, input: string) {
  runs += 1;
  const ended = await person.run(machine, `odd-${runs}`, input);
  await workflow.sandbox.live.region.clock.idle();
  return ended;
}

const MIGRATION = 'arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-cluster:demo-1';
const RECOVERY = { mode: 'recover', cluster: 'demo', execution: { name: 'demo-1', arn: MIGRATION }, reason: 'why' };

describe('an invalid input ends as InvalidRequest, with a sentence', () => {
  it.each<[Machine, string, string]>([
    ['rollback-cluster', '{}', 'mode must be one of rollback, recover, but it is nothing.'],
    ['rollback-cluster', 'null', 'The input must be of type object, but it is null.'],
    ['rollback-cluster', '[]', 'The input must be of type object, but it is [].'],
    [
      'rollback-cluster',
      JSON.stringify({ ...RECOVERY, attempt: 1, execution: { name: 'demo-1', arn: `${MIGRATION}-2` } }),
      'execution must be an execution of migrate-cluster, with the name that ends its ARN',
    ],
    ['rollback-cluster', JSON.stringify({ ...RECOVERY, attempt: 4 }), 'The input has no previous, but attempt 4'],
    ['rollback-cluster', JSON.stringify({ ...RECOVERY, attempt: 2.5 }), 'attempt must'],
    ['rollback-cluster', JSON.stringify({ ...RECOVERY, reason: 'x'.repeat(250_000) }), 'more than 32768 characters'],
    ['migrate-cluster', '{}', 'cluster must'],
    ['migrate-cluster', 'null', 'must be a JSON object, but it is null'],
    [
      'migrate-cluster',
      JSON.stringify({ cluster: 'demo', target: 'x'.repeat(250_000) }),
      'of which at most 32768 are read',
    ],
  ])('%s %.60s', async (machine, input, sentence) => {
    await workflow.load(worldOf({}));
    const ended = await start(machine, input);
    expect(ended).toMatchObject({
      status: 'FAILED',
      error: 'InvalidRequest',
      cause: expect.stringContaining(sentence),
    });
    expect(changes(workflow.sandbox.calls)).toEqual([]);
  });
});

/** A valid value, or what a person or a broken program may have put in its place. */
const odd = (valid: unknown) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(valid) },
    { weight: 2, arbitrary: fc.constantFrom(null, true, 0, -1, 1.5, '', ' ', [], {}, [[]], { name: 1 }) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  );
const oddly = (fields: Record<string, unknown>) =>
  fc.record(Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, odd(value)])), { requiredKeys: [] });

const INPUTS: Record<Machine, fc.Arbitrary<unknown>> = {
  'migrate-cluster': oddly({
    cluster: 'nobody',
    target: { mode: 'ipvs', scheduler: 'rr' },
    window: 'weekend',
    awaitActive: true,
    notBefore: '2026-11-21T00:00:00Z',
    now: { reason: 'why' },
    strategy: 'auto',
    acknowledge: [],
  }),
  'rollback-cluster': oddly({
    ...RECOVERY,
    attempt: 1,
    leasedTo: 'odd-1',
    after: null,
    previous: null,
  }),
};

describe('an execution with any random input ends with an error name of nightshift and changes nothing', () => {
  it.each(['migrate-cluster', 'rollback-cluster'] as const)('%s', async (machine) => {
    await workflow.load(worldOf({}));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 5, arbitrary: INPUTS[machine] }, { weight: 1, arbitrary: fc.jsonValue() }),
        async (input) => {
          const ended = await start(machine, JSON.stringify(input));
          expect(ended.status).not.toBe('RUNNING');
          expect(ended.error === undefined || isErrorName(ended.error), `${ended.error}: ${ended.cause}`).toBe(true);
        },
      ),
      { numRuns: 60, seed: 8 },
    );
    expect(changes(workflow.sandbox.calls).filter((change) => /Addon|kubernetes|SendCommand/.test(change))).toEqual([]);
  });
});

it('an execution whose name has a dot is rolled back and recorded as usual', async () => {
  await workflow.load(worldOf({}));
  await workflow.post('faults', [APPLIED]);
  const ended = await person.run('migrate-cluster', 'night.1', JSON.stringify(REQUEST));
  await workflow.sandbox.live.region.clock.idle();
  expect(ended).toMatchObject({ status: 'FAILED', error: 'RolledBack' });
  expect(await person.record('executions/night.1/outcome.json')).toMatchObject({ ending: 'rolled-back' });
});

it('an execution whose name has a dot is recovered, and its access revoked, when it is aborted', async () => {
  await workflow.load(worldOf({}));
  await workflow.post('faults', [{ at: 'RestartDaemonSet', execution: 'abort' }]);
  await person.run('migrate-cluster', 'night.2', JSON.stringify(REQUEST));
  await workflow.sandbox.live.region.clock.idle();
  const [cluster] = (await workflow.sandbox.state()).clusters;
  expect(cluster?.accessEntries).toEqual([]);
  expect(cluster?.nodes.map(({ runningMode }) => runningMode)).toEqual(['iptables', 'iptables', 'iptables']);
  expect(await person.record('rollbacks/recover-night.2/outcome.json')).toMatchObject({ ending: 'rolled-back' });
});

describe('an execution name that Step Functions accepts and nightshift does not', () => {
  it.each([
    ['migrate-cluster', 'night@1', 'executions/unnamed-88569a71f36c2671/outcome.json', ['nightshift.MigrationFailed']],
    ['migrate-cluster', 'für+a=b', 'executions/unnamed-13668401c5c82d22/outcome.json', ['nightshift.MigrationFailed']],
    ['migrate-cluster', "it's(1)!", 'executions/unnamed-2deca75fcbf48a1a/outcome.json', ['nightshift.MigrationFailed']],
    ['rollback-cluster', 'back@1', 'rollbacks/unnamed-d8f3cc89c7f5dc57/outcome.json', []],
  ] as const)('is refused by name in %s before anything is done: %s', async (machine, name, record, events) => {
    await workflow.load(worldOf({}));
    const input = machine === 'migrate-cluster' ? REQUEST : { ...RECOVERY, attempt: 1 };
    const ended = await person.run(machine, name, JSON.stringify(input));
    await workflow.sandbox.live.region.clock.idle();
    expect(ended).toMatchObject({ status: 'FAILED', error: 'InvalidRequest' });
    expect(ended.cause).toContain('execution.name must be the name of an execution, of letters, digits');
    expect(changes(workflow.sandbox.calls)).toEqual([]);
    expect(await person.record(record)).toMatchObject({ ending: 'failed', error: { name: 'InvalidRequest' } });
    const said = workflow.sandbox.calls.filter(({ operation }) => operation === 'PutEvents');
    expect(said.map(({ input: put }) => Object(put).Entries[0].DetailType)).toEqual(events);
    const { queues, executions } = await workflow.sandbox.state();
    expect(queues).toEqual([{ name: 'nightshift-dead-events', messages: 0 }]);
    expect(executions).toHaveLength(1);
  });
});
