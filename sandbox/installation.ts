import type { Clock } from './clock.ts';
import type { Credentials } from './credentials.ts';
import type { MayCall } from './iam/role-rights.ts';
import type { LambdaHost } from './lambda/host.ts';
import type { Messaging } from './messaging.ts';
import type { Alarms } from './services/monitoring/alarms.ts';
import type { Schedules } from './services/scheduler/schedules.ts';
import type { StepFunctions } from './step-functions/engine.ts';

/** Where a template is installed, and with what. */
export interface InstallOptions {
  readonly clock: Clock['kind'];
  readonly endpoint: string;
  readonly host: LambdaHost;
  readonly credentials: Credentials;
  /** Function → path of its bundle. */
  readonly bundles: ReadonlyMap<string, string>;
  /** Whether anybody hears what the functions log. */
  readonly logs: boolean;
  readonly stepFunctions: StepFunctions;
  readonly messaging: Messaging;
  readonly schedules: Schedules;
  readonly alarms: Alarms;
}

/** What of a template a Region has from its start, and the rest of it, for when the services are there. */
export interface Installation {
  readonly buckets: readonly string[];
  /** By name without the prefix. */
  readonly documents: readonly { name: string; content: object }[];
  readonly documentPrefix: string;
  /** What its roles may do. */
  readonly mayCall: MayCall;
  /** Names of its alarms that would ring now. */
  ringingAlarms(messaging: Messaging): string[];
  /** Answers name → ARN of the state machines. */
  install(options: InstallOptions): Record<string, string>;
}
