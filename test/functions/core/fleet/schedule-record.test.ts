import { describe, expect, it } from 'vitest';
import { NOTHING_PLANNED, noticeCancelled, recordAfter } from '../../../../functions/core/fleet/schedule-record.ts';
import { atOf, decide, deployment, inputOf, scheduled, subject } from './schedule-plan-fixtures.ts';

describe('a schedule that somebody deleted', () => {
  const { record } = scheduled('demo');

  it('is not made again for that window, but for the next one', () => {
    const noticed = noticeCancelled(record, false, deployment.now);
    expect(noticed).toEqual({ planned: null, cancelled: ['2026-11-21T07:00:00.000Z'] });
    const decision = decide(subject('demo', {}, { record: noticed }));
    expect([decision.kind, atOf(decision)]).toEqual(['create', '2026-11-28T07:00:00.000Z']);
    expect(recordAfter(noticed, decision)).toEqual({
      planned: { window: 'weekend', windowStart: '2026-11-28T07:00:00.000Z', at: '2026-11-28T07:00:00.000Z' },
      cancelled: ['2026-11-21T07:00:00.000Z'],
    });
  });

  it('is not brought forward into the window that was cancelled', () => {
    const noticed = noticeCancelled(record, false, deployment.now);
    const decision = decide(subject('demo', {}, { record: noticed }));
    const existing = { at: new Date('2026-11-28T07:00:00Z'), enabled: true, input: inputOf(decision) };
    const again = decide(subject('demo', {}, { record: recordAfter(noticed, decision), existing }));
    expect([again.kind, atOf(again)]).toEqual(['keep', '2026-11-28T07:00:00.000Z']);
  });

  it('is forgotten when its window has begun', () => {
    const noticed = noticeCancelled(record, false, deployment.now);
    expect(noticeCancelled(noticed, true, new Date('2026-11-21T07:00:00Z'))).toEqual(NOTHING_PLANNED);
  });

  it('is another thing than one that fired', () => {
    expect(noticeCancelled(record, false, new Date('2026-11-21T07:00:00Z'))).toEqual({ ...record, cancelled: [] });
  });
});
