import type { Need } from '@nightshift/sandbox/iam';
import { beforeAll, describe, expect, it } from 'vitest';
import { FLEETS } from './fleet-runs.ts';
import { neededBy, unallowedCalls, unusedRights } from './iam/calls.ts';
import { problemsOfNeed } from './iam-reference.ts';
import { MIGRATIONS } from './migration-runs.ts';
import { configuredTemplate, stagedTemplate } from './roles.ts';
import { playRuns } from './runs.ts';
import { stackOf } from './stack-of.ts';
import { TRIGGERS, withLostSweep } from './trigger-runs.ts';

const template = await configuredTemplate();
const stack = stackOf(template, { account: '111122223333', region: 'us-east-1' });

/** Permissions, `role: Sid action on resource`, that no run can show, each with its reason. */
const NEVER_SEEN = [
  // Step Functions itself waits for a nested execution, and stops it with its owner, under this role: no call is
  // logged.
  'nightshift-migrate-cluster-us-east-1: AwaitRollback states:DescribeExecution on arn:aws:states:us-east-1:111122223333:execution:nightshift-rollback-cluster:*',
  'nightshift-migrate-cluster-us-east-1: AwaitRollback states:StopExecution on arn:aws:states:us-east-1:111122223333:execution:nightshift-rollback-cluster:*',
  // So it does with the migrations of a rollout, and with the executions of the rollout's own Map, which it starts.
  'nightshift-migrate-fleet-us-east-1: AwaitMigrations states:DescribeExecution on arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-cluster:*',
  'nightshift-migrate-fleet-us-east-1: FollowMap states:DescribeExecution on arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-fleet:*',
  'nightshift-migrate-fleet-us-east-1: FollowMap states:StopExecution on arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-fleet:*',
  'nightshift-migrate-fleet-us-east-1: RunMap states:StartExecution on arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-fleet',
  // The sandbox has no hybrid nodes.
  'nightshift-run-on-nodes-us-east-1: RunOnNodes2 ssm:SendCommand on arn:aws:ssm:us-east-1:111122223333:managed-instance/*',
];

const ROLLED_BACK = 'test FAILED, rollback-c5c11b7f7b1f9a0d1c8b SUCCEEDED';
const GIVEN_UP =
  'test ABORTED, recover-test ABORTED, recover2-test ABORTED, recover3-test ABORTED, recover4-test FAILED';
const SCHEDULE = 'nightshift-demo at(2026-11-21T02:00:00) America/New_York';
const SCHEDULED = [[SCHEDULE], [SCHEDULE], []];

/** Requests of one shape differ only in names. */
const shapeOf = ({ action, resource, context }: Need) =>
  [action, resource.replace(/[^:/]*\d[^:/]*/g, '0'), ...Object.keys(context).sort()].join(' ');

describe('all calls of the product under its roles', () => {
  let played: Awaited<ReturnType<typeof playRuns>>;
  beforeAll(async () => {
    played = await playRuns(withLostSweep(template), { ...MIGRATIONS, ...TRIGGERS });
    const fleets = await playRuns(withLostSweep(await stagedTemplate()), FLEETS);
    played = { seen: [...played.seen, ...fleets.seen], ended: { ...played.ended, ...fleets.ended } };
  });

  it('belong to executions that ended as expected', () => {
    expect(played.ended).toEqual({
      'a migration': 'test SUCCEEDED',
      'a window with a Change Calendar': 'test SUCCEEDED',
      'nodes of Karpenter': 'test SUCCEEDED',
      'a guarded cluster': 'test SUCCEEDED',
      'a cluster that complies': 'test SUCCEEDED',
      'an update in flight': 'test SUCCEEDED',
      'a kube-proxy that is adopted': 'test SUCCEEDED',
      'and made self-managed again': ROLLED_BACK,
      'a ConfigMap': 'test SUCCEEDED',
      'and restored': ROLLED_BACK,
      'a change that fails': ROLLED_BACK,
      'a canary that fails': ROLLED_BACK,
      newcomers: 'test SUCCEEDED',
      'missing evidence of nodes': 'test FAILED',
      'a missing inventory': ROLLED_BACK,
      'an abort': 'test ABORTED, recover-test SUCCEEDED',
      'an abort whose event is lost': 'test ABORTED, recover-test SUCCEEDED',
      'a batch that is held': ROLLED_BACK,
      'a batch that an abort holds': 'test ABORTED, recover-test SUCCEEDED',
      'a recovery that is aborted': 'test ABORTED, recover-test ABORTED, recover2-test SUCCEEDED',
      'a new cluster': 'created-demo-24e9b653c917bb46 SUCCEEDED',
      'a node that joins': 'joined-demo-20261120T2215 SUCCEEDED',
      'a tag': 'scheduled-demo-20261121T0700 SUCCEEDED',
      'a schedule that starts nothing': ['nightshift-scheduler-us-east-1'],
      'an event of EKS': 'scheduled-demo-20261121T0700 SUCCEEDED',
      'schedules by drift': SCHEDULED,
      'schedules by tags': SCHEDULED,
      'schedules by the sweep': SCHEDULED,
      'an execution that nobody can finish': GIVEN_UP,
      'ending events without an input': 'test ABORTED, recover-test ABORTED, recover2-test SUCCEEDED',
      'sweeps of endings': GIVEN_UP,
      'a batch that the sweep holds': 'test ABORTED, recover-test SUCCEEDED',
      'a missing record': 'test FAILED',
      "a rollback's missing record": 'test FAILED, rollback-c5c11b7f7b1f9a0d1c8b FAILED',
      "a rollback's missing record that the sweep writes": {
        answer: { executions: 2, kept: 2, recovered: 0, recorded: 1, owed: 0 },
      },
      'a missing record that the sweep writes': {
        answer: { executions: 1, kept: 1, recovered: 0, recorded: 1, owed: 0 },
      },
      "a person's rollback that is cut off":
        'test SUCCEEDED, by-hand ABORTED, recover-by-hand-fde979bc22db550c SUCCEEDED',
      'malformed events': [
        'nightshift-on-addon-changed-us-east-1',
        'nightshift-on-cluster-created-us-east-1',
        'nightshift-on-cluster-tagged-us-east-1',
        'nightshift-on-execution-ended-us-east-1',
        'nightshift-on-node-registered-us-east-1',
        'nightshift-schedule-migrations-us-east-1',
        'nightshift-sweep-executions-us-east-1',
      ],
      'the daily sweeps': ['nightshift-sweeper-us-east-1'],
      'a rollout':
        'fleet-2cb0847fedac3383-20261120 FAILED, rollout-demo-migrate-c8900f931acf1a34 SUCCEEDED, rollback-demo-soak-1f561ef6c6b3f990 SUCCEEDED',
      'a rollout whose migration is aborted':
        'fleet-2cb0847fedac3383-20261120 FAILED, rollout-demo-migrate-c8900f931acf1a34 ABORTED, recover-rollout-demo-migrate-c8900f931acf1a34 SUCCEEDED',
      'a staged cluster by tags': [],
      'a staged cluster by drift': [],
      'a staged cluster by the sweep': [],
    });
  });

  it('are allowed by the roles', () => {
    expect(played.seen.flatMap(({ calls, tagsOf }) => unallowedCalls(calls, stack, tagsOf))).toEqual([]);
  });

  it('match the IAM reference: actions, types of resources, condition keys and their types', async () => {
    const needs = played.seen.flatMap(({ calls, tagsOf }) => neededBy(calls, stack, tagsOf));
    const different = new Map(needs.map((need) => [shapeOf(need), need]));
    expect((await Promise.all([...different.values()].map(problemsOfNeed))).flat()).toEqual([]);
  });

  it('need every action of every statement, on each of its resources', () => {
    const [first = [], ...others] = played.seen.map(({ calls, tagsOf }) => unusedRights(calls, stack, tagsOf));
    expect(first.filter((right) => others.every((unused) => unused.includes(right)))).toEqual(NEVER_SEEN);
  });
});
