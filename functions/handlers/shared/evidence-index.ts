import type { ObjectStore } from '../../aws/s3.ts';
import type { Execution } from '../../contracts/shared/input.ts';
import type { IndexEntry, MissingEvidence } from '../../contracts/shared/outcome-record.ts';
import type { Reported } from '../../contracts/shared/output.ts';
import { isNightshiftError } from '../../core/errors.ts';
import { countEvidence, parseEvidence } from '../../core/evidence/evidence.ts';
import {
  type NodesInMode,
  nodesByMode,
  sinceAllWereAsked,
  type Validation,
} from '../../core/evidence/nodes-by-mode.ts';
import { recordPrefix } from '../../core/execution/executions.ts';
import { askedBy, historyKey, outcomeKey, parseDispatch, readVerdicts } from './evidence.ts';

export interface EvidenceIndex {
  entries: IndexEntry[];
  missing: MissingEvidence[];
  /** Which mode each node ran, as far as there are verdicts. */
  modes: NodesInMode[];
}

const EVIDENCE = '/evidence.ndjson.gz';
const DISPATCH = '/dispatch.json.gz';

/** Not indexed: the outcome and history may be written after the index. The event carries the outcome's hash. */
const WRITTEN_LATER = [outcomeKey, historyKey];

/**
 * All objects of these executions with their hashes: objects in `told` as they were when they were stored, all others
 * as they are in the bucket now. The first execution's own outcome and history are left out. Only the last execution's
 * verdicts show which mode a node runs: that execution may have restarted kube-proxy since the others. An object is
 * `missing` if it should exist and does not, or is not what nightshift stored. Throws what the bucket throws.
 */
export async function indexEvidence(
  store: ObjectStore,
  executions: [Execution, ...Execution[]],
  told: readonly Reported[],
): Promise<EvidenceIndex> {
  const known = new Map(told.map((each) => [each.key, each]));
  const unread: MissingEvidence[] = [];
  const found: Reported[] = [];
  let last: Reported[] = [];
  for (const execution of executions) {
    const prefix = recordPrefix(execution);
    const keys = await store.list(prefix);
    last = told.filter(({ key, unstored }) => unstored !== undefined && key.startsWith(prefix) && !keys.includes(key));
    for (const key of keys.filter((each) => !WRITTEN_LATER.some((keyOf) => keyOf(executions[0]) === each))) {
      const stored = known.get(key);
      const entry = stored && stored.unstored === undefined ? stored : await read(store, key, unread);
      if (entry) last.push(entry);
    }
    found.push(...last);
  }
  const missing = [...unread, ...lostOf(known, found), ...unstoredOf(found)];
  return { entries: entriesOf(found), missing, modes: await modesOf(store, last, unread) };
}

/** The index of the objects that the functions reported, for a bucket that cannot be read. */
export function indexOfReported(told: readonly Reported[]): EvidenceIndex {
  const modes = told.findLast((each) => each.modes !== undefined)?.modes ?? [];
  return { entries: entriesOf(told), missing: unstoredOf(told), modes };
}

const entriesOf = (found: readonly Reported[]): IndexEntry[] =>
  found
    .filter(({ unstored }) => unstored === undefined)
    .map(({ asked, unstored, commands, carried, modes, ...entry }) => entry);

function unstoredOf(found: readonly Reported[]): MissingEvidence[] {
  return found.flatMap(({ key, unstored, commands, carried }) => {
    if (unstored === undefined) return [];
    const kept = carried ? " The execution's history holds it." : '';
    return [{ key, why: `It could not be stored: ${unstored}.${kept}`, ...(commands && { commands }) }];
  });
}

/** Objects that were stored and are no longer in the bucket. The bucket keeps versions of what was deleted. */
function lostOf(known: ReadonlyMap<string, Reported>, found: readonly Reported[]): MissingEvidence[] {
  const keys = new Set(found.map(({ key }) => key));
  return [...known.keys()]
    .filter((key) => !keys.has(key))
    .map((key) => ({
      key,
      why: 'It was stored and is not there any more. The bucket keeps older versions of this key.',
    }));
}

/**
 * Reads an object that no function reported: its writer failed, its answer was lost, or the state machine itself wrote
 * the object.
 */
async function read(store: ObjectStore, key: string, unread: MissingEvidence[]): Promise<Reported | null> {
  const { text, ...stored } = await store.get(key);
  try {
    if (key.endsWith(DISPATCH)) return { ...stored, asked: askedBy(parseDispatch(key, text)) };
    if (!key.endsWith(EVIDENCE)) return stored;
    const { passed, failed } = countEvidence(parseEvidence(text));
    return { ...stored, passed, failed };
  } catch (error) {
    if (!isNightshiftError(error)) throw error;
    unread.push({ key, why: error.message });
    return null;
  }
}

/**
 * The modes that nodes reported since all nodes were last asked. `dispatch.json.gz` in the same step has the time at
 * which the nodes were asked.
 */
async function modesOf(
  store: ObjectStore,
  objects: readonly Reported[],
  unread: MissingEvidence[],
): Promise<NodesInMode[]> {
  const asked = new Map(objects.map(({ key, asked }) => [key, asked]));
  const steps = objects.flatMap((told) => {
    const { key } = told;
    const question = key.endsWith(EVIDENCE) ? asked.get(key.slice(0, -EVIDENCE.length) + DISPATCH) : undefined;
    return question?.phase === 'validate' ? [{ ...question, told }] : [];
  });
  const since = sinceAllWereAsked(steps);
  const carried = since.findLast(({ told }) => told.modes !== undefined)?.told.modes;
  if (carried) return carried;
  const validated: Validation[] = [];
  for (const { told, ...step } of since) {
    const verdicts = await verdictsOf(store, told.key, unread);
    if (verdicts) validated.push({ ...step, verdicts });
  }
  return nodesByMode(validated);
}

async function verdictsOf(store: ObjectStore, key: string, unread: MissingEvidence[]) {
  try {
    return await readVerdicts(store, key);
  } catch (error) {
    if (!isNightshiftError(error)) throw error;
    unread.push({ key, why: error.message });
    return null;
  }
}
