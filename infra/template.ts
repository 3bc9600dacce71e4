import * as z from 'zod/mini';

const Resource = z.looseObject({
  Type: z.string(),
  Properties: z._default(z.record(z.string(), z.unknown()), {}),
  Metadata: z._default(z.record(z.string(), z.unknown()), {}),
});
const Template = z.looseObject({ Resources: z.record(z.string(), Resource) });

/** A synthesized template, complete; only the fields that are read are checked. */
export type Template = z.output<typeof Template>;
export type Resource = z.output<typeof Resource>;

/** Reads a template's JSON. Throws SyntaxError, or zod's error if the JSON is not a template. */
export function parseTemplate(json: string): Template {
  return Template.parse(JSON.parse(json));
}

/** The resources of one type with their logical ids, in the template's order. */
export function resourcesOf({ Resources }: Template, type: string): [id: string, Resource][] {
  return Object.entries(Resources).filter(([, { Type }]) => Type === type);
}

/**
 * A value of the template as text for people: joins are resolved, pseudo parameters become words in capitals, other
 * references become the logical id in angle brackets.
 */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null) {
    const [[name, operand] = ['', undefined]] = Object.entries(value);
    if (name === 'Ref') return PSEUDO_PARAMETERS[String(operand)] ?? `<${String(operand)}>`;
    if (name === 'Fn::GetAtt' && Array.isArray(operand)) return `<${operand.join('.')}>`;
    if (name === 'Fn::Join' && Array.isArray(operand) && Array.isArray(operand[1]))
      return operand[1].map(textOf).join(String(operand[0]));
  }
  throw new Error(`${JSON.stringify(value)} has no text`);
}

const PSEUDO_PARAMETERS: Readonly<Record<string, string>> = {
  'AWS::Partition': 'PARTITION',
  'AWS::Region': 'REGION',
  'AWS::AccountId': 'ACCOUNT',
  'AWS::URLSuffix': 'SUFFIX',
};
