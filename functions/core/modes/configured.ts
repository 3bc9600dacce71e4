import { InvalidConfiguration } from '../errors.ts';
import type { Way } from '../preflight/snapshot.ts';
import { configuredProxying, parseConfiguration } from './addon-config.ts';
import { describeProxying, proxyingOf, sameProxying } from './index.ts';
import { kubeProxyValues } from './kube-proxy-text.ts';
import type { Proxying, Target } from './proxy-mode.ts';

/** What kube-proxy is configured for: the one place that compares configurations with a target. */

/** True if the add-on's configuration values ask for the target. Values that cannot be read do not. */
export function isConfiguredFor(configuration: string | null, target: Target): boolean {
  return sameProxying(valuesProxying({ configuration }), target);
}

/** What the text of the ConfigMap kube-proxy-config asks for; null if it cannot be read or names an unknown mode. */
export function configMapProxying(text: string): Proxying | null {
  const values = kubeProxyValues(text);
  const asked = values && proxyingOf(values);
  return asked?.kind === 'known' ? asked.proxying : null;
}

/** What configures kube-proxy: the add-on (null: there is none) and its ConfigMap (null: it was not read). */
export interface Configured {
  addon: { version: string; status: string; configuration: string | null } | null;
  configMap: string | null;
}

/** What a look found. */
export interface Looked {
  addon: { version: string; configuration: string | null } | null;
  configMap: string | null;
}

/**
 * What differs from what a look found, as the rest of a sentence; null when nothing does. A text that was not read both
 * times is not compared, and neither is `modifiedAt`: a change that was taken back leaves nothing to overwrite.
 */
export function differenceFrom(looked: Looked, now: Configured): string | null {
  const difference = addonDifference(looked.addon, now.addon);
  if (difference !== null) return difference;
  if (looked.configMap === null || now.configMap === null || looked.configMap === now.configMap) return null;
  return 'the ConfigMap kube-proxy-config was edited';
}

function addonDifference(looked: Looked['addon'], now: Configured['addon']): string | null {
  if (looked === null) return now === null ? null : `kube-proxy became the add-on ${now.version}`;
  if (now === null) return 'the add-on was deleted';
  if (now.version !== looked.version) return `the add-on went from ${looked.version} to ${now.version}`;
  if ((now.configuration ?? '') !== (looked.configuration ?? '')) return "the add-on's configuration values changed";
  return null;
}

/**
 * Why the next kube-proxy pod would not start with `proxying`, as the rest of a sentence; null when it would. The values
 * of the add-on and the ConfigMap that EKS makes of them both have to ask for it; in a cluster that had drifted before,
 * the values for what they asked for then (`drifted`), and only the ConfigMap counts.
 */
export function notConfiguredFor(
  proxying: Proxying,
  way: Way,
  { addon, configMap }: Configured,
  drifted: Proxying = proxying,
): string | null {
  if (addon === null && way === 'addon') return 'the add-on was deleted';
  if (addon === null && configMap === null)
    return 'there is no add-on, and the ConfigMap kube-proxy-config is not there';
  if (addon !== null && IN_FLIGHT.includes(addon.status))
    return `an update of the add-on is in flight (${addon.status})`;
  const values =
    addon === null ? null : mismatch(drifted, "the add-on's configuration values ask", valuesProxying(addon));
  if (values !== null) return values;
  if (configMap === null)
    return sameProxying(drifted, proxying) ? null : 'what the ConfigMap kube-proxy-config asks for was not read';
  return mismatch(proxying, 'the ConfigMap kube-proxy-config asks', configMapProxying(configMap));
}

/** What EKS will have written when it is done is not known yet. */
const IN_FLIGHT = ['CREATING', 'UPDATING', 'DELETING'];

function valuesProxying({ configuration }: { configuration: string | null }): Proxying | null {
  try {
    return configuredProxying(parseConfiguration(configuration));
  } catch (error) {
    if (error instanceof InvalidConfiguration) return null;
    throw error;
  }
}

function mismatch(wanted: Proxying, what: string, found: Proxying | null): string | null {
  if (sameProxying(found, wanted)) return null;
  const asks = found === null ? 'something that is not known' : describeProxying(found);
  return `${what} for ${asks}, not for ${describeProxying(wanted)}`;
}
