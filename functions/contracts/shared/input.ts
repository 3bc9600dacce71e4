import * as z from 'zod/mini';
import { isExecutionName, isRecordKey } from '../../core/execution/executions.ts';
import { MOST_CARRIED } from '../../core/execution/state-data.ts';
import { clusterName } from '../../core/values/cluster-name.ts';

/** A moment as ISO 8601 with its zone; a Date after parsing. */
export const Instant = z.pipe(
  z.iso.datetime({ offset: true }),
  z.transform((text) => new Date(text)),
);

const name = z
  .string()
  .check(
    z.refine(isExecutionName, 'must be the name of an execution, of letters, digits, dots, - and _, and no dot first'),
  );

/** What every input carries: which execution calls, and when its state was entered. */
export const Common = {
  execution: z.object({ name, arn: z.string().check(z.minLength(1)) }),
  now: Instant,
};
export type Execution = z.output<typeof Common.execution>;

/** The name of one pass through a phase (`prepare-1`); it is part of an S3 key and of a comment in SSM. */
export const Step = z.string().check(z.regex(/^[a-z]+(-[a-z]+)*(-[0-9]+){1,3}$/));

export const ClusterName = z.object({ name: clusterName() });
/** The address at which the API server answered when the cluster was inspected. */
export const ClusterWithApi = z.extend(ClusterName, {
  api: z.nullable(
    z.object({ url: z.url({ protocol: /^https$/ }), certificateAuthority: z.string().check(z.minLength(1)) }),
  ),
});
export const ClusterWithServices = z.extend(ClusterName, { serviceCidr: z.string().check(z.minLength(1)) });

/** A reference to an object in the evidence bucket. */
export const Stored = z.object({
  key: z.string().check(z.refine(isRecordKey, 'must be the key of an object that an execution stored')),
  /** The text itself, gzipped and in base64, if the bucket refused it. */
  inline: z.exactOptional(z.string().check(z.maxLength(MOST_CARRIED))),
});

/**
 * `required`: without the bucket the step fails. `optional`: a rollback goes on even if the bucket refuses every
 * object.
 */
const Evidence = z.enum(['required', 'optional']);
export type Evidence = z.output<typeof Evidence>;
/** Whether the step may go on without the evidence bucket; if left out, it may not. */
export const EvidenceNeed = z.exactOptional(Evidence);

/** The phases in which a document runs on nodes. */
export const Phase = z.enum(['prepare', 'validate', 'clean']);
export type NodePhase = z.output<typeof Phase>;

/** When an event happened, in EventBridge's envelope. */
export const EventTime = z.object({ time: Instant });

/**
 * The input of every sweep. Without `now`, for example if a person starts it, the sweep uses the function's own time.
 */
export const Sweep = { kind: z.literal('sweep'), now: z.exactOptional(Instant) };

/** Limits a phase to some of the inventory's nodes. */
export const Only = z.union([
  /** The nodes that were not eligible in an earlier inventory. */
  z.strictObject({ since: Stored }),
  /** The nodes whose verdict in an earlier step's evidence names leftovers. */
  z.strictObject({ leftoversIn: Stored }),
]);
export type Only = z.output<typeof Only>;

/** The number of this poll, from 1. */
export const Poll = z.number().check(z.int(), z.gte(1));
