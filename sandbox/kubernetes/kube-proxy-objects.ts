import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { KubeProxyConfig } from '../region.ts';
import type { ClusterData } from './cluster-data.ts';
import { managed } from './managed-fields.ts';
import type { Draft } from './object.ts';
import { defaultProxyConfig, editedProxyConfig } from './proxy-config.ts';

export const NAMESPACE = 'kube-system';
export const KUBE_PROXY = 'kube-proxy';
export const KUBE_PROXY_CONFIG = 'kube-proxy-config';

/** The kube-proxy settings of the add-on's configuration values, with EKS's defaults filled in. */
export interface AddonValues {
  config: KubeProxyConfig;
  podAnnotations: Record<string, string>;
}

const values = z.looseObject({
  mode: z.enum(['iptables', 'ipvs', 'nftables']).default('iptables'),
  ipvs: z.looseObject({ scheduler: z.string().default('') }).default({ scheduler: '' }),
  podAnnotations: z.record(z.string(), z.string()).default({}),
});

/**
 * Reads the configuration values, JSON or YAML, that the add-on was created with. EKS never applies values that it
 * cannot read, so a world with such values has a kube-proxy that runs with the defaults.
 */
export function addonValues(text: string | null): AddonValues {
  const document = parseDocument(text ?? '');
  const parsed = values.safeParse(document.errors.length > 0 ? {} : (document.toJS() ?? {}));
  const { mode, ipvs, podAnnotations } = parsed.success ? parsed.data : values.parse({});
  return { config: { mode, scheduler: ipvs.scheduler }, podAnnotations };
}

/** The image of an add-on version: `v1.34.0-eksbuild.2` is the tag `v1.34.0-minimal-eksbuild.2`. */
export function kubeProxyImage(region: string, addonVersion: string): string {
  const tag = addonVersion.replace(/-eksbuild/, '-minimal-eksbuild');
  return `602401143452.dkr.ecr.${region}.amazonaws.com/eks/kube-proxy:${tag}`;
}

/** The Kubernetes minor version of an image, `1.34`; undefined if its tag has none. */
export function imageMinorVersion(image: string): string | undefined {
  return /:v?(\d+\.\d+)/.exec(image)?.[1];
}

const LABELS = {
  'app.kubernetes.io/instance': KUBE_PROXY,
  'app.kubernetes.io/managed-by': 'eks',
  'app.kubernetes.io/name': KUBE_PROXY,
  'eks.amazonaws.com/component': KUBE_PROXY,
  'k8s-app': KUBE_PROXY,
};

/** The DaemonSet as EKS installs it: https://docs.aws.amazon.com/eks/latest/userguide/managing-kube-proxy.html */
export function daemonSetDraft(region: string, addonVersion: string, podAnnotations: Record<string, string>): Draft {
  const draft: Draft = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: {
      name: KUBE_PROXY,
      namespace: NAMESPACE,
      labels: LABELS,
    },
    spec: {
      revisionHistoryLimit: 10,
      selector: { matchLabels: { 'k8s-app': KUBE_PROXY } },
      template: {
        metadata: {
          annotations: podAnnotations,
          labels: { 'app.kubernetes.io/name': KUBE_PROXY, 'k8s-app': KUBE_PROXY },
        },
        spec: podSpec(kubeProxyImage(region, addonVersion)),
      },
      updateStrategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '10%' }, type: 'RollingUpdate' },
    },
  };
  const managedFields = managed(undefined, draft, 'eks', draft);
  return { ...draft, metadata: { ...draft.metadata, managedFields } };
}

function podSpec(image: string): Record<string, unknown> {
  const host = (name: string, path: string) => ({ hostPath: { path, type: '' }, name });
  return {
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: LINUX_NODES } },
    containers: [container(image)],
    hostNetwork: true,
    priorityClassName: 'system-node-critical',
    restartPolicy: 'Always',
    serviceAccountName: KUBE_PROXY,
    terminationGracePeriodSeconds: 30,
    tolerations: [{ operator: 'Exists' }],
    volumes: [
      host('varlog', '/var/log'),
      { hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' }, name: 'xtables-lock' },
      host('lib-modules', '/lib/modules'),
      { configMap: { defaultMode: 420, name: KUBE_PROXY }, name: 'kubeconfig' },
      { configMap: { defaultMode: 420, name: KUBE_PROXY_CONFIG }, name: 'config' },
    ],
  };
}

function container(image: string): Record<string, unknown> {
  const mount = (name: string, mountPath: string, more: object = {}) => ({ mountPath, name, ...more });
  return {
    command: ['kube-proxy', '--v=2', '--config=/var/lib/kube-proxy-config/config', '--hostname-override=$(NODE_NAME)'],
    env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'spec.nodeName' } } }],
    image,
    imagePullPolicy: 'IfNotPresent',
    name: KUBE_PROXY,
    ports: [{ containerPort: 10249, hostPort: 10249, name: 'metrics', protocol: 'TCP' }],
    resources: { requests: { cpu: '100m' } },
    securityContext: { privileged: true },
    volumeMounts: [
      mount('varlog', '/var/log'),
      mount('xtables-lock', '/run/xtables.lock'),
      mount('lib-modules', '/lib/modules', { readOnly: true }),
      mount('kubeconfig', '/var/lib/kube-proxy/'),
      mount('config', '/var/lib/kube-proxy-config/'),
    ],
  };
}

const LINUX_NODES = {
  nodeSelectorTerms: [
    {
      matchExpressions: [
        { key: 'kubernetes.io/os', operator: 'In', values: ['linux'] },
        { key: 'kubernetes.io/arch', operator: 'In', values: ['amd64', 'arm64'] },
        { key: 'eks.amazonaws.com/compute-type', operator: 'NotIn', values: ['fargate', 'hybrid', 'auto'] },
      ],
    },
  ],
};

/** The edits by hand since EKS wrote the ConfigMap. MetalLB's own manual asks for strictARP. */
function editsOf({ workloads }: ClusterData): Record<string, unknown> {
  const strict = workloads?.metallb?.strictArp ? { 'ipvs.strictARP': true } : {};
  return { ...strict, ...workloads?.configMapEdits };
}

/** The two ConfigMaps that the pods mount: the configuration, and the kubeconfig. */
export function configMapDrafts(cluster: ClusterData, endpoint: string, config: KubeProxyConfig): Draft[] {
  return [
    proxyConfigMapDraft({ config: editedProxyConfig(defaultProxyConfig(cluster, config), editsOf(cluster)) }),
    configMapDraft(KUBE_PROXY, { kubeconfig: inClusterConfig(endpoint) }),
  ];
}

/** The ConfigMap with the configuration of kube-proxy. */
export function proxyConfigMapDraft(data: Record<string, unknown>): Draft {
  return configMapDraft(KUBE_PROXY_CONFIG, data);
}

function configMapDraft(name: string, data: Record<string, unknown>): Draft {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: NAMESPACE, labels: LABELS }, data };
}

function inClusterConfig(endpoint: string): string {
  return `kind: Config
apiVersion: v1
clusters:
- cluster:
    certificate-authority: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
    server: ${endpoint}
  name: default
contexts:
- context:
    cluster: default
    namespace: default
    user: default
  name: default
current-context: default
users:
- name: default
  user:
    tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
`;
}
