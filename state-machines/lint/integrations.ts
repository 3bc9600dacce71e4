import {
  expressionIn,
  integrationMemberName,
  makesText,
  optimizedIntegrations,
  parseExpression,
  type SdkService,
  sdkServices,
} from '@nightshift/sandbox/step-functions';
import type { NormalizedSchema } from '@smithy/core/schema';
import { functionPlaceholder } from '../definitions.ts';
import { checkLambdaRetry, checkServiceRetry } from './errors.ts';
import type { Report } from './model.ts';
import { isRecord } from './model.ts';

/** The service and the operation's input schema; a sentence when there is no such operation. */
function sdkCall(arn: string): { service: SdkService; input: NormalizedSchema } | string {
  const [, serviceName, action] = /^arn:aws:states:::aws-sdk:([^:]+):([^:.]+)$/.exec(arn) ?? [];
  if (serviceName === undefined || action === undefined) return `there is no integration ${arn}`;
  const service = sdkServices.get(serviceName);
  if (!service) return `there is no SDK integration for '${serviceName}'`;
  const operation = service.operations.get(action.charAt(0).toUpperCase() + action.slice(1));
  if (!operation || /^[A-Z]/.test(action)) return `${serviceName} has no operation '${action}'`;
  return { service, input: operation.input };
}

/**
 * Step Functions writes every blob as JSON: a text is stored as a JSON string, with quotes and escapes. A blob therefore
 * takes the value itself, and a text is a mistake.
 */
function checkBlob(value: unknown, path: string, report: Report): void {
  if (typeof value !== 'string') return;
  const source = expressionIn(value);
  if (source === null || surelyText(source))
    report(path, 'blob-as-text', 'Step Functions stores a text here as a JSON string: give the value itself');
}

/** An expression that does not parse is another rule's finding. */
function surelyText(source: string): boolean {
  try {
    return makesText(source);
  } catch {
    return false;
  }
}

/**
 * What an expression writes out: for `{'Name': …}` an object with these members, for anything else nothing. With an
 * expression for the whole, a state can leave a member out.
 */
function writtenOut(value: unknown): unknown {
  const source = typeof value === 'string' ? expressionIn(value) : null;
  if (source === null) return value;
  try {
    return objectOf(parseExpression(source).ast());
  } catch {
    // The lint of expressions reports it.
    return undefined;
  }
}

function objectOf(node: unknown): unknown {
  if (!isRecord(node) || node['type'] !== 'unary' || node['value'] !== '{' || !Array.isArray(node['lhs']))
    return undefined;
  const members = node['lhs'].map((pair: unknown) => (Array.isArray(pair) ? pair : []));
  return Object.fromEntries(members.map(([key, item]) => [isRecord(key) ? String(key['value']) : '', objectOf(item)]));
}

/** Member names that are not the operation's, or not in PascalCase, at any depth that is written out. */
function checkArguments(schema: NormalizedSchema, value: unknown, path: string, report: Report): void {
  if (Array.isArray(value) && schema.isListSchema())
    for (const [index, item] of value.entries())
      checkArguments(schema.getValueSchema(), item, `${path}[${index}]`, report);
  if (schema.isBlobSchema()) checkBlob(value, path, report);
  if (!isRecord(value)) return;
  if (schema.isMapSchema())
    for (const [key, item] of Object.entries(value))
      checkArguments(schema.getValueSchema(), item, `${path}/${key}`, report);
  if (!schema.isStructSchema()) return;
  const members = new Map([...schema.structIterator()].map(([name, each]) => [integrationMemberName(name), each]));
  for (const [key, item] of Object.entries(value)) {
    const member = members.get(key);
    if (member) checkArguments(member, item, `${path}/${key}`, report);
    else report(`${path}/${key}`, 'unknown-argument', `the operation has no '${key}'`);
  }
}

function checkFunction(args: unknown, path: string, functions: readonly string[], report: Report): void {
  const name = isRecord(args) ? args['FunctionName'] : undefined;
  const isKnown = functions.some(
    (handler) => name === `\${${functionPlaceholder(handler)}}` || name === `nightshift-${handler}`,
  );
  if (!isKnown) report(`${path}/FunctionName`, 'unknown-handler', `${JSON.stringify(name)} is no handler's function`);
}

/** A Task that waits until somebody sends its token. */
const CALLBACK = /\.waitForTaskToken$/;

/** Checks a Task's Resource, its argument names, its retries, and for a function that it exists. */
export function checkIntegration(
  state: Record<string, unknown>,
  path: string,
  functions: readonly string[],
  report: Report,
): void {
  const resource = String(state['Resource']).replace('arn:${Partition}:', 'arn:aws:');
  const arn = resource.replace(CALLBACK, '');
  const args = writtenOut(state['Arguments']);
  if (arn === 'arn:aws:states:::lambda:invoke') {
    checkFunction(args, `${path}/Arguments`, functions, report);
    checkLambdaRetry(state, path, report, CALLBACK.test(resource));
  }
  const fields = optimizedIntegrations.get(arn);
  if (fields) {
    for (const key of Object.keys(isRecord(args) ? args : {}))
      if (!fields.includes(key))
        report(`${path}/Arguments/${key}`, 'unknown-argument', `the integration has no '${key}'`);
    return;
  }
  const call = sdkCall(arn);
  if (typeof call === 'string') {
    report(`${path}/Resource`, 'unknown-integration', call);
    return;
  }
  checkArguments(call.input, args, `${path}/Arguments`, report);
  checkServiceRetry(state, call.service, path, report);
}
