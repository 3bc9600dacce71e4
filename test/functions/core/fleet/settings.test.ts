import { describe, expect, it } from 'vitest';
import { InvalidConfiguration } from '../../../../functions/core/errors.ts';
import { parseSettings } from '../../../../functions/core/fleet/settings.ts';

const whole = {
  target: { mode: 'ipvs', scheduler: 'lc' },
  window: 'weekend',
  acknowledge: ['ipvs-deprecated'],
  enrolment: 'all',
  newClusters: 'ignore',
  drift: 'migrate',
  stagger: { minutes: 15, atOnce: 2 },
  guards: { alarms: ['checkout-5xx', 'Fleet errors'], onGuard: 'rollback', onUnknown: 'open' },
  tolerate: 0,
};

const nextStep = 'Correct the configuration and deploy again.';

describe("a deployment's settings", () => {
  it('are what was written', () => {
    expect(parseSettings(whole)).toEqual(whole);
  });

  it('need a target and a window; the rest enforces new clusters, migrates tagged ones and tells of drift', () => {
    expect(parseSettings({ target: { mode: 'ipvs', scheduler: 'rr' }, window: 'weekend' })).toEqual({
      target: { mode: 'ipvs', scheduler: 'rr' },
      window: 'weekend',
      acknowledge: [],
      enrolment: 'tagged',
      newClusters: 'enforce',
      drift: 'notify',
      stagger: { minutes: 10, atOnce: 5 },
      guards: { alarms: [], onGuard: 'hold', onUnknown: 'closed' },
      tolerate: 1,
    });
  });

  it.each([
    [undefined, 'The settings must be a JSON object, but it is nothing.'],
    [
      { window: 'weekend' },
      'target must be an object {"mode": "nftables"} or {"mode": "ipvs", "scheduler": "rr"}, but it is nothing.',
    ],
    [
      { target: whole.target },
      "window must be a window's name: 1 to 64 letters, digits, dots, - or _, but it is nothing.",
    ],
    [{ ...whole, enrollment: 'all' }, "The settings must not have the field 'enrollment'."],
    [{ ...whole, enrolment: 'auto' }, 'enrolment must be one of tagged, all, but it is "auto".'],
    [{ ...whole, newClusters: true }, 'newClusters must be one of enforce, ignore, but it is true.'],
    [{ ...whole, drift: 'repair' }, 'drift must be one of migrate, notify, but it is "repair".'],
    [{ ...whole, stagger: 10 }, 'stagger must be an object {"minutes": 10, "atOnce": 5}, but it is 10.'],
    [
      { ...whole, stagger: { minutes: 0, atOnce: 5 } },
      'stagger.minutes must be a whole number of minutes, 1 to 1440, but it is 0.',
    ],
    [
      { ...whole, stagger: { minutes: 10, atOnce: 2.5 } },
      'stagger.atOnce must be a whole number of clusters, 1 to 100, but it is 2.5.',
    ],
    [{ ...whole, tolerate: -1 }, 'tolerate must be a whole number of clusters, 0 to 1000, but it is -1.'],
    [{ ...whole, tolerate: 0.5 }, 'tolerate must be a whole number of clusters, 0 to 1000, but it is 0.5.'],
    [{ ...whole, tolerate: 1001 }, 'tolerate must be a whole number of clusters, 0 to 1000, but it is 1001.'],
    [{ ...whole, stagger: { ...whole.stagger, hours: 1 } }, "The settings: stagger must not have the field 'hours'."],
    [
      { ...whole, guards: ['checkout-5xx'] },
      'guards must be an object {"alarms": ["checkout-5xx"], "onGuard": "hold", "onUnknown": "closed"}, but it is ["checkout-5xx"].',
    ],
    [
      { ...whole, guards: { alarms: 'checkout-5xx' } },
      'guards.alarms must be a list of at most 50 names or ARNs of CloudWatch alarms, but it is "checkout-5xx".',
    ],
    [
      { ...whole, guards: { alarms: ['checkout-5xx', '$(reboot)'] } },
      'guards.alarms.1 must be the name or ARN of a CloudWatch alarm, of letters, digits, inner spaces and _.:/=+-@, but it is "$(reboot)".',
    ],
    [{ ...whole, guards: { onGuard: 'page' } }, 'guards.onGuard must be one of hold, rollback, but it is "page".'],
    [{ ...whole, guards: { onUnknown: 'yes' } }, 'guards.onUnknown must be one of closed, open, but it is "yes".'],
    [{ ...whole, guards: { alarm: 'a' } }, "The settings: guards must not have the field 'alarm'."],
  ])('are refused in one sentence that names field and rule: %j', (input, message) => {
    expect(() => parseSettings(input)).toThrow(new InvalidConfiguration(message, { nextStep }));
  });
});
