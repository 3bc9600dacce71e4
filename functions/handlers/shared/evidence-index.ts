import * as z from 'zod/mini';
import type { ObjectStore, StoredObject } from '../../aws/s3.ts';
import { EvidenceMissing } from '../../core/errors.ts';
import { countEvidence, parseEvidence } from '../../core/evidence.ts';
import { recordPrefix } from '../../core/executions.ts';
import { type NodesInMode, nodesByMode, sinceAllWereAsked, type Validation } from '../../core/modes.ts';
import { askedBy, outcomeKey, parseDispatch, readVerdicts } from './evidence.ts';
import type { Execution } from './input.ts';

const count = z.exactOptional(z.number());
const text = z.string();

/** An object as the function that stored it told: what was asked, of a dispatch; the number of verdicts, of evidence. */
export const Told = z.object({
  ...{ key: text, sha256: text, bytes: z.number(), passed: count, failed: count },
  asked: z.exactOptional(z.object({ phase: text, sentAt: text, limited: z.boolean() })),
});
export type Told = z.output<typeof Told>;

/** An object with the number of verdicts in it, where it holds verdicts. */
export type IndexEntry = StoredObject & { passed?: number; failed?: number };

export interface EvidenceIndex {
  entries: IndexEntry[];
  /** Where the nodes stood, as far as the verdicts tell. */
  modes: NodesInMode[];
}

const EVIDENCE = '/evidence.ndjson.gz';
const DISPATCH = '/dispatch.json.gz';

/**
 * All objects of these executions with their hashes: those that `told` knows as they were when they were stored, the
 * others as they lie in the bucket now; not the first one's own outcome. What runs where only the last execution's
 * verdicts tell: it may have restarted kube-proxy since the others. Throws EvidenceMissing, also for an object that was
 * told and is not there.
 */
export async function indexEvidence(
  store: ObjectStore,
  executions: [Execution, ...Execution[]],
  told: readonly Told[],
): Promise<EvidenceIndex> {
  const known = new Map(told.map((each) => [each.key, each]));
  const found: Told[] = [];
  let last: Told[] = [];
  for (const execution of executions) {
    const keys = await store.list(recordPrefix(execution));
    last = [];
    for (const key of keys.filter((each) => each !== outcomeKey(executions[0])))
      last.push(known.get(key) ?? (await read(store, key)));
    found.push(...last);
  }
  refuseLost(known, found);
  const entries = found.map(({ asked, ...entry }) => entry);
  return { entries, modes: nodesByMode(await validations(store, last)) };
}

function refuseLost(known: ReadonlyMap<string, Told>, found: readonly Told[]): void {
  const keys = new Set(found.map(({ key }) => key));
  const lost = [...known.keys()].find((key) => !keys.has(key));
  if (lost === undefined) return;
  throw new EvidenceMissing(`${lost} was stored and is not there any more.`, {
    nextStep: 'Look for older versions of this key in the evidence bucket: it keeps what was deleted.',
  });
}

/** An object of which nobody told: its writer failed, was not heard, or is the state machine itself. */
async function read(store: ObjectStore, key: string): Promise<Told> {
  const { text, ...stored } = await store.get(key);
  if (key.endsWith(DISPATCH)) return { ...stored, asked: askedBy(parseDispatch(key, text)) };
  if (!key.endsWith(EVIDENCE)) return stored;
  const { passed, failed } = countEvidence(parseEvidence(text));
  return { ...stored, passed, failed };
}

/** The verdicts on what nodes run, since all were last asked; when that was, lies beside them in their step. */
async function validations(store: ObjectStore, objects: readonly Told[]): Promise<Validation[]> {
  const asked = new Map(objects.map(({ key, asked }) => [key, asked]));
  const steps = objects.flatMap(({ key }) => {
    const question = key.endsWith(EVIDENCE) ? asked.get(key.slice(0, -EVIDENCE.length) + DISPATCH) : undefined;
    return question?.phase === 'validate' ? [{ ...question, key }] : [];
  });
  const validated: Validation[] = [];
  for (const step of sinceAllWereAsked(steps))
    validated.push({ ...step, verdicts: await readVerdicts(store, step.key) });
  return validated;
}
