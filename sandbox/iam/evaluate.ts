import type { Statement } from './policies.ts';

/** What a call asks of IAM: one action on one resource, in a context of condition keys. */
export interface Need {
  readonly action: string;
  readonly resource: string;
  /**
   * A key that the request does not have is missing here. A list is the value of a multivalued key, even with one member;
   * the service authorization reference says which keys are (`ArrayOf…`).
   */
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

/**
 * Whether identity policies allow what is needed: some statement does, and none denies it.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 *
 * @throws Error that names a condition operator which the sandbox does not implement.
 */
export function isAllowed(statements: readonly Statement[], need: Need): boolean {
  const applying = statements.filter((statement) => applies(statement, need));
  return applying.some(({ effect }) => effect === 'Allow') && applying.every(({ effect }) => effect === 'Allow');
}

/** Whether the statement speaks of what is needed. */
export function applies({ actions, resources, conditions }: Statement, { action, resource, context }: Need): boolean {
  return (
    actions.some((pattern) => like(pattern.toLowerCase(), action.toLowerCase())) &&
    resources.some((pattern) => coversResource(pattern, resource)) &&
    Object.entries(conditions).every(([operator, keys]) =>
      Object.entries(keys).every(([key, wanted]) => holds(operator, wanted, valuesOf(context, key))),
    )
  );
}

/** Names of condition keys ignore case, those of tags behind the slash do not. */
function valuesOf(context: Need['context'], key: string): string | readonly string[] | undefined {
  const folded = fold(key);
  const [, found] = Object.entries(context).find(([name]) => fold(name) === folded) ?? [];
  return found;
}

function fold(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? key.toLowerCase() : key.slice(0, slash).toLowerCase() + key.slice(slash);
}

type Compare = (wanted: string, value: string) => boolean;

const COMPARE: Readonly<Record<string, Compare>> = {
  StringEquals: (wanted, value) => wanted === value,
  StringEqualsIgnoreCase: (wanted, value) => wanted.toLowerCase() === value.toLowerCase(),
  StringLike: like,
  ArnEquals: arnLike,
  ArnLike: arnLike,
  Bool: (wanted, value) => wanted.toLowerCase() === value.toLowerCase(),
  NumericEquals: (wanted, value) => Number(wanted) === Number(value),
  NumericLessThan: (wanted, value) => Number(value) < Number(wanted),
  NumericLessThanEquals: (wanted, value) => Number(value) <= Number(wanted),
  NumericGreaterThan: (wanted, value) => Number(value) > Number(wanted),
  NumericGreaterThanEquals: (wanted, value) => Number(value) >= Number(wanted),
};

const OPERATOR = /^(ForAllValues:|ForAnyValue:|)(.+?)(IfExists)?$/;

/**
 * An operator without a set prefix compares one value: it never holds for a multivalued key. A set operator also works
 * on a key of one value, as on a set of one.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
 */
function holds(operator: string, wanted: readonly string[], found: string | readonly string[] | undefined): boolean {
  if (operator === 'Null') return wanted.includes(String(found === undefined || found.length === 0));
  const [, set = '', name = '', ifExists] = OPERATOR.exec(operator) ?? [];
  const negated = name.replace(/^(String|Arn|Numeric)Not/, '$1');
  const compare = Object.hasOwn(COMPARE, negated) ? COMPARE[negated] : undefined;
  if (!compare) throw new Error(`the sandbox does not implement the condition operator ${operator}`);
  const isNegated = negated !== name;
  if (found === undefined) return ifExists !== undefined || set === 'ForAllValues:' || (isNegated && set === '');
  if (set === '' && typeof found !== 'string') return false;
  const values = typeof found === 'string' ? [found] : found;
  const fits = (value: string) => wanted.some((each) => compare(each, value)) !== isNegated;
  return set === 'ForAllValues:' ? values.every(fits) : values.some(fits);
}

/** `*` alone is every resource; otherwise an ARN is compared part by part. */
function coversResource(pattern: string, resource: string): boolean {
  return pattern === '*' || arnLike(pattern, resource);
}

/** By pattern: the same few of a template's policies are compared with every call of every run. */
const EXPRESSIONS = new Map<string, RegExp>();

/** `*` any characters, `?` one. */
export function like(pattern: string, value: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === value;
  let expression = EXPRESSIONS.get(pattern);
  if (!expression) {
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '[\\s\\S]*')
      .replaceAll('?', '[\\s\\S]');
    expression = new RegExp(`^${source}$`);
    EXPRESSIONS.set(pattern, expression);
  }
  return expression.test(value);
}

/** As `like`, part by part: a wildcard does not reach over a colon but in the last part. */
function arnLike(pattern: string, arn: string): boolean {
  const [wanted, given] = [arnParts(pattern), arnParts(arn)];
  return wanted.length === given.length && wanted.every((part, index) => like(part, given[index] ?? ''));
}

const arnParts = (arn: string): string[] => {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
};
