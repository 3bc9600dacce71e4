import * as scenarios from './scenarios.ts';
import { startedWorkflow } from './shared.ts';
import { UNLISTED } from './worlds.ts';

const { abort, again, crash, failing, invoking, joins, kubernetes, lost, offline, on, play, APPLIED, IN_ROLLBACK } =
  scenarios;
const { skip, terminated, twice, update, MIGRATED, ROLLED_BACK, ROLLBACK_FAILED } = scenarios;

const workflow = await startedWorkflow();

const ALWAYS_THROTTLED = ['ThrottlingException', 'every'] as const;

// The lint holds that every Task retries what passes by itself; these runs, that retrying is enough.
play(workflow, 'throttled calls are retried', [
  [
    'if the state machine calls them',
    [
      failing('lambda', 'Invoke', 'TooManyRequestsException'),
      failing('eks', 'CreateAccessEntry'),
      failing('eks', 'DescribeUpdate'),
      failing('eks', 'DeleteAccessEntry'),
      failing('scheduler', 'CreateSchedule'),
      failing('scheduler', 'UpdateSchedule'),
      failing('scheduler', 'DeleteSchedule'),
      { at: 'SaveFormer', ...failing('s3', 'PutObject', 'SlowDown') },
    ],
    MIGRATED,
  ],
  [
    'if functions call them',
    [
      failing('eks', 'DescribeCluster'),
      failing('eks', 'UpdateAddon'),
      failing('ssm', 'SendCommand'),
      failing('ssm', 'ListCommandInvocations'),
      failing('ec2', 'DescribeInstances', 'RequestLimitExceeded'),
      failing('s3', 'PutObject', 'SlowDown'),
      failing('s3', 'GetObject', 'SlowDown'),
      failing('events', 'PutEvents'),
      failing('kubernetes', 'patch daemonsets'),
    ],
    MIGRATED,
  ],
  ['EKS, the change, for ever', [failing('eks', 'UpdateAddon', ...ALWAYS_THROTTLED)], ROLLED_BACK],
  ['SSM for ever', [failing('ssm', 'SendCommand', ...ALWAYS_THROTTLED)], 'FAILED ServiceFailed failed iptables'],
]);

play(workflow, 'a lost answer changes nothing twice', [
  [
    'if the state machine calls',
    [
      ...['CreateAccessEntry', 'AssociateAccessPolicy', 'DeleteAccessEntry'].map((operation) => lost('eks', operation)),
      ...['CreateSchedule', 'UpdateSchedule', 'DeleteSchedule'].map((operation) => lost('scheduler', operation)),
      { at: 'SaveFormer', ...lost('s3', 'PutObject') },
    ],
    MIGRATED,
  ],
  [
    'if functions call',
    [
      lost('eks', 'UpdateAddon'),
      lost('ssm', 'SendCommand'),
      lost('s3', 'PutObject'),
      lost('events', 'PutEvents'),
      lost('kubernetes', 'patch daemonsets'),
      lost('kubernetes', 'delete pods'),
    ],
    MIGRATED,
  ],
  [
    'of the functions themselves',
    [twice('update-addon'), twice('restart-kube-proxy', 2), twice('run-on-nodes', 2), twice('record-outcome')],
    MIGRATED,
  ],
  [
    'of StartExecution of the rollback',
    [update('Failed'), { at: 'Rollback', ...lost('states', 'StartExecution') }],
    ROLLED_BACK,
  ],
  [
    'of StartExecution of the recovery',
    [abort('AwaitRollout'), lost('states', 'StartExecution')],
    'ABORTED rolled-back iptables',
  ],
]);

play(workflow, 'an execution ends', [
  [
    'and access cannot be revoked: the recovery that the lease starts revokes it',
    [{ at: 'RevokeAccess', ...failing('eks', 'DeleteAccessEntry', 'InvalidParameterException', 1) }],
    'FAILED AccessRemains migrated ipvs',
  ],
  [
    'and the lease cannot be released: it fires, and its recovery finds the record',
    [{ at: 'ReleaseLease', ...failing('scheduler', 'DeleteSchedule', 'ValidationException', 1) }],
    MIGRATED,
  ],
]);

const ALWAYS = { times: 'every' };
play(workflow, 'a function that fails', [
  [
    'for ever, and is update-addon',
    [{ on: invoking('update-addon'), error: 'ServiceException', ...ALWAYS }],
    ROLLED_BACK,
  ],
  [
    'eleven times, and is record-outcome: it is called again',
    [{ on: invoking('record-outcome'), error: 'ServiceException', times: 11 }],
    MIGRATED,
  ],
  [
    'four times eleven times, and is record-outcome: the end of the execution completes the record',
    [{ on: invoking('record-outcome'), error: 'ServiceException', times: 44 }],
    'FAILED OutcomeNotRecorded migrated ipvs',
  ],
  [
    'five times, and is run-on-nodes: nothing was changed',
    [{ on: invoking('run-on-nodes'), error: 'ServiceException', times: 5 }],
    'FAILED ServiceFailed failed iptables',
  ],
]);

play(workflow, 'an update of the add-on that ends', [
  ['Failed', [update('Failed')], ROLLED_BACK],
  ['Failed, but was applied', [APPLIED], ROLLED_BACK],
  ['Cancelled', [update('Cancelled')], ROLLED_BACK],
  ['Cancelled, but was applied', [update('Cancelled', { applied: true })], ROLLED_BACK],
  ['Degraded', [update('Degraded')], MIGRATED],
  ['Failed forth and back', [update('Failed', { applied: true, times: 2 })], ROLLED_BACK],
  ['Failed always, and was applied', [update('Failed', { applied: true, ...ALWAYS })], ROLLED_BACK],
  [
    'Failed always but the first time',
    [crash('RestartDaemonSet', 'ipvs'), { at: 'RestoreAddon', ...update('Failed', ALWAYS) }],
    'FAILED RollbackFailed rollback-failed ipvs',
  ],
]);

play(workflow, 'a Kubernetes API that is', [
  ['unreachable for a moment', [kubernetes('unreachable', 4)], MIGRATED],
  ['unreachable for ever', [kubernetes('unreachable', 'every')], 'FAILED KubernetesUnreachable failed iptables'],
  ['forbidden for a moment', [kubernetes('forbidden', 2)], MIGRATED],
  ['forbidden for ever', [kubernetes('forbidden', 'every')], 'FAILED KubernetesForbidden failed iptables'],
  ['in conflict', [kubernetes('conflict', 2)], MIGRATED],
  ['unreachable for a moment at the canary', [kubernetes('unreachable', 3, { at: 'RestartCanary' })], MIGRATED],
  ['forbidden for a while at the restart', [kubernetes('forbidden', 5, { at: 'RestartDaemonSet' })], ROLLED_BACK],
  [
    'unreachable for ever from the restart on',
    [kubernetes('unreachable', 'every', { at: 'RestartDaemonSet' })],
    'FAILED RollbackFailed rollback-failed iptables+ipvs',
  ],
]);

const NARROW = { window: 'narrow' };
const HOLDER_STOPPED = 'ABORTED Recovered nothing-to-roll-back iptables';
play(workflow, 'time passes faster than planned', [
  ['while nodes are prepared: the next window', [skip('PrepareNodes', 0.95)], MIGRATED, {}, NARROW],
  ['while they are waited for', [skip('AwaitPreparation', 0.95)], MIGRATED, {}, NARROW],
  [
    'between the window and the change',
    [skip('CheckWindowBeforeChange', 0.95)],
    'FAILED RolledBack rolled-back iptables',
    {},
    NARROW,
  ],
  [
    'six times',
    [1, 2, 3, 4, 5].map((visit) => skip('AwaitPreparation', 0.95, { visit })),
    'FAILED WindowNever failed iptables',
    {},
    NARROW,
  ],
  ['past the lease, before the change', [skip('AwaitPreparation', 10)], HOLDER_STOPPED],
  ['past the lease, in the change', [skip('AwaitRollout', 3)], 'ABORTED Recovered rolled-back iptables'],
  [
    'past the lease, in the rollback',
    [crash('RestartDaemonSet', 'ipvs'), skip('AwaitRollout', 3, IN_ROLLBACK)],
    'ABORTED Recovered rolled-back iptables',
  ],
]);

play(workflow, 'another execution of the same cluster', [
  // Which of the two gets the lease is drawn.
  ['from the start', [again('Begin')], 'FAILED AlreadyMigrating failed ipvs'],
  ['while this one prepares', [again('PrepareNodes')], MIGRATED],
  ['while this one changes', [again('AwaitAddon')], MIGRATED],
  ['while this one is rolled back', [APPLIED, again('Rollback')], ROLLED_BACK],
  ['that is aborted while this one works', [again('PrepareNodes'), abort('LeaseHeld'), on(1, 'slow')], MIGRATED],
]);

const ABORTED = 'ABORTED rolled-back iptables';
play(workflow, 'the event of an aborted execution', [
  ['comes twice', [abort('RestartDaemonSet'), { events: 'twice', ...ALWAYS }], ABORTED],
  ['comes late', [abort('RestartDaemonSet'), { events: 'out-of-order', ...ALWAYS }], ABORTED],
]);

const PRIVATE = { endpoint: 'private' };
play(workflow, 'behind a private endpoint', [
  ['EKS rolls the DaemonSet', [], MIGRATED, PRIVATE, UNLISTED],
  ['an update that failed', [APPLIED], ROLLED_BACK, PRIVATE, UNLISTED],
  ['a kube-proxy that crashes', [crash('UpdateAddon', 'ipvs', 'every')], ROLLED_BACK, PRIVATE, UNLISTED],
  ['an answer that is lost', [lost('eks', 'UpdateAddon')], MIGRATED, PRIVATE, UNLISTED],
  ['a node that joins', [joins('AwaitRoll')], MIGRATED, PRIVATE, UNLISTED],
  ['a node that is terminated', [terminated('AwaitRoll')], MIGRATED, PRIVATE, UNLISTED],
  ['an agent that is offline for ever', [offline('AwaitRoll', 0)], ROLLBACK_FAILED, PRIVATE, UNLISTED],
  ['DNS without backends', [on(1, 'dns-without-backends')], ROLLED_BACK, PRIVATE, UNLISTED],
]);

const SELF = { addon: null };
const CREATE = { selfManaged: 'create-addon' };
const EDIT = { selfManaged: 'config-map' };
const CRASHED = crash('RestartDaemonSet', 'ipvs');
play(workflow, 'a self-managed kube-proxy', [
  ['is adopted', [], MIGRATED, SELF, CREATE],
  ['is adopted, and the answer is lost', [lost('eks', 'CreateAddon')], MIGRATED, SELF, CREATE],
  ['is adopted, and its add-on is Degraded', [update('Degraded')], ROLLED_BACK, SELF, CREATE],
  ['is removed again', [CRASHED], ROLLED_BACK, SELF, CREATE],
  ['is removed again, and the answer is lost', [CRASHED, lost('eks', 'DeleteAddon')], ROLLED_BACK, SELF, CREATE],
  ['is removed again after an abort', [abort('AwaitAddon')], ABORTED, SELF, CREATE],
  ['has its ConfigMap edited', [], MIGRATED, SELF, EDIT],
  ['has it edited in spite of a conflict', [kubernetes('conflict', 2, { at: 'EditConfigMap' })], MIGRATED, SELF, EDIT],
  ['has it edited, and the answer is lost', [lost('kubernetes', 'update configmaps')], MIGRATED, SELF, EDIT],
  ['has it restored', [CRASHED], ROLLED_BACK, SELF, EDIT],
  ['has it put back after an abort', [abort('RestartCanary')], ABORTED, SELF, EDIT],
]);
