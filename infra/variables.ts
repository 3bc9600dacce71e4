import type { Config } from './config.ts';
import { DOCUMENT_PREFIX, groups, type Names } from './naming.ts';

/** The environment variables that functions/runtime/environment.ts reads. */
export type Variable =
  | 'NIGHTSHIFT_DOCUMENT_PREFIX'
  | 'NIGHTSHIFT_EVENT_BUS'
  | 'NIGHTSHIFT_EVIDENCE_BUCKET'
  | 'NIGHTSHIFT_FLEET'
  | 'NIGHTSHIFT_FLEET_ALIAS_ARN'
  | 'NIGHTSHIFT_FLEET_STATE_MACHINE_ARN'
  | 'NIGHTSHIFT_IN_VPC'
  | 'NIGHTSHIFT_KUBERNETES_ROLE_ARN'
  | 'NIGHTSHIFT_LEASE_GROUP'
  | 'NIGHTSHIFT_MIGRATE_ALIAS_ARN'
  | 'NIGHTSHIFT_MIGRATE_STATE_MACHINE_ARN'
  | 'NIGHTSHIFT_ROLLBACK_ALIAS_ARN'
  | 'NIGHTSHIFT_ROLLBACK_STATE_MACHINE_ARN'
  | 'NIGHTSHIFT_SCHEDULER_ROLE_ARN'
  | 'NIGHTSHIFT_SCHEDULE_DLQ_ARN'
  | 'NIGHTSHIFT_SCHEDULE_GROUP'
  | 'NIGHTSHIFT_SETTINGS'
  | 'NIGHTSHIFT_WINDOWS';

/**
 * How the AWS SDK retries. Adaptive, because polling SSM for thousands of nodes is throttled sooner or later.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
const RETRIES = { AWS_RETRY_MODE: 'adaptive', AWS_MAX_ATTEMPTS: '10' };

/** What a function's environment has: the variables that it reads, and what Powertools and the AWS SDK read. */
export function environmentOf(
  variables: readonly Variable[],
  config: Pick<Config, 'fleet' | 'settings' | 'vpc' | 'windows'>,
  names: Names,
): Record<string, string> {
  const values = variableValues(config, names);
  return {
    ...Object.fromEntries([...variables].sort().map((name) => [name, values[name]])),
    ...RETRIES,
    POWERTOOLS_SERVICE_NAME: 'nightshift',
    POWERTOOLS_METRICS_NAMESPACE: 'nightshift',
    POWERTOOLS_LOG_LEVEL: 'INFO',
  };
}

/** The value of each variable in this deployment. */
function variableValues(
  { fleet, settings, vpc, windows }: Pick<Config, 'fleet' | 'settings' | 'vpc' | 'windows'>,
  { names, arns }: Names,
): Record<Variable, string> {
  return {
    NIGHTSHIFT_DOCUMENT_PREFIX: DOCUMENT_PREFIX,
    NIGHTSHIFT_EVENT_BUS: names.eventBus,
    NIGHTSHIFT_EVIDENCE_BUCKET: names.evidenceBucket,
    NIGHTSHIFT_FLEET: JSON.stringify(fleet),
    NIGHTSHIFT_FLEET_ALIAS_ARN: arns.alias('migrate-fleet'),
    NIGHTSHIFT_FLEET_STATE_MACHINE_ARN: arns.stateMachine('migrate-fleet'),
    NIGHTSHIFT_IN_VPC: vpc === null ? 'false' : 'true',
    NIGHTSHIFT_KUBERNETES_ROLE_ARN: arns.role('kubernetes'),
    NIGHTSHIFT_LEASE_GROUP: groups.leases,
    NIGHTSHIFT_MIGRATE_ALIAS_ARN: arns.alias('migrate-cluster'),
    NIGHTSHIFT_MIGRATE_STATE_MACHINE_ARN: arns.stateMachine('migrate-cluster'),
    NIGHTSHIFT_ROLLBACK_ALIAS_ARN: arns.alias('rollback-cluster'),
    NIGHTSHIFT_ROLLBACK_STATE_MACHINE_ARN: arns.stateMachine('rollback-cluster'),
    NIGHTSHIFT_SCHEDULER_ROLE_ARN: arns.role('scheduler'),
    NIGHTSHIFT_SCHEDULE_DLQ_ARN: arns.deadEvents,
    NIGHTSHIFT_SCHEDULE_GROUP: groups.migrations,
    NIGHTSHIFT_SETTINGS: JSON.stringify(settings),
    NIGHTSHIFT_WINDOWS: JSON.stringify(windows),
  };
}
