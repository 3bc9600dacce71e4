import { z } from 'zod';
import { asRecord, isRecord } from '../wire/check.ts';
import { type Identity, identify, nameProperty, type Properties, type StackPlace } from './identities.ts';

/** A CloudFormation template is wrong, or has something that the sandbox does not support. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

const Template = z.object({
  Parameters: z.record(z.string(), z.object({ Default: z.unknown().optional() })).default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Mappings: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))).default({}),
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      Properties: z.record(z.string(), z.unknown()).default({}),
      Condition: z.string().optional(),
    }),
  ),
});

export interface Resource {
  readonly id: string;
  readonly type: string;
  /** As CloudFormation would name it: what its template says, else made of the stack's name and the logical id. */
  readonly name: string;
  readonly identity: Identity;
  readonly properties: Properties;
}

/** Stands for `AWS::NoValue` until what holds it leaves it out. */
const NO_VALUE = Symbol('AWS::NoValue');

type Intrinsic = (argument: unknown, stack: Stack) => unknown;

/**
 * A CloudFormation template in JSON, as it would be deployed: intrinsic functions resolved, names given. Resources are
 * resolved when they are asked for.
 */
export class Stack {
  readonly place: StackPlace;
  readonly #template: z.infer<typeof Template>;
  readonly #resources = new Map<string, Resource>();
  readonly #resolving = new Set<string>();

  /** Throws TemplateError for an invalid template. */
  constructor(template: unknown, place: StackPlace) {
    const parsed = Template.safeParse(template);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new TemplateError(`the template's ${issue?.path.join('.') || 'whole'}: ${issue?.message}`);
    }
    this.place = place;
    this.#template = parsed.data;
  }

  /** What the names of its resources begin with by convention. */
  get prefix(): string {
    return `${this.place.stack}-`;
  }

  /** A name without the prefix. */
  shortName(name: string): string {
    return name.startsWith(this.prefix) ? name.slice(this.prefix.length) : name;
  }

  /** The resources of this type whose condition holds, in the template's order. Throws TemplateError. */
  all(type: string): Resource[] {
    return Object.entries(this.#template.Resources)
      .filter(([, each]) => each.Type === type && (each.Condition === undefined || this.condition(each.Condition)))
      .map(([id]) => this.resource(id));
  }

  /** Throws TemplateError if no resource has this logical id. */
  resource(id: string): Resource {
    const known = this.#resources.get(id);
    if (known) return known;
    const described = this.#template.Resources[id];
    if (!described) throw new TemplateError(`there is no resource ${id}`);
    if (this.#resolving.has(id)) throw new TemplateError(`the resource ${id} refers to itself`);
    this.#resolving.add(id);
    const { Type: type } = described;
    const properties: Properties = asRecord(this.resolve(described.Properties));
    const given = properties[nameProperty(type) ?? ''];
    const name = typeof given === 'string' ? given : `${this.place.stack}-${id}`;
    const resource = { id, type, name, properties, identity: identify(type, name, this.place, properties) };
    this.#resolving.delete(id);
    this.#resources.set(id, resource);
    return resource;
  }

  condition(name: string): boolean {
    const condition = this.#template.Conditions[name];
    if (condition === undefined) throw new TemplateError(`there is no condition ${name}`);
    return this.resolve(condition) === true;
  }

  mapping([map, first, second]: readonly unknown[]): unknown {
    const value = this.#template.Mappings[String(map)]?.[String(first)]?.[String(second)];
    if (value === undefined) throw new TemplateError(`there is no ${map}.${first}.${second} in Mappings`);
    return value;
  }

  /** A value with its intrinsic functions resolved. Throws TemplateError naming one that the sandbox does not implement. */
  resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.resolve(each)).filter((each) => each !== NO_VALUE);
    if (!isRecord(value)) return value;
    const [[name, argument] = ['', undefined], ...others] = Object.entries(value);
    if (others.length === 0 && (name === 'Ref' || name === 'Condition' || name.startsWith('Fn::')))
      return this.#call(name, argument);
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, item]) => [key, this.resolve(item)])
        .filter(([, item]) => item !== NO_VALUE),
    );
  }

  #call(name: string, argument: unknown): unknown {
    const intrinsic = Object.hasOwn(INTRINSICS, name) ? INTRINSICS[name] : undefined;
    // IAM has a member of the name Condition too, which holds operators.
    if (name === 'Condition' && typeof argument !== 'string') return { Condition: this.resolve(argument) };
    if (!intrinsic) throw new TemplateError(`the sandbox does not implement ${name}`);
    return intrinsic(argument, this);
  }

  ref(name: string): unknown {
    const { account, region, stack } = this.place;
    const pseudo: Readonly<Record<string, unknown>> = {
      'AWS::AccountId': account,
      'AWS::Region': region,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackName': stack,
      'AWS::StackId': `arn:aws:cloudformation:${region}:${account}:stack/${stack}/sandbox`,
      'AWS::NoValue': NO_VALUE,
    };
    if (Object.hasOwn(pseudo, name)) return pseudo[name];
    const parameter = this.#template.Parameters[name];
    if (!parameter) return this.resource(name).identity.ref;
    if (parameter.Default === undefined) throw new TemplateError(`the parameter ${name} has no default`);
    return parameter.Default;
  }

  attribute(id: string, attribute: string): string {
    const { identity, type } = this.resource(id);
    const value = identity.attributes[attribute];
    if (value === undefined) throw new TemplateError(`the sandbox knows no ${attribute} of ${id} (${type})`);
    return value;
  }
}

const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  Ref: (name, stack) => stack.ref(String(name)),
  Condition: (name, stack) => stack.condition(String(name)),
  'Fn::GetAtt': (argument, stack) => {
    const [id = '', ...rest] = Array.isArray(argument) ? argument.map(String) : String(argument).split('.');
    return stack.attribute(id, rest.join('.'));
  },
  'Fn::Join': (argument, stack) => {
    const [separator, values] = list(argument, 'Fn::Join');
    return list(stack.resolve(values), 'Fn::Join').map(String).join(String(separator));
  },
  'Fn::Split': (argument, stack) => {
    const [separator, text] = list(argument, 'Fn::Split');
    return String(stack.resolve(text)).split(String(separator));
  },
  'Fn::Select': (argument, stack) => {
    const [index, values] = list(argument, 'Fn::Select');
    const chosen = list(stack.resolve(values), 'Fn::Select')[Number(stack.resolve(index))];
    if (chosen === undefined) throw new TemplateError(`Fn::Select finds no ${String(index)}`);
    return chosen;
  },
  'Fn::Sub': substitute,
  'Fn::FindInMap': (argument, stack) => stack.mapping(list(stack.resolve(argument), 'Fn::FindInMap')),
  'Fn::If': (argument, stack) => {
    const [condition, then, otherwise] = list(argument, 'Fn::If');
    return stack.resolve(stack.condition(String(condition)) ? then : otherwise);
  },
  'Fn::Equals': (argument, stack) => {
    const [left, right] = list(stack.resolve(argument), 'Fn::Equals');
    return JSON.stringify(left) === JSON.stringify(right);
  },
  'Fn::Not': (argument, stack) => list(stack.resolve(argument), 'Fn::Not')[0] !== true,
  'Fn::And': (argument, stack) => list(stack.resolve(argument), 'Fn::And').every((each) => each === true),
  'Fn::Or': (argument, stack) => list(stack.resolve(argument), 'Fn::Or').some((each) => each === true),
  'Fn::ToJsonString': (argument, stack) => JSON.stringify(stack.resolve(argument)),
};

/** `${Name}`, `${Id.Attribute}` and, as they are, `${!Literal}`. */
function substitute(argument: unknown, stack: Stack): string {
  const [text, values = {}] = Array.isArray(argument) ? argument : [argument];
  return String(text).replaceAll(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
    if (literal) return `\${${name}}`;
    if (isRecord(values) && Object.hasOwn(values, name)) return String(stack.resolve(values[name]));
    const dot = name.indexOf('.');
    return String(dot < 0 ? stack.ref(name) : stack.attribute(name.slice(0, dot), name.slice(dot + 1)));
  });
}

function list(argument: unknown, name: string): unknown[] {
  if (Array.isArray(argument)) return argument;
  throw new TemplateError(`${name} needs a list`);
}
