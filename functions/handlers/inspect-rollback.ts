import { ec2 } from '../aws/ec2.ts';
import { type Eks, eks } from '../aws/eks.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { ssm } from '../aws/ssm.ts';
import { type StepFunctions, stepFunctions } from '../aws/step-functions.ts';
import {
  type Found,
  Input,
  type LookInput,
  type LookOutput,
  type Output,
  type ReadInput,
  type ReadOutput,
} from '../contracts/inspect-rollback.ts';
import type { Execution } from '../contracts/shared/input.ts';
import { InvalidRequest, isNightshiftError } from '../core/errors.ts';
import { estimateChange } from '../core/execution/estimate.ts';
import { formerKey } from '../core/execution/executions.ts';
import { type Former, needsKubernetes, parseFormer, restoration, standing } from '../core/execution/former.ts';
import { leaseName } from '../core/execution/lease.ts';
import { owedRecord } from '../core/execution/owed-record.ts';
import { readRollbackInput, recoveryAfter } from '../core/execution/recovery.ts';
import { savedFormer } from '../core/execution/saved-former.ts';
import { fitsStateData } from '../core/execution/state-data.ts';
import { describeProxying } from '../core/modes/index.ts';
import { countInventory } from '../core/nodes/nodes.ts';
import { environment } from '../runtime/environment.ts';
import { type OpenKubernetes, openKubernetes } from '../runtime/kubernetes-access.ts';
import { type Log, type Run, wrap } from '../runtime/wrap.ts';
import { evidenceKey, findEnding, writeInventory } from './shared/evidence.ts';
import { type Incident, incidentBefore } from './shared/incident.ts';
import { clusterFacts, type InventoryDeps, seeNodes } from './shared/inventory.ts';
import { reasonOf } from './shared/store-or-carry.ts';

/** What is found if something may have been changed. */
type Looked = Omit<Found, 'plan' | 'ownerEnding' | 'lease' | 'next' | 'needsKubernetes'>;

export interface Deps extends InventoryDeps {
  eks: Pick<Eks, 'snapshot' | 'fargateProfiles'>;
  openKubernetes: OpenKubernetes;
  store: ObjectStore;
  history: StepFunctions['history'];
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
 * Reads what an execution saved before its change, and how the cluster is configured now. A blocked node does not stop
 * the rollback here: it fails the proof, by name. Throws UnknownCluster, EvidenceMissing, InvalidRequest,
 * InvalidConfiguration, KubernetesUnreachable, KubernetesForbidden.
 */
export function inspectRollback(deps: Deps): Run<LookInput, LookOutput> {
  return async (input, log) => {
    const { owner, cluster, execution, request } = input;
    const fired = `The schedule of the lease fired: nobody released the lease of ${execution.name}`;
    const common = {
      ownerEnding: await endingOf(deps, request.after ?? owner),
      lease: leaseName(cluster),
      next: recoveryAfter(execution, request, fired),
    };
    const saved = await findFormer(deps, owner, log);
    if (saved === null) {
      log.decision('rollback.nothing', { cluster, owner: owner.name });
      const reasons = [`Execution ${owner.name} saved no former state: it had not begun to change anything.`];
      return { ...common, needsKubernetes: false, plan: { kind: 'nothing', reasons }, ...NOTHING };
    }
    const former = parseFormer(saved);
    refuseOtherCluster(former, input);
    const found = await look(deps, input, former);
    const { atTarget, atFormer } = found;
    log.decision('rollback.found', { cluster, owner: owner.name, atTarget, atFormer, ...found.inventory.counts });
    return {
      ...common,
      needsKubernetes: needsKubernetes(former, found.inventory.counts),
      plan: { kind: 'rollback', reasons: reasonsOf(found, owner) },
      ...found,
    };
  };
}

/**
 * The ending that an execution recorded, or, if the bucket cannot be read, the ending that its history shows it was to
 * record.
 */
async function endingOf({ store, history }: Deps, execution: Execution): Promise<string | null> {
  try {
    return await findEnding(store, execution);
  } catch (error) {
    if (isNightshiftError(error)) throw error;
    return owedRecord(await history(execution.arn))?.ending ?? null;
  }
}

/** What the owner saved before its change: in the bucket, or in the owner's history if the bucket cannot be read. */
async function findFormer({ store, history }: Deps, owner: Execution, log: Log): Promise<string | null> {
  try {
    return (await store.find(formerKey(owner)))?.text ?? null;
  } catch (error) {
    const saved = savedFormer(await history(owner.arn));
    if (saved === null) throw error;
    log.decision('rollback.former-from-history', { owner: owner.name, reason: reasonOf(error) });
    return saved;
  }
}

async function look(deps: Deps, input: LookInput, former: Former): Promise<Looked> {
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

/** The text that is replaced goes into the record only; a text that is too long for state data is left out. */
const carried = (text: string | null): string | null => (text !== null && fitsStateData(text) ? text : null);

function refuseOtherCluster({ cluster: { name } }: Former, { owner, cluster }: LookInput): void {
  if (name === cluster) return;
  throw new InvalidRequest(`Execution ${owner.name} changed the cluster ${name}, not ${cluster}.`);
}

function reasonsOf({ former, target, atTarget, atFormer }: Looked, owner: Execution): string[] {
  const [from, to] = [describeProxying(target), describeProxying(former.proxying)];
  const first = `Execution ${owner.name} began to change kube-proxy from ${to} to ${from}.`;
  if (atTarget) return [first, `It is configured for ${from}.`];
  return [first, atFormer ? 'It is configured as before.' : 'It is configured for neither, or this is not known yet.'];
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

/** If the bucket does not answer, no earlier record is assumed: the rollback is carried out, and a failure pages. */
export function readInput({ store, history }: Pick<Deps, 'store' | 'history'>): Run<ReadInput, ReadOutput> {
  return async ({ execution, input }, log) => {
    const request = readRollbackInput(input);
    const incident = await incidentBefore({ store, history }, request, execution).catch((error: unknown): Incident => {
      log.decision('incident.unread', { reason: reasonOf(error) });
      return { ending: null, paged: false };
    });
    return { request, lease: leaseName(request.cluster), ...incident };
  };
}

const read = readInput(live);

/**
 * Answers what a look at the cluster found or, if there is an `input`, what RollbackInput parses from it. Throws
 * InvalidRequest for what it cannot read.
 */
export const handler = wrap<Input, Output>(Input, async (input, log) =>
  'read' in input ? read(input, log) : looked(input, log),
);
