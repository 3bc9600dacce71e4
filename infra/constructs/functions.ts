import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  CfnEventInvokeConfig,
  CfnFunction,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { InvalidConfiguration } from '../../functions/core/errors.ts';
import type { Config } from '../config.ts';
import { functionPermissions } from '../function-permissions.ts';
import { ASYNCHRONOUS, FUNCTIONS, type FunctionSettings } from '../functions.ts';
import { arns, names, TEMPLATE_NAMES } from '../names.ts';
import * as executions from '../permissions/executions.ts';
import type { Permission } from '../permissions/permission.ts';
import { decryptEvidence, encryptEvidence } from '../permissions/records.ts';
import { environmentOf } from '../variables.ts';
import type { DeadEvents } from './dead-events.ts';
import { roleFor } from './role.ts';

interface Options {
  config: Config;
  key: IKey;
  deadEvents: DeadEvents;
  /** The folder of the bundles, if it is not that of the build. */
  bundles?: string;
}

/** Where `build.ts` puts the bundles, each in a folder named as its handler. */
const BUILT = fileURLToPath(new URL('../../dist/functions', import.meta.url));

/** All functions of the product, each from its bundle, with its own role, log and variables. */
export class Functions extends Construct {
  /** The functions by handler file name. */
  readonly byHandler = new Map<string, LambdaFunction>();
  /** The handlers that others invoke asynchronously. */
  readonly asynchronous: string[] = [];
  /** The handlers that call Kubernetes. */
  readonly kubernetes: string[] = [];

  constructor(scope: Construct, id: string, options: Options) {
    super(scope, id);
    for (const [handler, settings] of Object.entries(FUNCTIONS)) {
      this.byHandler.set(handler, new NightshiftFunction(this, handler, { ...options, settings }).function);
      if (settings.invokedBy === 'event') this.asynchronous.push(handler);
      if (settings.kubernetes) this.kubernetes.push(handler);
    }
  }

  /**
   * The ARN of the version with the code and configuration of this template: the version's logical id has their hash, so
   * every change of them publishes another version, and nothing else does. Throws for a handler that is not deployed.
   * https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_lambda-readme.html#currentversion-updated-hashing-logic
   */
  versionArn(handler: string): string {
    return this.get(handler).currentVersion.functionArn;
  }

  /** Throws for a handler that is not deployed. */
  get(handler: string): LambdaFunction {
    const found = this.byHandler.get(handler);
    if (found) return found;
    throw new Error(`infra/functions.ts has no function ${handler}`);
  }
}

class NightshiftFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, handler: string, options: Options & { settings: FunctionSettings }) {
    super(scope, handler);
    const { config, key, deadEvents, settings, bundles = BUILT } = options;
    const bundle = join(bundles, handler);
    if (!existsSync(bundle))
      throw new InvalidConfiguration(`The function ${handler} has no bundle in dist/functions.`, {
        nextStep: 'Build the functions with `npm run build`.',
      });
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${names.function(handler)}`,
      retention: retention(config),
      encryptionKey: key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = roleFor(this, handler, {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: settings.description,
      permissions: permissionsOf(handler, settings, { config, key }),
    });
    this.function = new LambdaFunction(this, 'Function', {
      functionName: names.function(handler),
      description: settings.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      // Excludes source maps: nothing reads them on Lambda.
      code: Code.fromAsset(bundle, { exclude: ['*.map'] }),
      timeout: Duration.seconds(settings.timeout),
      memorySize: settings.memory,
      // Imports the role by its ARN: it has its one policy already, and the function's construct must not widen it.
      role: Role.fromRoleArn(this, 'OwnRole', role.roleArn, { mutable: false }),
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      tracing: Tracing.ACTIVE,
      environment: environmentOf(settings.variables, config, TEMPLATE_NAMES),
      // An execution that waits, for up to a year, calls the version with which it began. Only a deployment that is
      // rolled back deletes the versions that it made: Lambda publishes no second version of the same code and
      // configuration, so the next deployment would fail on each of them.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE },
      ...(settings.reservedConcurrency !== undefined && { reservedConcurrentExecutions: settings.reservedConcurrency }),
    });
    if (settings.kubernetes && config.vpc) connect(this.function, config.vpc);
    if (settings.variables.includes('NIGHTSHIFT_SCHEDULE_DLQ_ARN')) this.function.node.addDependency(deadEvents);
    if (settings.invokedBy === 'event') keepWhatFails(this, this.function, deadEvents);
  }
}

/** The configured days as the CDK's enumeration, whose values are the same numbers. */
const retention = ({ retentionDays }: Config): RetentionDays => retentionDays.logs;

function permissionsOf(
  handler: string,
  settings: FunctionSettings,
  { config, key }: Pick<Options, 'config' | 'key'>,
): Permission[] {
  const { invokedBy, kubernetes } = settings;
  const permissions = functionPermissions(handler, config);
  const writes = permissions.some(({ actions }) => actions.includes('s3:PutObject'));
  const reads = permissions.some(({ actions }) => actions.includes('s3:GetObject'));
  return [
    ...permissions,
    ...(writes ? [encryptEvidence(key.keyArn)] : []),
    ...(reads ? [decryptEvidence(key.keyArn)] : []),
    ...(invokedBy === 'event' ? [executions.sendToDeadEvents] : []),
    ...(kubernetes && config.vpc ? [executions.joinVpc] : []),
    executions.writeLogs(`/aws/lambda/${names.function(handler)}`),
    executions.trace,
  ];
}

function connect(lambda: LambdaFunction, vpc: NonNullable<Config['vpc']>): void {
  const resource = lambda.node.defaultChild;
  if (!(resource instanceof CfnFunction)) throw new Error('a function without its resource');
  resource.vpcConfig = { subnetIds: vpc.subnetIds, securityGroupIds: vpc.securityGroupIds };
}

/** After Lambda's last retry the queue gets the event, with the error. */
function keepWhatFails(scope: Construct, lambda: LambdaFunction, deadEvents: DeadEvents): void {
  const configuration = new CfnEventInvokeConfig(scope, 'Asynchronous', {
    functionName: lambda.functionName,
    qualifier: '$LATEST',
    ...ASYNCHRONOUS,
    destinationConfig: { onFailure: { destination: arns.deadEvents } },
  });
  configuration.node.addDependency(deadEvents);
}
