import type * as z from 'zod/mini';
import { type Form, itemsOf, type JsonSchema, type ObjectForm, type Shape, typesOf } from './shapes.ts';

/** What a value lacks, or has too much of. `place` is its path inside the value, `problem` the rest of a sentence. */
export interface Misfit {
  place: string;
  problem: string;
}

type Schema = z.core.JSONSchema._JSONSchema;

/**
 * Why a value of this shape is not what a schema takes: at the level of names, and of literal values. Choices decide
 * which of its forms a value has, and no lint follows them: so each object must fit, and of all other forms one.
 */
export function misfits(shape: Shape, schema: Schema, place = ''): Misfit[] {
  const found = shape
    .filter(({ is }) => is !== 'nothing')
    .map((form) => ({ form, misfits: misfitsOf(form, schema, place) }));
  const [first] = found;
  if (first === undefined) return [{ place, problem: 'is given nothing' }];
  if (found.every((each) => each.misfits.length > 0)) return first.misfits;
  return found.flatMap((each) => (each.form.is === 'object' ? each.misfits : []));
}

function misfitsOf(form: Form, schema: Schema, place: string): Misfit[] {
  if (typeof schema === 'boolean' || form.is === 'any') return [];
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return closest(options.map((option) => misfitsOf(form, option, place)));
  if (!allows(schema, form)) return [{ place, problem: `takes ${named(schema)}, not ${nameOf(form)}` }];
  if (form.is === 'list') return itemsOf(schema).flatMap((items) => misfits(form.items, items, `${place}[]`));
  return form.is === 'object' && schema.properties ? misfitsIn(form, schema, schema.properties, place) : [];
}

/** Of the ways to be taken the one that is nearest. */
const closest = (all: readonly Misfit[][]): Misfit[] => all.toSorted((a, b) => a.length - b.length)[0] ?? [];

function misfitsIn(
  form: ObjectForm,
  { required = [], additionalProperties }: JsonSchema,
  properties: NonNullable<JsonSchema['properties']>,
  place: string,
): Misfit[] {
  const has = (name: string) => form.members[name]?.some(({ is }) => is !== 'nothing') ?? false;
  const lacking = required
    .filter((name) => !has(name))
    .map((name) => ({ place, problem: `needs the member '${name}', which ${lackingIn(form)}` }));
  const members = Object.entries(form.members).flatMap(([name, shape]) => {
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (!has(name)) return [];
    if (schema !== undefined) return misfits(shape, schema, `${place}/${name}`);
    // A function takes of an answer what it needs; what is written for it has nothing else.
    return form.written || additionalProperties === false ? [{ place, problem: `takes no member '${name}'` }] : [];
  });
  return [...lacking, ...members];
}

const lackingIn = ({ written, from }: ObjectForm) => (written ? 'is missing' : `${from} does not have`);

function allows(schema: JsonSchema, form: Form): boolean {
  const types = typesOf(schema);
  if (types.includes('any')) return true;
  switch (form.is) {
    case 'literal':
      return allowsLiteral(schema, form.value);
    case 'text':
      return types.includes('string');
    case 'number':
      return types.includes('number') || types.includes('integer');
    case 'list':
      return types.includes('array');
    default:
      return types.includes(form.is);
  }
}

function allowsLiteral(schema: JsonSchema, value: string | number | boolean | null): boolean {
  if (schema.const !== undefined) return schema.const === value;
  if (schema.enum) return schema.enum.includes(value);
  const type = value === null ? 'null' : typeof value;
  return typesOf(schema).some((each) => each === type || (each === 'integer' && type === 'number'));
}

function named(schema: JsonSchema): string {
  const values = schema.const === undefined ? schema.enum : [schema.const];
  return values ? values.map((value) => JSON.stringify(value)).join(' or ') : typesOf(schema).join(' or ');
}

function nameOf(form: Form): string {
  if (form.is === 'literal') return JSON.stringify(form.value);
  return form.is === 'object' ? form.from : form.is;
}
