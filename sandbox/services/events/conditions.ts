import ipaddr from 'ipaddr.js';
import { isRecord } from '../../wire/check.ts';

/** Why an event pattern is invalid. */
export class InvalidPattern extends Error {
  override readonly name = 'InvalidEventPatternException';

  constructor(problem: string) {
    super(`Event pattern is not valid. Reason: ${problem}`);
  }
}

/** One value of a leaf: `fits` is asked for each value that the event has there, `absent` counts where it has none. */
export interface Condition {
  readonly absent: boolean;
  readonly fits: (value: unknown) => boolean;
}

type Make = (argument: unknown, path: string) => Condition['fits'];

const OPERATORS: Readonly<Record<string, Make>> = {
  prefix: (argument, path) => foldable(argument, path, (text, start) => text.startsWith(start)),
  suffix: (argument, path) => foldable(argument, path, (text, end) => text.endsWith(end)),
  'equals-ignore-case': (argument, path) => ignoringCase(text(argument, path), (a, b) => a === b),
  wildcard: (argument, path) => {
    const expression = wildcard(text(argument, path), path);
    return (value) => typeof value === 'string' && expression.test(value);
  },
  numeric,
  cidr,
  'anything-but': anythingBut,
};

/**
 * Compiles one value of a pattern's leaf: a literal or one operator.
 *
 * @throws InvalidPattern
 */
export function compileCondition(value: unknown, path: string): Condition {
  if (!isRecord(value)) {
    if (Array.isArray(value)) throw new InvalidPattern(`${path} has an array in an array`);
    return { absent: false, fits: (found) => found === value };
  }
  const { name, argument } = operator(value, path);
  if (name === 'exists') {
    if (typeof argument !== 'boolean') throw new InvalidPattern(`exists at ${path} must be true or false`);
    return { absent: !argument, fits: () => argument };
  }
  const make = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
  if (!make) throw new InvalidPattern(`Unrecognized match type ${name} at ${path}`);
  return { absent: false, fits: make(argument, path) };
}

function operator(value: Record<string, unknown>, path: string): { name: string; argument: unknown } {
  const [entry, ...others] = Object.entries(value);
  if (!entry || others.length > 0) throw new InvalidPattern(`${path} must have one operator in each object`);
  return { name: entry[0], argument: entry[1] };
}

function text(argument: unknown, path: string): string {
  if (typeof argument === 'string' && argument !== '') return argument;
  throw new InvalidPattern(`an operator at ${path} needs a text that is not empty`);
}

const fold = (value: string) => value.toLowerCase();

function ignoringCase(argument: string, holds: (value: string, argument: string) => boolean): Condition['fits'] {
  return (value) => typeof value === 'string' && holds(fold(value), fold(argument));
}

/** `prefix` and `suffix`: of a text, or of `{"equals-ignore-case": text}`. */
function foldable(
  argument: unknown,
  path: string,
  holds: (value: string, argument: string) => boolean,
): Condition['fits'] {
  if (isRecord(argument)) {
    const inner = operator(argument, path);
    if (inner.name !== 'equals-ignore-case') throw new InvalidPattern(`Unsupported operator ${inner.name} at ${path}`);
    return ignoringCase(text(inner.argument, path), holds);
  }
  const wanted = text(argument, path);
  return (value) => typeof value === 'string' && holds(value, wanted);
}

/** `*` stands for any characters; `\*` and `\\` for themselves. */
function wildcard(pattern: string, path: string): RegExp {
  const parts = pattern.match(/\\[\s\S]|[\s\S]/g) ?? [];
  let source = '';
  for (const [index, part] of parts.entries()) {
    if (part === '*' && parts[index - 1] === '*')
      throw new InvalidPattern(`Consecutive wildcard characters at ${path}`);
    if (part.startsWith('\\') && part !== '\\*' && part !== '\\\\')
      throw new InvalidPattern(`Invalid escape character at ${path}`);
    source += part === '*' ? '[\\s\\S]*' : literal(part.at(-1) ?? '');
  }
  return new RegExp(`^${source}$`);
}

const literal = (character: string) => character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');

const COMPARE: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  '=': (value, limit) => value === limit,
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
};
/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-content-based-filtering.html#eb-filtering-numeric-matching */
const LARGEST = 5e9;

function numeric(argument: unknown, path: string): Condition['fits'] {
  if (!Array.isArray(argument) || (argument.length !== 2 && argument.length !== 4))
    throw new InvalidPattern(`numeric at ${path} needs one comparison or the two ends of a range`);
  const comparisons = Array.from({ length: argument.length / 2 }, (_, index) => {
    const [sign, limit]: unknown[] = argument.slice(2 * index, 2 * index + 2);
    const compare = typeof sign === 'string' && Object.hasOwn(COMPARE, sign) ? COMPARE[sign] : undefined;
    if (!compare) throw new InvalidPattern(`Unrecognized numeric range operator ${String(sign)} at ${path}`);
    if (typeof limit !== 'number' || Math.abs(limit) > LARGEST)
      throw new InvalidPattern(`numeric at ${path} needs numbers from -${LARGEST} to ${LARGEST}`);
    return (value: number) => compare(value, limit);
  });
  return (value) => typeof value === 'number' && comparisons.every((holds) => holds(value));
}

function cidr(argument: unknown, path: string): Condition['fits'] {
  const range = text(argument, path);
  if (!ipaddr.isValidCIDR(range)) throw new InvalidPattern(`${range} at ${path} is no range of addresses`);
  const [network, bits] = ipaddr.parseCIDR(range);
  return (value) => {
    if (typeof value !== 'string' || !ipaddr.isValid(value)) return false;
    const address = ipaddr.parse(value);
    return address.kind() === network.kind() && address.match(network, bits);
  };
}

/** Texts, numbers, or one inner operator, of which `prefix`, `suffix`, `equals-ignore-case` and `wildcard` take lists. */
function anythingBut(argument: unknown, path: string): Condition['fits'] {
  if (isRecord(argument)) {
    const { name, argument: inner } = operator(argument, path);
    const make = ['prefix', 'suffix', 'equals-ignore-case', 'wildcard'].includes(name) ? OPERATORS[name] : undefined;
    if (!make) throw new InvalidPattern(`Unsupported anything-but pattern ${name} at ${path}`);
    const none = list(inner, path).map((each) => make(each, path));
    return (value) => none.every((fits) => !fits(value));
  }
  const values = list(argument, path);
  for (const type of ['string', 'number'])
    if (values.every((each) => typeof each === type)) return (value) => !values.includes(value);
  throw new InvalidPattern(`anything-but at ${path} needs texts or numbers, not both`);
}

function list(argument: unknown, path: string): unknown[] {
  if (!Array.isArray(argument)) return [argument];
  if (argument.length === 0) throw new InvalidPattern(`anything-but at ${path} is empty`);
  return argument;
}
