/** Tags by which tools mark the resources that they made. AWS sets CloudFormation's; the others are conventions. */
const MARKS: readonly { key: RegExp; value?: RegExp; owner: (value: string) => string }[] = [
  { key: /^aws:cloudformation:stack-name$/, owner: (stack) => `the CloudFormation stack ${stack}` },
  { key: /^alpha\.eksctl\.io\/cluster-name$/, owner: () => 'eksctl' },
  { key: /^crossplane-(name|kind|providerconfig)$/, owner: () => 'Crossplane' },
  // https://aws-controllers-k8s.github.io/community/docs/user-docs/cross-region-resource-management/
  { key: /^services\.k8s\.aws\//, owner: () => 'ACK' },
  { key: /^pulumi[:_-]/i, owner: () => 'Pulumi' },
  { key: /^(terraform|tf|opentofu)$/i, value: /^(true|yes|1|managed)$/i, owner: () => 'Terraform' },
  { key: /^(terraform|tf|opentofu)[:_-]/i, owner: () => 'Terraform' },
  {
    key: /^(managed|created|provisioned|deployed)[-_ ]?(by|with)$|^(provisioner|iac)$/i,
    value: /terraform|opentofu|terragrunt|pulumi|crossplane|cloudformation|cdk|eksctl|ansible|atlantis/i,
    owner: (tool) => tool,
  },
];

/** The owner of a resource with these tags, as text; null if no tag names one. */
export function ownerOf(tags: Record<string, string>): string | null {
  for (const { key, value, owner } of MARKS)
    for (const [tag, text] of Object.entries(tags))
      if (key.test(tag) && (value === undefined || value.test(text))) return owner(text.slice(0, 128));
  return null;
}

/** Marks on a Kubernetes object of a tool that made it, and would restore it. */
export interface ObjectMarks {
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** Field managers: the writers of its fields. */
  managers: readonly string[];
}

/** Labels, annotations and field managers of tools that reconcile the objects that they made. */
const RECONCILERS: readonly { owner: string; keys: RegExp; managers: RegExp }[] = [
  { owner: 'Argo CD', keys: /^argocd\.argoproj\.io\//, managers: /^argocd-/ },
  { owner: 'Flux', keys: /^(kustomize|helm)\.toolkit\.fluxcd\.io\//, managers: /^(kustomize|helm)-controller$|^flux/ },
  { owner: 'kro', keys: /^kro\.run\//, managers: /^kro/ },
  { owner: 'ACK', keys: /^services\.k8s\.aws\//, managers: /^ack-/ },
  { owner: 'Helm', keys: /^meta\.helm\.sh\//, managers: /^helm$/ },
  { owner: 'Terraform', keys: /^app\.terraform\.io\//, managers: /^Terraform$|^HashiCorp/i },
];

/** The tool that would restore a Kubernetes object, by its labels, annotations and field managers; null if none. */
export function reconcilerOf({ labels, annotations, managers }: ObjectMarks): string | null {
  const keys = [...Object.keys(labels), ...Object.keys(annotations)];
  const found = RECONCILERS.find(
    (tool) => keys.some((key) => tool.keys.test(key)) || managers.some((manager) => tool.managers.test(manager)),
  );
  return found?.owner ?? null;
}

const CAPABILITIES: Readonly<Record<string, string>> = { ARGOCD: 'Argo CD', ACK: 'ACK', KRO: 'kro' };

/** An EKS Capability as text: `the EKS capability my-argocd (Argo CD)`. */
export const capabilityNamed = ({ type, name }: { type: string; name: string }): string =>
  `the EKS capability ${name} (${CAPABILITIES[type] ?? type})`;
