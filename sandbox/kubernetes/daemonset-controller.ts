import type { Clock } from '../clock.ts';
import type { KubeProxyStart, Region, WorkerNode } from '../region.ts';
import type { ClusterData } from './cluster-data.ts';
import { daemonSetSpec, maxUnavailable, revisionHash } from './daemonset.ts';
import { imageMinorVersion, KUBE_PROXY, KUBE_PROXY_CONFIG, NAMESPACE } from './kube-proxy-objects.ts';
import { nodeDraft, runsKubeProxy } from './node-objects.ts';
import { type KubeObject, record, stableSuffix } from './object.ts';
import { type Owner, type Pod, type PodState, podDraft, podStatus } from './pod-objects.ts';
import { type ReadProxyConfig, readProxyConfig } from './proxy-config.ts';
import { RESOURCES } from './resources.ts';
import type { Store, StoreEvent } from './store.ts';

/** Seconds before the next attempt of a container that fails: kubelet's, from 10 s doubling to 5 min. */
function backOffSeconds(restarts: number): number {
  return restarts === 0 ? 1 : Math.min(10 * 2 ** (restarts - 1), 300);
}

// In virtual time a pod that fails for ever would make the clock run for ever: after so many attempts (more than an
// hour) it stays in CrashLoopBackOff until something about the pod or its node changes.
const VIRTUAL_ATTEMPTS = 20;

/**
 * The DaemonSet controller for kube-proxy with the scheduler and the kubelets: keeps one pod on every Linux node, rolls
 * a changed template out under maxUnavailable, starts kube-proxy on the nodes' machines, and keeps `status` true.
 * https://kubernetes.io/docs/tasks/manage-daemon/update-daemon-set/
 */
export class DaemonSetController {
  readonly #store: Store;
  readonly #cluster: ClusterData;
  readonly #region: Region;
  readonly #clock: Clock;
  /** By the node's id. */
  readonly #pods = new Map<string, Pod>();
  readonly #byName = new Map<string, Pod>();
  // Counted as they change: a rollout over thousands of nodes asks for them after every pod.
  readonly #outdated = new Set<Pod>();
  #running = 0;
  #desired = 0;
  #read: { of: KubeObject | undefined; result: ReadProxyConfig } | undefined;
  /** One kube-proxy at a time starts on a machine. */
  readonly #starting = new Map<string, Promise<unknown>>();
  #owner: Owner;
  #hash: string;
  #sequence = 0;
  #stopped = false;
  readonly #unsubscribe: () => void;

  constructor(store: Store, cluster: ClusterData, region: Region) {
    this.#store = store;
    this.#cluster = cluster;
    this.#region = region;
    this.#clock = region.clock;
    this.#owner = this.#readOwner();
    this.#hash = revisionHash(this.#owner.spec);
    this.#unsubscribe = store.subscribe((event) => this.#observe(event));
  }

  /** Sets up the steady state: every node has its running kube-proxy pod. */
  async start(): Promise<void> {
    const nodes = this.#cluster.nodes.filter((node) => !node.terminated && !node.stopped);
    for (const node of nodes) this.#createNode(node);
    const targets = nodes.filter(runsKubeProxy);
    this.#desired = targets.length;
    const pods = targets.map((node) => this.#newPod(node, node.launchedAt));
    await Promise.all(pods.map(async (pod) => this.#settle(pod, await this.#startMachine(pod), pod.createdAt)));
    for (const pod of pods) this.#store.create(RESOURCES.pods, podDraft(pod, this.#owner), { created: pod.createdAt });
    this.#writeStatus();
  }

  /** The ConfigMap `kube-proxy-config` as kube-proxy would read it now. */
  proxyConfig(): ReadProxyConfig {
    const configMap = this.#store.find(RESOURCES.configmaps, NAMESPACE, KUBE_PROXY_CONFIG);
    if (this.#read === undefined || this.#read.of !== configMap) {
      const text = record(configMap?.['data'])['config'];
      this.#read = { of: configMap, result: readProxyConfig(typeof text === 'string' ? text : undefined) };
    }
    return this.#read.result;
  }

  pod(name: string): Readonly<Pod> | undefined {
    return this.#byName.get(name);
  }

  /** Nodes came, went or changed. A pod that has stopped trying tries again: its node may be whole now. */
  nodesChanged(): void {
    for (const node of this.#cluster.nodes) {
      const known = this.#store.find(RESOURCES.nodes, undefined, node.name);
      if (node.terminated && known) this.#store.remove(RESOURCES.nodes, undefined, node.name);
      if (!node.terminated && !node.stopped && !known) this.#createNode(node);
    }
    for (const pod of this.#pods.values())
      if (pod.state.kind === 'crashing' && pod.timer === undefined) this.#startAfter(pod, backOffSeconds(0));
    this.#sync();
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    for (const pod of this.#pods.values()) pod.timer?.cancel();
  }

  #createNode(node: WorkerNode): void {
    this.#store.create(RESOURCES.nodes, nodeDraft(node, this.#cluster, this.#region.name), {
      created: node.launchedAt,
    });
  }

  #observe({ type, resource, object, before }: StoreEvent): void {
    if (resource === RESOURCES.daemonsets && object.metadata.generation !== before?.metadata.generation) {
      this.#owner = this.#readOwner();
      this.#hash = revisionHash(this.#owner.spec);
      this.#outdated.clear();
      for (const pod of this.#pods.values()) if (pod.hash !== this.#hash) this.#outdated.add(pod);
      this.#sync();
    }
    if (resource === RESOURCES.pods && type === 'DELETED') {
      const deleted = this.#byName.get(object.metadata.name);
      if (!deleted) return;
      this.#forget(deleted);
      this.#sync();
    }
  }

  #readOwner(): Owner {
    const object = this.#store.get(RESOURCES.daemonsets, NAMESPACE, KUBE_PROXY);
    return { uid: object.metadata.uid, generation: object.metadata.generation ?? 1, spec: daemonSetSpec(object) };
  }

  /** Deletes pods of removed nodes, creates missing pods, then continues the rollout. */
  #sync(): void {
    if (this.#stopped) return;
    const nodes = this.#cluster.nodes.filter(runsKubeProxy);
    this.#desired = nodes.length;
    for (const pod of [...this.#pods.values()]) if (!runsKubeProxy(pod.node)) this.#delete(pod);
    for (const node of nodes) if (!this.#pods.has(node.id)) this.#create(node);
    this.#roll();
  }

  /** Outdated pods that do not run are replaced at once: they are unavailable already. The others as far as allowed. */
  #roll(): void {
    if (this.#owner.spec.updateStrategy.type === 'RollingUpdate' && this.#outdated.size > 0) {
      let allowed = maxUnavailable(this.#owner.spec, this.#desired) - (this.#pods.size - this.#running);
      const replaced: Pod[] = [];
      for (const pod of this.#outdated)
        if (pod.state.kind !== 'running') replaced.push(pod);
        else if (allowed-- > 0) replaced.push(pod);
      for (const pod of replaced) {
        this.#delete(pod);
        this.#create(pod.node);
      }
    }
    this.#writeStatus();
  }

  #newPod(node: WorkerNode, createdAt: Date): Pod {
    const name = this.#freeName(node);
    const image = this.#owner.spec.template.spec.containers[0]?.image ?? '';
    const state: PodState = { kind: 'creating' };
    const pod: Pod = {
      name,
      node,
      hash: this.#hash,
      image,
      createdAt,
      state,
      restarts: 0,
      metricsBindAddress: '',
      timer: undefined,
    };
    this.#pods.set(node.id, pod);
    this.#byName.set(name, pod);
    return pod;
  }

  /** Among thousands of pods two suffixes do meet. */
  #freeName(node: WorkerNode): string {
    for (;;) {
      this.#sequence += 1;
      const name = `${KUBE_PROXY}-${stableSuffix(5, this.#cluster.name, node.id, String(this.#sequence))}`;
      if (!this.#byName.has(name)) return name;
    }
  }

  #create(node: WorkerNode): void {
    const pod = this.#newPod(node, this.#clock.now());
    this.#store.create(RESOURCES.pods, podDraft(pod, this.#owner));
    this.#startAfter(pod, this.#region.latencies.podRestart * (0.8 + 0.4 * this.#region.random()));
  }

  #delete(pod: Pod): void {
    this.#forget(pod);
    this.#store.remove(RESOURCES.pods, NAMESPACE, pod.name);
  }

  #forget(pod: Pod): void {
    pod.timer?.cancel();
    if (pod.state.kind === 'running') this.#running -= 1;
    this.#outdated.delete(pod);
    this.#pods.delete(pod.node.id);
    this.#byName.delete(pod.name);
  }

  #startAfter(pod: Pod, seconds: number): void {
    pod.timer = this.#clock.at(new Date(this.#clock.now().getTime() + seconds * 1_000), async () => {
      pod.timer = undefined;
      const result = await this.#startMachine(pod);
      // The pod may have been deleted, or the cluster, while kube-proxy started.
      if (this.#stopped || this.#pods.get(pod.node.id) !== pod) return;
      if (pod.state.kind === 'crashing') pod.restarts += 1;
      this.#settle(pod, result, this.#clock.now());
      this.#store.setStatus(RESOURCES.pods, NAMESPACE, pod.name, podStatus(pod));
      this.#roll();
    });
  }

  #settle(pod: Pod, result: KubeProxyStart, since: Date): void {
    // Nobody starts its containers: it stays Pending.
    if (pod.node.notReady) return;
    if (result.running) {
      this.#running += 1;
      pod.state = { kind: 'running', mode: result.mode, since };
      return;
    }
    pod.state = { kind: 'crashing', reason: result.reason, since };
    if (this.#clock.kind === 'real' || pod.restarts < VIRTUAL_ATTEMPTS)
      this.#startAfter(pod, backOffSeconds(pod.restarts));
  }

  async #startMachine(pod: Pod): Promise<KubeProxyStart> {
    const { node } = pod;
    const before = this.#starting.get(node.id) ?? Promise.resolve();
    const start = before.then(() => this.#startKubeProxy(pod));
    this.#starting.set(node.id, start);
    const result = await start;
    if (this.#starting.get(node.id) === start) this.#starting.delete(node.id);
    return result;
  }

  async #startKubeProxy(pod: Pod): Promise<KubeProxyStart> {
    const { node, image } = pod;
    if (node.notReady) return { running: false, reason: 'the kubelet of the node does not answer' };
    const read = this.proxyConfig();
    if (!read.ok) return { running: false, reason: read.reason };
    if (!node.machine) return { running: false, reason: 'no machine to run on' };
    const { mode, scheduler, metricsBindAddress } = read.config;
    pod.metricsBindAddress = metricsBindAddress;
    const { serviceCidr, services, version } = this.#cluster;
    try {
      return await node.machine.startKubeProxy(
        // kube-proxy itself takes rr where the configuration names no scheduler.
        { mode, scheduler: scheduler === '' ? 'rr' : scheduler, metricsBindAddress },
        { version: imageMinorVersion(image) ?? version, serviceCidr, services },
      );
    } catch (error) {
      return { running: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  /** As in the real API, `updatedNumberScheduled`, `numberAvailable` and `numberUnavailable` are left out when 0. */
  #writeStatus(): void {
    const [desired, available] = [this.#desired, this.#running];
    const updated = this.#pods.size - this.#outdated.size;
    const unavailable = desired - available;
    const status = {
      currentNumberScheduled: this.#pods.size,
      desiredNumberScheduled: desired,
      ...(available === 0 ? {} : { numberAvailable: available }),
      numberMisscheduled: 0,
      numberReady: available,
      ...(unavailable === 0 ? {} : { numberUnavailable: unavailable }),
      observedGeneration: this.#owner.generation,
      ...(updated === 0 ? {} : { updatedNumberScheduled: updated }),
    };
    const object = this.#store.get(RESOURCES.daemonsets, NAMESPACE, KUBE_PROXY);
    if (JSON.stringify(object['status']) === JSON.stringify(status)) return;
    this.#store.setStatus(RESOURCES.daemonsets, NAMESPACE, KUBE_PROXY, status);
  }
}
