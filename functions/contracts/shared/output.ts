import * as z from 'zod/mini';
import { NodesInMode } from '../../core/evidence/nodes-by-mode.ts';
import { RaisedAlarm } from '../../core/guards/alarms.ts';
import { InventoryCounts } from '../../core/nodes/nodes.ts';

/** An object in the bucket: `sha256`, in hex, is the digest of the stored bytes. */
export const Reference = z.object({ key: z.string(), sha256: z.string() });
export type Reference = z.output<typeof Reference>;

/** A stored object; `bytes` is their number. */
export const StoredObject = z.extend(Reference, { bytes: z.number() });
export type StoredObject = z.output<typeof StoredObject>;

const unstored = z.exactOptional(z.string());
const inline = z.exactOptional(z.string());

/**
 * The result of storing a text. `unstored` is the reason if the bucket refused it; `inline` is then the text itself,
 * gzipped and in base64, for the state machine to carry.
 */
export const Kept = z.extend(StoredObject, { unstored, inline });
export type Kept = z.output<typeof Kept>;

const count = z.exactOptional(z.number());

/**
 * An object as the function that stored it reported it: for a dispatch what was asked, for evidence the number of
 * verdicts. `unstored`: why the bucket refused it; then the ids of the commands, or the modes of the nodes, are here.
 */
export const Reported = z.extend(StoredObject, {
  passed: count,
  failed: count,
  asked: z.exactOptional(z.object({ phase: z.string(), sentAt: z.string(), limited: z.boolean() })),
  unstored,
  commands: z.exactOptional(z.array(z.string())),
  /** The function's answer holds what the bucket refused, and so the execution's history keeps it. */
  carried: z.exactOptional(z.boolean()),
  modes: z.exactOptional(z.array(NodesInMode)),
});
export type Reported = z.output<typeof Reported>;

/** As Reported, with the text itself if the bucket refused it. */
export const Carried = z.extend(Reported, { inline });
export type Carried = z.output<typeof Carried>;

/** An inventory in the bucket. */
export const Inventory = z.extend(Kept, { counts: InventoryCounts });

/** What later states need to know of a cluster. */
export const ClusterFacts = z.object({
  name: z.string(),
  arn: z.string(),
  version: z.string(),
  serviceCidr: z.string(),
  apiServer: z.string(),
  dns: z.string(),
  api: z.nullable(z.object({ url: z.string(), certificateAuthority: z.string() })),
  /** Name of the schedule that is the cluster's lease. */
  lease: z.string(),
  /** Name of the execution that recovers this one, if this one does not record its ending. */
  recovery: z.string(),
});
export type ClusterFacts = z.output<typeof ClusterFacts>;

/** The add-on as the inspection found it, with the exact text of its values. */
export const FoundAddon = z.object({ version: z.string(), configuration: z.nullable(z.string()) });

/** The add-on when its configuration was confirmed: it can be DEGRADED although every node passed. */
export const AddonHealth = z.object({ version: z.string(), status: z.string(), issues: z.array(z.string()) });

/** Whether the ConfigMap was part of a comparison: without access to Kubernetes it cannot be read. */
export const ConfigMapLook = z.enum(['compared', 'not looked at']);

/** The result of handling an event: `name` is the started execution's; `reason` is why no execution was started. */
export const Started = z.object({
  kind: z.enum(['ignored', 'refused', 'started', 'already-started']),
  reason: z.nullable(z.string()),
  name: z.nullable(z.string()),
});
export type Started = z.output<typeof Started>;

/**
 * The guards that were raised after every node had proven the target, and what became of the hold: it was put, one that
 * was in force was kept, or it could not be put. `reason` is all of that in one sentence.
 */
export const RaisedGuard = z.object({
  reason: z.string(),
  alarms: z.array(RaisedAlarm),
  hold: z.enum(['put', 'kept', 'failed']),
});
export type RaisedGuard = z.output<typeof RaisedGuard>;

/** Counts each cluster twice: by the decision on its schedule, and by its standing. */
export const KeptSchedules = z.object({
  schedules: z.object({
    keep: z.number(),
    create: z.number(),
    move: z.number(),
    delete: z.number(),
    none: z.number(),
  }),
  clusters: z.object({
    due: z.number(),
    compliant: z.number(),
    'not-enrolled': z.number(),
    refused: z.number(),
    staged: z.number(),
    absent: z.number(),
  }),
});
export type KeptSchedules = z.output<typeof KeptSchedules>;
