import type { Timer } from '../clock.ts';
import type { ProxyMode, WorkerNode } from '../region.ts';
import type { DaemonSetSpec } from './daemonset.ts';
import { KUBE_PROXY, NAMESPACE } from './kube-proxy-objects.ts';
import type { Draft } from './object.ts';
import { timestamp } from './store.ts';

/** What a pod's only container does. */
export type PodState =
  | { kind: 'creating' }
  | { kind: 'running'; mode: ProxyMode; since: Date }
  | { kind: 'crashing'; reason: string; since: Date };

/** One pod of the DaemonSet as its controller and kubelet know it. */
export interface Pod {
  readonly name: string;
  readonly node: WorkerNode;
  readonly hash: string;
  readonly image: string;
  readonly createdAt: Date;
  state: PodState;
  restarts: number;
  /** The `metricsBindAddress` with which it was started last. */
  metricsBindAddress: string;
  timer: Timer | undefined;
}

export interface Owner {
  readonly uid: string;
  readonly generation: number;
  readonly spec: DaemonSetSpec;
}

/** The Pod object that a DaemonSet's template makes for a node. */
export function podDraft(pod: Pod, owner: Owner): Draft {
  const { template } = owner.spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod.name,
      generateName: `${KUBE_PROXY}-`,
      namespace: NAMESPACE,
      labels: {
        ...template.metadata.labels,
        'controller-revision-hash': pod.hash,
        'pod-template-generation': String(owner.generation),
      },
      ...(template.metadata.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          blockOwnerDeletion: true,
          controller: true,
          kind: 'DaemonSet',
          name: KUBE_PROXY,
          uid: owner.uid,
        },
      ],
    },
    spec: { ...template.spec, nodeName: pod.node.name },
    status: podStatus(pod),
  };
}

/** `status` of a pod. A container that fails again and again waits in CrashLoopBackOff between its attempts. */
export function podStatus(pod: Pod): Record<string, unknown> {
  const { state } = pod;
  const running = state.kind === 'running';
  const changed = timestamp(state.kind === 'creating' ? pod.createdAt : state.since);
  const created = timestamp(pod.createdAt);
  return {
    conditions: conditions(running, created, changed),
    containerStatuses: [
      {
        image: pod.image,
        imageID: '',
        ...(running ? { containerID: `containerd://${pod.name}` } : {}),
        lastState: state.kind === 'crashing' ? { terminated: terminated(state.reason, changed) } : {},
        name: KUBE_PROXY,
        ready: running,
        restartCount: pod.restarts,
        started: running,
        state: containerState(pod),
      },
    ],
    hostIP: pod.node.address,
    phase: state.kind === 'creating' ? 'Pending' : 'Running',
    podIP: pod.node.address,
    podIPs: [{ ip: pod.node.address }],
    qosClass: 'Burstable',
    startTime: created,
  };
}

function conditions(running: boolean, created: string, changed: string): Record<string, unknown>[] {
  const condition = (type: string, met: boolean, lastTransitionTime: string) => ({
    lastProbeTime: null,
    lastTransitionTime,
    ...(met ? {} : { message: 'containers with unready status: [kube-proxy]', reason: 'ContainersNotReady' }),
    status: met ? 'True' : 'False',
    type,
  });
  return [
    condition('Initialized', true, created),
    condition('Ready', running, changed),
    condition('ContainersReady', running, changed),
    condition('PodScheduled', true, created),
  ];
}

function terminated(reason: string, at: string): Record<string, unknown> {
  return { exitCode: 1, finishedAt: at, message: reason, reason: 'Error', startedAt: at };
}

function containerState({ name, state }: Pod): Record<string, unknown> {
  switch (state.kind) {
    case 'creating':
      return { waiting: { reason: 'ContainerCreating' } };
    case 'running':
      return { running: { startedAt: timestamp(state.since) } };
    case 'crashing':
      return {
        waiting: {
          message: `back-off restarting failed container=${KUBE_PROXY} pod=${name}_${NAMESPACE}`,
          reason: 'CrashLoopBackOff',
        },
      };
  }
}
