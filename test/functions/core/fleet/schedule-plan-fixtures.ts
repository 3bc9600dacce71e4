import {
  type ClusterStanding,
  type Deployment,
  planSchedules,
  type ScheduleDecision,
  type Subject,
} from '../../../../functions/core/fleet/schedule-plan.ts';
import { NOTHING_PLANNED, recordAfter } from '../../../../functions/core/fleet/schedule-record.ts';

/** 02:00 to 06:00 on Saturdays in New York, its last hour closed: 07:00Z to 10:00Z in winter. */
export const WEEKEND = {
  schedule: 'cron(0 2 ? * SAT *)',
  timezone: 'America/New_York',
  durationHours: 4,
  cutoffHours: 1,
};
export const deployment: Deployment = {
  stages: null,
  settings: {
    target: { mode: 'ipvs', scheduler: 'rr' },
    window: 'weekend',
    acknowledge: ['ipvs-deprecated'],
    enrolment: 'all',
    newClusters: 'enforce',
    drift: 'notify',
    stagger: { minutes: 10, atOnce: 5 },
    guards: { alarms: [], onGuard: 'hold', onUnknown: 'closed' },
    tolerate: 1,
  },
  windows: new Map<string, unknown>([
    ['weekend', WEEKEND],
    ['broken', { ...WEEKEND, timezone: 'Mars/Olympus' }],
    ['sunday', { ...WEEKEND, schedule: 'cron(0 2 ? * SUN *)' }],
  ]),
  stateMachineArn: 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-cluster:live',
  now: new Date('2026-11-20T22:00:00Z'),
};
export const IPVS = '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}';

export function subject(
  cluster: string,
  standing: Partial<ClusterStanding> = {},
  more: Partial<Subject> = {},
): Subject {
  const described = { name: cluster, status: 'ACTIVE', autoMode: false, tags: {}, addon: { configuration: null } };
  return { cluster, standing: { ...described, ...standing }, existing: null, record: NOTHING_PLANNED, ...more };
}

export function decide(about: Subject, changes: Partial<Deployment> = {}, others: Date[] = []): ScheduleDecision {
  const [planned] = planSchedules([about], { ...deployment, ...changes }, { others });
  if (planned === undefined) throw new Error('nothing was planned');
  return planned.decision;
}

export const atOf = (decision: ScheduleDecision) => ('slot' in decision ? decision.slot?.at.toISOString() : undefined);
export const inputOf = (decision: ScheduleDecision) => ('slot' in decision ? (decision.slot?.input ?? '') : '');

/** A subject that has the schedule that it would be given now. */
export function scheduled(cluster: string, standing: Partial<ClusterStanding> = {}): Subject {
  const decision = decide(subject(cluster, standing));
  if (!('slot' in decision) || decision.slot === null) throw new Error('nothing was planned');
  const { at, input } = decision.slot;
  const record = recordAfter(NOTHING_PLANNED, decision);
  return subject(cluster, standing, { existing: { at, enabled: true, input }, record });
}
