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

  it.each(
    Object.entries({
      'The request must be a JSON object, but it is nothing.': undefined,
      'The request must be a JSON object, but it is [].': [],
      'cluster must be an EKS cluster\'s name: a letter or digit, then up to 99 letters, digits, - or _, but it is "-x".':
        { ...least, cluster: '-x' },
      "cluster must be an EKS cluster's name: a letter or digit, then up to 99 letters, digits, - or _, but it is nothing.":
        { target: least.target },
      'target.scheduler must be one of rr, wrr, lc, wlc, lblc, lblcr, sh, dh, sed, nq, but it is "mh".': {
        ...least,
        target: { mode: 'ipvs', scheduler: 'mh' },
      },
      'target.mode must be "ipvs" or "nftables", but it is "userspace".': { ...least, target: { mode: 'userspace' } },
      'target must be an object {"mode": "nftables"} or {"mode": "ipvs", "scheduler": "rr"}, but it is nothing.': {
        cluster: 'demo',
      },
      "The request must not have the field 'windw'.": { ...least, windw: 'x' },
      "The request: target must not have the field 'x'.": { ...least, target: { ...least.target, x: 1 } },
      'now.reason must be a text of 1 to 500 characters, but it is "  ".': { ...least, now: { reason: '  ' } },
      'now must be an object {"reason": "..."}, but it is true.': { ...least, now: true },
      'requestedBy must be one line without control characters, but it is "a\\nb".': { ...least, requestedBy: 'a\nb' },
      'window must be a window\'s name: 1 to 64 letters, digits, dots, - or _, but it is "".': { ...least, window: '' },
      'acknowledge must be a list of names of preflight checks such as "ipvs-deprecated", but it is "ipvs-deprecated".':
        { ...least, acknowledge: 'ipvs-deprecated' },
      'strategy must be one of kubernetes-api, pod-annotations, but it is "ssh".': { ...least, strategy: 'ssh' },
      'awaitActive must be true, or be left out, but it is "yes".': { ...least, awaitActive: 'yes' },
      'notBefore must be a moment in UTC such as 2026-11-21T07:00:00Z, but it is "2026-11-21T07:00:00+01:00".': {
        ...least,
        notBefore: '2026-11-21T07:00:00+01:00',
      },
      'selfManaged must be one of create-addon, config-map, but it is "addon".': { ...least, selfManaged: 'addon' },
    }),
  )('is refused in one sentence that names field and rule: %s', (message, input) => {
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
