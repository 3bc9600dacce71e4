import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as errors from '../../../functions/core/errors.ts';

const classes = Object.entries(errors).flatMap(([key, value]) =>
  typeof value === 'function' && value.prototype instanceof errors.NightshiftError ? [[key, value] as const] : [],
);

describe('named endings', () => {
  it('have a class if a function throws them', () => {
    expect(classes.map(([key]) => key).filter((key) => !errors.isErrorName(key))).toEqual([]);
    expect(classes).toHaveLength(25);
  });

  it.each(classes)('%s carries its own name, a next step and its cause', (key, Class) => {
    const cause = new Error('why');
    const error: unknown = Reflect.construct(Class, ['what', { cause }]);
    expect(error).toMatchObject({ name: key, message: 'what', cause });
    expect(errors.isNightshiftError(error) && error.nextStep).toMatch(/\w.*[.]$/);
  });

  it('take a better next step where there is one', () => {
    expect(new errors.WindowNever('w', { nextStep: 'Do this.' }).nextStep).toBe('Do this.');
  });

  it('are no other errors', () => {
    expect(errors.isNightshiftError(new Error('x'))).toBe(false);
  });

  it('cannot be reached past a forgotten case', () => {
    const value = 'new' as never;
    expect(() => errors.assertNever(value)).toThrow('A case was forgotten: "new"');
  });
});

describe('the runbook', () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const firstCells = page.split('\n').flatMap((line) => /^\| ([^|]*)\|/.exec(line)?.[1] ?? []);
  const names = firstCells.flatMap((cell) => cell.match(/(?<=`)[A-Z]\w+(?=`)/g) ?? []);

  it('says of every error, and of no other, what happened and what to do', () => {
    expect(names.toSorted()).toEqual(errors.ERROR_NAMES.toSorted());
  });
});

describe('the failure of a step', () => {
  it.each([
    ['States.Timeout', '', 'StepTimedOut', 'A step did not answer in its time (States.Timeout).'],
    ['States.HeartbeatTimeout', '', 'StepTimedOut', 'A step did not answer in its time (States.HeartbeatTimeout).'],
    ['States.TaskFailed', 'x', 'StepFailed', 'Step Functions could not carry out a step (States.TaskFailed): x'],
    ['States.Anything', 'x', 'StepFailed', 'Step Functions could not carry out a step (States.Anything): x'],
    ['Eks.EksException', 'x', 'ServiceFailed', 'Eks.EksException: x'],
    ['RolloutFailed', '', 'RolloutFailed', ''],
  ])('%s (%j) is %s: no execution fails with a name of Step Functions or of a service', (name, cause, ours, said) => {
    expect(errors.failureByOurName({ name, cause })).toEqual({ name: ours, cause: said });
  });
});
