import type { Config } from './config.ts';
import { arns, DOCUMENT_PREFIX, groups, names } from './names.ts';

/** The environment variables that functions/handlers/shared/environment.ts reads. */
export type Variable =
  | 'NIGHTSHIFT_DOCUMENT_PREFIX'
  | 'NIGHTSHIFT_EVENT_BUS'
  | 'NIGHTSHIFT_EVIDENCE_BUCKET'
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

/** What each of them is in this deployment. */
export function variableValues({ settings, windows }: Pick<Config, 'settings' | 'windows'>): Record<Variable, string> {
  return {
    NIGHTSHIFT_DOCUMENT_PREFIX: DOCUMENT_PREFIX,
    NIGHTSHIFT_EVENT_BUS: names.eventBus,
    NIGHTSHIFT_EVIDENCE_BUCKET: names.evidenceBucket,
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
