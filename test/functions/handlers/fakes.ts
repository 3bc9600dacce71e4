import { createHash } from 'node:crypto';
import type { Kubernetes, Rollout } from '../../../functions/aws/kubernetes.ts';
import { decode, encode, type ObjectStore } from '../../../functions/aws/s3.ts';
import { EvidenceMissing } from '../../../functions/core/errors.ts';
import type { CanaryPod } from '../../../functions/core/nodes/canary.ts';
import type { Workloads } from '../../../functions/core/preflight/workloads.ts';
import type { Log } from '../../../functions/runtime/wrap.ts';
import { CONFIG_MAP, QUIET, SYNCED } from '../core/fixtures.ts';

/** An evidence bucket in memory, with the bytes that S3 would hold. */
export class MemoryStore implements ObjectStore {
  readonly objects = new Map<string, Buffer>();
  readonly writes: string[] = [];
  readonly reads: string[] = [];

  async put(key: string, text: string) {
    const bytes = encode(key, text);
    this.objects.set(key, bytes);
    this.writes.push(key);
    return this.#stored(key, bytes);
  }
  async find(key: string) {
    this.reads.push(key);
    const bytes = this.objects.get(key);
    return bytes ? { ...this.#stored(key, bytes), text: decode(key, bytes) } : null;
  }
  async get(key: string) {
    const found = await this.find(key);
    if (!found) throw new EvidenceMissing(`${key} does not exist.`);
    return found;
  }
  async list(prefix: string) {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
  #stored(key: string, bytes: Buffer) {
    return { key, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
  }
}

/** The SSM parameters that hold batches. */
export class MemoryHolds {
  readonly parameters = new Map<string, string>();
  async createParameter({ name, value }: { name: string; value: string }) {
    if (this.parameters.has(name)) return false;
    this.parameters.set(name, value);
    return true;
  }
}

/** The text of an NDJSON object. */
export const lines = (values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
/** The values in one. */
export const values = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

/** Remembers what a handler said. */
export class RecordedLog implements Log {
  readonly decisions: string[] = [];
  decision(name: string): void {
    this.decisions.push(name);
  }
  count(): void {}
}

export const execution = {
  name: 'demo-1',
  arn: 'arn:aws:states:us-east-1:111122223333:execution:migrate-cluster:demo-1',
};
/** The lease of the cluster, which the execution holds, nobody, or another. */
export const heldBy = (holder: string | null = execution.arn) => ({ holder: async () => holder });
/** Where the API server of the cluster demo answers. */
export const API = { url: 'https://demo.example', certificateAuthority: 'Q0E=' };
export const common = { execution, now: new Date('2026-11-21T07:00:00Z') };

/** A Kubernetes API that knows a rollout and keeps the restarts it was asked for. */
export class FakeKubernetes implements Kubernetes {
  readonly restarts: string[] = [];
  readonly asked: string[] = [];
  pods: Awaited<ReturnType<Kubernetes['kubeProxyPods']>> = [];
  modes: Record<string, string> = {};
  state: Rollout = { generation: 2, observedGeneration: 2, desired: 3, updated: 3, available: 3, newPods: [] };

  async kubeProxyPods() {
    return this.pods;
  }
  async proxyModes(pods: readonly string[]) {
    this.asked.push(...pods);
    return new Map(pods.map((pod) => [pod, this.modes[pod] ?? null]));
  }
  async syncs(pods: readonly string[]) {
    return new Map(pods.map((pod) => [pod, SYNCED]));
  }
  async restartKubeProxy(restartedAt: string) {
    if (!this.restarts.includes(restartedAt)) this.restarts.push(restartedAt);
    return { generation: 1 + this.restarts.length };
  }
  async rollout() {
    return this.state;
  }

  /** Text of the ConfigMap; null when there is none. */
  configMap: string | null = CONFIG_MAP;
  readonly configWrites: string[] = [];
  async kubeProxyConfig() {
    return this.configMap;
  }
  async editKubeProxyConfig(edit: (text: string) => string) {
    const edited = edit(this.configMap ?? '');
    if (edited === this.configMap) return { changed: false };
    this.configMap = edited;
    this.configWrites.push(edited);
    return { changed: true };
  }

  /** As the canary sees them; a deleted one is replaced by one whose name ends in `-new`. */
  canary: CanaryPod[] = [];
  dns: string[] = [];
  readonly deleted: string[] = [];
  async canaryPods(nodeName?: string) {
    return this.canary.filter((pod) => nodeName === undefined || pod.nodeName === nodeName);
  }
  async dnsNodes() {
    return new Set(this.dns);
  }
  async deletePod({ name, uid }: { name: string; uid: string }) {
    if (!this.canary.some((pod) => pod.name === name && pod.uid === uid)) return;
    this.deleted.push(name);
    this.canary = this.canary.map((pod) =>
      pod.uid === uid ? { ...pod, name: `${name}-new`, uid: `${uid}-new`, ready: false } : pod,
    );
  }

  seen: Workloads = QUIET;
  async workloads() {
    return this.seen;
  }
}
