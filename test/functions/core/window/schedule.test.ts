import { describe, expect, it } from 'vitest';
import { atExpression, momentOf } from '../../../../functions/core/window/schedule.ts';

describe('a moment as at()', () => {
  it.each([
    ['in winter', '2026-11-21T07:10:00Z', 'at(2026-11-21T02:10:00)', 'America/New_York'],
    ['in summer', '2026-07-04T06:10:00Z', 'at(2026-07-04T02:10:00)', 'America/New_York'],
    ['the first time that clocks show it', '2026-11-01T05:30:00Z', 'at(2026-11-01T01:30:00)', 'America/New_York'],
    ['the second time that clocks show it', '2026-11-01T06:30:00Z', 'at(2026-11-01T06:30:00)', 'UTC'],
  ])('is read back as the same moment: %s', (_, moment, expression, timezone) => {
    expect(atExpression(new Date(moment), 'America/New_York')).toEqual({ expression, timezone });
    expect(momentOf(expression, timezone)).toEqual(new Date(moment));
  });

  it.each([
    ['rate(1 day)', 'UTC'],
    ['cron(0 2 * * ? *)', 'UTC'],
    ['at(2026-02-30T00:00:00)', 'UTC'],
    ['at(2026-11-21T02:10:00)', 'Mars/Olympus'],
  ])('is none for %s in %s', (expression, timezone) => {
    expect(momentOf(expression, timezone)).toBeNull();
  });
});
