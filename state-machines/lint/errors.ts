import {
  integrationErrorNames,
  optimizedIntegrationErrors,
  type SdkService,
  sdkServices,
} from '@nightshift/sandbox/step-functions';
import { expressionsOf } from './expressions.ts';
import type { LintGraph, Report } from './model.ts';
import { edges, recordsIn, textsIn } from './model.ts';

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

/** What Lambda itself may fail with although the function is sound, and what adapters let through to be retried. */
const TRANSIENT_LAMBDA_ERRORS = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
  'ThrottlingException',
  'TooManyRequestsException',
  'States.Timeout',
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

/** Integrations whose answer grows with what others have written: what is read, and what another execution ends with. */
const READS = /:(describe|get|list)\w*$|\.sync(:2)?$/;

/**
 * A failure that no Catch sees ends the execution under a name that is not ours, and nothing is put back. `States.ALL`
 * leaves out two: nothing catches `States.Runtime`, and only its own name catches `States.DataLimitExceeded`, with which
 * an answer of more than 256 KiB fails. The functions' answers are limited in `functions/core/execution/state-data.ts`; those of
 * services are not. A state that is right to let a failure out says why in its Comment, after `Not caught:`.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
function checkCaught(state: Record<string, unknown>, path: string, report: Report): void {
  if (!['Task', 'Map', 'Parallel'].includes(String(state['Type']))) return;
  if (/Not caught: \S/.test(String(state['Comment']))) return;
  const caught = new Set(recordsIn(state['Catch']).flatMap((entry) => textsIn(entry['ErrorEquals'])));
  if (!caught.has('States.ALL'))
    report(path, 'catch-all', "a Catch for States.ALL is missing: a failure would not have a name of nightshift's");
  if (READS.test(String(state['Resource'])) && !caught.has('States.DataLimitExceeded'))
    report(path, 'catch-data-limit', 'States.ALL does not catch States.DataLimitExceeded: name it for what is read');
}

/** Checks Retry and Catch. */
export function checkErrors(
  state: Record<string, unknown>,
  path: string,
  errors: readonly string[],
  report: Report,
): void {
  checkCaught(state, path, report);
  for (const field of ['Retry', 'Catch']) {
    const entries = recordsIn(state[field]);
    for (const [index, entry] of entries.entries())
      checkNames(textsIn(entry['ErrorEquals']), `${path}/${field}[${index}]`, errors, report);
    checkCatchAll(entries, `${path}/${field}`, report);
  }
}

/**
 * A Fail state must not fail with a name of Step Functions' own (`States.Timeout`): custom names must not begin so. An
 * expression that takes the name from an error output may, since such an output has them; it takes it from what
 * record-outcome made of it.
 */
export function checkFailNames(graph: LintGraph, report: Report): void {
  const states = [...graph.states.values()];
  const caught = new Set(states.flatMap(({ state }) => edges(state).flatMap(({ assign }) => errorVariables(assign))));
  for (const { state, path } of states) {
    if (state['Type'] !== 'Fail') continue;
    const { Error: error } = state;
    if (typeof error === 'string' && error.startsWith('States.'))
      report(`${path}/Error`, 'states-error-name', "a Fail's Error must not begin with 'States.'");
    for (const { source, use } of expressionsOf({ Error: error })) {
      const passedOn = [...use.variables].filter((name) => caught.has(name)).map((name) => `$${name}`);
      if (use.statesFields.has('input')) passedOn.push('$states.input');
      for (const name of passedOn)
        report(`${path}/Error`, 'states-error-name', `${name} may hold an error name that begins with 'States.'`);
      if (/["'`]States\./.test(source))
        report(`${path}/Error`, 'states-error-name', "a Fail's Error must not begin with 'States.'");
    }
  }
}

/** Variables of an Assign that hold an error output or a part of it. */
function errorVariables(assign: Record<string, unknown>): string[] {
  return expressionsOf({ Assign: assign })
    .filter(({ use }) => use.statesFields.has('errorOutput'))
    .flatMap(({ field }) => field.split('/')[1] ?? []);
}

/**
 * A Task that calls a function must retry what passes by itself. One that waits for its token does not retry its
 * timeout, which says that nobody answered.
 */
export function checkLambdaRetry(
  state: Record<string, unknown>,
  path: string,
  report: Report,
  waitsForToken: boolean,
): void {
  const names = TRANSIENT_LAMBDA_ERRORS.filter((name) => !waitsForToken || name !== 'States.Timeout');
  checkRetries(state, names, { path, rule: 'lambda-retry', report });
}

/** A Task that calls a service must retry its throttling, its faults, errors that it does not declare, and silence. */
export function checkServiceRetry(
  state: Record<string, unknown>,
  service: SdkService,
  path: string,
  report: Report,
): void {
  const { prefix } = service;
  const passing = ['Throttling', 'InternalServer', 'Server', 'ServiceUnavailable']
    .map((name) => `${prefix}.${name}Exception`)
    .filter((name) => integrationErrorNames(service).has(name));
  const names = [...passing, `${prefix}.${prefix}Exception`, `${prefix}.SdkClientException`, 'States.Timeout'];
  checkRetries(state, names, { path, rule: 'service-retry', report });
}

function checkRetries(
  state: Record<string, unknown>,
  names: readonly string[],
  { path, rule, report }: { path: string; rule: string; report: Report },
): void {
  const retried = new Set(
    recordsIn(state['Retry'])
      .filter((entry) => entry['MaxAttempts'] !== 0)
      .flatMap((entry) => textsIn(entry['ErrorEquals'])),
  );
  if (retried.has('States.ALL') || retried.has('States.TaskFailed')) return;
  const missing = names.filter((name) => !retried.has(name));
  if (missing.length > 0) report(path, rule, `does not retry ${missing.join(', ')}`);
}
