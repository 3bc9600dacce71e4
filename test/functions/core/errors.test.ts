import { describe, expect, it } from 'vitest';
import * as errors from '../../../functions/core/errors.ts';
import { describeProxying } from '../../../functions/core/proxy-mode.ts';

const NAMES = [
  'InvalidRequest',
  'UnknownCluster',
  'UnknownWindow',
  'WindowNever',
  'PreflightRefused',
  'AlreadyMigrating',
  'NodesNotPrepared',
  'AddonUpdateFailed',
  'CanaryFailed',
  'RolloutFailed',
  'ValidationFailed',
  'LeftoversRemain',
  'RolledBack',
  'RollbackFailed',
  'KubernetesUnreachable',
  'KubernetesForbidden',
  'EvidenceMissing',
  'InvalidConfiguration',
  'NodesUnreachable',
  'OutcomeNotRecorded',
  'ClusterNotActive',
  'SweepIncomplete',
  'AnswerTooLarge',
];

const classes = Object.entries(errors).flatMap(([key, value]) =>
  typeof value === 'function' && value.prototype instanceof errors.NightshiftError ? [[key, value] as const] : [],
);

describe('named endings', () => {
  it('are those that the workflow catches', () => {
    expect(classes.map(([key]) => key).sort()).toEqual([...NAMES].sort());
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

describe('what a cluster runs', () => {
  it('is described for JSON and for people', () => {
    expect(describeProxying({ mode: 'ipvs', scheduler: 'lc' })).toEqual({
      mode: 'ipvs',
      scheduler: 'lc',
      text: 'ipvs (lc)',
    });
    expect(describeProxying({ mode: 'iptables' })).toEqual({ mode: 'iptables', scheduler: null, text: 'iptables' });
  });
});
