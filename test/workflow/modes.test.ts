import * as scenarios from './scenarios.ts';
import { startedWorkflow } from './shared.ts';

const { abort, at, crash, each, garbage, joins, lost, offline, on, play, terminated, update } = scenarios;
const { skip, APPLIED, IN_ROLLBACK, UNHEARD } = scenarios;

const workflow = await startedWorkflow();

const RESOURCES = '"resources":{"requests":{"cpu":"150m"}}';
const IPVS = { mode: 'ipvs', scheduler: 'lc' };
const NFTABLES = { mode: 'nftables' };

/** The cluster on Kubernetes 1.36, whose defaults fit nftables: VPC CNI 1.23, and kernel 6.18 on its nodes. */
const configured = (values: string) => ({
  version: '1.36',
  addon: { version: 'v1.36.0-eksbuild.2', configuration: `{${values}${RESOURCES}}` },
});
const ON_IPTABLES = configured('');
const ON_IPVS = configured('"mode":"ipvs","ipvs":{"scheduler":"lc"},');
const ON_NFTABLES = configured('"mode":"nftables",');
const ACKNOWLEDGED = { acknowledge: ['ipvs-deprecated'] };

type Row = [name: string, faults: object[], ending: string];
const from = (cluster: object, rows: Row[], request: object = {}): scenarios.Scenario[] =>
  rows.map(([name, faults, ending]) => [name, faults, ending, cluster, request]);

play(
  workflow,
  'from iptables to nftables',
  from(ON_IPTABLES, [
    ['with nothing in the way', [], 'SUCCEEDED migrated nftables'],
    ['and EKS fails the update after it has written', [APPLIED], 'FAILED RolledBack rolled-back iptables'],
    [
      'and the canary crashes',
      each((n) => at('RestartCanary', n, 'kube-proxy-crash', { mode: 'nftables', times: 'every' })),
      'FAILED RolledBack rolled-back iptables',
    ],
    [
      'and one other node crashes',
      [crash('RestartDaemonSet', 'nftables', 'every')],
      'FAILED RolledBack rolled-back iptables',
    ],
    [
      'and every sync fails on the canary',
      each((n) => at('RestartCanary', n, 'syncs-fail', { mode: 'nftables' })),
      'FAILED RolledBack rolled-back iptables',
    ],
    [
      'and every sync fails on another node',
      [at('RestartDaemonSet', 1, 'syncs-fail', { mode: 'nftables' })],
      'FAILED RolledBack rolled-back iptables',
    ],
    ['and one proof is garbage', [garbage('ValidateNodes', 'validate')], 'SUCCEEDED migrated nftables'],
    [
      'and a node never proves anything',
      [garbage('ValidateNodes', 'validate', { times: 'every' })],
      'FAILED RollbackFailed rollback-failed iptables',
    ],
    ['and a node joins', [joins('AwaitRollout')], 'SUCCEEDED migrated nftables'],
    ['and a node is terminated', [terminated('ValidateNodes')], 'SUCCEEDED migrated nftables'],
    ['and an agent is offline for a while', [offline('ValidateNodes', 1, 90)], 'SUCCEEDED migrated nftables'],
    [
      'and the nodes answer after the window has closed',
      [skip('AwaitPreparation', 4)],
      'ABORTED Recovered nothing-to-roll-back iptables',
    ],
    ['and the execution is aborted in the change', [abort('AwaitAddon')], 'ABORTED rolled-back iptables'],
    [
      'and it is aborted when all nodes are restarted, without an event',
      [abort('AwaitRollout'), UNHEARD],
      'ABORTED finished nftables',
    ],
    ['and the answer to the change is lost', [lost('eks', 'UpdateAddon')], 'SUCCEEDED migrated nftables'],
  ]),
  { from: 'iptables', to: NFTABLES },
);

play(
  workflow,
  'from IPVS to nftables',
  from(ON_IPVS, [
    ['with nothing in the way', [], 'SUCCEEDED migrated nftables'],
    ['and EKS fails the update after it has written', [APPLIED], 'FAILED RolledBack rolled-back ipvs'],
    [
      'and the canary crashes',
      each((n) => at('RestartCanary', n, 'kube-proxy-crash', { mode: 'nftables', times: 'every' })),
      'FAILED RolledBack rolled-back ipvs',
    ],
    [
      'and every sync fails on another node',
      [at('RestartDaemonSet', 1, 'syncs-fail', { mode: 'nftables' })],
      'FAILED RolledBack rolled-back ipvs',
    ],
    [
      'and kube-proxy leaves its tables on the way back',
      [at('RestartDaemonSet', 1, 'syncs-fail', { mode: 'nftables' }), on(2, 'nft-leftovers')],
      'FAILED RolledBack rolled-back ipvs',
    ],
    ['and the update is cancelled', [update('Cancelled')], 'FAILED RolledBack rolled-back ipvs'],
    ['and the execution is aborted in the proof', [abort('AwaitValidation')], 'ABORTED finished nftables'],
    [
      'and its rollback is aborted, too',
      [APPLIED, abort('AwaitProof', IN_ROLLBACK)],
      'ABORTED Recovered rolled-back ipvs',
    ],
    ['and a node joins in the rollback', [APPLIED, joins('ProveFormer')], 'FAILED RolledBack rolled-back ipvs'],
  ]),
  { from: 'ipvs', to: NFTABLES },
);

play(
  workflow,
  'from nftables to IPVS',
  from(
    ON_NFTABLES,
    [
      ['with nothing in the way', [], 'SUCCEEDED migrated ipvs'],
      ['and EKS fails the update after it has written', [APPLIED], 'FAILED RolledBack rolled-back nftables'],
      ['and one node crashes', [crash('RestartDaemonSet', 'ipvs', 'every')], 'FAILED RolledBack rolled-back nftables'],
      ['and kube-proxy leaves its tables behind', [on('any', 'nft-leftovers')], 'SUCCEEDED migrated ipvs'],
      ['and the execution is aborted in the change', [abort('AwaitAddon')], 'ABORTED rolled-back nftables'],
    ],
    ACKNOWLEDGED,
  ),
  { from: 'nftables', to: IPVS },
);

play(
  workflow,
  'from iptables to IPVS, where kube-proxy is from 1.36',
  from(
    ON_IPTABLES,
    [
      ['with nothing in the way', [], 'SUCCEEDED migrated ipvs'],
      [
        'and every sync fails on a node',
        [at('RestartDaemonSet', 1, 'syncs-fail', { mode: 'ipvs' })],
        'FAILED RolledBack rolled-back iptables',
      ],
    ],
    ACKNOWLEDGED,
  ),
  { from: 'iptables', to: IPVS },
);

play(
  workflow,
  'a cluster that runs nftables already',
  from(ON_NFTABLES, [
    ['is proven and left as it is', [], 'SUCCEEDED already-compliant nftables'],
    [
      'is restarted, where a node does not prove it',
      [garbage('ProveCompliance', 'validate', { times: 2 })],
      'SUCCEEDED migrated nftables',
    ],
  ]),
  { from: 'nftables', to: NFTABLES },
);

play(
  workflow,
  'Bottlerocket nodes',
  from({ ...ON_IPTABLES, nodeGroups: [{ os: 'bottlerocket', count: 3 }] }, [
    ['are proven by what kube-proxy reports', [], 'SUCCEEDED migrated nftables'],
    [
      'are not proven by /proxyMode alone',
      each((n) => at('RestartCanary', n, 'syncs-fail', { mode: 'nftables' })),
      'FAILED RolledBack rolled-back iptables',
    ],
  ]),
  { from: 'iptables', to: NFTABLES },
);
