import * as z from 'zod/mini';
import { NodesInMode } from '../../core/evidence/nodes-by-mode.ts';
import { AddonHealth, ConfigMapLook, RaisedGuard, StoredObject } from './output.ts';

export const Ending = z.enum([
  'migrated',
  'already-compliant',
  'refused',
  'failed',
  'rolled-back',
  'rollback-failed',
  'finished',
  'nothing-to-roll-back',
]);
export type Ending = z.output<typeof Ending>;

/** An object, with the number of verdicts if it holds verdicts. */
const IndexEntry = z.extend(StoredObject, { passed: z.exactOptional(z.number()), failed: z.exactOptional(z.number()) });
export type IndexEntry = z.output<typeof IndexEntry>;

/** An object that belongs to an execution and is not in the bucket, or cannot be read there. */
const MissingEvidence = z.object({
  key: z.string(),
  why: z.string(),
  /** The commands that the object would have named: SSM keeps their output for 30 days. */
  commands: z.exactOptional(z.array(z.string())),
});
export type MissingEvidence = z.output<typeof MissingEvidence>;

const execution = z.object({ name: z.string(), arn: z.string() });

/** What an execution records of its ending: `outcome.json`. */
export const OutcomeRecord = z.object({
  execution,
  startedAt: z.string(),
  endedAt: z.string(),
  /** As far as it was parsed: a refused request is recorded as it arrived. */
  request: z.unknown(),
  ending: Ending,
  /** Whether the add-on or kube-proxy may have been changed. */
  changed: z.boolean(),
  addon: z.exactOptional(AddonHealth),
  /** For an execution of rollback-cluster: the execution whose change it undid or finished. */
  owner: z.exactOptional(execution),
  /** The execution of rollback-cluster that undid this one's change. */
  rollback: z.exactOptional(execution),
  configMap: z.exactOptional(ConfigMapLook),
  guard: z.exactOptional(RaisedGuard),
  error: z.exactOptional(z.object({ name: z.string(), cause: z.string() })),
  /** Configuration values of the add-on before and after; null if there are none. */
  from: z.nullable(z.string()),
  to: z.nullable(z.string()),
  /** Which mode each node runs, as far as there are verdicts. */
  modes: z.array(NodesInMode),
  evidence: z.array(IndexEntry),
  missing: z.exactOptional(z.array(MissingEvidence)),
});
export type OutcomeRecord = z.output<typeof OutcomeRecord>;
