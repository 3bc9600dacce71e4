import { ServiceError } from '../../wire/error.ts';

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html */
const LONGEST_ARN = 1011;
const DEEPEST = 15;
const LARGEST_BYTES = 4096;

const ALPHABET =
  'If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_';

/** Throws ValidationException, AccessDeniedException or HierarchyLevelLimitExceededException for a name that SSM refuses. */
export function checkName(name: string, arn: string): void {
  if (/^\/aws(\/|$)/i.test(name))
    throw new ServiceError('AccessDeniedException', `No access to reserved parameter name: ${name}.`);
  if (/^\/?(aws|ssm)/i.test(name) || !/^\/?[a-zA-Z0-9_.-]+(\/[a-zA-Z0-9_.-]+)*$/.test(name))
    throw invalid(`Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive). ${ALPHABET}`);
  if (name.includes('/') && !name.startsWith('/')) throw invalid('Parameter name must be a fully qualified name.');
  if (name.replace(/^\//, '').split('/').length > DEEPEST)
    throw new ServiceError(
      'HierarchyLevelLimitExceededException',
      `Hierarchy depth exceeds the maximum of ${DEEPEST} levels.`,
    );
  if (arn.length > LONGEST_ARN)
    throw invalid(`Parameter name: with its ARN it has ${arn.length} characters; at most ${LONGEST_ARN} are allowed.`);
}

interface Content {
  readonly type: string | undefined;
  readonly value: string;
  readonly allowedPattern?: string | undefined;
}

/** Throws what SSM throws for a value that the standard tier, the pattern or the parameter's type refuses. */
export function checkValue({ type, value, allowedPattern }: Content, former: Content | undefined): void {
  if (value === '')
    throw invalid(
      "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
  if (Buffer.byteLength(value) > LARGEST_BYTES)
    throw invalid(
      `Standard tier parameters support a maximum parameter value of ${LARGEST_BYTES} characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html`,
    );
  if (former && type !== undefined && type !== former.type)
    throw new ServiceError(
      'HierarchyTypeMismatchException',
      "Parameter Store doesn't support changing a parameter type in a hierarchy.",
    );
  if (allowedPattern !== undefined && !compile(allowedPattern).test(value))
    throw new ServiceError(
      'ParameterPatternMismatchException',
      `Parameter value, cannot be validated against allowedPattern: ${allowedPattern}`,
    );
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch {
    throw new ServiceError('InvalidAllowedPatternException', 'The allowed pattern is not a regular expression.');
  }
}

/** Throws ValidationException for a path that cannot be asked for. */
export function checkPath(path: string): void {
  if (/^\/([a-zA-Z0-9_.-]+(\/[a-zA-Z0-9_.-]+)*\/?)?$/.test(path)) return;
  throw invalid(
    'The parameter doesn\'t meet the parameter name requirements. The parameter name must begin with a forward slash "/". It can\'t be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.',
  );
}

/** Throws ValidationException for a number that is not from 1 to `most`. */
export function checkCount(count: number, member: string, most: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= most) return;
  throw invalid(
    `1 validation error detected: Value '${count}' at '${member}' failed to satisfy constraint: Member must have value between 1 and ${most}`,
  );
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}
