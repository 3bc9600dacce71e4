import * as eks from './permissions/eks.ts';
import * as executions from './permissions/executions.ts';
import * as nodes from './permissions/nodes.ts';
import type { Permission } from './permissions/permission.ts';
import * as records from './permissions/records.ts';
import type { Variable } from './variables.ts';

/** How one function is deployed; its name is that of its file in functions/handlers. */
export interface FunctionSettings {
  description: string;
  /** Seconds; less than the workflow waits for it, so that its own error is heard. */
  timeout: number;
  /** MiB. */
  memory: number;
  /** `workflow`: a state machine waits for it. `event`: invoked asynchronously, and what fails ends in the queue. */
  invokedBy: 'workflow' | 'event';
  /** Talks to clusters' API servers: runs in the configured VPC, and takes on the role that clusters let in. */
  kubernetes?: true;
  /** At most so many at a time, where a burst of events would use up a quota that others need. */
  reservedConcurrency?: number;
  variables: readonly Variable[];
  permissions: readonly Permission[];
}

const { readEvidence, writeEvidence, listEvidence } = records;
const look = [
  eks.describeClusters,
  eks.describeAddon,
  eks.listUpdates,
  eks.describeUpdates,
  eks.readAddonCatalogue,
  eks.listFargateProfiles,
  nodes.describeInstances,
  nodes.describeManagedNodes,
];
const kubernetes = [executions.assumeKubernetesRole];
const plan = [
  ...[executions.planMigrations, executions.listSchedules, executions.passSchedulerRole],
  ...[records.keepPlans, listEvidence],
];
const planVariables: readonly Variable[] = [
  'NIGHTSHIFT_EVIDENCE_BUCKET',
  'NIGHTSHIFT_MIGRATE_ALIAS_ARN',
  'NIGHTSHIFT_SCHEDULE_DLQ_ARN',
  'NIGHTSHIFT_SCHEDULE_GROUP',
  'NIGHTSHIFT_SCHEDULER_ROLE_ARN',
  'NIGHTSHIFT_SETTINGS',
  'NIGHTSHIFT_WINDOWS',
];

/** What run-on-nodes may run documents on is configured. */
export function functionSettings(nodeTags: readonly string[]): Record<string, FunctionSettings> {
  return { ...workflowFunctions(nodeTags), ...eventFunctions };
}

function workflowFunctions(nodeTags: readonly string[]): Record<string, FunctionSettings> {
  return {
    'inspect-cluster': {
      description: 'One read-only look at a cluster, and the plan of its migration',
      ...{ timeout: 170, memory: 1024, invokedBy: 'workflow', kubernetes: true },
      variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
      permissions: [...look, ...kubernetes, writeEvidence],
    },
    'inspect-rollback': {
      description: 'What a rollback finds, and what it has to put back',
      ...{ timeout: 170, memory: 1024, invokedBy: 'workflow', kubernetes: true },
      variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
      permissions: [...look, ...kubernetes, writeEvidence, readEvidence, listEvidence],
    },
    'take-inventory': {
      description: 'The nodes that a cluster has now',
      ...{ timeout: 170, memory: 1024, invokedBy: 'workflow', kubernetes: true },
      variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
      permissions: [
        ...[eks.listFargateProfiles, nodes.describeInstances, nodes.describeManagedNodes],
        ...[...kubernetes, writeEvidence, readEvidence, listEvidence],
      ],
    },
    'decide-window': {
      description: 'Whether the window is open for long enough, and when it opens',
      ...{ timeout: 50, memory: 256, invokedBy: 'workflow' },
      variables: ['NIGHTSHIFT_WINDOWS'],
      permissions: [nodes.readCalendars],
    },
    'run-on-nodes': {
      description: 'Has SSM run one of the documents on nodes',
      ...{ timeout: 290, memory: 512, invokedBy: 'workflow' },
      variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_DOCUMENT_PREFIX'],
      permissions: [nodes.runDocuments, ...nodes.runOnNodes(nodeTags), writeEvidence, readEvidence, listEvidence],
    },
    'collect-from-nodes': {
      description: 'What the nodes answered, judged',
      ...{ timeout: 290, memory: 1024, invokedBy: 'workflow' },
      variables: ['NIGHTSHIFT_EVIDENCE_BUCKET'],
      permissions: [nodes.readCommands, writeEvidence, readEvidence, listEvidence],
    },
    'update-addon': {
      description: "Changes kube-proxy's configuration through EKS",
      ...{ timeout: 50, memory: 256, invokedBy: 'workflow' },
      variables: [],
      permissions: [eks.changeAddon, eks.createAddon, eks.describeAddon],
    },
    'edit-config-map': {
      description: "Changes kube-proxy's configuration in its ConfigMap",
      ...{ timeout: 50, memory: 256, invokedBy: 'workflow', kubernetes: true },
      variables: ['NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
      permissions: kubernetes,
    },
    'restart-kube-proxy': {
      description: 'Restarts kube-proxy on one node, or on all',
      ...{ timeout: 50, memory: 256, invokedBy: 'workflow', kubernetes: true },
      variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
      permissions: [...kubernetes, writeEvidence, readEvidence, listEvidence],
    },
    'check-rollout': {
      description: 'Whether the new kube-proxy pods run and stay up',
      ...{ timeout: 50, memory: 256, invokedBy: 'workflow', kubernetes: true },
      variables: ['NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
      permissions: kubernetes,
    },
    'record-outcome': {
      description: 'Writes the record of an execution and says its ending on the bus',
      ...{ timeout: 110, memory: 512, invokedBy: 'workflow' },
      variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_EVENT_BUS'],
      permissions: [writeEvidence, readEvidence, listEvidence, records.putEvents],
    },
  };
}

const recover = [
  ...[executions.startRollbacks, executions.describeExecutions, executions.readHistories],
  ...[writeEvidence, readEvidence, listEvidence, records.putEvents],
];
const recoverVariables: readonly Variable[] = [
  'NIGHTSHIFT_EVENT_BUS',
  'NIGHTSHIFT_EVIDENCE_BUCKET',
  'NIGHTSHIFT_MIGRATE_STATE_MACHINE_ARN',
  'NIGHTSHIFT_ROLLBACK_ALIAS_ARN',
  'NIGHTSHIFT_ROLLBACK_STATE_MACHINE_ARN',
];

const eventFunctions: Record<string, FunctionSettings> = {
  'on-cluster-created': {
    description: 'Starts the enforcement of a new cluster',
    ...{ timeout: 60, memory: 256, invokedBy: 'event', reservedConcurrency: 5 },
    variables: ['NIGHTSHIFT_MIGRATE_ALIAS_ARN', 'NIGHTSHIFT_SETTINGS'],
    permissions: [executions.startMigrations],
  },
  'on-addon-changed': {
    description: "Notices that others changed an enrolled cluster's kube-proxy",
    ...{ timeout: 60, memory: 256, invokedBy: 'event', reservedConcurrency: 5 },
    variables: ['NIGHTSHIFT_EVENT_BUS', 'NIGHTSHIFT_LEASE_GROUP', ...planVariables],
    permissions: [eks.describeClusters, eks.describeAddon, executions.readLease, records.putEvents, ...plan],
  },
  'on-cluster-tagged': {
    description: 'Plans anew for a cluster whose tags changed',
    ...{ timeout: 60, memory: 256, invokedBy: 'event', reservedConcurrency: 5 },
    variables: planVariables,
    permissions: [eks.describeClusters, eks.describeAddon, ...plan],
  },
  'on-node-registered': {
    description: 'Has a node proven that joined an enrolled cluster',
    ...{ timeout: 60, memory: 256, invokedBy: 'event', reservedConcurrency: 5 },
    variables: ['NIGHTSHIFT_MIGRATE_ALIAS_ARN', 'NIGHTSHIFT_SETTINGS'],
    permissions: [nodes.describeInstances, eks.describeClusters, eks.describeAddon, executions.startMigrations],
  },
  'on-execution-ended': {
    description: 'Keeps the history of an execution, and starts a recovery where it left something behind',
    // Every page of a history of 25,000 events passes through it.
    ...{ timeout: 300, memory: 1024, invokedBy: 'event', reservedConcurrency: 10 },
    variables: recoverVariables,
    permissions: recover,
  },
  'schedule-migrations': {
    description: 'Keeps one schedule for every enrolled cluster that is not compliant',
    ...{ timeout: 900, memory: 512, invokedBy: 'event', reservedConcurrency: 1 },
    variables: planVariables,
    permissions: [eks.listClusters, eks.describeClusters, eks.describeAddon, ...plan],
  },
  'sweep-executions': {
    description: 'Looks for executions whose end nobody heard of',
    ...{ timeout: 900, memory: 1024, invokedBy: 'event', reservedConcurrency: 1 },
    variables: recoverVariables,
    permissions: [executions.listExecutions, ...recover],
  },
};
