import * as z from 'zod/mini';
import { Common, Instant } from './shared/input.ts';
import { Ending } from './shared/outcome-record.ts';
import { AddonHealth, ConfigMapLook, RaisedGuard, Reference, Reported } from './shared/output.ts';

const Related = z._default(z.nullable(Common.execution), null);

const ErrorOutput = z.nullable(z.object({ Error: z.string(), Cause: z.optional(z.string()) }));

export const Input = z.object({
  ...Common,
  /**
   * The execution, with any name that Step Functions accepts: an execution that the first state refused is recorded,
   * too.
   */
  execution: z.object({ name: z.string().check(z.minLength(1)), arn: z.string().check(z.minLength(1)) }),
  startedAt: Instant,
  /** The request as far as it was parsed: a refused request is recorded as it arrived. */
  request: z.unknown(),
  ending: Ending,
  /** Step Functions' error output. */
  failure: ErrorOutput,
  /** Why the access to Kubernetes was not revoked; null if it was revoked or never granted. */
  remains: z._default(ErrorOutput, null),
  /** Configuration values of the add-on before and after; null if there are none. */
  from: z.nullable(z.string()),
  to: z.nullable(z.string()),
  addon: z.exactOptional(z.nullable(AddonHealth)),
  configMap: z.exactOptional(z.nullable(ConfigMapLook)),
  /** Null if no guard was raised after the proof. */
  guard: z.exactOptional(z.nullable(RaisedGuard)),
  /** Whether the add-on or kube-proxy may have been changed. */
  changed: z.boolean(),
  /** For an execution of rollback-cluster: the execution whose change it undid or finished. */
  owner: Related,
  /** The execution of rollback-cluster that undid this one's change: its evidence belongs to this record. */
  rollback: Related,
  /** The objects that this execution's functions reported. */
  stored: z.array(Reported),
  /** The other execution of this incident, `rollback` or `owner`, has published this same ending itself. */
  publishedByOther: z._default(z.boolean(), false),
  /** An earlier attempt has put the event on the bus. */
  announced: z.exactOptional(z.boolean()),
  /** An earlier attempt has counted the metric that pages a person. */
  paged: z.exactOptional(z.boolean()),
});
export type Input = z.output<typeof Input>;

export const Output = z.object({
  ending: Ending,
  error: z.exactOptional(z.object({ name: z.string(), cause: z.string() })),
  /** The record; null while it is owed. */
  outcome: z.nullable(Reference),
  evidence: z.array(Reference),
  /** How many objects of evidence are missing. */
  missing: z.number(),
  /** How many nodes run which mode, according to their last verdicts. */
  modes: z.record(z.string(), z.number()),
  addon: z.exactOptional(AddonHealth),
  guard: z.exactOptional(RaisedGuard),
  /** Whether the bus has the event; true if there is none. */
  announced: z.boolean(),
  /**
   * Whether the record is in the bucket. The record is written after the event: a record without its event would not be
   * noticed.
   */
  recorded: z.boolean(),
  /** Why the event or the record is missing; null if both exist. */
  owed: z.nullable(z.string()),
});
export type Output = z.output<typeof Output>;
