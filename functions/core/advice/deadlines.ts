import * as z from 'zod/mini';
import { MODES } from '../modes/index.ts';
import type { ProxyMode } from '../modes/proxy-mode.ts';

/** What a version of Kubernetes changes, and the page that announces it. */
export const Deadline = z.object({ what: z.string(), version: z.string(), source: z.string() });
export type Deadline = z.output<typeof Deadline>;

const IPVS: ProxyMode = 'ipvs';

const KEP_5495 = 'https://github.com/kubernetes/enhancements/issues/5495';
const KEP_5343 = 'https://github.com/kubernetes/enhancements/issues/5343';
const EKS_VERSIONS = 'https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions-standard.html';

/** Upstream's plan, and what EKS announces, which contradicts it: the live schema decides. None for a mode that stays. */
export function deadlinesFor({
  running,
  addon,
}: {
  running: ProxyMode | null;
  addon: { version: string; modes: readonly string[] } | null;
}): Deadline[] {
  if (running !== null && MODES[running].scales && MODES[running].removedIn === null) return [];
  const listed = addon?.modes.includes(IPVS);
  const schema =
    addon === null ? '' : `; the schema of this add-on, ${addon.version}, ${listed ? 'lists it' : 'does not list it'}`;
  return [
    { what: 'kube-proxy warns of ipvs mode: it is deprecated', version: '1.35', source: KEP_5495 },
    {
      what: `EKS announces that ipvs mode is removed, which contradicts the plan of Kubernetes${schema}`,
      version: '1.36',
      source: EKS_VERSIONS,
    },
    {
      what: 'kube-proxy exits in ipvs mode, unless a feature gate is set that the add-on cannot set',
      version: '1.40',
      source: KEP_5495,
    },
    {
      what: 'nftables becomes the mode of a kube-proxy whose configuration names none',
      version: '1.40',
      source: KEP_5343,
    },
    { what: 'kube-proxy has no ipvs mode any more', version: '1.43', source: KEP_5495 },
  ];
}
