import { pathToFileURL } from 'node:url';
import { ssmDocuments } from '../ssm-documents/documents.ts';
import { fillPlaceholders, placeholderValues, readDefinition, STATE_MACHINES } from '../state-machines/definitions.ts';
import type { Credentials } from './credentials.ts';
import type { LambdaHost } from './lambda/host.ts';
import type { StepFunctions } from './step-functions/engine.ts';
import type { World } from './world.ts';

/** What a deployment names in an account and Region. */
export interface Deployment {
  evidenceBucket: string;
  eventBus: string;
  kubernetesRoleArn: string;
  documentPrefix: string;
}

export const DOCUMENTS = ssmDocuments();

export function deploymentOf(world: World): Deployment {
  return {
    evidenceBucket: `nightshift-evidence-${world.account}-${world.region}`,
    eventBus: 'default',
    kubernetesRoleArn: `arn:aws:iam::${world.account}:role/nightshift-kubernetes`,
    documentPrefix: 'nightshift-',
  };
}

/**
 * Puts the built bundles into the sandbox's Lambda. Each function gets credentials of its own, so that the call log
 * tells who called.
 *
 * @param bundles handler file name → path of its bundle
 */
export function deployFunctions(
  host: LambdaHost,
  {
    world,
    endpoint,
    credentials,
    bundles,
  }: { world: World; endpoint: string; credentials: Credentials; bundles: Map<string, string> },
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
        AWS_REGION: world.region,
        AWS_ENDPOINT_URL: endpoint,
        AWS_ACCESS_KEY_ID: key.accessKeyId,
        AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
        AWS_SESSION_TOKEN: key.sessionToken,
        NIGHTSHIFT_EVIDENCE_BUCKET: deployment.evidenceBucket,
        NIGHTSHIFT_EVENT_BUS: deployment.eventBus,
        NIGHTSHIFT_DOCUMENT_PREFIX: deployment.documentPrefix,
        NIGHTSHIFT_KUBERNETES_ROLE_ARN: deployment.kubernetesRoleArn,
        NIGHTSHIFT_WINDOWS: JSON.stringify(world.windows),
        POWERTOOLS_SERVICE_NAME: 'nightshift',
        POWERTOOLS_METRICS_NAMESPACE: 'nightshift',
        POWERTOOLS_LOG_LEVEL: 'INFO',
      },
    });
  }
  return functions;
}

/** Creates the state machines with every placeholder filled; answers name → ARN. */
export function deployStateMachines(
  stepFunctions: StepFunctions,
  world: World,
  functions: Record<string, string>,
): Record<string, string> {
  const values = placeholderValues({
    functions,
    kubernetesRoleArn: deploymentOf(world).kubernetesRoleArn,
    partition: 'aws',
  });
  return Object.fromEntries(
    STATE_MACHINES.map((name) => {
      const definition = fillPlaceholders(readDefinition(name), values);
      const roleArn = `arn:aws:iam::${world.account}:role/nightshift-${name}`;
      return [name, stepFunctions.register({ name, definition, roleArn }).arn];
    }),
  );
}
