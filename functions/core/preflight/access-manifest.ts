/** Names that an access entry of EKS may have: those with `system:` are Kubernetes' own. */
export const KUBERNETES_GROUP = /^(?!system:)[\w.:/-]{1,63}$/;

/** A rule of a Role as Kubernetes' API has it. */
export interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

/** An object of Kubernetes' API in rbac.authorization.k8s.io/v1. */
export interface RbacManifest {
  apiVersion: 'rbac.authorization.k8s.io/v1';
  kind: 'Role' | 'RoleBinding' | 'ClusterRole' | 'ClusterRoleBinding';
  metadata: { name: string; namespace?: string };
  rules?: Rule[];
  roleRef?: { apiGroup: 'rbac.authorization.k8s.io'; kind: string; name: string };
  subjects?: { apiGroup: 'rbac.authorization.k8s.io'; kind: 'Group'; name: string }[];
}

const RBAC = 'rbac.authorization.k8s.io';
const NAMESPACE = 'kube-system';
const NAME = 'nightshift';

/** The rules for nightshift's writes, and for its reads of kube-proxy's pods: in kube-system alone. */
const IN_KUBE_SYSTEM: Rule[] = [
  // The rollout restart, of this one DaemonSet.
  { apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: ['kube-proxy'], verbs: ['get', 'patch'] },
  // kube-proxy's configuration, if the request asks for the way `config-map`.
  { apiGroups: [''], resources: ['configmaps'], resourceNames: ['kube-proxy-config'], verbs: ['get', 'update'] },
  // For the canary nightshift deletes one kube-proxy pod. Nobody knows its name beforehand.
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'delete'] },
  // kube-proxy's answer on /proxyMode.
  { apiGroups: [''], resources: ['pods/proxy'], verbs: ['get'] },
];

/** The rules for the preflight checks, which read in the whole cluster. */
const IN_THE_CLUSTER: Rule[] = [
  { apiGroups: [''], resources: ['nodes', 'services'], verbs: ['list'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] },
  { apiGroups: ['apps'], resources: ['daemonsets'], verbs: ['list'] },
  { apiGroups: [''], resources: ['configmaps'], resourceNames: ['cilium-config'], verbs: ['get'] },
  {
    apiGroups: ['crd.projectcalico.org'],
    resources: ['felixconfigurations'],
    resourceNames: ['default'],
    verbs: ['get'],
  },
  { apiGroups: ['vpcresources.k8s.aws'], resources: ['securitygrouppolicies'], verbs: ['list'] },
];

/**
 * The Roles and bindings that let a Kubernetes group do nightshift's work in a cluster, and nothing else: no write
 * outside kube-system, no access to secrets, and in kube-system no new pods or workloads.
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/
 */
export function accessManifest(group: string): RbacManifest[] {
  const apiVersion = `${RBAC}/v1` as const;
  const subjects = [{ apiGroup: RBAC, kind: 'Group', name: group } as const];
  const roleRef = (kind: string) => ({ apiGroup: RBAC, kind, name: NAME }) as const;
  const local = { name: NAME, namespace: NAMESPACE };
  return [
    { apiVersion, kind: 'Role', metadata: local, rules: IN_KUBE_SYSTEM },
    { apiVersion, kind: 'RoleBinding', metadata: local, roleRef: roleRef('Role'), subjects },
    { apiVersion, kind: 'ClusterRole', metadata: { name: NAME }, rules: IN_THE_CLUSTER },
    { apiVersion, kind: 'ClusterRoleBinding', metadata: { name: NAME }, roleRef: roleRef('ClusterRole'), subjects },
  ];
}
