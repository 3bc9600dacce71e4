import * as z from 'zod/mini';
import type { ObjectMarks } from '../../core/preflight/owner.ts';

/**
 * The fields that nightshift reads of Kubernetes' objects, and no others. A field that the API server always writes is
 * required; a field that it leaves out if it is empty may be missing or null.
 * https://kubernetes.io/docs/reference/kubernetes-api/
 */
const name = z.string().check(z.minLength(1));
const texts = z.nullish(z.record(z.string(), z.string()));
/** The field managers; `fieldsV1` is the tree of the fields that each wrote. */
const managers = z.nullish(
  z.array(z.object({ manager: z.nullish(z.string()), subresource: z.nullish(z.string()), fieldsV1: z.unknown() })),
);
const list = z.nullish(z.array(z.string()));
const count = z.number().check(z.int(), z.gte(0));
const Instant = z.pipe(
  z.iso.datetime({ offset: true }),
  z.transform((text) => new Date(text)),
);

const ContainerStatus = z.object({
  restartCount: count,
  state: z.nullish(z.object({ waiting: z.nullish(z.object({ reason: z.nullish(z.string()) })) })),
});

export const Pod = z.object({
  metadata: z.object({
    name,
    uid: name,
    annotations: texts,
    deletionTimestamp: z.nullish(z.string()),
  }),
  spec: z.object({ nodeName: z.nullish(z.string()) }),
  status: z.object({
    hostIP: z.nullish(z.string()),
    startTime: z.nullish(Instant),
    conditions: z.nullish(z.array(z.object({ type: z.string(), status: z.string() }))),
    containerStatuses: z.nullish(z.array(ContainerStatus)),
  }),
});
export type Pod = z.output<typeof Pod>;

/** The answer to a write. */
export const Written = z.object({ metadata: z.object({ generation: count }) });

/** The fields of a DaemonSet that show its rollout. */
export const RollingDaemonSet = z.object({
  metadata: z.object({ generation: count }),
  spec: z.object({ template: z.object({ metadata: z.nullish(z.object({ annotations: texts })) }) }),
  status: z.object({
    observedGeneration: z.nullish(count),
    desiredNumberScheduled: count,
    updatedNumberScheduled: z.nullish(count),
    numberAvailable: z.nullish(count),
  }),
});
export type RollingDaemonSet = z.output<typeof RollingDaemonSet>;

const share = z.nullish(z.union([z.string(), z.number()]));

const Container = z.object({
  image: z.nullish(z.string()),
  command: list,
  args: list,
  env: z.nullish(z.array(z.object({ name: z.string(), value: z.nullish(z.string()) }))),
});

/** The fields of a DaemonSet that show what it runs. */
export const WorkloadDaemonSet = z.object({
  metadata: z.object({
    name,
    namespace: name,
    labels: texts,
    annotations: texts,
    managedFields: managers,
  }),
  spec: z.object({
    template: z.object({ spec: z.object({ containers: z.array(Container) }) }),
    updateStrategy: z.nullish(
      z.object({
        type: z.nullish(z.string()),
        rollingUpdate: z.nullish(z.object({ maxUnavailable: share, maxSurge: share })),
      }),
    ),
  }),
  status: z.nullish(z.object({ desiredNumberScheduled: z.nullish(count), numberAvailable: z.nullish(count) })),
});
export type WorkloadDaemonSet = z.output<typeof WorkloadDaemonSet>;

const Ingress = z.object({ ip: z.nullish(z.string()), ipMode: z.nullish(z.string()) });

export const Service = z.object({
  metadata: z.object({ name, namespace: name }),
  spec: z.object({
    externalIPs: list,
    type: z.nullish(z.string()),
    clusterIP: z.nullish(z.string()),
    ports: z.nullish(z.array(z.object({ nodePort: z.nullish(z.number()) }))),
  }),
  status: z.nullish(z.object({ loadBalancer: z.nullish(z.object({ ingress: z.nullish(z.array(Ingress)) })) })),
});
export type Service = z.output<typeof Service>;

export const EndpointSlice = z.object({ endpoints: z.nullish(z.array(z.unknown())) });

export const Node = z.object({
  metadata: z.object({ name }),
  status: z.nullish(
    z.object({
      nodeInfo: z.nullish(z.object({ kernelVersion: z.nullish(z.string()), osImage: z.nullish(z.string()) })),
      conditions: z.nullish(z.array(z.object({ type: z.string(), status: z.string() }))),
    }),
  ),
});

export const FelixConfiguration = z.object({
  spec: z.nullish(z.object({ bpfEnabled: z.nullish(z.boolean()), nftablesMode: z.nullish(z.string()) })),
});

const ConfigMapFields = z.object({
  metadata: z.object({ resourceVersion: name, labels: texts, annotations: texts, managedFields: managers }),
  data: texts,
});

/** A ConfigMap. It is checked and not copied, so that a write keeps fields that are not named here. */
export const ConfigMap = z.custom<z.output<typeof ConfigMapFields>>(
  (value) => z.safeParse(ConfigMapFields, value).success,
);
export type ConfigMap = z.output<typeof ConfigMap>;

interface Marked {
  labels?: Record<string, string> | null | undefined;
  annotations?: Record<string, string> | null | undefined;
  managedFields?: { manager?: string | null | undefined }[] | null | undefined;
}

/** The marks that tools leave on objects that they reconcile. */
export function marksOf({ labels, annotations, managedFields }: Marked): ObjectMarks {
  const managers = (managedFields ?? []).flatMap(({ manager }) => manager ?? []);
  return { labels: labels ?? {}, annotations: annotations ?? {}, managers: [...new Set(managers)] };
}
