import { NO_KUBERNETES_GROUP, placeholderValues, STATE_MACHINES } from '../state-machines/definitions.ts';
import { groups, type Names } from './naming.ts';

/**
 * A definition as it is deployed: its files say `arn:aws:states:::…`, and the ARN of an integration begins with the
 * partition. https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
 */
export const inEveryPartition = (definition: string): string =>
  definition.replaceAll('arn:aws:states:::', 'arn:${Partition}:states:::');

/**
 * The placeholders that a definition has, with their values; another machine is meant through its alias. `functions`:
 * handler file name → ARN.
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

/** Events that tell of the end of one of nightshift's executions. */
export const executionEnded = ({ arns }: Names) => ({
  source: ['aws.states'],
  'detail-type': ['Step Functions Execution Status Change'],
  detail: {
    stateMachineArn: ['migrate-cluster', 'rollback-cluster'].map(arns.stateMachine),
    status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'],
  },
});
