import * as z from 'zod/mini';
import type { Verdict } from './verdict.ts';

/** The verdicts of one validation; `sentAt` is ISO 8601 in UTC. */
export interface Validation {
  sentAt: string;
  /** Only some nodes were asked. */
  limited: boolean;
  verdicts: readonly Verdict[];
}

/** Nodes whose kube-proxy reported this mode; `names` are the first twenty. */
export const NodesInMode = z.object({ mode: z.string(), nodes: z.number(), names: z.array(z.string()) });
export type NodesInMode = z.output<typeof NodesInMode>;

const NAMED = 20;

/** The validations since all nodes were last asked, in order: an earlier verdict may be from before a restart. */
export function sinceAllWereAsked<Asked extends Pick<Validation, 'sentAt' | 'limited'>>(
  validations: readonly Asked[],
): Asked[] {
  const sorted = validations.toSorted((a, b) => (a.sentAt < b.sentAt ? -1 : 1));
  const whole = sorted.findLastIndex(({ limited }) => !limited);
  return sorted.slice(Math.max(whole, 0));
}

/**
 * Which mode every node reported when all were last asked, or when it was asked alone after that. A node that did not
 * report a mode is `unknown`, even if it reported one before: it may have been restarted since. Modes by name.
 */
export function nodesByMode(validations: readonly Validation[]): NodesInMode[] {
  const last = new Map<string, { mode: string; name: string }>();
  for (const { verdicts } of sinceAllWereAsked(validations))
    for (const { node, name, facts } of verdicts)
      last.set(node, { mode: String(facts['proxyMode'] ?? 'unknown'), name });
  const modes = Map.groupBy(last.values(), ({ mode }) => mode);
  return [...modes]
    .map(([mode, nodes]) => ({ mode, nodes: nodes.length, names: nodes.slice(0, NAMED).map(({ name }) => name) }))
    .sort((a, b) => (a.mode < b.mode ? -1 : 1));
}
