import { afterAll, beforeAll } from 'vitest';
import { Workflow } from './run.ts';
import * as scenarios from './scenarios.ts';
import { UNLISTED, worldOf } from './worlds.ts';

const { abort, again, crash, failing, invoking, joins, kubernetes, lost, offline, on, play } = scenarios;
const { skip, terminated, twice, update, MIGRATED, ROLLED_BACK, ROLLBACK_FAILED } = scenarios;

let workflow: Workflow;
beforeAll(async () => {
  workflow = await Workflow.start(worldOf({}));
});
afterAll(() => workflow.stop());
const current = () => workflow;

const ALWAYS_THROTTLED = ['ThrottlingException', 'every'] as const;

play(current, 'a service that throttles is asked again', [
  ['EKS, the cluster', [failing('eks', 'DescribeCluster')], MIGRATED],
  ['EKS, the change', [failing('eks', 'UpdateAddon')], MIGRATED],
  ['EKS, its end', [failing('eks', 'DescribeUpdate')], MIGRATED],
  ['EKS, access that is granted', [failing('eks', 'CreateAccessEntry')], MIGRATED],
  ['EKS, access that is removed', [failing('eks', 'DeleteAccessEntry')], MIGRATED],
  ['SSM, commands', [failing('ssm', 'SendCommand')], MIGRATED],
  ['SSM, answers', [failing('ssm', 'ListCommandInvocations')], MIGRATED],
  ['EC2', [failing('ec2', 'DescribeInstances', 'RequestLimitExceeded')], MIGRATED],
  ['S3, what is written', [failing('s3', 'PutObject', 'SlowDown')], MIGRATED],
  ['S3, what is read', [failing('s3', 'GetObject', 'SlowDown')], MIGRATED],
  ['EventBridge Scheduler, the lease', [failing('scheduler', 'CreateSchedule')], MIGRATED],
  ['EventBridge Scheduler, its renewal', [failing('scheduler', 'UpdateSchedule')], MIGRATED],
  ['EventBridge Scheduler, its release', [failing('scheduler', 'DeleteSchedule')], MIGRATED],
  ['EventBridge', [failing('events', 'PutEvents')], MIGRATED],
  ['Lambda', [failing('lambda', 'Invoke', 'TooManyRequestsException')], MIGRATED],
  ['Kubernetes, the restart', [failing('kubernetes', 'patch daemonsets')], MIGRATED],
  ['EKS, the change, for ever', [failing('eks', 'UpdateAddon', ...ALWAYS_THROTTLED)], ROLLED_BACK],
  ['SSM for ever', [failing('ssm', 'SendCommand', ...ALWAYS_THROTTLED)], 'FAILED ServiceFailed failed iptables'],
]);

play(current, 'an answer that is lost changes nothing twice', [
  ['UpdateAddon', [lost('eks', 'UpdateAddon')], MIGRATED],
  ['CreateAccessEntry', [lost('eks', 'CreateAccessEntry')], MIGRATED],
  ['AssociateAccessPolicy', [lost('eks', 'AssociateAccessPolicy')], MIGRATED],
  ['DeleteAccessEntry', [lost('eks', 'DeleteAccessEntry')], MIGRATED],
  ['CreateSchedule', [lost('scheduler', 'CreateSchedule')], MIGRATED],
  ['UpdateSchedule', [lost('scheduler', 'UpdateSchedule')], MIGRATED],
  ['DeleteSchedule', [lost('scheduler', 'DeleteSchedule')], MIGRATED],
  ['SendCommand', [lost('ssm', 'SendCommand')], MIGRATED],
  ['PutObject', [lost('s3', 'PutObject')], MIGRATED],
  ['PutObject of what is saved', [{ at: 'SaveFormer', ...lost('s3', 'PutObject') }], MIGRATED],
  ['PutEvents', [lost('events', 'PutEvents')], MIGRATED],
  ['patch of the DaemonSet', [lost('kubernetes', 'patch daemonsets')], MIGRATED],
  ['delete of the canary', [lost('kubernetes', 'delete pods')], MIGRATED],
  ['update-addon', [twice('update-addon')], MIGRATED],
  ['restart-kube-proxy', [twice('restart-kube-proxy', 2)], MIGRATED],
  ['run-on-nodes', [twice('run-on-nodes', 2)], MIGRATED],
  ['record-outcome', [twice('record-outcome')], MIGRATED],
  [
    'StartExecution of the rollback',
    [update('Failed'), { at: 'Rollback', ...lost('states', 'StartExecution') }],
    ROLLED_BACK,
  ],
  [
    'StartExecution of the recovery',
    [abort('AwaitRollout'), lost('states', 'StartExecution')],
    'ABORTED rolled-back iptables',
  ],
]);

play(current, 'what is held', [
  [
    'and cannot be given back, access: the switch gives it back later',
    [{ at: 'RevokeAccess', ...failing('eks', 'DeleteAccessEntry', 'InvalidParameterException', 1) }],
    'FAILED AccessRemains migrated ipvs',
  ],
  [
    'and cannot be given back, the lease: the switch fires and finds the record',
    [{ at: 'ReleaseLease', ...failing('scheduler', 'DeleteSchedule', 'ValidationException', 1) }],
    MIGRATED,
  ],
]);

const ALWAYS = { times: 'every' };
play(current, 'a function that fails', [
  [
    'for ever, and is update-addon',
    [{ on: invoking('update-addon'), error: 'ServiceException', ...ALWAYS }],
    ROLLED_BACK,
  ],
  [
    'eleven times, and is record-outcome: it is asked again',
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

play(current, 'an update of the add-on that ends', [
  ['Failed', [update('Failed')], ROLLED_BACK],
  ['Failed, but was applied', [update('Failed', { applied: true })], ROLLED_BACK],
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

play(current, 'a Kubernetes API that is', [
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
play(current, 'time that runs away', [
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
    [crash('RestartDaemonSet', 'ipvs'), skip('AwaitRollout', 3, { machine: 'nightshift-rollback-cluster' })],
    'ABORTED Recovered rolled-back iptables',
  ],
]);

play(current, 'another execution of the same cluster', [
  // Which of the two gets the lease is drawn.
  ['from the start', [again('Begin')], 'FAILED AlreadyMigrating failed ipvs'],
  ['while this one prepares', [again('PrepareNodes')], MIGRATED],
  ['while this one changes', [again('AwaitAddon')], MIGRATED],
  ['while this one is rolled back', [update('Failed', { applied: true }), again('Rollback')], ROLLED_BACK],
  ['that is aborted while this one works', [again('PrepareNodes'), abort('LeaseHeld'), on(1, 'slow')], MIGRATED],
]);

const ABORTED = 'ABORTED rolled-back iptables';
play(current, 'an event about an execution that was aborted', [
  ['comes once', [abort('RestartDaemonSet')], ABORTED],
  ['comes twice', [abort('RestartDaemonSet'), { events: 'twice', ...ALWAYS }], ABORTED],
  ['comes late', [abort('RestartDaemonSet'), { events: 'out-of-order', ...ALWAYS }], ABORTED],
  ['never comes', [abort('RestartDaemonSet'), { events: 'lost', ...ALWAYS }], ABORTED],
]);

const PRIVATE = { endpoint: 'private' };
play(current, 'behind a private endpoint', [
  ['EKS rolls the DaemonSet', [], MIGRATED, PRIVATE, UNLISTED],
  ['an update that failed', [update('Failed', { applied: true })], ROLLED_BACK, PRIVATE, UNLISTED],
  ['a kube-proxy that crashes', [crash('UpdateAddon', 'ipvs', 'every')], ROLLED_BACK, PRIVATE, UNLISTED],
  ['an answer that is lost', [lost('eks', 'UpdateAddon')], MIGRATED, PRIVATE, UNLISTED],
  ['a node that joins', [joins('AwaitRoll')], MIGRATED, PRIVATE, UNLISTED],
  ['a node that is terminated', [terminated('AwaitRoll')], MIGRATED, PRIVATE, UNLISTED],
  ['an agent that is offline for ever', [offline('AwaitRoll', 0)], ROLLBACK_FAILED, PRIVATE, UNLISTED],
  ['DNS without backends', [on(1, 'dns-without-backends')], ROLLED_BACK, PRIVATE, UNLISTED],
  ['an abort', [abort('AwaitRoll')], 'ABORTED rolled-back iptables', PRIVATE, UNLISTED],
]);

const SELF = { addon: null };
const CREATE = { selfManaged: 'create-addon' };
const EDIT = { selfManaged: 'config-map' };
const CRASHED = crash('RestartDaemonSet', 'ipvs');
play(current, 'a kube-proxy that its owner manages', [
  ['is adopted', [], MIGRATED, SELF, CREATE],
  ['is adopted, and the answer is lost', [lost('eks', 'CreateAddon')], MIGRATED, SELF, CREATE],
  ['is adopted, and its add-on is Degraded', [update('Degraded')], ROLLED_BACK, SELF, CREATE],
  ['is given back', [CRASHED], ROLLED_BACK, SELF, CREATE],
  ['is given back, and the answer is lost', [CRASHED, lost('eks', 'DeleteAddon')], ROLLED_BACK, SELF, CREATE],
  ['is given back after an abort', [abort('AwaitAddon')], ABORTED, SELF, CREATE],
  ['has its ConfigMap edited', [], MIGRATED, SELF, EDIT],
  ['has it edited in spite of a conflict', [kubernetes('conflict', 2, { at: 'EditConfigMap' })], MIGRATED, SELF, EDIT],
  ['has it edited, and the answer is lost', [lost('kubernetes', 'update configmaps')], MIGRATED, SELF, EDIT],
  ['has it put back', [CRASHED], ROLLED_BACK, SELF, EDIT],
  ['has it put back after an abort', [abort('RestartCanary')], ABORTED, SELF, EDIT],
]);
