import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { holderOf, leaseName } from '../../../../functions/core/execution/lease.ts';
import {
  decideRecovery,
  RollbackInput,
  recoveryAfter,
  recoveryName,
} from '../../../../functions/core/execution/recovery.ts';
import { shortDigest } from '../../../../functions/core/values/digest.ts';

const CLUSTER = fc.stringMatching(/^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/);
const EXECUTION = fc.stringMatching(/^[A-Za-z0-9_-]{1,80}$/);

test('the leases of two long names that begin alike differ', () => {
  const long = 'a'.repeat(99);
  expect(leaseName(`${long}x`)).toBe(`nightshift-${'a'.repeat(36)}.${shortDigest(`${long}x`)}`);
  expect(leaseName(`${long}x`)).not.toBe(leaseName(`${long}y`));
});

test('EventBridge Scheduler takes every lease, and no two clusters share one', () => {
  fc.assert(
    fc.property(CLUSTER, CLUSTER, (one, other) => {
      expect(leaseName(one)).toMatch(/^[0-9a-zA-Z_.-]{1,64}$/);
      expect(leaseName(one) === leaseName(other)).toBe(one === other);
    }),
  );
});

const REF = (machine: string, name: string) => ({
  name,
  arn: `arn:aws:states:us-east-1:111122223333:execution:${machine}:${name}`,
});
const SELF = REF('rollback-cluster', 'self');

test.each([
  ['a rollback that its owner waits for', { mode: 'rollback', attempt: 1, leasedTo: 'self' }, 'recover-demo-1'],
  [
    'a second start of it',
    { mode: 'rollback', attempt: 1, leasedTo: 'another' },
    `recover-self-${shortDigest(SELF.arn)}`,
  ],
  ["a person's rollback", { mode: 'rollback', attempt: 1 }, `recover-self-${shortDigest(SELF.arn)}`],
  ['a recovery', { mode: 'recover', attempt: 1 }, 'recover2-demo-1'],
  ['the recovery after it', { mode: 'recover', attempt: 2, previous: REF('rollback-cluster', 'x') }, 'recover3-demo-1'],
  [
    "a recovery of a person's rollback",
    { mode: 'recover', attempt: 1, after: REF('rollback-cluster', 'by-hand') },
    `recover2-by-hand-${shortDigest(REF('rollback-cluster', 'by-hand').arn)}`,
  ],
])('after %s the switch and the event start one execution', (_, started, name) => {
  const input = { ...started, cluster: 'demo', execution: REF('migrate-cluster', 'demo-1'), reason: 'why' };
  const heard = { ...{ executionArn: SELF.arn, stateMachineArn: 'any' }, name: 'self', status: 'ABORTED' as const };
  const byEvent = decideRecovery('rollback', heard, JSON.stringify(input));
  const bySwitch = recoveryAfter(SELF, RollbackInput.parse(input), 'Execution self ended ABORTED.');
  expect(bySwitch.name).toBe(name);
  expect(byEvent).toEqual({ kind: 'recover', ...bySwitch });
});

test('Step Functions takes the name of every recovery, and no two recoveries share one', () => {
  const attempt = fc.integer({ min: 1, max: 3 });
  fc.assert(
    fc.property(EXECUTION, attempt, EXECUTION, attempt, (one, first, other, second) => {
      expect(recoveryName(one, first)).toMatch(/^[A-Za-z0-9_-]{1,80}$/);
      expect(recoveryName(one, first) === recoveryName(other, second)).toBe(one === other && first === second);
    }),
  );
});

test.each([
  ['', 'cbf29ce484222325'],
  ['a', 'af63dc4c8601ec8c'],
  ['foobar', '85944171f73967e8'],
])('the digest of %j is that of the published test vectors', (text, digest) => {
  expect(shortDigest(text)).toBe(digest);
});

test('the holder of a lease is a field of what its schedule would start', () => {
  const target = (input: unknown) => JSON.stringify({ StateMachineArn: 'arn', Name: 'n', Input: input });
  expect(holderOf(target(JSON.stringify({ mode: 'recover', holder: 'arn:e' })))).toBe('arn:e');
});

test.each([
  ['', 'no JSON'],
  ['{}', 'nothing to start'],
  ['{"Input":"Held by arn:e"}', 'a text'],
  ['{"Input":"{}"}', 'no holder'],
  ['{"Input":"{\\"holder\\":\\"\\"}"}', 'an empty holder'],
])('a schedule that somebody else made (%s: %s) has no holder', (input) => {
  expect(holderOf(input)).toBeNull();
});
