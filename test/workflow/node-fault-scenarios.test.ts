import * as scenarios from './scenarios.ts';
import { startedWorkflow } from './shared.ts';

const { at, crash, each, garbage, joins, offline, on, play, terminated, APPLIED, IN_ROLLBACK } = scenarios;
const { MIGRATED, ROLLED_BACK, ROLLBACK_FAILED } = scenarios;

const workflow = await startedWorkflow();

const UNPREPARED = 'FAILED NodesNotPrepared failed iptables';

play(workflow, 'an SSM agent that goes offline', [
  ['before the window opens', [offline('AwaitWindow', 0)], 'FAILED PreflightRefused refused iptables'],
  ['in preparation, for ever', [offline('PrepareNodes', 0)], UNPREPARED],
  ['in preparation, for a while', [offline('PrepareNodes', 0, 200)], MIGRATED],
  ['when the canary is proven, for a while', [offline('ValidateCanary', 'any', 50)], MIGRATED],
  ['when the canary is proven, everywhere for ever', each((n) => offline('ValidateCanary', n)), ROLLBACK_FAILED],
  ['in validation, for a while', [offline('ValidateNodes', 1, 90)], MIGRATED],
  ['in validation, for four minutes', [offline('ValidateNodes', 1, 240)], MIGRATED],
  ['in validation, for ever', [offline('ValidateNodes', 1)], ROLLBACK_FAILED],
  ['in cleaning, for a while', [offline('CleanNodes', 1, 90)], MIGRATED],
  ['in cleaning, for longer than a command waits', [offline('CleanNodes', 1, 150)], MIGRATED],
  ['in the rollback, for a while', [APPLIED, offline('RestoreAddon', 2, 400)], ROLLED_BACK],
]);

play(workflow, 'a node', [
  ['without its package mirror has the modules all the same', [on(0, 'package-mirror-down')], MIGRATED],
  ['without the module that is needed', [on(2, 'module-missing:ip_vs_rr')], UNPREPARED],
  ['without a module that nobody asked for', [on(2, 'module-missing:ip_vs_sed')], MIGRATED],
  ['that is slow', [on(1, 'slow')], MIGRATED],
  ['that prints garbage when it is prepared', [garbage('PrepareNodes', 'prepare')], UNPREPARED],
  ['that prints garbage for a proof once', [garbage('ValidateNodes', 'validate')], MIGRATED],
  ['that prints garbage for a proof twice', [garbage('ValidateNodes', 'validate', { times: 2 })], ROLLED_BACK],
  ['whose proof is cut off twice', [garbage('ValidateNodes', 'validate', { how: 'cut', times: 2 })], ROLLED_BACK],
  ['that never proves anything', [garbage('ValidateNodes', 'validate', { times: 'every' })], ROLLBACK_FAILED],
  ['that prints garbage when it is cleaned', [garbage('CleanNodes', 'clean')], ROLLED_BACK],
  ['whose DNS has no backends for a moment', [at('ValidateNodes', 1, 'dns-without-backends', { times: 1 })], MIGRATED],
  ['whose DNS has no backends', [at('ValidateNodes', 1, 'dns-without-backends')], ROLLED_BACK],
  ['that is the canary, and whose DNS has no backends', each((n) => on(n, 'dns-without-backends')), ROLLED_BACK],
]);

play(workflow, 'a node that loses the ClusterIP of the API server after its rollback to iptables mode', [
  ['for one proof', [APPLIED, on(1, 'api-server-lost', { times: 1 })], ROLLED_BACK],
  ['for ever', [APPLIED, on(1, 'api-server-lost')], ROLLBACK_FAILED],
]);

const anyCrash = (n: number) => at('RestartCanary', n, 'kube-proxy-crash', { mode: 'ipvs', times: 'every' });
const BACK_ONCE = crash('RestoreAddon', 'iptables');
const BACK_NEVER = crash('RestoreAddon', 'iptables', 'every');

play(workflow, 'a kube-proxy that crashes', [
  ['on the canary', each(anyCrash), ROLLED_BACK],
  ['on one other node', [crash('RestartDaemonSet', 'ipvs', 'every')], ROLLED_BACK],
  ['in the rollback, once', [crash('RestartDaemonSet', 'ipvs'), BACK_ONCE], ROLLED_BACK],
  [
    'in the rollback, for ever',
    [crash('RestartDaemonSet', 'ipvs'), BACK_NEVER],
    'FAILED RollbackFailed rollback-failed iptables+none',
  ],
]);

/** Nothing asks for nodes between the preparation and the canary: AwaitAddon stands for all states there. */
const PHASES = [
  'AwaitWindow',
  'PrepareNodes',
  'AwaitPreparation',
  'AwaitAddon',
  'AwaitCanary',
  'ValidateCanary',
  'AwaitCanaryProof',
  'RestartDaemonSet',
  'AwaitRollout',
  'InspectForValidation',
  'ValidateNodes',
  'AwaitValidation',
  'CleanNodes',
  'AwaitCleaning',
];
const CRASHED = crash('RestartDaemonSet', 'ipvs');
const goes = (state: string): scenarios.Scenario => [`in ${state}`, [terminated(state)], MIGRATED];
const comes = (state: string): scenarios.Scenario => [`in ${state}`, [joins(state)], MIGRATED];

play(workflow, 'a node that is terminated is dropped', PHASES.map(goes));
play(workflow, 'a node that joins is prepared and proven', PHASES.map(comes));

play(workflow, 'nodes come and go', [
  ['all are gone before the window opens', each((n) => terminated('AwaitWindow', n)), 'SUCCEEDED migrated ipvs'],
  ['one goes in the rollback', [CRASHED, { ...terminated('AwaitCleaning', 2), ...IN_ROLLBACK }], ROLLED_BACK],
  ['one comes in the rollback', [CRASHED, joins('RestoreAddon')], ROLLED_BACK],
  ['one comes in the rollback, at its proof', [CRASHED, joins('ProveFormer')], ROLLED_BACK],
  ['one comes without the module', [joins('AwaitRollout', { missingModules: ['ip_vs_rr'] })], ROLLED_BACK],
  ['one comes without an SSM agent', [joins('AwaitRollout', { ssm: 'none' })], ROLLBACK_FAILED],
  ['one comes and one goes', [joins('AwaitRollout'), terminated('AwaitRollout')], MIGRATED],
  ['one Bottlerocket node comes', [joins('AwaitAddon', { os: 'bottlerocket' })], MIGRATED],
]);
