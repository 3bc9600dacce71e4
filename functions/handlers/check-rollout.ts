import * as z from 'zod/mini';
import type { Rollout } from '../aws/kubernetes.ts';
import { RolloutFailed } from '../core/errors.ts';
import { estimateChange } from '../core/estimate.ts';
import { ClusterName, Common, Instant, Poll } from './shared/input.ts';
import { type OpenKubernetes, openKubernetes } from './shared/kubernetes-access.ts';
import { nextWait } from './shared/pace.ts';
import { type Run, wrap } from './shared/wrap.ts';

const Input = z.object({
  ...Common,
  cluster: ClusterName,
  generation: z.number().check(z.int(), z.gte(1)),
  deadline: Instant,
  poll: Poll,
});

export interface Deps {
  openKubernetes: OpenKubernetes;
}

export interface Output {
  done: boolean;
  desired: number;
  updated: number;
  available: number;
  waitSeconds: number;
}

/**
 * What `kubectl rollout status` asks, and that no new pod crashes. Throws RolloutFailed for a new pod that restarts or
 * cannot start, and when the deadline has passed; KubernetesUnreachable, KubernetesForbidden.
 */
export function checkRollout(deps: Deps): Run<z.output<typeof Input>, Output> {
  return async ({ execution, now, cluster, generation, deadline, poll }, say) => {
    const api = await deps.openKubernetes(cluster.name, execution);
    const rollout = await api.rollout();
    refuseCrashes(cluster.name, rollout);
    const done = isDone(rollout, generation);
    const { desired, updated, available } = rollout;
    say.decision(done ? 'rollout.done' : 'rollout.running', { cluster: cluster.name, desired, updated, available });
    if (!done && now >= deadline)
      throw new RolloutFailed(
        `The rollout of kube-proxy in ${cluster.name} did not finish in time: ${updated} of ${desired} pods are new, ` +
          `${available} are available.`,
      );
    const waitSeconds = done ? 0 : nextWait(poll, estimateChange(desired).restart, { now, deadline });
    return { done, desired, updated, available, waitSeconds };
  };
}

/** The counts are of the restart only once the controller has seen its generation. */
function isDone({ observedGeneration, desired, updated, available }: Rollout, generation: number): boolean {
  return observedGeneration >= generation && updated === desired && available === desired;
}

const CANNOT_START = ['CrashLoopBackOff', 'CreateContainerConfigError', 'InvalidImageName'];

function refuseCrashes(cluster: string, { newPods }: Rollout): void {
  const crashed = newPods.find(
    ({ restarts, waiting }) => restarts > 0 || (waiting !== null && CANNOT_START.includes(waiting)),
  );
  if (!crashed) return;
  throw new RolloutFailed(
    `The new kube-proxy pod ${crashed.name} on node ${crashed.nodeName} of ${cluster} does not stay up: ` +
      `${crashed.restarts} restarts${crashed.waiting === null ? '' : `, ${crashed.waiting}`}.`,
    { nextStep: `Read its end with \`kubectl -n kube-system logs ${crashed.name} --previous\`.` },
  );
}

export const handler = wrap(Input, checkRollout({ openKubernetes }));
