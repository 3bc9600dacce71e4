import { readFileSync } from 'node:fs';

/** The state machines of the product; each is the file `<name>.asl.json` beside this one. */
export const STATE_MACHINES = ['migrate-cluster'] as const;
export type StateMachineName = (typeof STATE_MACHINES)[number];

/** The definition as written, placeholders included. */
export function readDefinition(name: StateMachineName): string {
  return readFileSync(new URL(`${name}.asl.json`, import.meta.url), 'utf8');
}

/** The placeholder of a handler's function: `inspect-cluster` → `InspectClusterFunction`. */
export function functionPlaceholder(handler: string): string {
  const pascal = handler
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
  return `${pascal}Function`;
}

/** What a deployment has to fill in besides the functions. */
export interface DeploymentValues {
  /** handler file name → function name or ARN */
  functions: Record<string, string>;
  kubernetesRoleArn: string;
  partition: string;
}

/** All placeholders with their values, as DefinitionSubstitutions wants them. */
export function placeholderValues(values: DeploymentValues): Record<string, string> {
  return {
    ...Object.fromEntries(
      Object.entries(values.functions).map(([handler, target]) => [functionPlaceholder(handler), target]),
    ),
    KubernetesRoleArn: values.kubernetesRoleArn,
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
