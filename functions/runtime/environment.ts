import { InvalidConfiguration } from '../core/errors.ts';
import { parseSettings, type Settings } from '../core/fleet/settings.ts';
import { type Fleet, parseFleet } from '../core/fleet/stages.ts';

/** The functions' environment variables. Each is read and checked at its first use, and then kept. */
export const environment = {
  region: once(() => variable('AWS_REGION')),
  evidenceBucket: once(() => variable('NIGHTSHIFT_EVIDENCE_BUCKET')),
  eventBus: once(() => variable('NIGHTSHIFT_EVENT_BUS')),
  documentPrefix: once(() => variable('NIGHTSHIFT_DOCUMENT_PREFIX')),
  kubernetesRoleArn: once(() => variable('NIGHTSHIFT_KUBERNETES_ROLE_ARN')),
  /** Whether the functions that reach Kubernetes run in a VPC. A Lambda function cannot find this out itself. */
  inVpc: once(() => variable('NIGHTSHIFT_IN_VPC') === 'true'),
  migrateStateMachineArn: once(() => variable('NIGHTSHIFT_MIGRATE_STATE_MACHINE_ARN')),
  rollbackStateMachineArn: once(() => variable('NIGHTSHIFT_ROLLBACK_STATE_MACHINE_ARN')),
  fleetStateMachineArn: once(() => variable('NIGHTSHIFT_FLEET_STATE_MACHINE_ARN')),
  /** The ARN for StartExecution, with the alias; an event names the state machine without it. */
  migrateAliasArn: once(() => variable('NIGHTSHIFT_MIGRATE_ALIAS_ARN')),
  rollbackAliasArn: once(() => variable('NIGHTSHIFT_ROLLBACK_ALIAS_ARN')),
  /** Schedule group of the leases. */
  leaseGroup: once(() => variable('NIGHTSHIFT_LEASE_GROUP')),
  /** ARN of migrate-fleet for StartExecution, with the alias. */
  fleetAliasArn: once(() => variable('NIGHTSHIFT_FLEET_ALIAS_ARN')),
  /** The configured stages; null if there are none. */
  fleet: once(() => fleetIn(variable('NIGHTSHIFT_FLEET'))),
  settings: once(() => settingsIn(variable('NIGHTSHIFT_SETTINGS'))),
  scheduleGroup: once(() => variable('NIGHTSHIFT_SCHEDULE_GROUP')),
  schedulerRoleArn: once(() => variable('NIGHTSHIFT_SCHEDULER_ROLE_ARN')),
  scheduleDeadLetterArn: once(() => variable('NIGHTSHIFT_SCHEDULE_DLQ_ARN')),
  /** The configured windows by name; core parses each. */
  windows: once(() => windowsIn(variable('NIGHTSHIFT_WINDOWS'))),
};

function once<Value>(read: () => Value): () => Value {
  let value: Value | undefined;
  return () => {
    value ??= read();
    return value;
  };
}

/** The variable's text. Throws InvalidConfiguration that names the variable if it is not set or empty. */
export function variable(name: string, variables: NodeJS.ProcessEnv = process.env): string {
  const value = variables[name];
  if (value) return value;
  throw new InvalidConfiguration(`The environment variable ${name} is not set.`, {
    nextStep: 'Deploy the function with it.',
  });
}

/** The windows in the text of NIGHTSHIFT_WINDOWS, a JSON object. Throws InvalidConfiguration for any other text. */
export function windowsIn(text: string): Map<string, unknown> {
  try {
    const windows: unknown = JSON.parse(text);
    if (typeof windows === 'object' && windows !== null && !Array.isArray(windows))
      return new Map(Object.entries(windows));
  } catch {
    // Throws the same error as for JSON that is not an object.
  }
  throw new InvalidConfiguration(
    'The environment variable NIGHTSHIFT_WINDOWS is not a JSON object of windows by name.',
    {
      nextStep: 'Deploy the function with one.',
    },
  );
}

/** The stages in the text of NIGHTSHIFT_FLEET; null for `null`. Throws InvalidConfiguration if it breaks a rule. */
export function fleetIn(text: string): Fleet | null {
  const fleet = json('NIGHTSHIFT_FLEET', text, 'the stages as a JSON object, or null');
  return fleet === null ? null : parseFleet(fleet);
}

/** The settings in the text of NIGHTSHIFT_SETTINGS. Throws InvalidConfiguration if it is not JSON or breaks a rule. */
export function settingsIn(text: string): Settings {
  return parseSettings(json('NIGHTSHIFT_SETTINGS', text, 'the settings as a JSON object'));
}

function json(name: string, text: string, wanted: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidConfiguration(`The environment variable ${name} is not JSON.`, {
      nextStep: `Deploy the function with ${wanted}.`,
      cause,
    });
  }
}
