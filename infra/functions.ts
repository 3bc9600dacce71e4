import type { Variable } from './variables.ts';

/** The deployment of one function; its name is that of its file in functions/handlers. */
export interface FunctionSettings {
  description: string;
  /** Seconds; less than the workflow waits for the function, so that the workflow gets the function's own error. */
  timeout: number;
  /** MiB. */
  memory: number;
  /** `workflow`: a state machine waits for it. `event`: invoked asynchronously, and the queue gets failed events. */
  invokedBy: 'workflow' | 'event';
  /** Calls clusters' API servers: runs in the configured VPC, and assumes the role to which clusters give access. */
  kubernetes?: true;
  /** The most invocations at a time, if a burst of events would use up a quota that others need. */
  reservedConcurrency?: number;
  variables: readonly Variable[];
}

/** Lambda retries an asynchronous invocation twice within this time. */
export const ASYNCHRONOUS = { maximumRetryAttempts: 2, maximumEventAgeInSeconds: 6 * 3600 };

const workflowFunctions = {
  'read-request': {
    description: 'Reads when the work of a request begins, if not at once',
    timeout: 50,
    memory: 256,
    invokedBy: 'workflow',
    variables: [],
  },
  'inspect-cluster': {
    description: 'Makes one read-only look at a cluster, and plans its migration',
    timeout: 170,
    memory: 1024,
    invokedBy: 'workflow',
    kubernetes: true,
    variables: [
      'NIGHTSHIFT_EVIDENCE_BUCKET',
      'NIGHTSHIFT_IN_VPC',
      'NIGHTSHIFT_KUBERNETES_ROLE_ARN',
      'NIGHTSHIFT_SETTINGS',
    ],
  },
  'inspect-rollback': {
    description: 'Inspects a cluster before a rollback, and reads the configuration to restore',
    timeout: 170,
    memory: 1024,
    invokedBy: 'workflow',
    kubernetes: true,
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
  },
  'take-inventory': {
    description: 'Lists the present nodes of a cluster',
    timeout: 170,
    memory: 1024,
    invokedBy: 'workflow',
    kubernetes: true,
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
  },
  'decide-window': {
    description: 'Decides whether the window is open for long enough, or when it opens',
    timeout: 50,
    memory: 256,
    invokedBy: 'workflow',
    variables: ['NIGHTSHIFT_WINDOWS'],
  },
  'check-configuration': {
    description: "Checks whether others changed kube-proxy's configuration, or took the lease",
    timeout: 50,
    memory: 256,
    invokedBy: 'workflow',
    kubernetes: true,
    variables: ['NIGHTSHIFT_KUBERNETES_ROLE_ARN', 'NIGHTSHIFT_LEASE_GROUP'],
  },
  'check-guards': {
    description: 'Asks the alarms that guard a cluster after its proof, and puts it on hold',
    timeout: 50,
    memory: 256,
    invokedBy: 'workflow',
    variables: [],
  },
  'run-on-nodes': {
    description: 'Runs one of the documents on nodes through SSM',
    timeout: 290,
    memory: 512,
    invokedBy: 'workflow',
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_DOCUMENT_PREFIX', 'NIGHTSHIFT_LEASE_GROUP'],
  },
  'collect-from-nodes': {
    description: 'Collects and judges the answers of nodes',
    timeout: 290,
    memory: 1024,
    invokedBy: 'workflow',
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET'],
  },
  'update-addon': {
    description: "Changes kube-proxy's configuration through EKS",
    timeout: 50,
    memory: 256,
    invokedBy: 'workflow',
    variables: ['NIGHTSHIFT_LEASE_GROUP'],
  },
  'edit-config-map': {
    description: "Changes kube-proxy's configuration in its ConfigMap",
    timeout: 50,
    memory: 256,
    invokedBy: 'workflow',
    kubernetes: true,
    variables: ['NIGHTSHIFT_KUBERNETES_ROLE_ARN', 'NIGHTSHIFT_LEASE_GROUP'],
  },
  'restart-kube-proxy': {
    description: 'Restarts kube-proxy on one node, or on all',
    timeout: 50,
    memory: 256,
    invokedBy: 'workflow',
    kubernetes: true,
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN', 'NIGHTSHIFT_LEASE_GROUP'],
  },
  'check-rollout': {
    description: 'Checks whether the new kube-proxy pods run and stay up',
    timeout: 50,
    memory: 256,
    invokedBy: 'workflow',
    kubernetes: true,
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_KUBERNETES_ROLE_ARN'],
  },
  'record-outcome': {
    description: 'Publishes the ending of an execution on the bus, and writes its record',
    timeout: 110,
    memory: 512,
    invokedBy: 'workflow',
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_EVENT_BUS'],
  },
  'open-stage': {
    description: 'Finds the clusters of the next stage of a rollout',
    timeout: 900,
    memory: 512,
    invokedBy: 'workflow',
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_FLEET_STATE_MACHINE_ARN', 'NIGHTSHIFT_SETTINGS'],
  },
  'request-approval': {
    description: 'Asks people to approve a stage of a rollout',
    timeout: 50,
    memory: 256,
    invokedBy: 'workflow',
    variables: ['NIGHTSHIFT_EVENT_BUS', 'NIGHTSHIFT_EVIDENCE_BUCKET'],
  },
  'record-cluster': {
    description: "Records how a cluster's part in a rollout ended",
    timeout: 50,
    memory: 256,
    invokedBy: 'workflow',
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_MIGRATE_STATE_MACHINE_ARN'],
  },
  'judge-stage': {
    description: 'Judges a stage of a rollout by the records of its clusters',
    timeout: 300,
    memory: 512,
    invokedBy: 'workflow',
    variables: ['NIGHTSHIFT_EVENT_BUS', 'NIGHTSHIFT_EVIDENCE_BUCKET'],
  },
  'check-soak': {
    description: 'Reads the guards of a stage that soaks',
    timeout: 300,
    memory: 512,
    invokedBy: 'workflow',
    variables: ['NIGHTSHIFT_EVIDENCE_BUCKET', 'NIGHTSHIFT_ROLLBACK_ALIAS_ARN', 'NIGHTSHIFT_SETTINGS'],
  },
  'record-rollout': {
    description: 'Publishes the ending of a rollout, and writes its summary',
    timeout: 300,
    memory: 512,
    invokedBy: 'workflow',
    variables: ['NIGHTSHIFT_EVENT_BUS', 'NIGHTSHIFT_EVIDENCE_BUCKET'],
  },
} satisfies Record<string, FunctionSettings>;

const planVariables: readonly Variable[] = [
  'NIGHTSHIFT_EVIDENCE_BUCKET',
  'NIGHTSHIFT_FLEET',
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
    description: 'Starts the migration of a new cluster',
    timeout: 60,
    memory: 256,
    invokedBy: 'event',
    reservedConcurrency: 5,
    variables: ['NIGHTSHIFT_MIGRATE_ALIAS_ARN', 'NIGHTSHIFT_SETTINGS'],
  },
  'on-addon-changed': {
    description: "Detects changes by others to an enrolled cluster's kube-proxy",
    timeout: 60,
    memory: 256,
    invokedBy: 'event',
    reservedConcurrency: 5,
    variables: ['NIGHTSHIFT_EVENT_BUS', 'NIGHTSHIFT_LEASE_GROUP', ...planVariables],
  },
  'on-cluster-tagged': {
    description: 'Updates the schedule of a cluster whose tags changed',
    timeout: 60,
    memory: 256,
    invokedBy: 'event',
    reservedConcurrency: 5,
    variables: planVariables,
  },
  'on-node-registered': {
    description: 'Starts the proof of nodes that joined an enrolled cluster',
    timeout: 60,
    memory: 256,
    invokedBy: 'event',
    reservedConcurrency: 5,
    variables: ['NIGHTSHIFT_MIGRATE_ALIAS_ARN', 'NIGHTSHIFT_SETTINGS'],
  },
  'on-execution-ended': {
    description: 'Stores the history of an ended execution, and starts its recovery if it left anything unfinished',
    // The function reads every page of a history of up to 25,000 events.
    timeout: 300,
    memory: 1024,
    invokedBy: 'event',
    reservedConcurrency: 10,
    variables: recoverVariables,
  },
  'schedule-migrations': {
    description: 'Keeps one schedule for every enrolled cluster that is not compliant',
    timeout: 900,
    memory: 512,
    invokedBy: 'event',
    reservedConcurrency: 1,
    variables: ['NIGHTSHIFT_FLEET_ALIAS_ARN', 'NIGHTSHIFT_FLEET_STATE_MACHINE_ARN', ...planVariables],
  },
  'sweep-executions': {
    description: 'Handles ended executions whose event never came',
    timeout: 900,
    memory: 1024,
    invokedBy: 'event',
    reservedConcurrency: 1,
    variables: recoverVariables,
  },
} satisfies Record<string, FunctionSettings>;

/** The name of a function: its file in functions/handlers. */
export type Handler = keyof typeof workflowFunctions | keyof typeof eventFunctions;

/** All functions of the product. function-permissions.ts has their permissions. */
export const FUNCTIONS: Readonly<Record<Handler, FunctionSettings>> = { ...workflowFunctions, ...eventFunctions };
