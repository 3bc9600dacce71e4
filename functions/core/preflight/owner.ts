/** Tags by which tools mark what they made. CloudFormation's are AWS's own; the others are conventions. */
const MARKS: readonly { key: RegExp; value?: RegExp; owner: (value: string) => string }[] = [
  { key: /^aws:cloudformation:stack-name$/, owner: (stack) => `the CloudFormation stack ${stack}` },
  { key: /^alpha\.eksctl\.io\/cluster-name$/, owner: () => 'eksctl' },
  { key: /^crossplane-(name|kind|providerconfig)$/, owner: () => 'Crossplane' },
  { key: /^pulumi[:_-]/i, owner: () => 'Pulumi' },
  { key: /^(terraform|tf|opentofu)$/i, value: /^(true|yes|1|managed)$/i, owner: () => 'Terraform' },
  { key: /^(terraform|tf|opentofu)[:_-]/i, owner: () => 'Terraform' },
  {
    key: /^(managed|created|provisioned|deployed)[-_ ]?(by|with)$|^(provisioner|iac)$/i,
    value: /terraform|opentofu|terragrunt|pulumi|crossplane|cloudformation|cdk|eksctl|ansible|atlantis/i,
    owner: (tool) => tool,
  },
];

/** Who owns what carries these tags, as text; null when none of them tells. */
export function ownerOf(tags: Record<string, string>): string | null {
  for (const { key, value, owner } of MARKS)
    for (const [tag, text] of Object.entries(tags))
      if (key.test(tag) && (value === undefined || value.test(text))) return owner(text.slice(0, 128));
  return null;
}
