import { alreadyTarget, parseConfiguration } from './addon-config.ts';
import { InvalidConfiguration } from './errors.ts';
import { kubeProxyValues } from './kube-proxy-text.ts';
import { type Proxying, proxyingOf, type Target } from './proxy-mode.ts';

/** What kube-proxy is configured for: the one place that compares configurations with a target. */

/** True if the add-on's configuration values ask for the target. Values that cannot be read do not. */
export function isConfiguredFor(configuration: string | null, target: Target): boolean {
  try {
    return alreadyTarget(parseConfiguration(configuration), target);
  } catch (error) {
    if (error instanceof InvalidConfiguration) return false;
    throw error;
  }
}

/** What the text of the ConfigMap kube-proxy-config asks for; null if it cannot be read or names an unknown mode. */
export function configMapProxying(text: string): Proxying | null {
  const values = kubeProxyValues(text);
  const asked = values && proxyingOf(values);
  return asked?.kind === 'known' ? asked.proxying : null;
}
