import type { Report } from './lint-model.ts';
import { recordsIn, textsIn } from './lint-model.ts';
import { integrationErrorNames, optimizedIntegrationErrors, sdkServices } from './sdk-services.ts';

/** https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
const RESERVED: ReadonlySet<string> = new Set([
  'States.ALL',
  'States.DataLimitExceeded',
  'States.ExceedToleratedFailureThreshold',
  'States.HeartbeatTimeout',
  'States.ItemReaderFailed',
  'States.Permissions',
  'States.QueryEvaluationError',
  'States.ResultWriterFailed',
  'States.TaskFailed',
  'States.Timeout',
]);

/** What Lambda itself may fail with although the function is sound. */
const TRANSIENT_LAMBDA_ERRORS = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
];

let serviceErrors: Set<string> | undefined;

function knownServiceErrors(): Set<string> {
  serviceErrors ??= new Set([
    ...optimizedIntegrationErrors,
    ...[...sdkServices.values()].flatMap((service) => [...integrationErrorNames(service)]),
  ]);
  return serviceErrors;
}

function checkNames(names: string[], path: string, errors: readonly string[], report: Report): void {
  for (const name of names) {
    if (RESERVED.has(name) || errors.includes(name) || knownServiceErrors().has(name)) continue;
    const hint = /^States\.(Runtime|NoChoiceMatched)$/.test(name)
      ? `${name} cannot be caught`
      : `nothing throws ${name}`;
    report(path, 'unknown-error', hint);
  }
}

/** `States.ALL` stands alone, in the last entry. */
function checkCatchAll(entries: Record<string, unknown>[], path: string, report: Report): void {
  for (const [index, entry] of entries.entries()) {
    const names = textsIn(entry['ErrorEquals']);
    if (!names.includes('States.ALL')) continue;
    if (names.length > 1)
      report(`${path}[${index}]`, 'states-all-alone', 'States.ALL must be the only name of its entry');
    if (index < entries.length - 1)
      report(`${path}[${index}]`, 'states-all-last', 'States.ALL must be in the last entry');
  }
}

/** Checks Retry and Catch. */
export function checkErrors(
  state: Record<string, unknown>,
  path: string,
  errors: readonly string[],
  report: Report,
): void {
  for (const field of ['Retry', 'Catch']) {
    const entries = recordsIn(state[field]);
    for (const [index, entry] of entries.entries())
      checkNames(textsIn(entry['ErrorEquals']), `${path}/${field}[${index}]`, errors, report);
    checkCatchAll(entries, `${path}/${field}`, report);
  }
}

/** A Task that calls a function must retry Lambda's own transient errors. */
export function checkLambdaRetry(state: Record<string, unknown>, path: string, report: Report): void {
  const retried = new Set(
    recordsIn(state['Retry'])
      .filter((entry) => entry['MaxAttempts'] !== 0)
      .flatMap((entry) => textsIn(entry['ErrorEquals'])),
  );
  if (retried.has('States.ALL') || retried.has('States.TaskFailed')) return;
  const missing = TRANSIENT_LAMBDA_ERRORS.filter((name) => !retried.has(name));
  if (missing.length > 0) report(path, 'lambda-retry', `does not retry ${missing.join(', ')}`);
}
