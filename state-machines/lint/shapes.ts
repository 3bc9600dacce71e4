import type * as z from 'zod/mini';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** One thing that a value may be. */
export type Form =
  | { is: 'any' | 'number' | 'boolean' }
  /** No value: a member of this form alone is left out. */
  | { is: 'nothing' }
  | { is: 'literal'; value: string | number | boolean | null }
  /** `json`: the value whose JSON the text is, if that is known. */
  | { is: 'text'; json?: Shape }
  | { is: 'list'; items: Shape }
  | ObjectForm;

/** `from` says for a person where it comes from; `written`: the state machine itself lists the members. */
export interface ObjectForm {
  is: 'object';
  from: string;
  written: boolean;
  members: Readonly<Record<string, Shape>>;
}

/** Everything that a value may be. */
export type Shape = readonly Form[];

export const ANY: Shape = [{ is: 'any' }];
export const NOTHING: Shape = [{ is: 'nothing' }];
export const TEXT: Shape = [{ is: 'text' }];
export const literal = (value: string | number | boolean | null): Shape => [{ is: 'literal', value }];
export const objectOf = (from: string, written: boolean, members: Readonly<Record<string, Shape>>): ObjectForm => ({
  is: 'object',
  from,
  written,
  members,
});

const keys = new WeakMap<Form, string>();

function keyOf(form: Form): string {
  const known = keys.get(form) ?? JSON.stringify(form);
  keys.set(form, known);
  return known;
}

/** All that any of these may be, each form once. */
export function either(...shapes: readonly Shape[]): Shape {
  const [first, ...others] = shapes.filter((shape) => shape.length > 0);
  if (first === undefined || others.every((shape) => shape === first)) return first ?? [];
  return [...new Map(shapes.flat().map((form) => [keyOf(form), form])).values()];
}

/** What a schema says that a value may be. */
export function shapeOf(schema: z.core.JSONSchema._JSONSchema, from: string): Shape {
  if (typeof schema === 'boolean') return ANY;
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return either(...options.map((option) => shapeOf(option, from)));
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum) return schema.enum.map((value) => ({ is: 'literal', value }));
  return either(...typesOf(schema).map((type) => shapeOfType(type, schema, from)));
}

/** The types that a schema allows; all of them if it names none. */
export const typesOf = ({ type }: JsonSchema): readonly string[] =>
  type === undefined ? ['any'] : Array.isArray(type) ? type : [type];

function shapeOfType(type: string, schema: JsonSchema, from: string): Shape {
  switch (type) {
    case 'string':
      return TEXT;
    case 'number':
    case 'integer':
      return [{ is: 'number' }];
    case 'boolean':
      return [{ is: 'boolean' }];
    case 'null':
      return literal(null);
    case 'array':
      return [{ is: 'list', items: itemsOf(schema).flatMap((item) => shapeOf(item, from)) }];
    case 'object':
      return schema.properties ? [objectOf(from, false, membersOf(schema, schema.properties, from))] : ANY;
    default:
      return ANY;
  }
}

function membersOf({ required = [] }: JsonSchema, properties: NonNullable<JsonSchema['properties']>, from: string) {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => {
      const shape = shapeOf(schema, `${name} in ${from}`);
      return [name, required.includes(name) ? shape : either(NOTHING, shape)];
    }),
  );
}

/** The schema of a list's items. */
export const itemsOf = ({ items }: JsonSchema): z.core.JSONSchema._JSONSchema[] =>
  items === undefined ? [true] : Array.isArray(items) ? items : [items];

/** What a shape has under this name; null if it has objects and none of them has such a member. */
export function memberOf(shape: Shape, name: string): Shape | null {
  const objects = shape
    .flatMap((form) => (form.is === 'list' ? form.items : form))
    .filter((form) => form.is === 'object');
  const found = shape.map((form) => memberIn(form, name)).filter((member) => member !== null);
  if (found.length === 0 && objects.length > 0) return null;
  return either(...found, ...(found.length < shape.length || found.length === 0 ? [NOTHING] : []));
}

function memberIn(form: Form, name: string): Shape | null {
  switch (form.is) {
    case 'any':
      return ANY;
    case 'object':
      return Object.hasOwn(form.members, name) ? (form.members[name] ?? null) : null;
    case 'list': {
      // JSONata reads a member of every item, and makes one value of one.
      const items = memberOf(form.items, name);
      return items && either(items, [{ is: 'list', items }]);
    }
    default:
      return null;
  }
}

/** The objects in a shape, by where they come from. */
export const originsOf = (shape: Shape): string[] => [
  ...new Set(
    shape
      .flatMap((form) => (form.is === 'list' ? form.items : form))
      .flatMap((form) => (form.is === 'object' ? [form.from] : [])),
  ),
];
