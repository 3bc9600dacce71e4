import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidRequest } from '../../../../functions/core/errors.ts';
import { parseRequest } from '../../../../functions/core/execution/request.ts';

const least = { cluster: 'demo', target: { mode: 'ipvs', scheduler: 'rr' }, window: 'weekend' };

describe('a migration request', () => {
  it('needs a cluster, a target and no more', () => {
    expect(parseRequest(least)).toEqual({
      cluster: 'demo',
      target: { mode: 'ipvs', scheduler: 'rr' },
      window: 'weekend',
      acknowledge: [],
    });
  });

  it('keeps who asked, the reason to start now and the accepted risks', () => {
    const whole = { ...least, now: { reason: ' outage ' }, acknowledge: ['ipvs-deprecated'], requestedBy: 'ada' };
    expect(parseRequest(whole)).toEqual({ ...whole, now: { reason: 'outage' } });
  });

  it.each([
    [undefined, 'The request must be a JSON object, but it is nothing.'],
    [[], 'The request must be a JSON object, but it is [].'],
    [
      { ...least, cluster: '-x' },
      'cluster must be an EKS cluster\'s name: a letter or digit, then up to 99 letters, digits, - or _, but it is "-x".',
    ],
    [
      { target: least.target },
      "cluster must be an EKS cluster's name: a letter or digit, then up to 99 letters, digits, - or _, but it is nothing.",
    ],
    [
      { ...least, target: { mode: 'ipvs', scheduler: 'mh' } },
      'target.scheduler must be one of rr, wrr, lc, wlc, lblc, lblcr, sh, dh, sed, nq, but it is "mh".',
    ],
    [{ ...least, target: { mode: 'nftables' } }, 'target.mode must be "ipvs", but it is "nftables".'],
    [{ cluster: 'demo' }, 'target must be an object {"mode": "ipvs", "scheduler": "rr"}, but it is nothing.'],
    [{ ...least, windw: 'x' }, "The request must not have the field 'windw'."],
    [{ ...least, target: { ...least.target, x: 1 } }, "The request: target must not have the field 'x'."],
    [{ ...least, now: { reason: '  ' } }, 'now.reason must be a text of 1 to 500 characters, but it is "  ".'],
    [{ ...least, now: true }, 'now must be an object {"reason": "..."}, but it is true.'],
    [{ ...least, requestedBy: 'a\nb' }, 'requestedBy must be one line without control characters, but it is "a\\nb".'],
    [{ ...least, window: '' }, 'window must be a window\'s name: 1 to 64 letters, digits, dots, - or _, but it is "".'],
    [
      { ...least, acknowledge: 'ipvs-deprecated' },
      'acknowledge must be a list of names of preflight checks such as "ipvs-deprecated", but it is "ipvs-deprecated".',
    ],
    [{ ...least, strategy: 'ssh' }, 'strategy must be one of kubernetes-api, pod-annotations, but it is "ssh".'],
    [{ ...least, awaitActive: 'yes' }, 'awaitActive must be true, or be left out, but it is "yes".'],
    [
      { ...least, notBefore: '2026-11-21T07:00:00+01:00' },
      'notBefore must be a moment in UTC such as 2026-11-21T07:00:00Z, but it is "2026-11-21T07:00:00+01:00".',
    ],
    [{ ...least, selfManaged: 'addon' }, 'selfManaged must be one of create-addon, config-map, but it is "addon".'],
  ])('is refused in one sentence that names field and rule: %j', (input, message) => {
    expect(() => parseRequest(input)).toThrow(new InvalidRequest(message));
  });

  it('may wait for its cluster, or for a moment, and not for both', () => {
    expect(parseRequest({ ...least, awaitActive: true }).awaitActive).toBe(true);
    const notBefore = '2026-11-21T07:15:00Z';
    expect(parseRequest({ ...least, notBefore }).notBefore).toBe(notBefore);
    expect(() => parseRequest({ ...least, awaitActive: true, notBefore })).toThrow(
      'notBefore must be left out beside awaitActive, which decides when to begin, but it is "2026-11-21T07:15:00Z".',
    );
  });

  it('refuses to acknowledge what no check is called', () => {
    expect(() => parseRequest({ ...least, acknowledge: ['ipvs-deprecated', 'metalb'] })).toThrow(
      /^acknowledge\.1 must be the name of a preflight check: cluster-status, .*metallb.*, but it is "metalb"\.$/,
    );
  });

  it('takes EKS cluster names of up to 100 characters', () => {
    expect(parseRequest({ ...least, cluster: `a${'-'.repeat(99)}` }).cluster).toHaveLength(100);
    expect(() => parseRequest({ ...least, cluster: 'a'.repeat(101) })).toThrow(InvalidRequest);
  });

  it('is either understood or refused by name, whatever comes in', () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        try {
          parseRequest(input);
          return false;
        } catch (error) {
          return error instanceof InvalidRequest && error.name === 'InvalidRequest';
        }
      }),
    );
  });
});
