import { describe, expect, it } from 'vitest';
import { enrolmentOf } from '../../../../functions/core/fleet/enrolment.ts';

const settings = { target: { mode: 'ipvs', scheduler: 'rr' }, window: 'weekend', enrolment: 'tagged' } as const;
const RR = { kind: 'enrolled', target: { mode: 'ipvs', scheduler: 'rr' }, window: 'weekend' };

describe("a cluster's tags", () => {
  it('enrol it with the target and the window of the deployment', () => {
    expect(enrolmentOf({ 'nightshift:enrolled': 'true', team: 'checkout' }, settings)).toEqual(RR);
  });

  it('choose another window and another scheduler', () => {
    const tags = { 'nightshift:enrolled': 'true', 'nightshift:window': 'sunday', 'nightshift:scheduler': 'lc' };
    expect(enrolmentOf(tags, settings)).toEqual({
      kind: 'enrolled',
      target: { mode: 'ipvs', scheduler: 'lc' },
      window: 'sunday',
    });
  });

  it('are needed, where only tagged clusters are enrolled', () => {
    const reason = 'There is no tag nightshift:enrolled, and only tagged clusters are enrolled.';
    expect(enrolmentOf({ 'nightshift:window': 'sunday' }, settings)).toEqual({ kind: 'not-enrolled', reason });
  });

  it('are not needed, where all clusters are enrolled', () => {
    expect(enrolmentOf({}, { ...settings, enrolment: 'all' })).toEqual(RR);
  });

  it('keep a cluster out, whatever the deployment and its other tags say', () => {
    const tags = { 'nightshift:enrolled': 'false', 'nightshift:scheduler': 'fastest' };
    const reason = 'The tag nightshift:enrolled says false.';
    expect(enrolmentOf(tags, { ...settings, enrolment: 'all' })).toEqual({ kind: 'not-enrolled', reason });
  });

  it.each([
    [{ 'nightshift:mode': 'nftables' }, { mode: 'nftables' }],
    [{ 'nightshift:mode': 'ipvs' }, settings.target],
    [
      { 'nightshift:mode': 'ipvs', 'nightshift:scheduler': 'lc' },
      { mode: 'ipvs', scheduler: 'lc' },
    ],
  ])('choose the mode: %o', (tags, target) => {
    expect(enrolmentOf({ 'nightshift:enrolled': 'true', ...tags }, settings)).toMatchObject({ target });
  });

  it('choose IPVS with its usual scheduler, where the settings name another mode', () => {
    const tags = { 'nightshift:enrolled': 'true', 'nightshift:mode': 'ipvs' };
    const target = { mode: 'ipvs', scheduler: 'rr' };
    expect(enrolmentOf(tags, { ...settings, target: { mode: 'nftables' } })).toMatchObject({ target });
  });

  it.each(
    Object.entries({
      'The tag nightshift:mode must be ipvs or nftables, but it is "iptables".': {
        'nightshift:enrolled': 'true',
        'nightshift:mode': 'iptables',
      },
      'The tag nightshift:scheduler does not apply: mode nftables has no scheduler.': {
        'nightshift:enrolled': 'true',
        'nightshift:mode': 'nftables',
        'nightshift:scheduler': 'lc',
      },
      'The tag nightshift:enrolled must be true or false, but it is "yes".': { 'nightshift:enrolled': 'yes' },
      'The tag nightshift:scheduler must be one of rr, wrr, lc, wlc, lblc, lblcr, sh, dh, sed, nq, but it is "fastest".':
        { 'nightshift:enrolled': 'true', 'nightshift:scheduler': 'fastest' },
      'The tag nightshift:window must be a window\'s name: 1 to 64 letters, digits, dots, - or _, but it is "sunday night".':
        { 'nightshift:enrolled': 'true', 'nightshift:window': 'sunday night' },
      'The tag nightshift:window must be a window\'s name: 1 to 64 letters, digits, dots, - or _, but it is "".': {
        'nightshift:enrolled': 'true',
        'nightshift:window': '',
      },
      'The tag "nightshift:windw" is none of nightshift:enrolled, nightshift:window, nightshift:mode, nightshift:scheduler, nightshift:guard, nightshift:stage.':
        {
          'nightshift:enrolled': 'true',
          'nightshift:windw': 'sunday',
        },
      'The tag "nightshift:enroled" is none of nightshift:enrolled, nightshift:window, nightshift:mode, nightshift:scheduler, nightshift:guard, nightshift:stage.':
        {
          'nightshift:enroled': 'true',
        },
    }),
  )('that break a rule refuse it by name: %s', (reason, tags) => {
    expect(enrolmentOf(tags, settings)).toEqual({ kind: 'refused', reason });
  });

  it.each([
    ['Nightshift:enrolled', 'nightshift:enrolled'],
    ['NIGHTSHIFT:ENROLLED', 'nightshift:enrolled'],
    ['nightshift:Enrolled', 'nightshift:enrolled'],
    [' nightshift:enrolled', 'nightshift:enrolled'],
    ['nightshift:enrolled ', 'nightshift:enrolled'],
    ['nightshift: enrolled', 'nightshift:enrolled'],
    ['nightshift:enrolled\u00a0', 'nightshift:enrolled'],
    ['nightshift:Window', 'nightshift:window'],
    ['Nightshift:scheduler', 'nightshift:scheduler'],
  ])('are not ignored in silence where a key is almost one of ours: %j', (key, meant) => {
    const reason = `The tag ${JSON.stringify(key)} is not ${meant}: case and blanks count.`;
    for (const enrolment of ['all', 'tagged'] as const)
      for (const value of ['false', 'true', 'sunday']) {
        expect(enrolmentOf({ [key]: value }, { ...settings, enrolment })).toEqual({ kind: 'refused', reason });
        const tags = { 'nightshift:enrolled': 'true', [key]: value };
        expect(enrolmentOf(tags, { ...settings, enrolment })).toEqual({ kind: 'refused', reason });
      }
    expect(enrolmentOf({ [key]: 'true', 'nightshift:enrolled': 'false' }, settings)).toMatchObject({
      kind: 'not-enrolled',
    });
  });

  it.each(['enrolled', 'my-nightshift:enrolled', 'nightshifts:enrolled', 'team:nightshift:enrolled'])(
    'of others are theirs: %s',
    (key) => {
      expect(enrolmentOf({ [key]: 'false' }, { ...settings, enrolment: 'all' })).toEqual(RR);
    },
  );
});
