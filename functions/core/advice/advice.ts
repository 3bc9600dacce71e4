import * as z from 'zod/mini';
import { MODES } from '../modes/index.ts';
import type { ProxyMode } from '../modes/proxy-mode.ts';
import { minorOf } from '../preflight/cluster.ts';
import { STABLE_MINOR } from '../preflight/nftables.ts';
import { MANY_SERVICES, RECOMMENDED_MINOR } from '../preflight/services.ts';
import { FIRST_CNI } from '../preflight/vpc-cni.ts';
import { named } from '../values/named.ts';
import { isSince, readRelease, releaseText } from '../values/release.ts';
import { Deadline, deadlinesFor } from './deadlines.ts';

/**
 * What a cluster should do about kube-proxy's mode. `nftables-later`: not before what `after` names has been done, and
 * until then it may keep its mode.
 */
export const Advice = z.object({
  cluster: z.string(),
  version: z.string(),
  /** The mode that kube-proxy is configured for. */
  running: z.string(),
  advice: z.enum(['stay', 'ipvs', 'nftables', 'nftables-later']),
  /** What has to be done first. */
  after: z.array(z.string()),
  reasons: z.array(z.string()),
  deadlines: z.array(Deadline),
});
export type Advice = z.output<typeof Advice>;

/** What advice rests on. Null: not known. */
export interface AdviceFacts {
  cluster: string;
  /** Kubernetes minor version, `1.34`. */
  version: string;
  autoMode: boolean;
  running: ProxyMode | null;
  /** The kube-proxy add-on and the modes that its schema lists; null if kube-proxy is self-managed. */
  addon: { version: string; modes: readonly string[] } | null;
  services: number | null;
  /** The version of the Amazon VPC CNI. */
  cni: string | null;
  kernels: { tooOld: readonly string[]; unknown: number } | null;
}

type Decision = Pick<Advice, 'advice' | 'after' | 'reasons'>;

const NFTABLES: ProxyMode = 'nftables';
const RECOMMENDED = `1.${RECOMMENDED_MINOR}`;

export function advise(facts: AdviceFacts): Advice {
  const { cluster, version, running } = facts;
  const decision = decide(facts);
  return { cluster, version, running: running ?? 'unknown', ...decision, deadlines: deadlinesFor(facts) };
}

function decide(facts: AdviceFacts): Decision {
  return stay(facts) ?? move(facts, minorOf({ snapshot: facts }));
}

const staying = (reason: string): Decision => ({ advice: 'stay', after: [], reasons: [reason] });

/** Null if the cluster should leave its mode, or may have to. */
function stay({ autoMode, running, services, version }: AdviceFacts): Decision | null {
  if (autoMode)
    return staying('EKS Auto Mode runs the nodes of this cluster, and chooses the mode of their kube-proxy.');
  if (minorOf({ snapshot: { version } }) === null)
    return staying(`Kubernetes ${version} is not a known version: update nightshift.`);
  if (running === null) return null;
  const { scales, removedIn } = MODES[running];
  if (scales && removedIn === null)
    return staying(`kube-proxy is configured for ${running}, which no version removes.`);
  if (!scales && services !== null && services <= MANY_SERVICES)
    return staying(
      `The cluster has ${services} Services; ${running} mode is slow with more than ${MANY_SERVICES.toLocaleString('en')}.`,
    );
  return null;
}

/** For a cluster that should leave its mode. */
function move(facts: AdviceFacts, minor: number | null): Decision {
  const { addon, running } = facts;
  const { after, unseen } = steps(facts);
  const why = present(facts);
  const isNew = minor !== null && minor >= RECOMMENDED_MINOR;
  if (isNew && addon !== null && !addon.modes.includes(NFTABLES))
    return {
      advice: 'nftables-later',
      after: [`Update the kube-proxy add-on to a version whose schema lists ${NFTABLES}.`, ...after],
      reasons: [...why, `The schema of the add-on ${addon.version} does not list ${NFTABLES}.`, ...unseen],
    };
  if (isNew)
    return {
      advice: after.length > 0 ? 'nftables-later' : 'nftables',
      after,
      reasons: [...why, `AWS recommends nftables mode from Kubernetes ${RECOMMENDED} on.`, ...unseen],
    };
  const tooEarly =
    minor !== null && minor >= STABLE_MINOR
      ? `kube-proxy of Kubernetes ${facts.version} has nftables mode, and AWS recommends it from ${RECOMMENDED} on: before, a sync takes minutes in large clusters.`
      : `nftables mode is stable, and supported by EKS, from Kubernetes 1.${STABLE_MINOR} on.`;
  const slow = running !== null && !MODES[running].scales;
  if (slow && minor !== null && minor < STABLE_MINOR)
    return {
      advice: 'ipvs',
      after: [],
      reasons: [...why, tooEarly, 'ipvs mode helps now; the cluster has to leave it again before Kubernetes 1.40.'],
    };
  return {
    advice: 'nftables-later',
    after: [`Update the cluster, and kube-proxy with it, to Kubernetes ${RECOMMENDED}.`, ...after],
    reasons: [...why, tooEarly, ...(slow ? [HELPS_NOW] : []), ...unseen],
  };
}

const HELPS_NOW =
  'If it cannot wait: ipvs mode helps now, and the cluster has to leave it again before Kubernetes 1.40.';

/** Why the present mode is none to stay in. */
function present({ running, services }: AdviceFacts): string[] {
  if (running === null)
    return ['Not looked at: the mode of kube-proxy, because it is not an EKS add-on or its values cannot be read.'];
  const { scales, removedIn } = MODES[running];
  if (scales)
    return [`kube-proxy is configured for ${running}, which Kubernetes 1.${removedIn} does not have any more.`];
  const slow = `kube-proxy is configured for ${running}, in which the first packet of a connection is slow with more than ${MANY_SERVICES.toLocaleString('en')} Services`;
  return [
    services === null
      ? `${slow}. Not looked at: how many there are; with fewer the cluster can stay.`
      : `${slow}; the cluster has ${services.toLocaleString('en')}.`,
  ];
}

/** What a change to nftables needs first, and what was not looked at. */
function steps({ addon, version, cni, kernels }: AdviceFacts): { after: string[]; unseen: string[] } {
  const [after, unseen]: [string[], string[]] = [[], []];
  const kubeProxy = addon === null ? null : readRelease(addon.version);
  const minor = minorOf({ snapshot: { version } });
  if (kubeProxy !== null && minor !== null && minor >= RECOMMENDED_MINOR && kubeProxy[1] < RECOMMENDED_MINOR)
    after.push(`Update the kube-proxy add-on from ${releaseText(kubeProxy)} to ${RECOMMENDED} or newer.`);
  const plugin = cni === null ? null : readRelease(cni);
  const first = releaseText(FIRST_CNI);
  if (plugin === null)
    unseen.push(`Not looked at: the version of the Amazon VPC CNI, which must be ${first} or newer.`);
  else if (!isSince(plugin, FIRST_CNI))
    after.push(`Update the Amazon VPC CNI from ${releaseText(plugin)} to ${first} or newer.`);
  if (kernels === null || kernels.unknown > 0)
    unseen.push(
      `Not looked at: the kernels of ${kernels === null ? 'the' : kernels.unknown} nodes, which must be 5.13 or newer (\`kubectl get nodes -o wide\`).`,
    );
  if (kernels !== null && kernels.tooOld.length > 0)
    after.push(`Replace the nodes whose kernel is older than 5.13: ${named(kernels.tooOld)}.`);
  return { after, unseen };
}

/** The advice as one paragraph. */
export function adviceText({ advice, running, after, reasons }: Advice): string {
  const heads: Record<Advice['advice'], string> = {
    stay: running === 'unknown' ? 'Stay as it is.' : `Stay in ${running} mode.`,
    ipvs: 'Move to ipvs mode.',
    nftables: 'Move to nftables mode.',
    'nftables-later': 'Move to nftables mode later.',
  };
  const first = after.length === 0 ? [] : [`First: ${after.join(' ')}`];
  return [heads[advice], ...first, ...reasons].join(' ');
}
