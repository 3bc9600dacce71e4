import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

const SUFFIX = '.asl.yaml';

/** The state machines of the product; each is the file `<name>.asl.yaml` beside this one. */
export const STATE_MACHINES: readonly string[] = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length))
  .sort();

const read = new Map<string, string>();

/**
 * The definition in JSON, which is what Step Functions takes, with its placeholders. The file is YAML 1.2, with anchors
 * and merge keys (`<<`) for what repeats.
 *
 * @throws YAMLParseError for a file that is not YAML; Error for a name that is not one of STATE_MACHINES
 */
export function readDefinition(name: string): string {
  const known = read.get(name);
  if (known !== undefined) return known;
  const definition: unknown = parse(readFileSync(new URL(`${name}${SUFFIX}`, import.meta.url), 'utf8'), {
    merge: true,
  });
  const text = JSON.stringify(definition, null, 2);
  read.set(name, text);
  return text;
}

/** The placeholder of a handler's function: `inspect-cluster` → `InspectClusterFunction`. */
export function functionPlaceholder(handler: string): string {
  return `${pascalCase(handler)}Function`;
}

/** The handler whose function a placeholder stands for; null for another text. */
export function handlerOf(placeholder: string): string | null {
  const name = /^\$\{(\w+)Function\}$/.exec(placeholder)?.[1];
  return name?.replaceAll(/(?!^)[A-Z]/g, '-$&').toLowerCase() ?? null;
}

/** The placeholder of a state machine's ARN: `rollback-cluster` → `RollbackClusterStateMachine`. */
export function stateMachinePlaceholder(name: string): string {
  return `${pascalCase(name)}StateMachine`;
}

function pascalCase(name: string): string {
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/**
 * Stands for "no group" in a definition, whose placeholders must not be empty. No configured group has this name: those
 * with `system:` are Kubernetes' own, and EKS refuses them.
 */
export const NO_KUBERNETES_GROUP = 'system:none';

/** What a deployment has to fill in besides the functions. */
export interface DeploymentValues {
  /** handler file name → function name or ARN */
  functions: Record<string, string>;
  /** name → ARN, of those too that are not deployed yet: they name each other */
  stateMachines: Record<string, string>;
  kubernetesRoleArn: string;
  /** What EventBridge Scheduler starts executions as. */
  schedulerRoleArn: string;
  /** The Kubernetes group of the access entry; NO_KUBERNETES_GROUP: EKS's own access policies give the rights. */
  kubernetesGroup: string;
  /** Schedule group of the leases. */
  leaseGroup: string;
  evidenceBucket: string;
  partition: string;
}

/** All placeholders with their values, as DefinitionSubstitutions wants them. */
export function placeholderValues(values: DeploymentValues): Record<string, string> {
  return {
    ...Object.fromEntries(
      Object.entries(values.functions).map(([handler, target]) => [functionPlaceholder(handler), target]),
    ),
    ...Object.fromEntries(
      Object.entries(values.stateMachines).map(([name, arn]) => [stateMachinePlaceholder(name), arn]),
    ),
    KubernetesRoleArn: values.kubernetesRoleArn,
    SchedulerRoleArn: values.schedulerRoleArn,
    KubernetesGroup: values.kubernetesGroup,
    LeaseGroup: values.leaseGroup,
    EvidenceBucket: values.evidenceBucket,
    Partition: values.partition,
  };
}

/**
 * Fills `${Name}` placeholders the way CloudFormation's DefinitionSubstitutions does.
 *
 * @throws Error that names a placeholder without a value: a definition with a hole must not be deployed.
 */
export function fillPlaceholders(definition: string, values: Record<string, string>): string {
  return definition.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for the placeholder \${${name}} of a state machine`);
    return JSON.stringify(value).slice(1, -1);
  });
}
