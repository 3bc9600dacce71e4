import { functionPlaceholder, readDefinition } from '../state-machines/definitions.ts';
import * as eks from './permissions/eks.ts';
import * as executions from './permissions/executions.ts';
import * as nodes from './permissions/nodes.ts';
import type { Permission } from './permissions/permission.ts';
import * as records from './permissions/records.ts';

/** With a Kubernetes group the cluster's own Roles give the permissions, and no policy of EKS may be associated. */
const access = (kubernetesGroup: string | null): readonly Permission[] => [
  eks.createAccessEntry(kubernetesGroup),
  eks.tagAccessEntry,
  eks.readAccessEntry,
  eks.deleteAccessEntry,
  ...(kubernetesGroup === null ? [eks.grantView, eks.grantEdit] : []),
];
const lease = [executions.holdLease, executions.readLease, executions.passSchedulerRole];

/** The permissions for calls that each state machine makes itself, without a function. */
function own(kubernetesGroup: string | null): Readonly<Record<string, readonly Permission[]>> {
  return {
    'migrate-cluster': [
      ...access(kubernetesGroup),
      ...lease,
      eks.describeClusters,
      eks.describeAddon,
      eks.describeUpdates,
      records.writeFormer,
      executions.startRollbacks,
      executions.awaitRollback,
      executions.watchEnd,
    ],
    'migrate-fleet': [
      executions.startMigrations,
      executions.awaitMigrations,
      executions.watchEnd,
      executions.runMap,
      executions.followMap,
      nodes.readBatchHold,
      records.readRollouts,
    ],
    'rollback-cluster': [
      ...access(kubernetesGroup),
      ...lease,
      eks.describeAddon,
      eks.describeUpdates,
      executions.stopExecutions,
      executions.describeExecutions,
    ],
  };
}

/** The handlers that the definition names, in the order in which they are given. */
export function handlersOf(machine: string, handlers: readonly string[]): string[] {
  const definition = readDefinition(machine);
  return handlers.filter((handler) => definition.includes(`\${${functionPlaceholder(handler)}}`));
}

/** All permissions of a state machine that calls these functions. Throws for a state machine without a list. */
export function stateMachinePermissions(
  machine: string,
  handlers: readonly string[],
  kubernetesGroup: string | null,
): Permission[] {
  const permissions = own(kubernetesGroup)[machine];
  if (!permissions) throw new Error(`infra/state-machine-permissions.ts does not say what ${machine} may do`);
  return [
    executions.invokeFunctions(handlers),
    ...permissions,
    executions.deliverLogs,
    executions.trace,
    executions.sampleTraces,
  ];
}
