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
}

/** Lambda tries twice more what it invokes asynchronously, within this time. */
export const ASYNCHRONOUS = { maximumRetryAttempts: 2, maximumEventAgeInSeconds: 6 * 3600 };

const workflowFunctions = {
  'read-request': {
    description: 'When the work of a request begins, if not at once',
    ...{ timeout: 50, memory: 256, invokedBy: 'workflow' },
    variables: [],
  },
  'inspect-cluster': {
    description: 'One read-only look at a cluster, and the plan of its migration',
    ...{ timeout: 170, memory: 1024, invokedBy: 'workflow', kubernetes: true },
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_IN_VPC', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
  },
  'inspect-rollback': {
    description: 'What a rollback finds, and what it has to put back',
    ...{ timeout: 170, memory: 1024, invokedBy: 'workflow', kubernetes: true },
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
  },
  'take-inventory': {
    description: 'The nodes that a cluster has now',
    ...{ timeout: 170, memory: 1024, invokedBy: 'workflow', kubernetes: true },
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
  },
  'decide-window': {
    description: 'Whether the window is open for long enough, and when it opens',
    ...{ timeout: 50, memory: 256, invokedBy: 'workflow' },
    variables: ['NIGHTSHIFT_WINDOWS'],
  },
  'check-configuration': {
    description: 'Whether others changed what configures kube-proxy, or took the lease',
    ...{ timeout: 50, memory: 256, invokedBy: 'workflow', kubernetes: true },
    variables: ['NIGHTSHIFT_KUBERNETES_ROLE_ARN', 'NIGHTSHIFT_LEASE_GROUP'],
  },
  'run-on-nodes': {
    description: 'Has SSM run one of the documents on nodes',
    ...{ timeout: 290, memory: 512, invokedBy: 'workflow' },
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_DOCUMENT_PREFIX', 'NIGHTSHIFT_LEASE_GROUP'],
  },
  'collect-from-nodes': {
    description: 'What the nodes answered, judged',
    ...{ timeout: 290, memory: 1024, invokedBy: 'workflow' },
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET'],
  },
  'update-addon': {
    description: "Changes kube-proxy's configuration through EKS",
    ...{ timeout: 50, memory: 256, invokedBy: 'workflow' },
    variables: ['NIGHTSHIFT_LEASE_GROUP'],
  },
  'edit-config-map': {
    description: "Changes kube-proxy's configuration in its ConfigMap",
    ...{ timeout: 50, memory: 256, invokedBy: 'workflow', kubernetes: true },
    variables: ['NIGHTSHIFT_KUBERNETES_ROLE_ARN', 'NIGHTSHIFT_LEASE_GROUP'],
  },
  'restart-kube-proxy': {
    description: 'Restarts kube-proxy on one node, or on all',
    ...{ timeout: 50, memory: 256, invokedBy: 'workflow', kubernetes: true },
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN', 'NIGHTSHIFT_LEASE_GROUP'],
  },
  'check-rollout': {
    description: 'Whether the new kube-proxy pods run and stay up',
    ...{ timeout: 50, memory: 256, invokedBy: 'workflow', kubernetes: true },
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
  },
  'record-outcome': {
    description: 'Writes the record of an execution and says its ending on the bus',
    ...{ timeout: 110, memory: 512, invokedBy: 'workflow' },
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_EVENT_BUS'],
  },
} satisfies Record<string, FunctionSettings>;

const planVariables: readonly Variable[] = [
  'NIGHTSHIFT_EVIDENCE_BUCKET',
  'NIGHTSHIFT_MIGRATE_ALIAS_ARN',
  'NIGHTSHIFT_SCHEDULE_DLQ_ARN',
  'NIGHTSHIFT_SCHEDULE_GROUP',
  'NIGHTSHIFT_SCHEDULER_ROLE_ARN',
  'NIGHTSHIFT_SETTINGS',
  'NIGHTSHIFT_WINDOWS',
];

const recoverVariables: readonly Variable[] = [
  'NIGHTSHIFT_EVENT_BUS',
  'NIGHTSHIFT_EVIDENCE_BUCKET',
  'NIGHTSHIFT_MIGRATE_STATE_MACHINE_ARN',
  'NIGHTSHIFT_ROLLBACK_ALIAS_ARN',
  'NIGHTSHIFT_ROLLBACK_STATE_MACHINE_ARN',
];

const eventFunctions = {
  'on-cluster-created': {
    description: 'Starts the enforcement of a new cluster',
    ...{ timeout: 60, memory: 256, invokedBy: 'event', reservedConcurrency: 5 },
    variables: ['NIGHTSHIFT_MIGRATE_ALIAS_ARN', 'NIGHTSHIFT_SETTINGS'],
  },
  'on-addon-changed': {
    description: "Notices that others changed an enrolled cluster's kube-proxy",
    ...{ timeout: 60, memory: 256, invokedBy: 'event', reservedConcurrency: 5 },
    variables: ['NIGHTSHIFT_EVENT_BUS', 'NIGHTSHIFT_LEASE_GROUP', ...planVariables],
  },
  'on-cluster-tagged': {
    description: 'Plans anew for a cluster whose tags changed',
    ...{ timeout: 60, memory: 256, invokedBy: 'event', reservedConcurrency: 5 },
    variables: planVariables,
  },
  'on-node-registered': {
    description: 'Has a node proven that joined an enrolled cluster',
    ...{ timeout: 60, memory: 256, invokedBy: 'event', reservedConcurrency: 5 },
    variables: ['NIGHTSHIFT_MIGRATE_ALIAS_ARN', 'NIGHTSHIFT_SETTINGS'],
  },
  'on-execution-ended': {
    description: 'Keeps the history of an execution, and starts a recovery where it left something behind',
    // Every page of a history of 25,000 events passes through it.
    ...{ timeout: 300, memory: 1024, invokedBy: 'event', reservedConcurrency: 10 },
    variables: recoverVariables,
  },
  'schedule-migrations': {
    description: 'Keeps one schedule for every enrolled cluster that is not compliant',
    ...{ timeout: 900, memory: 512, invokedBy: 'event', reservedConcurrency: 1 },
    variables: planVariables,
  },
  'sweep-executions': {
    description: 'Looks for executions whose end nobody heard of',
    ...{ timeout: 900, memory: 1024, invokedBy: 'event', reservedConcurrency: 1 },
    variables: recoverVariables,
  },
} satisfies Record<string, FunctionSettings>;

/** The name of a function: its file in functions/handlers. */
export type Handler = keyof typeof workflowFunctions | keyof typeof eventFunctions;

/** Every function of the product. What each may do is in function-permissions.ts. */
export const FUNCTIONS: Readonly<Record<Handler, FunctionSettings>> = { ...workflowFunctions, ...eventFunctions };
