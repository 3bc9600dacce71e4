import { ServiceError } from '../../wire/error.ts';
import type { DocumentContent, DocumentParameter } from './documents.ts';

/** A document's parameters after defaults, each the list of its values. */
export type Resolved = Readonly<Record<string, string[]>>;

/**
 * Checks the parameters of SendCommand against the document and fills in the defaults.
 * Throws InvalidParameters, as SSM does for an unknown, missing or refused one.
 */
export function resolveParameters(content: DocumentContent, given: Readonly<Record<string, string[]>>): Resolved {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(content.parameters, name)) throw invalid(`Parameter ${name} is not defined in the document`);
  const resolved: Record<string, string[]> = {};
  for (const [name, parameter] of Object.entries(content.parameters)) {
    const values = given[name] ?? defaults(parameter);
    if (!values) throw invalid(`Parameter ${name} requires a value and none was given`);
    checkValues(name, parameter, values);
    resolved[name] = values;
  }
  return resolved;
}

/** Puts the values into `{{ Name }}`; a line that is nothing but a list's name becomes the list's lines. */
export function renderScript(content: DocumentContent, resolved: Resolved): string {
  return content.mainSteps
    .flatMap(({ inputs }) => [inputs.runCommand].flat().map((line) => render(line, resolved)))
    .join('\n');
}

/** Seconds until the agent kills the script; SSM's own default is an hour. */
export function executionTimeout(content: DocumentContent, resolved: Resolved): number {
  const timeout = content.mainSteps[0]?.inputs.timeoutSeconds;
  const seconds = timeout === undefined ? Number.NaN : Number(render(String(timeout), resolved));
  return Number.isNaN(seconds) ? 3600 : seconds;
}

function render(text: string, resolved: Resolved): string {
  return text.replace(
    /\{\{\s*([\w.]+)\s*\}\}/g,
    (placeholder, name: string) => resolved[name]?.join('\n') ?? placeholder,
  );
}

function defaults(parameter: DocumentParameter): string[] | undefined {
  return parameter.default === undefined ? undefined : [parameter.default].flat().map(String);
}

function checkValues(name: string, parameter: DocumentParameter, values: readonly string[]): void {
  if (parameter.type !== 'StringList' && values.length !== 1)
    throw invalid(`Parameter ${name} takes exactly one value`);
  if (values.length < (parameter.minItems ?? 0) || values.length > (parameter.maxItems ?? Number.POSITIVE_INFINITY))
    throw invalid(`Parameter ${name} has the wrong number of values`);
  const pattern = parameter.allowedPattern === undefined ? undefined : new RegExp(`^(?:${parameter.allowedPattern})$`);
  for (const value of values) {
    if (parameter.allowedValues && !parameter.allowedValues.includes(value))
      throw invalid(
        `Parameter value ${JSON.stringify(value)} of ${name} is not one of the allowed values ${parameter.allowedValues.join(', ')}`,
      );
    if (pattern && !pattern.test(value))
      throw invalid(
        `Parameter value ${JSON.stringify(value)} of ${name} does not match the allowed pattern ${parameter.allowedPattern}`,
      );
    if (value.length < (parameter.minChars ?? 0) || value.length > (parameter.maxChars ?? Number.POSITIVE_INFINITY))
      throw invalid(`Parameter ${name} has a value of the wrong length`);
  }
}

function invalid(message: string): ServiceError {
  return new ServiceError('InvalidParameters', message);
}
