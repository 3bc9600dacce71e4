/** Any JSON Schema document. */
export type JsonSchema = Record<string, unknown>;

/**
 * The configuration schema of the kube-proxy add-on for a Kubernetes minor version, in the shape in which
 * DescribeAddonConfiguration gives it: draft-06, one `$ref` at the root, everything under `definitions`. `nftables`
 * joins the modes with 1.33.
 * https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-field-management.html
 * https://docs.aws.amazon.com/eks/latest/best-practices/nftables.html
 */
export function kubeProxySchema(kubernetesVersion: string, modes = modesOf(kubernetesVersion)): JsonSchema {
  return {
    $ref: '#/definitions/KubeProxy',
    $schema: 'http://json-schema.org/draft-06/schema#',
    definitions: {
      Ipvs: closed('Ipvs', { scheduler: { type: 'string' } }),
      KubeProxy: closed('KubeProxy', {
        ipvs: { $ref: '#/definitions/Ipvs' },
        mode: { enum: modes, type: 'string' },
        podAnnotations: { properties: {}, title: 'The podAnnotations Schema', type: 'object' },
        podLabels: { properties: {}, title: 'The podLabels Schema', type: 'object' },
        resources: { $ref: '#/definitions/Resources' },
      }),
      Limits: closed('Limits', { cpu: { type: 'string' }, memory: { type: 'string' } }),
      Requests: closed('Requests', { cpu: { type: 'string' }, memory: { type: 'string' } }),
      Resources: closed('Resources', {
        limits: { $ref: '#/definitions/Limits' },
        requests: { $ref: '#/definitions/Requests' },
      }),
    },
  };
}

function modesOf(kubernetesVersion: string): string[] {
  return minorOf(kubernetesVersion) >= 33 ? ['iptables', 'ipvs', 'nftables'] : ['iptables', 'ipvs'];
}

function closed(title: string, properties: Record<string, unknown>): JsonSchema {
  return { additionalProperties: false, properties, title, type: 'object' };
}

/** Kubernetes minor version → add-on versions, the default one first. */
const VERSIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ['1.28', ['v1.28.8-eksbuild.5', 'v1.28.15-eksbuild.24']],
  ['1.29', ['v1.29.10-eksbuild.3', 'v1.29.15-eksbuild.16']],
  ['1.30', ['v1.30.6-eksbuild.3', 'v1.30.14-eksbuild.8']],
  ['1.31', ['v1.31.2-eksbuild.3', 'v1.31.10-eksbuild.12']],
  ['1.32', ['v1.32.0-eksbuild.2', 'v1.32.6-eksbuild.12']],
  ['1.33', ['v1.33.0-eksbuild.2', 'v1.33.3-eksbuild.10']],
  ['1.34', ['v1.34.0-eksbuild.2', 'v1.34.1-eksbuild.2']],
  ['1.35', ['v1.35.0-eksbuild.2']],
  ['1.36', ['v1.36.0-eksbuild.2']],
]);

/** The versions of the kube-proxy add-on that a Kubernetes minor version may run, the default one first. */
export function kubeProxyVersions(kubernetesVersion: string): readonly string[] {
  return VERSIONS.get(kubernetesVersion) ?? [`v${kubernetesVersion}.0-eksbuild.1`];
}

/** Every Kubernetes minor version that this sandbox's EKS knows. */
export function kubernetesVersions(): string[] {
  return [...VERSIONS.keys()];
}

/** `v1.34.1-eksbuild.2` → `1.34`; undefined for what is not a kube-proxy add-on version. */
export function kubernetesVersionOf(addonVersion: string): string | undefined {
  return /^v(\d+\.\d+)\.\d+-eksbuild\.\d+$/.exec(addonVersion)?.[1];
}

function minorOf(kubernetesVersion: string): number {
  return Number(kubernetesVersion.split('.')[1] ?? 0);
}
