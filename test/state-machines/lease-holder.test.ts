import { evaluateTemplate, stringsIn } from '@nightshift/sandbox/step-functions';
import { describe, expect, it, test } from 'vitest';
import { holderOf } from '../../functions/core/execution/lease.ts';
import { readDefinition, STATE_MACHINES } from '../../state-machines/definitions.ts';

/** Every expression that takes the holder out of a lease that was read. */
const READERS = STATE_MACHINES.flatMap((name) => [...stringsIn(JSON.parse(readDefinition(name)), name)]).filter(
  ({ text }) => text.includes('.holder'),
);

test('all states read the holder of a lease in the same words, and none reads the description', () => {
  expect(READERS.map(({ path }) => path.split('/States/')[1])).toEqual([
    'ReadLeaseForWait/Assign/leaseHolder',
    'ReadLease/Assign/leaseHolder',
    'ReadLastLease/Assign/leaseHolder',
    'ReadLease/Assign/leaseHolder',
    'ConfirmLease/Assign/leaseHolder',
    'ReadLeaseForRelease/Assign/leaseHolder',
  ]);
  expect(new Set(READERS.map(({ text }) => text)).size).toBe(1);
  expect(STATE_MACHINES.map(readDefinition).join()).not.toContain('result.Description');
});

const started = (input: unknown) => JSON.stringify({ StateMachineArn: 'arn', Name: 'n', Input: input });
const evaluated = (input: string) =>
  evaluateTemplate(READERS[0]?.text ?? '', 'Assign', {
    variables: {},
    functions: { parse: (text: unknown) => (typeof text === 'string' ? JSON.parse(text) : undefined) },
    states: { result: { Target: { Input: input } } },
  });

describe('the states and the functions read the same holder', () => {
  it.each([
    [started('{"mode":"recover","holder":"arn:e"}'), 'arn:e'],
    [started('{"mode":"recover"}'), null],
    [started('{"holder":""}'), null],
    [started('{"holder":null}'), null],
    [started('{"holder":7}'), null],
    [started('{"holder":{"arn":"arn:e"}}'), null],
    [started('[{"holder":"arn:e"}]'), null],
    [started('[]'), null],
    [started('"arn:e"'), null],
    [started({ holder: 'arn:e' }), null],
    [started(null), null],
    ['{}', null],
    ['[]', null],
    ['7', null],
    [`[${started('{"holder":"arn:e"}')}]`, null],
  ])('%s', async (input, holder) => {
    expect(holderOf(input)).toBe(holder);
    // No state variable may be undefined: the states have a text that no execution's ARN equals.
    expect(await evaluated(input)).toBe(holder ?? '');
  });
});
