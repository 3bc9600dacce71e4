import type { AccessEntry, Cluster, RbacObject } from '../region.ts';
import type { Identity } from './authentication.ts';
import { type Attempt, rbacAllows } from './rbac.ts';
import { stillRefused } from './settling.ts';
import { KubernetesError, qualified, unauthorized } from './status.ts';

const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const NAMESPACED = ['configmaps', 'endpoints', 'endpointslices', 'events', 'pods', 'services', 'daemonsets'];
const VIEWED = new Set([...NAMESPACED, 'namespaces', 'daemonsets/status', 'pods/log', 'pods/status']);
const EDITED = new Set([
  'configmaps',
  'endpoints',
  'pods',
  'pods/proxy',
  'secrets',
  'services',
  'services/proxy',
  'daemonsets',
]);

/**
 * The Kubernetes permissions of EKS' access policies, for the resources that this API has.
 * https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
 */
function policyAllows(policy: string, { verb, type, subresource }: Attempt): boolean {
  const resource = subresource === undefined ? type.plural : `${type.plural}/${subresource}`;
  const views = READ.includes(verb) && VIEWED.has(resource);
  switch (policy) {
    case 'AmazonEKSClusterAdminPolicy':
      return true;
    case 'AmazonEKSAdminPolicy':
    case 'AmazonEKSEditPolicy':
      return views || ([...READ, ...WRITE].includes(verb) && EDITED.has(resource));
    case 'AmazonEKSViewPolicy':
      return views;
    case 'AmazonEKSAdminViewPolicy':
      return READ.includes(verb) && subresource !== 'proxy';
    default:
      return false;
  }
}

/** `arn:aws:sts::1:assumed-role/R/S` → `arn:aws:iam::1:role/R`: access entries name roles, not sessions. */
export function entryArn(arn: string): string {
  const match = /^arn:([^:]+):sts::(\d+):assumed-role\/([^/]+)\//.exec(arn);
  return match ? `arn:${match[1]}:iam::${match[2]}:role/${match[3]}` : arn;
}

type Policy = AccessEntry['policies'][number];

/** A policy scoped to namespaces does not allow other namespaces or objects without a namespace. */
function reaches({ accessScope }: Policy, namespace: string | undefined): boolean {
  return accessScope.type === 'cluster' || (namespace !== undefined && accessScope.namespaces.includes(namespace));
}

/**
 * The access entry of an identity; throws 401 if there is none, as EKS does for an IAM principal that it cannot map
 * to a Kubernetes user. With CONFIG_MAP access entries do not count. null: the administrator, who needs no entry.
 */
export function accessEntry(
  identity: Identity,
  cluster: Pick<Cluster, 'authenticationMode' | 'accessEntries'>,
): AccessEntry | null {
  if (identity.arn === null) return null;
  const entry =
    cluster.authenticationMode === 'CONFIG_MAP' ? undefined : cluster.accessEntries.get(entryArn(identity.arn));
  if (!entry) throw unauthorized();
  return entry;
}

/**
 * Throws 403 in Kubernetes' own words when neither a policy of the entry nor a Role of one of its groups allows the
 * attempt, or the grant has not settled yet.
 */
export function authorize(
  identity: Identity,
  entry: AccessEntry | null,
  attempt: Attempt,
  at: { now: Date; rbac: readonly RbacObject[] },
): void {
  if (entry === null) return;
  const allowed = entry.policies.some(
    (policy) => reaches(policy, attempt.namespace) && policyAllows(policy.policyArn.split('/').at(-1) ?? '', attempt),
  );
  const granted = allowed || rbacAllows(at.rbac, entry.kubernetesGroups, attempt);
  if (!granted || stillRefused(entry.settling, nameOf(attempt), at.now)) throw forbidden(identity, attempt);
}

function nameOf({ verb, type, subresource = '', namespace = '', name = '' }: Attempt): string {
  return [verb, type.plural, subresource, namespace, name].join(' ');
}

function forbidden(identity: Identity, { verb, type, subresource, namespace, name }: Attempt): KubernetesError {
  const resource = subresource === undefined ? type.plural : `${type.plural}/${subresource}`;
  const subject = name === undefined ? qualified(type) : `${qualified(type)} "${name}"`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const message = `${subject} is forbidden: User "${identity.username}" cannot ${verb} resource "${resource}" in API group "${type.group}" ${where}`;
  return new KubernetesError(403, 'Forbidden', message, {
    ...(name === undefined ? {} : { name }),
    ...(type.group === '' ? {} : { group: type.group }),
    kind: type.plural,
  });
}
