import * as z from 'zod/mini';
import type { ObjectStore } from '../../aws/s3.ts';
import type { Evidence, Execution } from '../../contracts/shared/input.ts';
import { type Ending, OutcomeRecord } from '../../contracts/shared/outcome-record.ts';
import type { Kept, StoredObject } from '../../contracts/shared/output.ts';
import { EvidenceMissing } from '../../core/errors.ts';
import { parseEvidence, printEvidence } from '../../core/evidence/evidence.ts';
import type { Verdict } from '../../core/evidence/verdict.ts';
import { recordPrefix } from '../../core/execution/executions.ts';
import { NOTHING_PLANNED, ScheduleRecord } from '../../core/fleet/schedule-record.ts';
import { InventoryNode } from '../../core/nodes/nodes.ts';
import { keep, textOf } from './store-or-carry.ts';

/**
 * What `run-on-nodes` has sent in one step: the nodes whose verdicts the step waits for, in the inventory's order, the
 * commands, and the nodes that SSM refused. Times are ISO.
 */
const Dispatch = z.object({
  phase: z.string(),
  nodes: z.array(InventoryNode),
  /** Whether some nodes of the inventory were left out on purpose. */
  limited: z.boolean(),
  commands: z.array(z.object({ commandId: z.string(), nodes: z.array(z.string()) })),
  unknown: z.array(z.string()),
  sentAt: z.string(),
  deadline: z.string(),
});
export type Dispatch = z.output<typeof Dispatch>;

/** The part of an object's key under which a step of an execution keeps its objects. */
export function evidenceKey(
  execution: Execution,
  step: string,
  name: 'inventory.ndjson.gz' | 'dispatch.json.gz' | 'evidence.ndjson.gz' | 'canary.json' | 'pods.json',
): string {
  return `${recordPrefix(execution)}${step}/${name}`;
}

/** The key of the object in which an execution records its ending. */
export const outcomeKey = (execution: Execution) => `${recordPrefix(execution)}outcome.json`;

/** Where an execution's whole history is kept. */
export const historyKey = (execution: Execution) => `${recordPrefix(execution)}history.ndjson.gz`;

const Ended = z.pick(OutcomeRecord, { ending: true });

/**
 * The ending that an execution recorded; null if it recorded no ending. Throws EvidenceMissing for an object that is
 * not a record.
 */
export async function findEnding(store: Pick<ObjectStore, 'find'>, execution: Execution): Promise<Ending | null> {
  const key = outcomeKey(execution);
  const found = await store.find(key);
  return found && understood(Ended, key, () => JSON.parse(found.text)).ending;
}

/** What an execution recorded of its ending; null if it recorded nothing. Throws EvidenceMissing for another object. */
export async function findOutcome(
  store: Pick<ObjectStore, 'find'>,
  execution: Execution,
): Promise<OutcomeRecord | null> {
  const key = outcomeKey(execution);
  const found = await store.find(key);
  return found && understood(OutcomeRecord, key, () => JSON.parse(found.text));
}

const Missing = z.pick(OutcomeRecord, { missing: true });

/** The evidence that an execution recorded as missing; empty if it recorded no ending. Throws EvidenceMissing. */
export async function findMissing(store: Pick<ObjectStore, 'find'>, execution: Execution) {
  const key = outcomeKey(execution);
  const found = await store.find(key);
  return found ? (understood(Missing, key, () => JSON.parse(found.text)).missing ?? []) : [];
}

const recordKey = (cluster: string) => `schedules/${cluster}.json`;

/**
 * The stored record of a cluster's schedule; NOTHING_PLANNED if there is no record. Throws EvidenceMissing for an
 * object that is not such a record.
 */
export async function readScheduleRecord(store: Pick<ObjectStore, 'find'>, cluster: string): Promise<ScheduleRecord> {
  const key = recordKey(cluster);
  const found = await store.find(key);
  return found ? understood(ScheduleRecord, key, () => JSON.parse(found.text)) : NOTHING_PLANNED;
}

export function writeScheduleRecord(
  store: Pick<ObjectStore, 'put'>,
  cluster: string,
  record: ScheduleRecord,
): Promise<StoredObject> {
  return store.put(recordKey(cluster), JSON.stringify(record));
}

/** Stores one node a line, so that a person can read it with zgrep. */
export function writeInventory(
  store: ObjectStore,
  key: string,
  inventory: readonly InventoryNode[],
  evidence: Evidence = 'required',
): Promise<Kept> {
  return keep(store, key, inventory.map((node) => `${JSON.stringify(node)}\n`).join(''), evidence);
}

/** Throws EvidenceMissing when the inventory is gone or is not one. */
export async function readInventory(
  store: ObjectStore,
  reference: { key: string; inline?: string },
): Promise<InventoryNode[]> {
  const text = await textOf(store, reference);
  return understood(z.array(InventoryNode), reference.key, () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line): unknown => JSON.parse(line)),
  );
}

export function writeDispatch(
  store: ObjectStore,
  key: string,
  dispatch: Dispatch,
  evidence: Evidence = 'required',
): Promise<Kept> {
  return keep(store, key, JSON.stringify(dispatch), evidence);
}

/** Throws EvidenceMissing when the dispatch is gone or is not one. */
export async function readDispatch(store: ObjectStore, reference: { key: string; inline?: string }): Promise<Dispatch> {
  return parseDispatch(reference.key, await textOf(store, reference));
}

/** What the index of evidence holds about a dispatch. */
export const askedBy = ({ phase, sentAt, limited }: Dispatch): Pick<Dispatch, 'phase' | 'sentAt' | 'limited'> => ({
  phase,
  sentAt,
  limited,
});

/** Null if nothing was sent yet. Throws EvidenceMissing if the object is not a dispatch. */
export async function findDispatch(
  store: ObjectStore,
  key: string,
): Promise<{ dispatch: Dispatch; stored: StoredObject } | null> {
  const found = await store.find(key);
  if (!found) return null;
  const { text, ...stored } = found;
  return { dispatch: parseDispatch(key, text), stored };
}

/** Throws EvidenceMissing if the text is not a dispatch. */
export function parseDispatch(key: string, text: string): Dispatch {
  return understood(Dispatch, key, () => JSON.parse(text));
}

export function writeVerdicts(store: ObjectStore, key: string, verdicts: readonly Verdict[]): Promise<StoredObject> {
  return store.put(key, printEvidence(verdicts));
}

/** Throws EvidenceMissing if the evidence is gone or cannot be parsed. */
export async function readVerdicts(store: ObjectStore, key: string): Promise<Verdict[]> {
  return parseEvidence((await store.get(key)).text);
}

/** The value, if it matches the schema. Throws EvidenceMissing when it is anything else. */
export function understood<Schema extends z.ZodMiniType>(
  schema: Schema,
  key: string,
  read: () => unknown,
): z.output<Schema> {
  try {
    return schema.parse(read());
  } catch (cause) {
    throw new EvidenceMissing(`${key} is not what nightshift stored there.`, { cause });
  }
}
