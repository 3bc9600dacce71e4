import { block, type Checks, type Finding, pass, type Subject, unknown, warn, workloadCheck } from './check.ts';
import { kubeProxySet } from './daemon-set.ts';
import type { Workloads } from './workloads.ts';

/** A number of nodes, or a share of them rounded up, as the DaemonSet controller reads it; null if it is neither. */
function scaled(value: string | number, desired: number): number | null {
  if (typeof value === 'number') return value;
  const share = /^(\d{1,3})%$/.exec(value)?.[1];
  return share === undefined ? null : Math.ceil((Number(share) * desired) / 100);
}

const BY = 'the DaemonSet kube-proxy';
const SEE =
  'See `kubectl get nodes` and `kubectl -n kube-system get pods -l k8s-app=kube-proxy -o wide`: repair or remove the nodes that are NotReady.';

/**
 * The DaemonSet controller replaces working pods only while fewer pods than maxUnavailable do not work. A pod on a node
 * that is NotReady never works, so with enough such nodes a rollout does not begin.
 */
function rolloutPossible(workloads: Workloads, { snapshot }: Subject): Finding | null {
  const set = kubeProxySet(workloads);
  if (set.kind === 'unreadable') return unknown(`whether ${BY} can be rolled out: ${set.why}`, SEE);
  if (set.value === null) return null;
  const { rollout } = set.value;
  if (rollout === undefined) return unknown(`whether ${BY} can be rolled out: it has no status`, SEE);
  const { strategy, maxUnavailable, maxSurge, desired, available } = rollout;
  if (strategy !== 'RollingUpdate')
    return block(
      `${BY} has the update strategy ${strategy}: a restart replaces no pod`,
      `Set its updateStrategy to RollingUpdate: kubectl -n kube-system edit daemonset kube-proxy, in cluster ${snapshot.name}.`,
    );
  const limit = scaled(maxUnavailable, desired) || scaled(maxSurge, desired);
  if (!limit) return unknown(`whether ${BY} can be rolled out: its maxUnavailable is ${maxUnavailable}`, SEE);
  const broken = desired - available;
  if (broken < limit) return pass(`${available} of ${desired} kube-proxy pods work, enough for a rollout to begin`);
  const { nodes } = workloads;
  const unready = nodes.kind === 'read' ? nodes.value.filter(({ notReady }) => notReady).length : null;
  // The rollout replaces pods that do not work first. On a Ready node the new one may work: the node has been prepared.
  if (unready !== null && unready < limit)
    return warn(
      `${broken} of ${desired} kube-proxy pods do not work now, though at most ${unready} of them because their nodes are NotReady: the rollout replaces them first, and stops if the new ones do not work either`,
      'Read the logs of these pods: kubectl -n kube-system logs -l k8s-app=kube-proxy.',
    );
  // EKS's view policy does not list nodes. A rollout that does not begin would stop the way back, too.
  const why = unready === null ? ', and whether their nodes are Ready cannot be read' : '';
  return block(
    `${broken} of ${desired} kube-proxy pods do not work now${why}, and ${BY} replaces no other pod while ${limit} or more do not (maxUnavailable ${maxUnavailable}): the restart would not begin`,
    `${SEE} Acknowledge rollout-possible if new pods will work there when the restart begins.`,
  );
}

export const ROLLOUT_CHECKS = {
  'rollout-possible': {
    source: 'https://kubernetes.io/docs/tasks/manage-daemon/update-daemon-set/#daemonset-rolling-update-is-stuck',
    acknowledgeable: true,
    changeOnly: true,
    find: workloadCheck('whether enough kube-proxy pods work for a rollout to begin', rolloutPossible),
  },
} satisfies Checks;
