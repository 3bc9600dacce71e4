import * as z from 'zod/mini';
import { InvalidConfiguration } from '../../core/errors.ts';
import type { ObjectMarks } from '../../core/preflight/owner.ts';
import { despiteConflicts, hasCode, NAMESPACE } from './client.ts';
import { ConfigMap, marksOf } from './objects.ts';
import { type Api, pathOf } from './request.ts';

/** kube-proxy's own configuration: the key `config` of the ConfigMap `kube-proxy-config`. */
export interface KubeProxyConfig {
  /** Its exact text; null if there is no such ConfigMap or key. */
  kubeProxyConfig(): Promise<string | null>;
  /**
   * Writes the result of `edit`, and nothing if the text stays the same. If another writer changed the text meanwhile,
   * `edit` runs again on the new text. Throws InvalidConfiguration if there is no such ConfigMap, and errors of `edit`.
   */
  editKubeProxyConfig(edit: (text: string) => string): Promise<{ changed: boolean }>;
}

const NAME = 'kube-proxy-config';
const KEY = 'config';

export async function readConfig(api: Api): Promise<string | null> {
  return (await readConfigWithMarks(api))?.text ?? null;
}

/** The text, and the marks of tools that reconcile the ConfigMap; null if there is no ConfigMap. */
export async function readConfigWithMarks(api: Api): Promise<{ text: string | null; marks: ObjectMarks } | null> {
  const configMap = await readConfigMap(api);
  return configMap && { text: configMap.data?.[KEY] ?? null, marks: marksOf(configMap.metadata) };
}

/** Writes the ConfigMap with its resourceVersion: the API server refuses it (409) if the object has changed since. */
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
