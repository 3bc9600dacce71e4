import { apiVersion, groupVersionPath, type ResourceType } from './resources.ts';

/** Subresources by `plural/name`, with their verbs. */
const SUBRESOURCES: Readonly<Record<string, readonly string[]>> = {
  'daemonsets/status': ['get'],
  'nodes/status': ['get'],
  'pods/status': ['get'],
  'pods/proxy': ['get'],
};

/** Whether the API has `plural/name`. */
export function isSubresource(plural: string, name: string): boolean {
  return `${plural}/${name}` in SUBRESOURCES;
}

/**
 * Discovery, version and OpenAPI documents: what kubectl asks before it does anything. undefined where the path is none
 * of them. Aggregated discovery is not offered: clients then take these plain documents.
 */
export function discoveryDocument(
  path: string,
  { version, types }: { version: string; types: readonly ResourceType[] },
): Record<string, unknown> | undefined {
  switch (path) {
    case '/version':
      return versionInfo(version);
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(types) };
    case '/openapi/v3':
      return openApiIndex(types);
    default:
      return groupDocument(path, types);
  }
}

function groupDocument(path: string, served: readonly ResourceType[]): Record<string, unknown> | undefined {
  const named = /^\/apis\/([^/]+)$/.exec(path)?.[1];
  if (named !== undefined) {
    const group = groupsOf(served).find(({ name }) => name === named);
    return group && { kind: 'APIGroup', apiVersion: 'v1', ...group };
  }
  const schema = path.startsWith('/openapi/v3/');
  const root = schema ? `/${path.slice('/openapi/v3/'.length)}` : path;
  const types = served.filter((type) => groupVersionPath(type) === root);
  const first = types[0];
  if (!first) return undefined;
  if (schema) return openApi(types);
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersion(first),
    resources: types.flatMap(listed),
  };
}

/** The named groups; each has one version here. */
function groupsOf(types: readonly ResourceType[]): { name: string; versions: unknown[]; preferredVersion: unknown }[] {
  const first = new Map(types.map((type) => [type.group, type]));
  return [...first.values()]
    .filter((type) => type.group !== '')
    .map((type) => {
      const version = { groupVersion: apiVersion(type), version: type.version };
      return { name: type.group, versions: [version], preferredVersion: version };
    });
}

function listed(type: ResourceType): Record<string, unknown>[] {
  const own = {
    name: type.plural,
    singularName: type.singular,
    namespaced: type.namespaced,
    kind: type.kind,
    verbs: type.verbs,
    shortNames: type.shortNames,
    ...(type.categories === undefined ? {} : { categories: type.categories }),
  };
  const below = Object.entries(SUBRESOURCES)
    .filter(([name]) => name.startsWith(`${type.plural}/`))
    .map(([name, verbs]) => ({
      name,
      singularName: '',
      namespaced: type.namespaced,
      kind: name === 'pods/proxy' ? 'PodProxyOptions' : type.kind,
      verbs,
    }));
  return [own, ...below];
}

function versionInfo(version: string): Record<string, unknown> {
  const [major = '1', minor = ''] = version.split('.');
  return {
    major,
    minor,
    gitVersion: `v${version}.0-eks-sandbox`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '',
    goVersion: '',
    compiler: '',
    platform: 'linux/amd64',
  };
}

function openApiIndex(types: readonly ResourceType[]): Record<string, unknown> {
  const roots = [...new Set(types.map((type) => groupVersionPath(type).slice(1)))];
  return { paths: Object.fromEntries(roots.map((root) => [root, { serverRelativeURL: `/openapi/v3/${root}` }])) };
}

/** Just what clients look up in it: that PATCH takes `fieldValidation` and `dryRun`, so that the server validates. */
function openApi(types: readonly ResourceType[]): Record<string, unknown> {
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
    name,
    in: 'query',
    schema: { type: 'string', uniqueItems: true },
  }));
  const paths = types
    .filter((type) => type.verbs.includes('patch'))
    .map((type) => [
      `${groupVersionPath(type)}${type.namespaced ? '/namespaces/{namespace}' : ''}/${type.plural}/{name}`,
      {
        patch: {
          parameters,
          responses: { 200: { description: 'OK' } },
          'x-kubernetes-action': 'patch',
          'x-kubernetes-group-version-kind': { group: type.group, kind: type.kind, version: type.version },
        },
      },
    ]);
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'sandbox' }, paths: Object.fromEntries(paths) };
}
