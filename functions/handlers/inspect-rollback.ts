import * as z from 'zod/mini';
import { ec2 } from '../aws/ec2.ts';
import { type Eks, eks } from '../aws/eks.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { ssm } from '../aws/ssm.ts';
import { type StepFunctions, stepFunctions } from '../aws/step-functions.ts';
import { InvalidRequest, isNightshiftError } from '../core/errors.ts';
import { estimateChange } from '../core/execution/estimate.ts';
import { formerKey } from '../core/execution/executions.ts';
import {
  type Former,
  needsKubernetes,
  parseFormer,
  type Restoration,
  restoration,
  standing,
} from '../core/execution/former.ts';
import { leaseName } from '../core/execution/lease.ts';
import { owedRecord } from '../core/execution/owed-record.ts';
import { type Recovery, RollbackInput, readRollbackInput, recoveryAfter } from '../core/execution/recovery.ts';
import { savedFormer } from '../core/execution/saved-former.ts';
import { fitsStateData } from '../core/execution/state-data.ts';
import { describeProxying, type Proxying } from '../core/modes/proxy-mode.ts';
import { countInventory } from '../core/nodes/nodes.ts';
import type { RestartStrategy, Way } from '../core/preflight/snapshot.ts';
import { environment } from '../runtime/environment.ts';
import { type OpenKubernetes, openKubernetes } from '../runtime/kubernetes-access.ts';
import { type Run, type Say, wrap } from '../runtime/wrap.ts';
import { evidenceKey, findEnding, writeInventory } from './shared/evidence.ts';
import { type Incident, incidentBefore } from './shared/incident.ts';
import { ClusterName, Common, type Execution, Step } from './shared/input.ts';
import { type ClusterFacts, clusterFacts, type InventoryDeps, seeNodes } from './shared/inventory.ts';
import { type Kept, reasonOf } from './shared/kept.ts';

/** Only reads the input of the execution, which a person may have written. */
const ReadInput = z.object({ ...Common, read: z.literal(true), input: z.unknown() });

const LookInput = z.object({
  ...Common,
  step: Step,
  /** The execution whose change is looked at. */
  owner: Common.execution,
  cluster: ClusterName.shape.name,
  /** What this execution was started with. */
  request: RollbackInput,
  kubernetes: z.boolean(),
});
type Input = z.output<typeof LookInput>;
const AnyInput = z.union([LookInput, ReadInput]);

export interface Deps extends InventoryDeps {
  eks: Pick<Eks, 'snapshot' | 'fargateProfiles'>;
  openKubernetes: OpenKubernetes;
  store: ObjectStore;
  history: StepFunctions['history'];
}

/** What was found where something may have been changed. */
interface Found {
  former: Restoration;
  target: Proxying;
  atTarget: boolean;
  atFormer: boolean;
  /**
   * Whether every node can prove without a restart which of the two it runs. A node that is asked on `/proxyMode` tells
   * the mode, and no scheduler.
   */
  standingProvable: boolean;
  updateInFlight: boolean;
  cluster: ClusterFacts;
  addon: { version: string; configuration: string | null } | null;
  way: Way;
  strategy: RestartStrategy;
  inventory: Kept & { counts: ReturnType<typeof countInventory> };
  estimateSeconds: number;
}

const NOTHING = {
  former: null,
  target: null,
  cluster: null,
  addon: null,
  way: null,
  strategy: null,
  inventory: null,
  atTarget: false,
  atFormer: false,
  standingProvable: false,
  updateInFlight: false,
  estimateSeconds: null,
};

/**
 * `ownerEnding` is null when the owner, or the rollback that is recovered, recorded no end; `next` follows should this
 * execution not come to its own; `needsKubernetes`: ask again with access to Kubernetes.
 */
export type Output = { ownerEnding: string | null; lease: string; next: Recovery; needsKubernetes: boolean } & (
  | ({ plan: { kind: 'rollback'; reasons: string[] } } & Found)
  | ({ plan: { kind: 'nothing'; reasons: string[] } } & typeof NOTHING)
);

/**
 * A read-only look at what an execution saved before its change and at what the cluster is now. A node that is blocked
 * stops nothing here: it fails the proof, by name. Throws UnknownCluster, EvidenceMissing, InvalidRequest,
 * InvalidConfiguration, KubernetesUnreachable, KubernetesForbidden.
 */
export function inspectRollback(deps: Deps): Run<Input, Output> {
  return async (input, say) => {
    const { owner, cluster, execution, request } = input;
    const switched = `The switch fired: nobody released the lease of ${execution.name}`;
    const common = {
      ownerEnding: await endingOf(deps, request.after ?? owner),
      lease: leaseName(cluster),
      next: recoveryAfter(execution, request, switched),
    };
    const saved = await findFormer(deps, owner, say);
    if (saved === null) {
      say.decision('rollback.nothing', { cluster, owner: owner.name });
      const reasons = [`Execution ${owner.name} saved no former state: it had not begun to change anything.`];
      return { ...common, needsKubernetes: false, plan: { kind: 'nothing', reasons }, ...NOTHING };
    }
    const former = parseFormer(saved);
    refuseOtherCluster(former, input);
    const found = await look(deps, input, former);
    const { atTarget, atFormer } = found;
    say.decision('rollback.found', { cluster, owner: owner.name, atTarget, atFormer, ...found.inventory.counts });
    return {
      ...common,
      needsKubernetes: needsKubernetes(former, found.inventory.counts),
      plan: { kind: 'rollback', reasons: reasonsOf(found, owner) },
      ...found,
    };
  };
}

/** The ending that an execution recorded, or, if the bucket cannot be read, the one that its history says it was to record. */
async function endingOf({ store, history }: Deps, execution: Execution): Promise<string | null> {
  try {
    return await findEnding(store, execution);
  } catch (error) {
    if (isNightshiftError(error)) throw error;
    return owedRecord(await history(execution.arn))?.ending ?? null;
  }
}

/** What the owner saved before its change: in the bucket, or in the owner's history if the bucket cannot be read. */
async function findFormer({ store, history }: Deps, owner: Execution, say: Say): Promise<string | null> {
  try {
    return (await store.find(formerKey(owner)))?.text ?? null;
  } catch (error) {
    const saved = savedFormer(await history(owner.arn));
    if (saved === null) throw error;
    say.decision('rollback.former-from-history', { owner: owner.name, reason: reasonOf(error) });
    return saved;
  }
}

async function look(deps: Deps, input: Input, former: Former): Promise<Found> {
  const { execution, step, cluster, kubernetes } = input;
  const snapshot = await deps.eks.snapshot(cluster);
  const api = kubernetes ? await deps.openKubernetes(snapshot, execution) : null;
  const { inventory } = await seeNodes(deps, cluster, api);
  const configMap = api && (await api.kubeProxyConfig());
  const key = evidenceKey(execution, step, 'inventory.ndjson.gz');
  const stored = await writeInventory(deps.store, key, inventory, 'optional');
  const counts = countInventory(inventory);
  const { addon, updateInFlight } = snapshot;
  const restored = restoration(former);
  return {
    former: restored,
    target: former.target,
    ...standing(former, snapshot, configMap),
    standingProvable: counts.proxyMode === 0 || restored.proxying.mode !== former.target.mode,
    updateInFlight,
    cluster: clusterFacts(snapshot, execution),
    addon: addon && { version: addon.version, configuration: carried(addon.configuration) },
    way: former.plan.way,
    strategy: former.plan.strategy,
    inventory: { ...stored, counts },
    estimateSeconds: estimateChange(counts.ssm + counts.proxyMode).total,
  };
}

/** Only the record carries what is replaced; a text that is too long for state data is left out of it. */
const carried = (text: string | null): string | null => (text !== null && fitsStateData(text) ? text : null);

function refuseOtherCluster({ cluster: { name } }: Former, { owner, cluster }: Input): void {
  if (name === cluster) return;
  throw new InvalidRequest(`Execution ${owner.name} changed the cluster ${name}, not ${cluster}.`);
}

function reasonsOf({ former, target, atTarget, atFormer }: Found, owner: Execution): string[] {
  const [from, to] = [describeProxying(target).text, describeProxying(former.proxying).text];
  const first = `Execution ${owner.name} began to change kube-proxy from ${to} to ${from}.`;
  if (atTarget) return [first, `It is configured for ${from}.`];
  return [
    first,
    atFormer ? 'It is configured as before.' : 'It is configured for neither, or this cannot be said yet.',
  ];
}

const live: Deps = {
  eks,
  ec2,
  ssm,
  openKubernetes,
  store: objectStore(environment.evidenceBucket),
  history: stepFunctions.history,
};

const looked = inspectRollback(live);

/** The input of an execution as the other states need it, and what others have recorded of the same incident. */
interface ReadOutput extends Incident {
  request: RollbackInput;
  lease: string;
}

/** A bucket that does not answer has recorded nothing: then the way back is walked, and a failure pages. */
export function readInput({ store }: Pick<Deps, 'store'>): Run<z.output<typeof ReadInput>, ReadOutput> {
  return async ({ execution, input }, say) => {
    const request = readRollbackInput(input);
    const incident = await incidentBefore(store, request, execution).catch((error: unknown): Incident => {
      say.decision('incident.unread', { reason: reasonOf(error) });
      return { ending: null, paged: false };
    });
    return { request, lease: leaseName(request.cluster), ...incident };
  };
}

const read = readInput(live);

/** Answers a look, or, for an `input`, what RollbackInput reads in it. Throws InvalidRequest for what it cannot read. */
export const handler = wrap<z.output<typeof AnyInput>, Output | ReadOutput>(AnyInput, async (input, say) =>
  'read' in input ? read(input, say) : looked(input, say),
);
