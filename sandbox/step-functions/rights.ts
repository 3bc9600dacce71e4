import type { Need } from '../iam/evaluate.ts';
import type { Graph } from './asl.ts';
import type { MapRun } from './map-run.ts';
import { callerOf } from './service-call.ts';
import type { StepFunctionsWorld, TaskContext } from './world.ts';

/**
 * What StartExecution asks of IAM. By version or alias the resource is still the state machine, and the qualifier is a
 * condition key, a multivalued one.
 * https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
 */
export function startNeed(stateMachineArn: string): Need {
  const [, resource = stateMachineArn, qualifier] = /^((?:[^:]+:){6}[^:]+):([^:]+)$/.exec(stateMachineArn) ?? [];
  const context = qualifier === undefined ? {} : { 'states:StateMachineQualifier': [qualifier] };
  return { action: 'states:StartExecution', resource, context };
}

/** The sentence with which IAM refuses all of the needs to an execution's role; undefined if it allows one of them. */
export function refusalOf(
  { world, execution }: Pick<TaskContext, 'world' | 'execution'>,
  ...needs: readonly [Need, ...Need[]]
): string | undefined {
  const { mayCall } = world;
  const { roleArn } = execution.machine;
  if (!mayCall || needs.some((need) => mayCall(roleArn, need))) return undefined;
  const [{ action, resource }] = needs;
  const user = callerOf(execution).principalArn;
  return `User: ${user} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
}

/**
 * What a Map Run needs for an action on its children: on their ARNs, or, as AWS's example policy has it, on those of the
 * state machine's own executions.
 * https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
 */
export function childNeeds(
  action: 'DescribeExecution' | 'StopExecution',
  { machineArn, parent }: MapRun,
): [Need, Need] {
  const children = machineArn.replace(':stateMachine:', ':execution:');
  const need = (resource: string): Need => ({ action: `states:${action}`, resource, context: {} });
  return [need(`${children}:${parent.name}`), need(`${children.replace(/\/.*$/, '')}:${parent.name}`)];
}

/**
 * The sentence with which IAM refuses a Map Run to its state machine's role: it starts executions of the state machine
 * that it is in.
 */
export function mapRunRefusal(world: StepFunctionsWorld, mapRun: MapRun): string | undefined {
  const asking = { world, execution: mapRun.parent };
  const start = startNeed(mapRun.machineArn.replace(/\/.*$/, ''));
  return refusalOf(asking, start) ?? refusalOf(asking, ...childNeeds('DescribeExecution', mapRun));
}

/** Step Functions keeps this rule, to learn of the ends of executions that others wait for. */
const MANAGED_RULE = 'rule/StepFunctionsGetEventsForStepFunctionsExecutionRule';

/**
 * What a state machine's role needs so that Step Functions may keep its rule: nothing, unless a state waits for an
 * execution that it starts.
 * https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html#nested-stepfunctions-iam
 */
export function managedRuleNeeds(graph: Graph, place: { name: string; account: string }): Need[] {
  if (!waitsForExecutions(graph)) return [];
  const resource = `arn:aws:events:${place.name}:${place.account}:${MANAGED_RULE}`;
  return ['PutTargets', 'PutRule', 'DescribeRule'].map((action) => ({
    action: `events:${action}`,
    resource,
    context: {},
  }));
}

function waitsForExecutions(graph: Graph): boolean {
  return [...graph.states.values()].some((state) =>
    state.Type === 'Map'
      ? waitsForExecutions(state.processor)
      : state.Type === 'Task' && state.Resource.startsWith('arn:aws:states:::states:startExecution.sync'),
  );
}
