import { isDeepStrictEqual } from 'node:util';
import { type Draft, type KubeObject, keyOf, type ObjectMeta, stableUid } from './object.ts';
import { apiVersion, type ResourceType } from './resources.ts';
import { alreadyExists, conflict, expired, notFound } from './status.ts';

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: ResourceType;
  /** As it is after the event; what was deleted carries the version of its deletion. */
  readonly object: KubeObject;
  /** As it was before: a watch with a selector needs to know what left its view. */
  readonly before: KubeObject | undefined;
  readonly version: number;
}

interface Collection {
  objects: Map<string, KubeObject>;
  /** Keys in order, until one comes or goes. */
  sorted: KubeObject[] | undefined;
  history: StoreEvent[];
  /** Events up to this version are forgotten. */
  forgotten: number;
}

/** Events kept per resource for watches that come back; older ones get 410 and list again, as in etcd. */
const HISTORY = 4_096;
const FIRST_VERSION = 1_000;

/**
 * The objects of one cluster, with resource versions, optimistic locking and events. Objects are immutable, so their
 * JSON is made once. A lazy collection is filled when first asked for: most runs never look at 1,200 Services.
 */
export class Store {
  readonly #cluster: string;
  readonly #now: () => Date;
  readonly #collections = new Map<string, Collection>();
  readonly #lazy = new Map<string, () => KubeObject[]>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  readonly #json = new WeakMap<KubeObject, string>();
  readonly #undelivered: StoreEvent[] = [];
  #delivering = false;
  #version = FIRST_VERSION;
  #created = 0;

  constructor(cluster: string, now: () => Date) {
    this.#cluster = cluster;
    this.#now = now;
  }

  /** The newest resource version of the whole store. */
  get version(): number {
    return this.#version;
  }

  /** Metadata for an object that was there before the store: built by `fillWhenAsked`. */
  initialMetadata(kind: string, namespace: string | undefined, name: string, created: Date): ObjectMeta {
    return {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: stableUid(this.#cluster, kind, namespace ?? '', name),
      resourceVersion: String(FIRST_VERSION),
      creationTimestamp: timestamp(created),
    };
  }

  fillWhenAsked(resource: ResourceType, build: () => KubeObject[]): void {
    this.#lazy.set(resource.plural, build);
  }

  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  json(object: KubeObject): string {
    let text = this.#json.get(object);
    if (text === undefined) {
      text = JSON.stringify(object);
      this.#json.set(object, text);
    }
    return text;
  }

  find(resource: ResourceType, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#collection(resource).objects.get(keyOf(namespace, name));
  }

  /** Throws 404. */
  get(resource: ResourceType, namespace: string | undefined, name: string): KubeObject {
    const object = this.find(resource, namespace, name);
    if (!object) throw notFound(resource, name);
    return object;
  }

  /** In the order of namespace and name; without a namespace, all of them. */
  list(resource: ResourceType, namespace?: string): readonly KubeObject[] {
    const collection = this.#collection(resource);
    collection.sorted ??= [...collection.objects.entries()]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, object]) => object);
    if (namespace === undefined) return collection.sorted;
    return collection.sorted.filter((object) => object.metadata.namespace === namespace);
  }

  /** Throws 409 AlreadyExists. With `dryRun` nothing is stored. */
  create(resource: ResourceType, draft: Draft, options: { dryRun?: boolean; created?: Date } = {}): KubeObject {
    const { name, namespace } = draft.metadata;
    const collection = this.#collection(resource);
    if (collection.objects.has(keyOf(namespace, name))) throw alreadyExists(resource, name);
    const version = options.dryRun ? this.#version : ++this.#version;
    if (!options.dryRun) this.#created += 1;
    const object: KubeObject = {
      ...draft,
      apiVersion: apiVersion(resource),
      kind: resource.kind,
      metadata: {
        ...draft.metadata,
        uid: stableUid(this.#cluster, resource.kind, namespace ?? '', name, String(this.#created)),
        resourceVersion: String(version),
        creationTimestamp: timestamp(options.created ?? this.#now()),
        ...('spec' in draft && resource.kind === 'DaemonSet' ? { generation: 1 } : {}),
      },
    };
    if (!options.dryRun) this.#commit({ type: 'ADDED', resource, object, before: undefined, version });
    return object;
  }

  /**
   * Replaces an object. A draft that carries a resource version must carry the current one (409 Conflict). Without a
   * difference nothing happens; a different `spec` is a new generation. `status` is only taken over on request: it is a
   * subresource.
   */
  update(resource: ResourceType, draft: Draft, options: { dryRun?: boolean; status?: boolean } = {}): KubeObject {
    const { name, namespace, resourceVersion } = draft.metadata;
    const before = this.get(resource, namespace, name);
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion)
      throw conflict(resource, name);
    const wanted = options.status ? { ...before, status: draft['status'] } : merged(before, draft);
    if (isDeepStrictEqual(comparable(wanted), comparable(before))) return before;
    const version = options.dryRun ? this.#version : ++this.#version;
    const changedSpec = !isDeepStrictEqual(plain(wanted['spec']), plain(before['spec']));
    const generation = before.metadata.generation;
    const object: KubeObject = {
      ...wanted,
      metadata: {
        ...wanted.metadata,
        resourceVersion: String(version),
        ...(generation === undefined ? {} : { generation: generation + (changedSpec ? 1 : 0) }),
      },
    };
    if (!options.dryRun) this.#commit({ type: 'MODIFIED', resource, object, before, version });
    return object;
  }

  /** Replaces only `status`, without comparing: for the sandbox's own controllers. */
  setStatus(resource: ResourceType, namespace: string | undefined, name: string, status: unknown): KubeObject {
    const before = this.get(resource, namespace, name);
    const version = ++this.#version;
    const object = { ...before, status, metadata: { ...before.metadata, resourceVersion: String(version) } };
    this.#commit({ type: 'MODIFIED', resource, object, before, version });
    return object;
  }

  /** Throws 404. */
  remove(resource: ResourceType, namespace: string | undefined, name: string): KubeObject {
    const before = this.get(resource, namespace, name);
    const version = ++this.#version;
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } };
    this.#commit({ type: 'DELETED', resource, object, before, version });
    return object;
  }

  /** What happened after a version; throws 410 Expired when that is too long ago. */
  since(resource: ResourceType, version: number): StoreEvent[] {
    const collection = this.#collection(resource);
    if (version < collection.forgotten) throw expired(version);
    return collection.history.filter((event) => event.version > version);
  }

  #collection(resource: ResourceType): Collection {
    let collection = this.#collections.get(resource.plural);
    if (!collection) {
      collection = { objects: new Map(), sorted: undefined, history: [], forgotten: 0 };
      this.#collections.set(resource.plural, collection);
      for (const object of this.#lazy.get(resource.plural)?.() ?? [])
        collection.objects.set(keyOf(object.metadata.namespace, object.metadata.name), object);
    }
    return collection;
  }

  #commit(event: StoreEvent): void {
    const collection = this.#collection(event.resource);
    const key = keyOf(event.object.metadata.namespace, event.object.metadata.name);
    if (event.type === 'DELETED') collection.objects.delete(key);
    else collection.objects.set(key, event.object);
    collection.sorted = undefined;
    collection.history.push(event);
    if (collection.history.length > 2 * HISTORY) {
      const dropped = collection.history.splice(0, collection.history.length - HISTORY);
      collection.forgotten = dropped.at(-1)?.version ?? collection.forgotten;
    }
    this.#deliver(event);
  }

  /** A listener that changes something makes further events: everybody still hears all of them in their order. */
  #deliver(event: StoreEvent): void {
    this.#undelivered.push(event);
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let next = this.#undelivered.shift(); next; next = this.#undelivered.shift())
        for (const listener of [...this.#listeners]) listener(next);
    } finally {
      this.#delivering = false;
    }
  }
}

/** Kubernetes' timestamps have whole seconds. */
export function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** A client's version of an object: what the server owns stays the server's. */
function merged(before: KubeObject, draft: Draft): KubeObject {
  return {
    ...draft,
    apiVersion: before.apiVersion,
    kind: before.kind,
    metadata: {
      ...draft.metadata,
      uid: before.metadata.uid,
      resourceVersion: before.metadata.resourceVersion,
      creationTimestamp: before.metadata.creationTimestamp,
      generation: before.metadata.generation,
    },
    ...('status' in before ? { status: before['status'] } : {}),
  };
}

/** Without members that are undefined: they make no difference in JSON. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

function comparable(object: KubeObject): unknown {
  return plain({ ...object, metadata: { ...object.metadata, managedFields: undefined } });
}
