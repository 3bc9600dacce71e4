import { configMapProxying } from '../modes/configured.ts';
import { proxyingOf } from '../modes/index.ts';
import type { Proxying } from '../modes/proxy-mode.ts';
import type { Subject } from './check.ts';

/** The mode and scheduler in the live ConfigMap; undefined if it was not read; null if it asks for an unknown mode. */
export function liveProxying({ workloads }: Pick<Subject, 'workloads'>): Proxying | null | undefined {
  const configMap = workloads?.configMap;
  return configMap?.kind === 'read' && configMap.value !== null ? configMapProxying(configMap.value) : undefined;
}

/** What kube-proxy is configured for before the change: by its ConfigMap, otherwise by the add-on's values. */
export function formerProxying(subject: Pick<Subject, 'workloads' | 'current'>): Proxying | null {
  const live = liveProxying(subject);
  if (live !== undefined) return live;
  const asked = subject.current && proxyingOf(subject.current.values);
  return asked?.kind === 'known' ? asked.proxying : null;
}
