import { isMap, type ParsedNode } from 'yaml';
import { InvalidConfiguration } from '../errors.ts';
import { isMapping, type Mapping } from '../values/mapping.ts';
import { readYamlDocument, YamlProblem, yamlValues } from '../values/yaml-text.ts';

/** A KubeProxyConfiguration's text, read as kube-proxy reads it: YAML 1.1, of two equal keys the last one. */
export interface KubeProxyText {
  values: Mapping;
  /** The root mapping, with ranges and tokens of the text. */
  root: ParsedNode & { items: unknown };
}

/**
 * Reads the text of the key `config` in the ConfigMap kube-proxy-config.
 * https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/
 * @throws InvalidConfiguration for a text that is not a YAML mapping
 */
export function readKubeProxyText(text: string): KubeProxyText {
  try {
    const document = readYamlDocument(text, {
      version: '1.1',
      duplicateKeys: 'kept',
      bigNumbers: true,
      sourceTokens: true,
    });
    const root = document.contents;
    const values = yamlValues(document);
    if (isMap(root) && isMapping(values)) return { values, root };
    throw new YamlProblem('it is not a mapping');
  } catch (error) {
    if (!(error instanceof YamlProblem)) throw error;
    throw new InvalidConfiguration(
      `The configuration in ConfigMap kube-proxy-config cannot be read: ${error.message}.`,
      { nextStep: 'Correct it with `kubectl -n kube-system edit configmap kube-proxy-config`.', cause: error },
    );
  }
}

/** As `readKubeProxyText`, its values only; null if the text is not a YAML mapping. */
export function kubeProxyValues(text: string): Mapping | null {
  try {
    return readKubeProxyText(text).values;
  } catch (error) {
    if (error instanceof InvalidConfiguration) return null;
    throw error;
  }
}
