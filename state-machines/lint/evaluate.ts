import { expressionIn, parseExpression } from '@nightshift/sandbox/step-functions';
import { isRecord } from './model.ts';
import { ANY, either, type Form, literal, memberOf, NOTHING, objectOf, originsOf, type Shape, TEXT } from './shapes.ts';

/** What an expression's names may be: variables of the state machine, and `states` itself. */
export type Scope = ReadonlyMap<string, Shape>;

/** Takes a sentence for each member that an expression reads and that does not exist. */
export type OnMissing = (problem: string) => void;

const ERROR_OUTPUT = objectOf('the error output', false, { Error: TEXT, Cause: TEXT });

/** `$states` in a state whose result is this. */
export const statesShape = (result: Shape): Shape => [
  objectOf('$states', false, { input: ANY, context: ANY, errorOutput: [ERROR_OUTPUT], result }),
];

const BOOLEAN: Shape = [{ is: 'boolean' }];
const NUMBER: Shape = [{ is: 'number' }];
const RESULTS = new Map<string, Shape>([
  ...'exists not contains boolean'.split(' ').map((name): [string, Shape] => [name, BOOLEAN]),
  ...'count sum min max floor ceil round power length toMillis number'
    .split(' ')
    .map((name): [string, Shape] => [name, NUMBER]),
  ...'join substring replace hash fromMillis type uuid'.split(' ').map((name): [string, Shape] => [name, TEXT]),
]);

/** What a template makes: an object or a list as written, with the values of its expressions. */
export function templateShape(template: unknown, scope: Scope): Shape {
  if (typeof template === 'string') {
    const source = expressionIn(template);
    return source === null ? literal(template) : expressionShape(source, scope, () => undefined);
  }
  if (typeof template === 'number' || typeof template === 'boolean' || template === null) return literal(template);
  if (Array.isArray(template))
    return [{ is: 'list', items: either(...template.map((item) => templateShape(item, scope))) }];
  if (!isRecord(template)) return ANY;
  const members = Object.entries(template).map(([name, value]) => [name, templateShape(value, scope)]);
  return [objectOf('what is written', true, Object.fromEntries(members))];
}

/** What an expression gives; anything for one that does not parse, which another rule reports. */
export function expressionShape(source: string, scope: Scope, onMissing: OnMissing): Shape {
  let ast: unknown;
  try {
    ast = parseExpression(source).ast();
  } catch {
    return ANY;
  }
  return new Evaluation(onMissing).of(ast, new Map(scope));
}

type Names = Map<string, Shape>;

class Evaluation {
  readonly #onMissing: OnMissing;

  constructor(onMissing: OnMissing) {
    this.#onMissing = onMissing;
  }

  of(node: unknown, names: Names): Shape {
    if (!isNode(node)) return ANY;
    switch (node.type) {
      case 'string':
      case 'number':
      case 'value':
        return this.#literal(node['value']);
      case 'variable':
        return names.get(String(node['value'])) ?? ANY;
      case 'path':
        return this.#path(nodesIn(node['steps']), names);
      case 'binary':
        return this.#binary(node, names);
      case 'condition':
        this.of(node['condition'], names);
        return either(
          this.of(node['then'], names),
          node['else'] === undefined ? NOTHING : this.of(node['else'], names),
        );
      case 'unary':
        return this.#unary(node, names);
      case 'block':
        return this.#block(nodesIn(node['expressions']), new Map(names));
      case 'bind': {
        const value = this.of(node['rhs'], names);
        if (isNode(node['lhs'])) names.set(String(node['lhs']['value']), value);
        return value;
      }
      case 'function':
        return this.#call(node, names);
      default:
        return ANY;
    }
  }

  #literal(value: unknown): Shape {
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null
      ? literal(value)
      : ANY;
  }

  #block(expressions: readonly AstNode[], names: Names): Shape {
    return expressions.map((expression) => this.of(expression, names)).at(-1) ?? NOTHING;
  }

  /** `read` is the path so far, as a person writes it. */
  #path([first, ...steps]: readonly AstNode[], names: Names): Shape {
    let shape = this.of(first, names);
    let read = first?.type === 'variable' ? `$${String(first['value'])}` : 'the expression';
    for (const step of steps) {
      if (step.type !== 'name') return ANY;
      const name = String(step['value']);
      const member = memberOf(shape, name);
      if (member === null) {
        this.#onMissing(`${read} has no member '${name}': it is ${originsOf(shape).join(' or ')}`);
        return ANY;
      }
      shape = member;
      read = `${read}.${name}`;
    }
    return shape;
  }

  #binary(node: AstNode, names: Names): Shape {
    this.of(node['lhs'], names);
    this.of(node['rhs'], names);
    if (node['value'] === '&') return TEXT;
    return '+-*/%'.includes(String(node['value'])) ? NUMBER : BOOLEAN;
  }

  #unary(node: AstNode, names: Names): Shape {
    if (node['value'] === '[')
      return [{ is: 'list', items: flat(nodesIn(node['expressions']).map((item) => this.of(item, names))) }];
    if (node['value'] !== '{' || !Array.isArray(node['lhs'])) return ANY;
    const members = node['lhs'].map((pair: unknown): [string, Shape] => {
      const [key, value]: unknown[] = Array.isArray(pair) ? pair : [];
      return [isNode(key) ? String(key['value']) : '', this.of(value, names)];
    });
    return [objectOf('what is written', true, Object.fromEntries(members))];
  }

  #call(node: AstNode, names: Names): Shape {
    const given = nodesIn(node['arguments']);
    const name = isNode(node['procedure']) ? String(node['procedure']['value']) : '';
    if (name === 'merge') return this.#merge(nodesIn(given[0]?.['expressions']), names);
    const values = given.map((argument) => this.of(argument, names));
    const [first = ANY] = values;
    switch (name) {
      case 'append':
        return [{ is: 'list', items: flat(values) }];
      case 'sift':
        return first;
      case 'string':
        return [{ is: 'text', json: first }];
      default:
        return RESULTS.get(name) ?? ANY;
    }
  }

  /** Of the values to merge, objects alone have members; a choice has excluded null. */
  #merge(parts: readonly AstNode[], names: Names): Shape {
    const [first, ...others] = parts.map((part) =>
      this.of(part, names).filter(({ is }) => is === 'object' || is === 'any'),
    );
    if (first === undefined) return ANY;
    return others.reduce<Shape>(
      (all, more) => either(all.flatMap((one) => more.map((other) => mergedForm(one, other)))),
      first,
    );
  }
}

function mergedForm(one: Form, other: Form): Form {
  if (one.is !== 'object' || other.is !== 'object') return { is: 'any' };
  return { ...one, members: { ...one.members, ...other.members } };
}

/** A node of JSONata's tree. */
type AstNode = Record<string, unknown> & { type: string };

function isNode(value: unknown): value is AstNode {
  return isRecord(value) && typeof value['type'] === 'string';
}

const nodesIn = (value: unknown): AstNode[] => (Array.isArray(value) ? value.filter(isNode) : []);

/** JSONata makes one list of values and lists of values. */
const flat = (shapes: readonly Shape[]): Shape =>
  either(
    ...shapes.flat().map((form): Shape => (form.is === 'list' ? form.items : form.is === 'nothing' ? [] : [form])),
  );
