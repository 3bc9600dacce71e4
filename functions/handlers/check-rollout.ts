import * as z from 'zod/mini';
import type { Kubernetes, Rollout } from '../aws/kubernetes.ts';
import { canaryState, crashOf } from '../core/canary.ts';
import { assertNever, CanaryFailed, InvalidRequest, RolloutFailed } from '../core/errors.ts';
import { estimateChange } from '../core/estimate.ts';
import { ClusterWithApi, Common, Instant, Poll } from './shared/input.ts';
import { type OpenKubernetes, openKubernetes } from './shared/kubernetes-access.ts';
import { nextWait } from './shared/pace.ts';
import { type Run, wrap } from './shared/wrap.ts';

const text = z.string().check(z.minLength(1));
const Canary = z.object({
  node: z.object({ id: text, name: text }),
  formerPod: z.object({ name: text, uid: text }),
});

const Input = z.object({
  ...Common,
  cluster: ClusterWithApi,
  /** For all nodes: the DaemonSet's generation since the restart. */
  generation: z._default(z.nullable(z.number().check(z.int(), z.gte(1))), null),
  /** For one node: the pod that was deleted there. */
  canary: z._default(z.nullable(Canary), null),
  deadline: Instant,
  poll: Poll,
});
type Input = z.output<typeof Input>;

export interface Deps {
  openKubernetes: OpenKubernetes;
}

/** How many pods there are to be, are new, and are new and available. */
interface Progress {
  done: boolean;
  desired: number;
  updated: number;
  available: number;
}

export type Output = Progress & { waitSeconds: number };

/**
 * What `kubectl rollout status` asks, and that no new pod crashes; with `canary`, the same of one node. Throws
 * RolloutFailed (CanaryFailed) for a new pod that restarts or cannot start, and when the deadline has passed;
 * KubernetesUnreachable, KubernetesForbidden.
 */
export function checkRollout(deps: Deps): Run<Input, Output> {
  return async (input, say) => {
    const { execution, now, cluster, deadline, poll } = input;
    const api = await deps.openKubernetes(cluster, execution);
    const progress = await look(api, input);
    const { done, desired, updated, available } = progress;
    say.decision(done ? 'rollout.done' : 'rollout.running', { cluster: cluster.name, desired, updated, available });
    const waitSeconds = done ? 0 : nextWait(poll, estimateChange(desired).restart, { now, deadline });
    return { ...progress, waitSeconds };
  };
}

function look(api: Kubernetes, input: Input): Promise<Progress> {
  if (input.canary && input.generation === null) return lookAtCanary(api, input, input.canary);
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

async function lookAtCanary(
  api: Kubernetes,
  { cluster, now, deadline }: Input,
  { node, formerPod }: z.output<typeof Canary>,
): Promise<Progress> {
  const state = canaryState(await api.canaryPods(node.name), node.name, formerPod.uid);
  const where = `node ${node.name} (${node.id}) of ${cluster.name}`;
  switch (state.kind) {
    case 'done':
      return { done: true, desired: 1, updated: 1, available: 1 };
    case 'failed':
      throw new CanaryFailed(
        `The new kube-proxy pod ${state.pod} on the canary, ${where}, does not stay up: ${state.reason}.`,
        { nextStep: `Read its end with \`kubectl -n kube-system logs ${state.pod} --previous\`.` },
      );
    case 'starting':
      if (now < deadline) return { done: false, desired: 1, updated: 0, available: 0 };
      throw new CanaryFailed(`kube-proxy did not come back in time on the canary, ${where}: ${state.reason}.`);
    default:
      return assertNever(state);
  }
}

/** The counts are of the restart only once the controller has seen its generation. */
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

export const handler = wrap(Input, checkRollout({ openKubernetes }));
