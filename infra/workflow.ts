import { NO_KUBERNETES_GROUP, placeholderValues, STATE_MACHINES } from '../state-machines/definitions.ts';
import { groups, type Names } from './naming.ts';

/**
 * A definition for deployment: the files have `arn:aws:states:::…`, but the ARN of an integration begins with the
 * Region's partition. https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
 */
export const inEveryPartition = (definition: string): string =>
  definition.replaceAll('arn:aws:states:::', 'arn:${Partition}:states:::');

/**
 * The placeholders of a definition, with their values; other state machines are referred to by their alias.
 * `functions`: handler file name → ARN.
 */
export function substitutions(
  definition: string,
  { names, arns, partition }: Names,
  functions: Record<string, string>,
  kubernetesGroup: string | null,
): Record<string, string> {
  const values = placeholderValues({
    functions,
    stateMachines: Object.fromEntries(STATE_MACHINES.map((name) => [name, arns.alias(name)])),
    kubernetesRoleArn: arns.role('kubernetes'),
    schedulerRoleArn: arns.role('scheduler'),
    kubernetesGroup: kubernetesGroup ?? NO_KUBERNETES_GROUP,
    leaseGroup: groups.leases,
    evidenceBucket: names.evidenceBucket,
    partition,
  });
  return Object.fromEntries(Object.entries(values).filter(([name]) => definition.includes(`\${${name}}`)));
}

/** The pattern of events that report the end of one of nightshift's executions. */
export const executionEnded = ({ arns }: Names) => ({
  source: ['aws.states'],
  'detail-type': ['Step Functions Execution Status Change'],
  detail: {
    stateMachineArn: ['migrate-cluster', 'rollback-cluster'].map(arns.stateMachine),
    status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'],
  },
});
