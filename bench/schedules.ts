import { planSchedules } from '../functions/core/fleet/schedule-plan.ts';
import { parseSettings } from '../functions/core/fleet/settings.ts';
import { type Bench, fastest, type Row } from './measure.ts';

const deployment = {
  settings: parseSettings({ target: { mode: 'ipvs', scheduler: 'rr' }, window: 'weekend', enrolment: 'all' }),
  windows: new Map([
    ['weekend', { schedule: 'cron(0 2 ? * SAT *)', timezone: 'America/New_York', durationHours: 1, cutoffHours: 0 }],
  ]),
  stateMachineArn: 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-cluster:live',
  stages: null,
  now: new Date('2026-11-20T22:00:00Z'),
};

function fleet(size: number) {
  return Array.from({ length: size }, (_, index) => {
    const name = `c${String(index).padStart(5, '0')}`;
    const standing = { name, status: 'ACTIVE', autoMode: false, tags: {}, addon: { configuration: null } };
    return { cluster: name, standing, existing: null, record: { planned: null, cancelled: [] } };
  });
}

/** Measures how planning grows with the fleet. A window takes 20 clusters, so 4,000 clusters fill 200 windows. */
export const bench: Bench = {
  title: 'schedules: a slot in the next windows for each cluster of a fleet',
  rows: () =>
    [500, 1_000, 2_000, 4_000].map((clusters): Row => {
      const subjects = fleet(clusters);
      const plan = () => planSchedules(subjects, deployment);
      return { what: `${clusters.toLocaleString('en')} clusters`, count: clusters, milliseconds: fastest(plan, 3) };
    }),
};
