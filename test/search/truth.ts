import { isDeepStrictEqual } from 'node:util';
import type { ClusterReport, NodeState } from '@nightshift/sandbox';
import { parse } from 'yaml';
import { type CaseCluster, type CaseRequest, type CaseWorld, type KnownWindow, WINDOWS } from './case.ts';

/** What kube-proxy runs; only IPVS has a scheduler. */
export interface Running {
  mode: string;
  scheduler: string | null;
}

type Mapping = Record<string, unknown>;
const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const mapping = (value: unknown): Mapping => (isMapping(value) ? value : {});

/** YAML is a superset of JSON here; nothing, `{}` and an empty text are the same. */
export function readValues(text: string | null): Mapping {
  return text === null ? {} : mapping(parse(text));
}

/** The user's own values: everything that nightshift may not touch. */
export function ownValues(text: string | null): Mapping {
  const { mode: _mode, ipvs, podAnnotations, ...rest } = readValues(text);
  const { scheduler: _scheduler, ...others } = mapping(ipvs);
  const { 'nightshift/restart-for': _restart, ...annotations } = mapping(podAnnotations);
  return {
    ...rest,
    ...(Object.keys(others).length > 0 && { ipvs: others }),
    ...(Object.keys(annotations).length > 0 && { podAnnotations: annotations }),
  };
}

export const sameValues = (one: unknown, other: unknown): boolean => isDeepStrictEqual(one, other);

/** What configuration values make kube-proxy run: its defaults are iptables and rr. */
export function configured(text: string | null): Running {
  const values = readValues(text);
  const mode = typeof values['mode'] === 'string' && values['mode'] !== '' ? values['mode'] : 'iptables';
  if (mode !== 'ipvs') return { mode, scheduler: null };
  const scheduler = mapping(values['ipvs'])['scheduler'];
  return { mode, scheduler: typeof scheduler === 'string' && scheduler !== '' ? scheduler : 'rr' };
}

/** What the next pod of kube-proxy starts with; null where it would not start. */
export function nextPodRuns({ configMap }: ClusterReport): Running | null {
  if (configMap.mode === null) return null;
  const { mode, scheduler } = configMap;
  return mode === 'ipvs' ? { mode, scheduler: scheduler || 'rr' } : { mode, scheduler: null };
}

/** Everything in a text of kube-proxy's configuration but the mode and the scheduler. */
export function configText(text: string): Mapping {
  const { mode: _mode, ipvs, ...rest } = mapping(parse(text));
  const { scheduler: _scheduler, ...others } = mapping(ipvs);
  return { ...rest, ipvs: others };
}

/** What a cluster ran when the world began: nobody had edited its ConfigMap. */
export const formerly = ({ addon }: CaseCluster): Running => configured(addon?.configuration ?? null);

export const wanted = ({ target }: CaseRequest): Running => ({
  mode: target.mode,
  scheduler: target.mode === 'ipvs' ? target.scheduler : null,
});

export const sameRunning = (one: Running, other: Running): boolean =>
  one.mode === other.mode && one.scheduler === other.scheduler;

export const shown = ({ mode, scheduler }: Running): string => (scheduler === null ? mode : `${mode} (${scheduler})`);

/** Nodes with a kube-proxy of the DaemonSet: all but Windows and Fargate. */
export const runsKubeProxy = ({ os }: Pick<NodeState, 'os'>): boolean => os !== 'windows' && os !== 'fargate';
/** Nodes on which documents can run. */
export const hasShell = ({ os }: Pick<NodeState, 'os'>): boolean => runsKubeProxy({ os }) && os !== 'bottlerocket';

export const runningOn = ({ runningMode, scheduler }: NodeState): Running => ({
  mode: runningMode ?? 'nothing',
  scheduler,
});

export const liveNodes = ({ nodes }: ClusterReport): NodeState[] => nodes.filter(runsKubeProxy);

/** Whether disruption is allowed at this moment by the window's clock and its calendar, the end excluded. */
export function isOpen(name: string, at: Date, world: CaseWorld, spareHours = 0): boolean {
  const window = WINDOWS[name];
  if (!window) return false;
  if (window.frozen && isFrozen(world, at)) return false;
  return startsAround(window, at).some(
    (start) => at.getTime() >= start && at.getTime() < start + (window.hours - spareHours) * 3_600_000,
  );
}

/** The cutoff of a window, in hours: nothing may begin in the last ones. */
export const cutoffOf = (name: string): number => WINDOWS[name]?.cutoffHours ?? 0;

function startsAround({ weekday, opens }: KnownWindow, at: Date): number[] {
  const midnight = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate());
  return [0, 1]
    .map((daysAgo) => midnight - daysAgo * 86_400_000)
    .filter((day) => weekday === null || new Date(day).getUTCDay() === weekday)
    .map((day) => day + opens * 60_000);
}

function isFrozen({ freeze }: CaseWorld, at: Date): boolean {
  return freeze.filter((moment) => Date.parse(moment) <= at.getTime()).length % 2 === 1;
}
