import { readdirSync, readFileSync } from 'node:fs';
import type { ApiCall } from '@nightshift/sandbox';
import { Ajv } from 'ajv';
import * as z from 'zod';

const FOLDER = new URL('../../docs/events/', import.meta.url);
const Schema = z.looseObject({ $id: z.string() });
const Published = z.object({
  properties: z.object({ detail: z.object({ properties: z.record(z.string(), z.unknown()) }) }),
});
const PutEvents = z.object({
  Entries: z.array(
    z.object({ Source: z.string(), DetailType: z.string(), Resources: z.array(z.string()), Detail: z.string() }),
  ),
});
const Detail = z.record(z.string(), z.unknown());

const schemas = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.schema.json'))
  .map((file) => Schema.parse(JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'))));
const ajv = new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true, allErrors: true, schemas });

/** The names of the events that docs/events describes. */
export const DESCRIBED = schemas.flatMap(({ $id }) =>
  $id.startsWith('nightshift.') ? $id.replace(/\.schema\.json$/, '') : [],
);

/** The events that these calls put on the bus, as their subscribers get them. */
export function eventsIn(calls: readonly ApiCall[]) {
  return (
    calls
      .filter(
        ({ service, operation, error }) => service === 'events' && operation === 'PutEvents' && error === undefined,
      )
      // Events that the sandbox delivers as AWS have another form.
      .flatMap(({ input }) => PutEvents.safeParse(input).data?.Entries ?? [])
      .map(({ Source, DetailType, Resources, Detail: detail }) => ({
        source: Source,
        'detail-type': DetailType,
        resources: Resources,
        detail: Detail.parse(JSON.parse(detail)),
      }))
  );
}

/** What an event breaks of its schema; also a field of its detail that the schema does not describe. */
export function problemsOf(event: ReturnType<typeof eventsIn>[number]): string[] {
  const validate = ajv.getSchema(`${event['detail-type']}.schema.json`);
  if (!validate) return [`no schema describes ${event['detail-type']}`];
  const broken = validate(event)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  const known = Published.parse(validate.schema).properties.detail.properties;
  const undescribed = Object.keys(event.detail).filter((field) => !Object.hasOwn(known, field));
  return [...broken, ...undescribed.map((field) => `/detail/${field} is not described`)];
}

/** What the events that these calls put on the bus break of their schemas. */
export const brokenEvents = (calls: readonly ApiCall[]): string[] => eventsIn(calls).flatMap(problemsOf);
