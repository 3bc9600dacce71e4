import type { Kubernetes, Rollout } from '../aws/kubernetes.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { type Canaries, type Canary, Input, type Output } from '../contracts/check-rollout.ts';
import { assertNever, CanaryFailed, InvalidRequest, RolloutFailed } from '../core/errors.ts';
import { estimateChange } from '../core/execution/estimate.ts';
import { canaryState, crashOf } from '../core/nodes/canary.ts';
import type { InventoryNode } from '../core/nodes/nodes.ts';
import { environment } from '../runtime/environment.ts';
import { type OpenKubernetes, openKubernetes } from '../runtime/kubernetes-access.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { evidenceKey, readInventory, writeInventory } from './shared/evidence.ts';
import { nextWait } from './shared/next-wait.ts';

export interface Deps {
  openKubernetes: OpenKubernetes;
  store: ObjectStore;
}

type Progress = Omit<Output, 'waitSeconds'>;

/**
 * Checks what `kubectl rollout status` checks, and that no new pod crashes. With `canary`, checks the same of the
 * canaries, and asks the new pods of nodes that only the API server can ask for their mode. Throws RolloutFailed
 * (CanaryFailed) for a new pod that restarts or cannot start, and when the deadline has passed; KubernetesUnreachable,
 * KubernetesForbidden, EvidenceMissing.
 */
export function checkRollout(deps: Deps): Run<Input, Output> {
  return async (input, log) => {
    const { execution, now, cluster, deadline, poll } = input;
    const api = await deps.openKubernetes(cluster, execution);
    const progress = await look(api, deps.store, input);
    const { done, desired, updated, available } = progress;
    log.decision(done ? 'rollout.done' : 'rollout.running', { cluster: cluster.name, desired, updated, available });
    const waitSeconds = done ? 0 : nextWait(poll, estimateChange(desired).restart, { now, deadline });
    return { ...progress, waitSeconds };
  };
}

function look(api: Kubernetes, store: ObjectStore, input: Input): Promise<Progress> {
  if (input.canary && input.generation === null) return lookAtCanaries(api, store, input, input.canary);
  if (input.generation !== null && !input.canary) return lookAtAll(api, input, input.generation);
  throw new InvalidRequest('The input must have either generation or canary.');
}

async function lookAtAll(api: Kubernetes, { cluster, now, deadline }: Input, generation: number): Promise<Progress> {
  const rollout = await api.rollout();
  refuseCrashes(cluster.name, rollout);
  const { desired, updated, available } = rollout;
  const done = isDone(rollout, generation);
  if (!done && now >= deadline)
    throw new RolloutFailed(
      `The rollout of kube-proxy in ${cluster.name} did not finish in time: ${updated} of ${desired} pods are new, ` +
        `${available} are available.`,
    );
  return { done, desired, updated, available };
}

async function lookAtCanaries(
  api: Kubernetes,
  store: ObjectStore,
  input: Input,
  { step, inventory, canaries }: Canaries,
): Promise<Progress> {
  const up = new Map<string, string>();
  for (const canary of canaries) {
    const pod = await newPod(api, input, canary);
    if (pod !== null) up.set(canary.node.name, pod);
  }
  const progress = { desired: canaries.length, updated: up.size, available: up.size };
  if (up.size < canaries.length) return { done: false, ...progress };
  const nodes = await askedAgain(api, await readInventory(store, { key: inventory.key }), up);
  const key = evidenceKey(input.execution, step, 'inventory.ndjson.gz');
  return { done: true, ...progress, inventory: await writeInventory(store, key, nodes) };
}

/** The inventory holds what these nodes ran before the restart. */
async function askedAgain(
  api: Pick<Kubernetes, 'proxyModes' | 'syncs'>,
  nodes: readonly InventoryNode[],
  pods: ReadonlyMap<string, string>,
): Promise<InventoryNode[]> {
  const podOf = ({ name, handling }: InventoryNode) => (handling.by === 'proxy-mode' ? pods.get(name) : undefined);
  const asked = nodes.flatMap((node) => podOf(node) ?? []);
  const modes = await api.proxyModes(asked);
  const syncs = await api.syncs(asked.filter((pod) => modes.get(pod) !== null));
  return nodes.map((node) => {
    const pod = podOf(node);
    const mode = pod === undefined ? null : (modes.get(pod) ?? null);
    return node.handling.by === 'proxy-mode'
      ? {
          ...node,
          handling: { by: 'proxy-mode', mode, syncs: pod === undefined ? null : (syncs.get(pod) ?? null) },
          runningMode: mode,
        }
      : node;
  });
}

/** The name of the canary's new pod once it is up; null while it may still start. */
async function newPod(
  api: Kubernetes,
  { cluster, now, deadline }: Input,
  { node, formerPod }: Canary,
): Promise<string | null> {
  const state = canaryState(await api.canaryPods(node.name), node.name, formerPod.uid);
  const where = `node ${node.name} (${node.id}) of ${cluster.name}`;
  switch (state.kind) {
    case 'done':
      return state.pod;
    case 'failed':
      throw new CanaryFailed(
        `The new kube-proxy pod ${state.pod} on the canary, ${where}, does not stay up: ${state.reason}.`,
        { nextStep: `Read its end with \`kubectl -n kube-system logs ${state.pod} --previous\`.` },
      );
    case 'starting':
      if (now < deadline) return null;
      throw new CanaryFailed(`kube-proxy did not come back in time on the canary, ${where}: ${state.reason}.`);
    default:
      return assertNever(state);
  }
}

/** The counts belong to this restart only once the controller has seen the DaemonSet's new generation. */
function isDone({ observedGeneration, desired, updated, available }: Rollout, generation: number): boolean {
  return observedGeneration >= generation && updated === desired && available === desired;
}

function refuseCrashes(cluster: string, { newPods }: Rollout): void {
  for (const pod of newPods) {
    const reason = crashOf(pod);
    if (reason === null) continue;
    throw new RolloutFailed(
      `The new kube-proxy pod ${pod.name} on node ${pod.nodeName} of ${cluster} does not stay up: ${reason}.`,
      { nextStep: `Read its end with \`kubectl -n kube-system logs ${pod.name} --previous\`.` },
    );
  }
}

export const handler = wrap(Input, checkRollout({ openKubernetes, store: objectStore(environment.evidenceBucket) }));
