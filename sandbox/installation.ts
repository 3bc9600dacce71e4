import type { Clock } from './clock.ts';
import type { Credentials } from './credentials.ts';
import { DOCUMENTS, deployFunctions, deploymentOf, deployRules, deployStateMachines } from './deployment.ts';
import type { LambdaHost } from './lambda/host.ts';
import type { Messaging } from './messaging.ts';
import type { Schedules } from './services/scheduler/schedules.ts';
import type { StepFunctions } from './step-functions/engine.ts';
import type { World } from './world.ts';

/** Where nightshift is installed, and from what. */
export interface InstallOptions {
  readonly world: World;
  readonly clock: Clock['kind'];
  readonly endpoint: string;
  readonly host: LambdaHost;
  readonly credentials: Credentials;
  /** Handler file name → path of its bundle. */
  readonly bundles: Map<string, string>;
  /** State machine → its definition with placeholders, in place of those of the product. */
  readonly definitions?: Readonly<Record<string, string>>;
  /** Whether anybody hears what the functions log. */
  readonly logs: boolean;
  readonly stepFunctions: StepFunctions;
  readonly messaging: Messaging;
  readonly schedules: Schedules;
}

/** What of nightshift a Region has from its start, and the rest of it, for when the services are there. */
export interface Installation {
  readonly buckets: readonly string[];
  /** By name without the prefix. */
  readonly documents: readonly { name: string; content: object }[];
  readonly documentPrefix: string;
  /** Whether calls are made as the roles that the installation has, instead of as the services that make them. */
  readonly hasRoles: boolean;
  /** Names of its alarms that would ring now. */
  ringingAlarms(messaging: Messaging): string[];
  /** Answers name → ARN of the state machines. */
  install(options: InstallOptions): Record<string, string>;
}

/** The sandbox's own installation, without a template: everything that a migration needs, without roles. */
export function ownInstallation(world: World): Installation {
  const { evidenceBucket, documentPrefix, leaseGroup, migrationGroup } = deploymentOf(world);
  return {
    buckets: [evidenceBucket],
    documents: DOCUMENTS,
    documentPrefix,
    hasRoles: false,
    ringingAlarms: () => [],
    install: (options) => {
      const { host, stepFunctions, messaging, schedules, definitions } = options;
      for (const group of [leaseGroup, migrationGroup]) schedules.createGroup(group);
      const functions = deployFunctions(host, options);
      deployRules(messaging.rules, functions);
      return deployStateMachines(stepFunctions, world, functions, definitions);
    },
  };
}
