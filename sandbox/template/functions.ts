import { pathToFileURL } from 'node:url';
import type { AccessKey } from '../credentials.ts';
import type { InstallOptions } from '../installation.ts';
import { qualified } from '../lambda/host.ts';
import { roleCaller } from '../role-caller.ts';
import { asRecord } from '../wire/check.ts';
import { functionNameOf, type Identity, type Properties } from './identities.ts';
import { type Resource, type Stack, TemplateError } from './stack.ts';

/** Functions, how they take asynchronous invocations, and which rules may invoke them. */
export function installFunctions(stack: Stack, options: InstallOptions): void {
  // What CDK adds for itself has no name of its own, and nothing to do with the product.
  const own = stack.all('AWS::Lambda::Function').filter(({ properties }) => properties['FunctionName'] !== undefined);
  for (const resource of own) installFunction(stack, resource, options);
  for (const { identity, properties } of stack.all('AWS::Lambda::Version'))
    publishVersion(functionNameOf(properties['FunctionName']), identity, options);
  for (const { properties } of stack.all('AWS::Lambda::EventInvokeConfig')) configure(properties, options);
  for (const { properties } of stack.all('AWS::Lambda::Permission')) permit(properties, options);
}

function installFunction(stack: Stack, { name, identity, properties }: Resource, options: InstallOptions): void {
  const { host, bundles, credentials, messaging } = options;
  const bundle = bundles.get(stack.shortName(name));
  if (bundle === undefined)
    throw new TemplateError(`no bundle for the function ${name}: there are ${[...bundles.keys()].join(', ')}`);
  const caller = roleCaller(String(properties['Role']), name);
  const key = credentials.issue(caller.principal, caller.principalArn);
  host.define(name, {
    bundle: pathToFileURL(bundle).href,
    arn: identity.attributes['Arn'] ?? '',
    memory: Number(properties['MemorySize'] ?? 128),
    timeout: Number(properties['Timeout'] ?? 3),
    environment: { ...variablesOf(properties), ...runtimeVariables(options, stack.place.region, key) },
  });
  const { TargetArn } = asRecord(properties['DeadLetterConfig']);
  messaging.invocations.configure(name, {
    sender: caller,
    ...(typeof TargetArn === 'string' && { deadLetterArn: TargetArn }),
  });
  messaging.permissions.set(name, []);
}

/** A version has the code and the configuration of its function; its ARN is the name by which it is called. */
function publishVersion(name: string, { ref: arn, attributes }: Identity, { host }: InstallOptions): void {
  const definition = host.find(name);
  if (!definition) throw new TemplateError(`a version is for the function ${name}, which is not there`);
  host.define(qualified(name, attributes['Version']), { ...definition, arn });
}

function variablesOf({ Environment }: Properties): Record<string, string> {
  const { Variables } = asRecord(Environment);
  return Object.fromEntries(Object.entries(asRecord(Variables)).map(([name, value]) => [name, String(value)]));
}

/** What Lambda, and the sandbox in its place, gives to every function. */
function runtimeVariables(
  { endpoint, clock, logs }: InstallOptions,
  region: string,
  key: AccessKey,
): Record<string, string> {
  return {
    AWS_REGION: region,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    AWS_SESSION_TOKEN: key.sessionToken,
    // In adaptive mode the SDK also limits how often it calls, until enough time has passed: here it stands still.
    ...(clock === 'virtual' && { AWS_RETRY_MODE: 'standard' }),
    // Every line goes from thread to thread, which costs more than most lines are worth.
    ...(logs
      ? { POWERTOOLS_LOG_LEVEL: 'INFO' }
      : { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
  };
}

function configure(properties: Properties, { messaging }: InstallOptions): void {
  const { FunctionName, MaximumRetryAttempts, MaximumEventAgeInSeconds, DestinationConfig } = properties;
  const { Destination } = asRecord(asRecord(DestinationConfig)['OnFailure']);
  messaging.invocations.configure(functionNameOf(FunctionName), {
    ...(MaximumRetryAttempts !== undefined && { retries: Number(MaximumRetryAttempts) }),
    ...(MaximumEventAgeInSeconds !== undefined && { maximumAgeSeconds: Number(MaximumEventAgeInSeconds) }),
    ...(typeof Destination === 'string' && { onFailureArn: Destination }),
  });
}

function permit({ Principal, Action, FunctionName, SourceArn = '*' }: Properties, { messaging }: InstallOptions): void {
  if (Principal !== 'events.amazonaws.com' || Action !== 'lambda:InvokeFunction') return;
  messaging.permissions.get(functionNameOf(FunctionName))?.push(String(SourceArn));
}
