/** Every check by name, in the order in which they are made and shown. `docs/preflight.md` has a section for each. */
export const CHECK_NAMES = [
  'cluster-status',
  'auto-mode',
  'update-in-flight',
  'addon-present',
  'addon-status',
  'addon-issues',
  'addon-owner',
  'configuration',
  'schema-mode',
  'configuration-schema',
  'version',
  'ipvs-deprecated',
  'ipvs-disabled',
  'nodes',
  'stopped-nodes',
  'operating-system',
  'foreign-virtual-servers',
  'ssm-agent-version',
  'kernel',
  'restart',
  'proof',
  'idle-timeout',
  'kube-proxy-replacement',
  'config-map-edits',
  'external-ips',
  'node-local-dns',
  'metallb',
  'security-groups-for-pods',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

export const isCheckName = (name: string): name is CheckName => CHECK_NAMES.some((known) => known === name);
