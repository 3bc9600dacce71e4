import { pathToFileURL } from 'node:url';
import { ssmDocuments } from '../ssm-documents/documents.ts';
import { fillPlaceholders, placeholderValues, readDefinition, STATE_MACHINES } from '../state-machines/definitions.ts';
import type { Clock } from './clock.ts';
import type { AccessKey, Credentials } from './credentials.ts';
import type { LambdaHost } from './lambda/host.ts';
import type { Rules } from './services/events/rules.ts';
import type { StepFunctions } from './step-functions/engine.ts';
import type { World } from './world.ts';

/** What a deployment names in an account and Region. */
export interface Deployment {
  evidenceBucket: string;
  eventBus: string;
  kubernetesRoleArn: string;
  documentPrefix: string;
  schedulerRoleArn: string;
  /** Schedule groups of the leases and of the migrations to come. */
  leaseGroup: string;
  migrationGroup: string;
  /** Queue of what a schedule could not deliver. */
  scheduleDeadLetterArn: string;
  /** Name → ARN, whether it is deployed or not. */
  stateMachines: Record<'migrate-cluster' | 'rollback-cluster', string>;
}

const READ_WINDOWS = new Set(['decide-window', 'schedule-migrations', 'on-cluster-tagged', 'on-addon-changed']);

/** What a sandbox does by itself: little, so that a world stays as its file says. */
const SETTINGS = {
  target: { mode: 'ipvs', scheduler: 'rr' },
  window: 'weekend',
  acknowledge: ['ipvs-deprecated'],
  enrolment: 'tagged',
  drift: 'migrate',
};

export const DOCUMENTS = ssmDocuments();

export function deploymentOf(world: World): Deployment {
  const stateMachineArn = (name: string) => `arn:aws:states:${world.region}:${world.account}:stateMachine:${name}`;
  return {
    evidenceBucket: `nightshift-evidence-${world.account}-${world.region}`,
    eventBus: 'default',
    kubernetesRoleArn: `arn:aws:iam::${world.account}:role/nightshift-kubernetes`,
    documentPrefix: 'nightshift-',
    schedulerRoleArn: `arn:aws:iam::${world.account}:role/nightshift-scheduler`,
    leaseGroup: 'nightshift-leases',
    migrationGroup: 'nightshift-migrations',
    scheduleDeadLetterArn: `arn:aws:sqs:${world.region}:${world.account}:nightshift-dead-events`,
    stateMachines: {
      'migrate-cluster': stateMachineArn('migrate-cluster'),
      'rollback-cluster': stateMachineArn('rollback-cluster'),
    },
  };
}

/**
 * Where functions are deployed to, and what they are; `bundles`: handler file name → path of its bundle; `logs`: whether
 * anybody hears them.
 */
export interface FunctionsOptions {
  world: World;
  clock: Clock['kind'];
  endpoint: string;
  credentials: Credentials;
  bundles: Map<string, string>;
  logs: boolean;
}

/**
 * Puts the built bundles into the sandbox's Lambda. Each function gets credentials of its own, so that the call log
 * tells who called, and the variables that it reads.
 */
export function deployFunctions(
  host: LambdaHost,
  { world, clock, endpoint, credentials, bundles, logs }: FunctionsOptions,
): Record<string, string> {
  const deployment = deploymentOf(world);
  const functions: Record<string, string> = {};
  for (const [handler, path] of bundles) {
    const name = `nightshift-${handler}`;
    const role = `arn:aws:sts::${world.account}:assumed-role/${name}/${name}`;
    const key = credentials.issue(name, role);
    const arn = `arn:aws:lambda:${world.region}:${world.account}:function:${name}`;
    functions[handler] = arn;
    host.define(name, {
      bundle: pathToFileURL(path).href,
      arn,
      memory: 512,
      timeout: 60,
      environment: {
        ...runtimeVariables({ region: world.region, endpoint, clock, logs }, key),
        POWERTOOLS_SERVICE_NAME: 'nightshift',
        POWERTOOLS_METRICS_NAMESPACE: 'nightshift',
        NIGHTSHIFT_EVIDENCE_BUCKET: deployment.evidenceBucket,
        NIGHTSHIFT_EVENT_BUS: deployment.eventBus,
        NIGHTSHIFT_DOCUMENT_PREFIX: deployment.documentPrefix,
        NIGHTSHIFT_KUBERNETES_ROLE_ARN: deployment.kubernetesRoleArn,
        NIGHTSHIFT_MIGRATE_STATE_MACHINE_ARN: deployment.stateMachines['migrate-cluster'],
        NIGHTSHIFT_ROLLBACK_STATE_MACHINE_ARN: deployment.stateMachines['rollback-cluster'],
        NIGHTSHIFT_MIGRATE_ALIAS_ARN: deployment.stateMachines['migrate-cluster'],
        NIGHTSHIFT_ROLLBACK_ALIAS_ARN: deployment.stateMachines['rollback-cluster'],
        NIGHTSHIFT_LEASE_GROUP: deployment.leaseGroup,
        NIGHTSHIFT_SCHEDULE_GROUP: deployment.migrationGroup,
        NIGHTSHIFT_SCHEDULER_ROLE_ARN: deployment.schedulerRoleArn,
        NIGHTSHIFT_SCHEDULE_DLQ_ARN: deployment.scheduleDeadLetterArn,
        NIGHTSHIFT_SETTINGS: JSON.stringify(SETTINGS),
        // The windows differ from world to world: only the functions that read them start anew with other ones.
        ...(READ_WINDOWS.has(handler) && { NIGHTSHIFT_WINDOWS: JSON.stringify(world.windows) }),
      },
    });
  }
  return functions;
}

/** What Lambda, and the sandbox in its place, gives to every function. */
export function runtimeVariables(
  { region, endpoint, clock, logs }: { region: string; endpoint: string; clock: Clock['kind']; logs: boolean },
  key: AccessKey,
): Record<string, string> {
  return {
    AWS_REGION: region,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    AWS_SESSION_TOKEN: key.sessionToken,
    // A retry waits in real time, in which a virtual clock stands still.
    ...(clock === 'virtual' && { NIGHTSHIFT_RETRY_BASE_MS: '5' }),
    // Every line goes from thread to thread, which costs more than most of what the lines tell.
    ...(logs
      ? { POWERTOOLS_LOG_LEVEL: 'INFO' }
      : { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
  };
}

/**
 * Creates the state machines with every placeholder filled; answers name → ARN. `definitions` by name, the product's own
 * where left out.
 */
export function deployStateMachines(
  stepFunctions: StepFunctions,
  world: World,
  functions: Record<string, string>,
  definitions: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const values = placeholderValues({ ...deploymentOf(world), functions, partition: 'aws' });
  return Object.fromEntries(
    STATE_MACHINES.map((name) => {
      const definition = fillPlaceholders(definitions[name] ?? readDefinition(name), values);
      const roleArn = `arn:aws:iam::${world.account}:role/nightshift-${name}`;
      return [name, stepFunctions.register({ name, definition, roleArn }).arn];
    }),
  );
}

const ENDINGS = {
  source: ['aws.states'],
  'detail-type': ['Step Functions Execution Status Change'],
  detail: { status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] },
};

/** Every execution's end is told to the function on-execution-ended, where it is deployed. */
export function deployRules(rules: Rules, functions: Record<string, string>): void {
  const Arn = functions['on-execution-ended'];
  if (Arn === undefined) return;
  const name = 'nightshift-execution-ended';
  rules.put({ name, bus: 'default', pattern: JSON.stringify(ENDINGS), enabled: true });
  rules.putTargets('default', name, [{ Id: 'on-execution-ended', Arn }]);
}
