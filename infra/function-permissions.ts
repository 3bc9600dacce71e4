import type { Config } from './config.ts';
import type { Handler } from './functions.ts';
import * as batches from './permissions/batches.ts';
import * as eks from './permissions/eks.ts';
import * as executions from './permissions/executions.ts';
import * as guards from './permissions/guards.ts';
import * as nodes from './permissions/nodes.ts';
import type { Permission } from './permissions/permission.ts';
import * as records from './permissions/records.ts';

const { listEvidence, writeEvidence } = records;
const INVENTORY = 'inventory.ndjson.gz';
const readEvidence = records.readEvidence('migrate', 'rollback');
const look = [
  eks.describeClusters,
  eks.describeAddon,
  eks.listUpdates,
  eks.describeUpdates,
  eks.readAddonCatalogue,
  eks.listFargateProfiles,
  eks.listCapabilities,
  nodes.describeInstances,
  nodes.describeManagedNodes,
];
const kubernetes = [executions.assumeKubernetesRole];
const plan = [
  executions.planMigrations,
  executions.listSchedules,
  executions.passSchedulerRole,
  records.keepPlans,
  records.readManifests,
  records.readCurrentRollout,
  listEvidence,
];
const writeByBoth = (...files: records.EvidenceFile[]) => writeEvidence({ migrate: files, rollback: files });
const countInBatch = [batches.countFailures, batches.holdBatches];
const recover = [
  executions.startRollbacks,
  executions.describeExecutions,
  executions.readHistories,
  writeByBoth('history.ndjson.gz', 'outcome.json'),
  readEvidence,
  listEvidence,
  records.putEvents,
  ...countInBatch,
];

/** The permissions of a function besides those that all have. Throws for a function without a list. */
export function functionPermissions(handler: string, config: Configured): readonly Permission[] {
  const permissions = new Map<string, readonly Permission[]>(Object.entries(byHandler(config))).get(handler);
  if (permissions) return permissions;
  throw new Error(`infra/function-permissions.ts does not say what ${handler} may do`);
}

/** The configuration decides on which nodes documents may run, and which calendars a function may read. */
type Configured = Pick<Config, 'nodeTags' | 'windows'>;

function byHandler({ nodeTags, windows }: Configured): Readonly<Record<Handler, readonly Permission[]>> {
  return {
    'read-request': [],
    'inspect-cluster': [...look, guards.readAlarms, ...kubernetes, writeEvidence({ migrate: [INVENTORY] })],
    'inspect-rollback': [
      ...look,
      ...kubernetes,
      executions.readHistories,
      writeEvidence({ rollback: [INVENTORY] }),
      readEvidence,
      listEvidence,
    ],
    'take-inventory': [
      eks.listFargateProfiles,
      nodes.describeInstances,
      nodes.describeManagedNodes,
      ...kubernetes,
      writeByBoth(INVENTORY),
      readEvidence,
      listEvidence,
    ],
    'decide-window': [executions.describeRollouts, ...nodes.readCalendars(windows), nodes.readHolds, guards.readAlarms],
    'check-configuration': [eks.describeAddon, executions.readLease, ...kubernetes],
    'check-guards': [guards.readAlarms, guards.putHold],
    'run-on-nodes': [
      nodes.runDocuments,
      ...nodes.runOnNodes(nodeTags),
      executions.readLease,
      writeByBoth('dispatch.json.gz'),
      readEvidence,
      listEvidence,
    ],
    'collect-from-nodes': [nodes.readCommands, writeByBoth('evidence.ndjson.gz'), readEvidence, listEvidence],
    'update-addon': [eks.changeAddon, eks.createAddon, eks.describeAddon, executions.readLease],
    'edit-config-map': [...kubernetes, executions.readLease],
    'restart-kube-proxy': [
      ...kubernetes,
      executions.readLease,
      writeEvidence({ migrate: ['canary.json', INVENTORY], rollback: ['pods.json'] }),
      readEvidence,
      listEvidence,
    ],
    'check-rollout': [...kubernetes, writeEvidence({ migrate: [INVENTORY] }), records.readEvidence('migrate')],
    'record-outcome': [writeByBoth('outcome.json'), readEvidence, listEvidence, records.putEvents, ...countInBatch],
    'open-stage': [
      eks.listClusters,
      eks.describeClusters,
      nodes.describeInstances,
      nodes.readBatchHolds,
      executions.listRollouts,
      records.keepRollouts,
      records.readManifests,
      listEvidence,
    ],
    'request-approval': [records.readRollouts, nodes.askForApprovals, records.putEvents],
    'record-cluster': [records.writeRollouts, records.readEvidence('migrate'), listEvidence],
    'judge-stage': [records.keepRollouts, listEvidence, records.putEvents],
    'check-soak': [records.keepRollouts, listEvidence, guards.readAlarms, executions.startRollbacks],
    'record-rollout': [records.keepRollouts, listEvidence, records.putEvents],
    'on-cluster-created': [executions.startMigrations],
    'on-addon-changed': [eks.describeClusters, eks.describeAddon, executions.readLease, records.putEvents, ...plan],
    'on-cluster-tagged': [eks.describeClusters, eks.describeAddon, ...plan],
    'on-node-registered': [
      nodes.describeInstances,
      eks.describeClusters,
      eks.describeAddon,
      executions.startMigrations,
    ],
    'on-execution-ended': recover,
    'schedule-migrations': [
      nodes.describeInstances,
      eks.listClusters,
      eks.describeClusters,
      eks.describeAddon,
      executions.listRollouts,
      executions.describeRollouts,
      executions.startRollouts,
      records.readRollouts,
      ...plan,
    ],
    'sweep-executions': [executions.listExecutions, ...recover],
  };
}
