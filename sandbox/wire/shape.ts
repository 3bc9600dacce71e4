import { NormalizedSchema } from '@smithy/core/schema';
import type { $SchemaRef, SchemaTraitsObject } from '@smithy/types';

export type TimestampFormat = 'default' | 'date-time' | 'http-date' | 'epoch-seconds';

/** A type of a service's model, read once from the schema that the SDK's client carries. */
export type Shape =
  | StructureShape
  | { readonly kind: 'list'; readonly sparse: boolean; readonly item: Member }
  | { readonly kind: 'map'; readonly sparse: boolean; readonly key: Member; readonly value: Member }
  | { readonly kind: 'timestamp'; readonly format: TimestampFormat }
  | { readonly kind: 'blob' | 'string' | 'number' | 'boolean' | 'document' };

export interface StructureShape {
  readonly kind: 'structure';
  /** Of a union exactly one member is set. */
  readonly union: boolean;
  readonly traits: SchemaTraitsObject;
  readonly members: ReadonlyMap<string, Member>;
  readonly required: readonly string[];
  /** Only for members with a different name in JSON: that name → the member's. */
  readonly jsonNames: ReadonlyMap<string, string>;
}

/** A place in a structure, list or map: what lies there and how it travels. */
export class Member {
  readonly name: string;
  readonly traits: SchemaTraitsObject;
  /** An XML name of the target shape counts only where that shape is the root of a document. */
  readonly xmlName: string;
  /** The SDK's own view, for its XML codec. */
  readonly schema: NormalizedSchema;
  #shape: Shape | undefined;

  constructor(name: string, schema: NormalizedSchema) {
    this.name = name;
    this.traits = schema.getMergedTraits();
    this.xmlName = schema.getMemberTraits().xmlName ?? name;
    this.schema = schema;
  }

  /** Compiled at first use: shapes may contain themselves. */
  get shape(): Shape {
    this.#shape ??= compile(this.schema);
    return this.#shape;
  }

  get jsonName(): string {
    return this.traits.jsonName ?? this.name;
  }

  /** EC2's own rule: `ec2QueryName`, else the XML name with a capital, else the member's name with a capital. */
  get ec2Name(): string {
    const own = this.traits['ec2QueryName'];
    return typeof own === 'string' ? own : capital(this.xmlName);
  }

  /** Whether the member travels in the body (and not in the path, the query, a header or the status). */
  get inBody(): boolean {
    const { httpLabel, httpQuery, httpQueryParams, httpHeader, httpPrefixHeaders, httpResponseCode } = this.traits;
    return !(httpLabel ?? httpQuery ?? httpQueryParams ?? httpHeader ?? httpPrefixHeaders ?? httpResponseCode);
  }
}

const compiled = new Map<object, Shape>();

/** The shape of a schema, from the cache if it was met before. */
export function shapeOf(schema: $SchemaRef): Shape {
  return compile(NormalizedSchema.of(schema));
}

/** An operation's input or output: a structure, with no members where the model says `unit`. */
export function structureOf(schema: $SchemaRef): StructureShape {
  const shape = shapeOf(schema);
  if (shape.kind === 'structure') return shape;
  return { kind: 'structure', union: false, traits: {}, members: new Map(), required: [], jsonNames: new Map() };
}

function compile(schema: NormalizedSchema): Shape {
  const raw = schema.getSchema();
  if (typeof raw !== 'object') return build(schema);
  const known = compiled.get(raw);
  if (known) return known;
  const shape = build(schema);
  compiled.set(raw, shape);
  return shape;
}

function build(schema: NormalizedSchema): Shape {
  if (schema.isStructSchema()) return buildStructure(schema);
  if (schema.isListSchema())
    return { kind: 'list', sparse: isSparse(schema), item: new Member('member', schema.getValueSchema()) };
  if (schema.isMapSchema())
    return {
      kind: 'map',
      sparse: isSparse(schema),
      key: new Member('key', schema.getKeySchema()),
      value: new Member('value', schema.getValueSchema()),
    };
  if (schema.isTimestampSchema()) return { kind: 'timestamp', format: timestampFormat(schema.getSchema()) };
  if (schema.isBlobSchema()) return { kind: 'blob' };
  if (schema.isBooleanSchema()) return { kind: 'boolean' };
  if (schema.isNumericSchema() || schema.isBigIntegerSchema() || schema.isBigDecimalSchema()) return { kind: 'number' };
  if (schema.isDocumentSchema()) return { kind: 'document' };
  return { kind: 'string' };
}

function buildStructure(schema: NormalizedSchema): StructureShape {
  const members = new Map<string, Member>();
  const jsonNames = new Map<string, string>();
  for (const [name, memberSchema] of schema.structIterator()) {
    const member = new Member(name, memberSchema);
    members.set(name, member);
    if (member.jsonName !== name) jsonNames.set(member.jsonName, name);
  }
  // A static structure is [kind, namespace, name, traits, member names, member schemas, number of required members];
  // the required ones come first. https://github.com/smithy-lang/smithy-typescript, static-schemas.ts
  const raw: unknown = schema.getSchema();
  const count: unknown = Array.isArray(raw) ? raw[6] : 0;
  const required = [...members.keys()].slice(0, typeof count === 'number' ? count : 0);
  return {
    kind: 'structure',
    union: schema.isUnionSchema(),
    traits: schema.getOwnTraits(),
    members,
    required,
    jsonNames,
  };
}

function isSparse(schema: NormalizedSchema): boolean {
  return schema.getMergedTraits().sparse === 1;
}

function timestampFormat(sentinel: unknown): TimestampFormat {
  if (sentinel === 5) return 'date-time';
  if (sentinel === 6) return 'http-date';
  return sentinel === 7 ? 'epoch-seconds' : 'default';
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
