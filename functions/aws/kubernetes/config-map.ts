import * as z from 'zod/mini';
import { InvalidConfiguration } from '../../core/errors.ts';
import type { ObjectMarks } from '../../core/preflight/owner.ts';
import { despiteConflicts, hasCode, NAMESPACE } from './client.ts';
import { ConfigMap, marksOf } from './objects.ts';
import { type Api, pathOf } from './request.ts';

/** kube-proxy's own configuration: the key `config` of the ConfigMap `kube-proxy-config`. */
export interface KubeProxyConfig {
  /** Its exact text; null when there is no such ConfigMap or key. */
  kubeProxyConfig(): Promise<string | null>;
  /**
   * Writes what `edit` makes of the text, and nothing when it makes no difference. `edit` is asked again with a fresh
   * text when somebody else wrote meanwhile. Throws InvalidConfiguration when there is no such ConfigMap, and what
   * `edit` throws.
   */
  editKubeProxyConfig(edit: (text: string) => string): Promise<{ changed: boolean }>;
}

const NAME = 'kube-proxy-config';
const KEY = 'config';

export async function readConfig(api: Api): Promise<string | null> {
  return (await readConfigWithMarks(api))?.text ?? null;
}

/** The text, and what tools that reconcile the ConfigMap left on it; null if there is no ConfigMap. */
export async function readConfigWithMarks(api: Api): Promise<{ text: string | null; marks: ObjectMarks } | null> {
  const configMap = await readConfigMap(api);
  return configMap && { text: configMap.data?.[KEY] ?? null, marks: marksOf(configMap.metadata) };
}

/** The ConfigMap is sent back with its resourceVersion: the API server refuses it (409) when it is no longer that one. */
export function editConfig(api: Api, cluster: string, edit: (text: string) => string): Promise<{ changed: boolean }> {
  return despiteConflicts(async () => {
    const configMap = await readConfigMap(api);
    const text = configMap?.data?.[KEY];
    if (!configMap || text === undefined)
      throw new InvalidConfiguration(`Cluster ${cluster} has no ConfigMap ${NAMESPACE}/${NAME} with the key ${KEY}.`, {
        nextStep: `See \`kubectl -n ${NAMESPACE} get configmap ${NAME} -o yaml\`.`,
      });
    const edited = edit(text);
    if (edited === text) return { changed: false };
    const body = { ...configMap, data: { ...configMap.data, [KEY]: edited } };
    await api.json(z.unknown(), { method: 'PUT', path: configMapPath(NAMESPACE, NAME), body });
    return { changed: true };
  });
}

export function configMapPath(namespace: string, name: string): string {
  return pathOf('api', 'v1', 'namespaces', namespace, 'configmaps', name);
}

async function readConfigMap(api: Api): Promise<ConfigMap | null> {
  try {
    return await api.json(ConfigMap, { path: configMapPath(NAMESPACE, NAME) });
  } catch (error) {
    if (hasCode(error, 404)) return null;
    throw error;
  }
}
