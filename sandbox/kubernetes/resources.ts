/** What the API can do with a kind of object. `watch` comes with `list`. */
export type StoreVerb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

export interface ResourceType {
  readonly group: '' | 'apps' | 'discovery.k8s.io' | 'vpcresources.k8s.aws' | 'crd.projectcalico.org';
  readonly version: 'v1' | 'v1beta1';
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly StoreVerb[];
  readonly categories?: readonly string[];
  /** Top-level fields, for `fieldValidation=Strict`; only where clients write. */
  readonly fields?: readonly string[];
}

const READ: readonly StoreVerb[] = ['get', 'list', 'watch'];
const EDIT: readonly StoreVerb[] = [...READ, 'patch', 'update'];

type Shape = Pick<ResourceType, 'plural' | 'singular' | 'kind' | 'verbs'> & Partial<ResourceType>;

function core(shape: Shape): ResourceType {
  return { group: '', version: 'v1', shortNames: [], namespaced: true, ...shape };
}

/**
 * Every kind of object that the sandbox's API holds, with the verbs that mean something here: what kube-proxy programs
 * (Services and what is behind them) comes from the world and is read-only.
 */
export const RESOURCES = {
  configmaps: core({
    plural: 'configmaps',
    singular: 'configmap',
    kind: 'ConfigMap',
    shortNames: ['cm'],
    verbs: [...EDIT, 'create', 'delete'],
    fields: ['data', 'binaryData', 'immutable'],
  }),
  endpoints: core({
    plural: 'endpoints',
    singular: 'endpoints',
    kind: 'Endpoints',
    shortNames: ['ep'],
    verbs: READ,
  }),
  events: core({
    plural: 'events',
    singular: 'event',
    kind: 'Event',
    shortNames: ['ev'],
    verbs: [...READ, 'create', 'patch', 'update', 'delete'],
  }),
  namespaces: core({
    plural: 'namespaces',
    singular: 'namespace',
    kind: 'Namespace',
    shortNames: ['ns'],
    namespaced: false,
    verbs: READ,
  }),
  nodes: core({
    plural: 'nodes',
    singular: 'node',
    kind: 'Node',
    shortNames: ['no'],
    namespaced: false,
    verbs: EDIT,
    fields: ['spec', 'status'],
  }),
  pods: core({
    plural: 'pods',
    singular: 'pod',
    kind: 'Pod',
    shortNames: ['po'],
    categories: ['all'],
    verbs: [...READ, 'delete'],
  }),
  secrets: core({ plural: 'secrets', singular: 'secret', kind: 'Secret', verbs: READ }),
  services: core({
    plural: 'services',
    singular: 'service',
    kind: 'Service',
    shortNames: ['svc'],
    categories: ['all'],
    verbs: READ,
  }),
  daemonsets: core({
    group: 'apps',
    plural: 'daemonsets',
    singular: 'daemonset',
    kind: 'DaemonSet',
    shortNames: ['ds'],
    categories: ['all'],
    verbs: EDIT,
    fields: ['spec', 'status'],
  }),
  endpointslices: core({
    group: 'discovery.k8s.io',
    plural: 'endpointslices',
    singular: 'endpointslice',
    kind: 'EndpointSlice',
    verbs: READ,
  }),
  securitygrouppolicies: core({
    group: 'vpcresources.k8s.aws',
    version: 'v1beta1',
    plural: 'securitygrouppolicies',
    singular: 'securitygrouppolicy',
    kind: 'SecurityGroupPolicy',
    shortNames: ['sgp'],
    verbs: READ,
  }),
  felixconfigurations: core({
    group: 'crd.projectcalico.org',
    plural: 'felixconfigurations',
    singular: 'felixconfiguration',
    kind: 'FelixConfiguration',
    namespaced: false,
    verbs: READ,
  }),
} as const satisfies Record<string, ResourceType>;

export const RESOURCE_TYPES: readonly ResourceType[] = Object.values(RESOURCES);

/** The group's and version's path: `/api/v1`, `/apis/apps/v1`. */
export function groupVersionPath(type: Pick<ResourceType, 'group' | 'version'>): string {
  return type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
}

/** `v1`, `apps/v1`. */
export function apiVersion(type: Pick<ResourceType, 'group' | 'version'>): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

export function findResource(group: string, version: string, plural: string): ResourceType | undefined {
  return RESOURCE_TYPES.find((type) => type.group === group && type.version === version && type.plural === plural);
}
