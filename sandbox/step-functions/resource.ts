import { StateFailure } from './failure.ts';
import type { Json, JsonObject } from './json.ts';
import { optimizedResources } from './optimized.ts';
import { CALLBACK, integrationErrorName, sdkServices } from './sdk-services.ts';
import { fromSdkOutput, toSdkInput, unknownArguments } from './sdk-shapes.ts';
import { callForTask } from './service-call.ts';
import type { TaskResource } from './world.ts';

const resources = new Map<string, TaskResource>(optimizedResources);

function sdkResource(serviceName: string, action: string): TaskResource | string {
  const service = sdkServices.get(serviceName);
  if (!service) return `the service 'aws-sdk:${serviceName}' is not supported`;
  const name = action.charAt(0).toUpperCase() + action.slice(1);
  const operation = service.operations.get(name);
  if (!operation || name === action) return `the operation '${action}' of aws-sdk:${serviceName} does not exist`;
  return {
    resourceType: `aws-sdk:${serviceName}`,
    resource: action,
    check: (args) =>
      unknownArguments(operation.input, args).map((key) => `the field '${key}' is not supported by Step Functions`),
    run: async (args, context) => {
      const input = toSdkInput(operation.input, args, 'Arguments');
      const call = { service: service.signingName, operation: name, input: { ...Object(input) } };
      const output = await callForTask(call, context, service.prefix, (code) => integrationErrorName(service, code));
      return fromSdkOutput(operation.output, output);
    },
  };
}

/** The same integration, after whose answer the task waits until somebody reports its end by its token. */
function withCallback(base: TaskResource): TaskResource {
  return {
    ...base,
    resource: `${base.resource}${CALLBACK}`,
    hasToken: true,
    run: async (args, context) => {
      context.submitted(JSON.stringify(await base.run(args, context)));
      const { callback } = context;
      if (!callback) throw new Error('a task with a token has a callback');
      return context.wait(() => callback);
    },
  };
}

/** The integration behind a Resource ARN, or a sentence why there is none. */
export function parseResource(arn: string): TaskResource | string {
  const known = resources.get(arn);
  if (known) return known;
  if (arn.endsWith(CALLBACK)) {
    const base = /\.sync(:2)?\./.test(arn) ? undefined : parseResource(arn.slice(0, -CALLBACK.length));
    if (typeof base !== 'object') return base ?? `the resource '${arn}' is not supported`;
    const callback = withCallback(base);
    resources.set(arn, callback);
    return callback;
  }
  const [, service, action] = /^arn:aws:states:::aws-sdk:([^:]+):([^:]+)$/.exec(arn) ?? [];
  if (service === undefined || action === undefined) return `the resource '${arn}' is not supported`;
  const resource = sdkResource(service, action);
  if (typeof resource !== 'string') resources.set(arn, resource);
  return resource;
}

/** Arguments must have come out as an object. */
export function argumentsObject(value: Json): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new StateFailure('States.Runtime', 'The Arguments of a Task must be an object.');
  return value;
}
