import type { MapState } from './asl.ts';
import { StateFailure } from './failure.ts';
import type { Json, JsonObject } from './json.ts';
import { isJsonObject, Payload, toJson } from './json.ts';
import type { Batch } from './map-run.ts';
import { callForTask } from './service-call.ts';
import type { Thread, Visit } from './thread.ts';

/** A field that is an integer of at least `least`, or an expression for one. */
async function integer(
  thread: Thread,
  visit: Visit,
  location: string,
  template: number | string | undefined,
  least: number,
): Promise<number | undefined> {
  if (template === undefined) return undefined;
  const value = await thread.evaluate(visit, template, location);
  if (typeof value === 'number' && Number.isInteger(value) && value >= least) return value;
  throw thread.failEvaluation(
    visit,
    location,
    `The field '${location}' must be an integer of at least ${least}, but was ${JSON.stringify(value)}.`,
  );
}

function parseItems(body: unknown): Json[] {
  let value: Json;
  try {
    value = toJson(JSON.parse(body instanceof Uint8Array ? Buffer.from(body).toString() : ''));
  } catch (error) {
    throw new StateFailure('States.ItemReaderFailed', `The object is not JSON: ${String(error)}`);
  }
  // The cause is AWS's, as LocalStack's snapshots record it.
  if (!Array.isArray(value))
    throw new StateFailure('States.ItemReaderFailed', 'Attempting to map over non-iterable node.');
  return value;
}

/**
 * The items that an ItemReader finds: a JSON array in S3. Throws States.ItemReaderFailed.
 * https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
 */
export async function readItems(thread: Thread, visit: Visit, { ItemReader: reader }: MapState): Promise<Json[]> {
  if (!reader) throw new Error('this Map has no ItemReader');
  const args = await thread.evaluate(visit, reader.Arguments, 'ItemReader/Arguments');
  const { MaxItems } = reader.ReaderConfig;
  const most = await integer(thread, visit, 'ItemReader/ReaderConfig/MaxItems', MaxItems, 0);
  const { Bucket, Key } = isJsonObject(args) ? args : { Bucket: null, Key: null };
  if (typeof Bucket !== 'string' || typeof Key !== 'string')
    throw new StateFailure('States.ItemReaderFailed', 'The ItemReader needs Bucket and Key as texts.');
  const call = { service: 's3', operation: 'GetObject', input: { Bucket, Key } } as const;
  const { Body } = await callForTask(call, thread.run, 'S3', () => 'States.ItemReaderFailed');
  const items = parseItems(Body);
  // 0 is no limit.
  return most ? items.slice(0, most) : items;
}

/** What the ItemSelector makes of each item; `$states.context.Map.Item` is the item. */
export async function selectItems(thread: Thread, visit: Visit, state: MapState, items: Json[]): Promise<Json[]> {
  if (state.ItemSelector === undefined) return items;
  const selected: Json[] = [];
  for (const [index, value] of items.entries()) {
    const looking = { ...visit, item: { Index: index, Value: value } };
    selected.push(await thread.evaluate(looking, state.ItemSelector, 'ItemSelector'));
  }
  return selected;
}

/**
 * The inputs of the children: an item each, or with an ItemBatcher as many as fit. Throws States.DataLimitExceeded.
 * https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
 */
export async function batch(thread: Thread, visit: Visit, state: MapState, items: Json[]): Promise<Batch[]> {
  const { ItemBatcher: batcher } = state;
  const what = `The state '${visit.name}' made an input of a child execution with`;
  if (!batcher) return items.map((item) => ({ input: new Payload(item).within(what), items: 1 }));
  const most = await integer(thread, visit, 'ItemBatcher/MaxItemsPerBatch', batcher.MaxItemsPerBatch, 1);
  const bytes = await integer(thread, visit, 'ItemBatcher/MaxInputBytesPerBatch', batcher.MaxInputBytesPerBatch, 1);
  const shared: JsonObject =
    batcher.BatchInput === undefined
      ? {}
      : { BatchInput: await thread.evaluate(visit, batcher.BatchInput, 'ItemBatcher/BatchInput') };
  const around = Buffer.byteLength(JSON.stringify({ ...shared, Items: [] }));
  return inBatches(items, most ?? Number.POSITIVE_INFINITY, (bytes ?? Number.POSITIVE_INFINITY) - around).map(
    (each) => ({ input: new Payload({ ...shared, Items: each }).within(what), items: each.length }),
  );
}

/** Neighbours together, while they are at most so many and so many bytes with their commas. */
function inBatches(items: readonly Json[], most: number, bytes: number): Json[][] {
  const batches: Json[][] = [];
  let size = 0;
  for (const item of items) {
    const length = Buffer.byteLength(JSON.stringify(item));
    const last = batches.at(-1);
    if (last && last.length < most && size + length + 1 <= bytes) {
      last.push(item);
      size += length + 1;
    } else {
      batches.push([item]);
      size = length;
    }
  }
  return batches;
}
