import type { ObjectStore, StoredObject } from '../../aws/s3.ts';
import { countEvidence, parseEvidence } from '../../core/evidence.ts';
import { type NodesInMode, nodesByMode, type Validation } from '../../core/modes.ts';
import type { Verdict } from '../../core/verdict.ts';
import { type Dispatch, executionPrefix, outcomeKey, parseDispatch } from './evidence.ts';
import type { Execution } from './input.ts';

/** An object with the number of verdicts in it, where it holds verdicts. */
export type IndexEntry = StoredObject & { passed?: number; failed?: number };

export interface EvidenceIndex {
  entries: IndexEntry[];
  /** Where the nodes stood, as far as the verdicts tell. */
  modes: NodesInMode[];
}

/**
 * All objects of these executions, hashed as they lie in the bucket; not the first one's own outcome. What runs where
 * only the last execution's verdicts tell: it may have restarted kube-proxy since the others. Throws EvidenceMissing.
 */
export async function indexEvidence(
  store: ObjectStore,
  executions: [Execution, ...Execution[]],
): Promise<EvidenceIndex> {
  const own = outcomeKey(executions[0]);
  const last = executions.at(-1);
  const entries: IndexEntry[] = [];
  const verdicts = new Map<string, Verdict[]>();
  const dispatches = new Map<string, Dispatch>();
  for (const execution of executions)
    for (const key of await store.list(executionPrefix(execution))) {
      if (key === own) continue;
      const { text, ...stored } = await store.get(key);
      if (key.endsWith(DISPATCH)) dispatches.set(key.slice(0, -DISPATCH.length), parseDispatch(key, text));
      if (!key.endsWith(EVIDENCE)) {
        entries.push(stored);
        continue;
      }
      const found = parseEvidence(text);
      if (execution === last) verdicts.set(key.slice(0, -EVIDENCE.length), found);
      const { passed, failed } = countEvidence(found);
      entries.push({ ...stored, passed, failed });
    }
  return { entries, modes: nodesByMode(validations(verdicts, dispatches)) };
}

const EVIDENCE = '/evidence.ndjson.gz';
const DISPATCH = '/dispatch.json.gz';

/** The verdicts on what nodes run, with the time of the question, which lies beside them; both by their step. */
function validations(
  verdicts: ReadonlyMap<string, Verdict[]>,
  dispatches: ReadonlyMap<string, Dispatch>,
): Validation[] {
  return [...verdicts].flatMap(([step, said]) => {
    const dispatch = dispatches.get(step);
    if (dispatch?.phase !== 'validate') return [];
    return [{ sentAt: dispatch.sentAt, limited: dispatch.limited, verdicts: said }];
  });
}
