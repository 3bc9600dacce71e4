import type { ApiCall } from '@nightshift/sandbox';
import { expect } from 'vitest';
import * as z from 'zod';
import type { Rested } from './run.ts';
import { CLUSTER, REQUEST } from './worlds.ts';

/** `status error ending modes`, as in `FAILED RolledBack rolled-back iptables`. */
export function endingOf(rested: Rested): string {
  const { status, error } = rested;
  return [status, error, lastSaid(rested), modesOf(rested)].filter((word) => word !== undefined).join(' ');
}

/** What the execution `test`, or whatever undid or finished its work, said last; not its duplicates. */
function lastSaid({ said }: Rested): string {
  return said.findLast(({ execution }) => !execution.includes('-again-'))?.ending ?? 'nothing-said';
}

/** The modes that Linux nodes run, each once: one word when the cluster is whole. Without nodes: the next one's. */
function modesOf({ cluster }: Rested): string {
  const linux = cluster.nodes.filter(({ os }) => os !== 'windows' && os !== 'fargate');
  if (linux.length === 0) return cluster.configMap.mode ?? 'none';
  return [...new Set(linux.map(({ runningMode }) => runningMode ?? 'none'))].sort().join('+');
}

interface Known {
  /** The add-on's configuration values before; null where there is no add-on. */
  former?: string | null;
  /** The mode that these values ask for. */
  formerMode?: string;
  /** What the request asks for. */
  target?: { mode: string; scheduler?: string };
  /** Whether something is to have been recorded. */
  recorded?: boolean;
}

/**
 * What holds however an execution ended: one mode that the nodes run and the configuration says, the user's own values
 * as they were, no access, no lease, nothing disruptive before window and preparation, and a record. `rollback-failed`
 * may leave the cluster in pieces, but then it was said on the bus.
 */
export function expectWhole(
  rested: Rested,
  {
    former = CLUSTER.addon.configuration,
    formerMode = 'iptables',
    target = REQUEST.target,
    recorded = true,
  }: Known = {},
): void {
  const { cluster, state, said, executions, calls } = rested;
  expect(executions.filter(({ status }) => status === 'RUNNING')).toEqual([]);
  expect(executions.flatMap(({ error }) => error ?? []).filter((error) => error.startsWith('States.'))).toEqual([]);
  expect(cluster.accessEntries).toEqual([]);
  expect(state.schedules).toEqual([]);
  expect(unstruck(state.faults), 'faults that never struck').toEqual([]);
  expectPatience(calls);
  expectOneAtATime(rested);
  expect(calls.some(isOutcome)).toBe(recorded);
  if (lastSaid(rested) === 'rollback-failed') {
    expect(said.map(({ event }) => event)).toContain('nightshift.RollbackFailed');
    return;
  }
  const mode = modesOf(rested);
  expect([target.mode, formerMode]).toContain(mode);
  expect(cluster.configMap.mode).toBe(mode);
  // Bottlerocket has no shell: what the former mode left there goes with the node.
  const cleaned = cluster.nodes.filter(({ os }) => os !== 'bottlerocket').map(({ leftovers }) => leftovers);
  expect(cleaned).toEqual(cleaned.map(() => ({ virtualServers: 0, rejectRules: 0, nftTables: 0 })));
  if (mode === formerMode) expect(cluster.addon?.configurationValues ?? null).toBe(former);
  else if (cluster.addon)
    expect(valuesOf(cluster.addon.configurationValues ?? '')).toEqual(mergedWith(valuesOf(former ?? '{}'), target));
}

/** The user's values with the mode, and with the scheduler if the mode has one; otherwise without a scheduler. */
function mergedWith(values: Record<string, unknown>, { mode, scheduler }: Required<Known>['target']): object {
  const { ipvs: _, ...rest } = values;
  return scheduler === undefined ? { ...rest, mode } : { ...rest, mode, ipvs: { scheduler } };
}

/** No execution begins to change the cluster before the one before it has ended, unless that waits for it. */
function expectOneAtATime({ executions }: Rested): void {
  const changing = executions
    .filter(({ name }) => !name.startsWith('rollback-'))
    .flatMap(({ changing }) => changing ?? []);
  const sorted = changing.toSorted((a, b) => a.from.getTime() - b.from.getTime());
  for (const [index, { from }] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before) expect(before.to?.getTime()).toBeLessThanOrEqual(from.getTime());
  }
}

const Values = z.record(z.string(), z.unknown());

/** Without the annotation that makes EKS roll the DaemonSet. */
function valuesOf(text: string): Record<string, unknown> {
  const { podAnnotations, ...values } = Values.parse(JSON.parse(text));
  const { 'nightshift/restart-for': _, ...annotations } = Values.parse(podAnnotations ?? {});
  return Object.keys(annotations).length > 0 ? { ...values, podAnnotations: annotations } : values;
}

const Unstruck = z.object({ left: z.union([z.number(), z.literal('every')]).optional() });

/** Faults for ever are never used up; the others are, or the scenario did not test what it says. */
function unstruck(faults: readonly unknown[]): unknown[] {
  return faults.filter((fault) => Unstruck.parse(fault).left !== 'every');
}

const DISRUPTIVE = [
  /^eks (Update|Create|Delete)Addon$/,
  /^kubernetes (patch|update) (daemonsets|configmaps)$/,
  /^kubernetes delete pods$/,
];
/** What another principal does is no deed of the product's. */
const isDisruptive = ({ service, operation, principal }: ApiCall) =>
  principal !== 'other' && DISRUPTIVE.some((pattern) => pattern.test(`${service} ${operation}`));

/** Of worlds.ts: from 02:00 on Saturday in New York for four hours, which is not summer time. */
const isOpen = (at: Date) => at.getUTCDay() === 6 && at.getUTCHours() >= 7 && at.getUTCHours() < 11;

/** A rollback does not wait for a window; everything before it does, and for the evidence of preparation. */
function expectPatience(calls: readonly ApiCall[]): void {
  const rollback = calls.findIndex((call) => call.operation === 'StartExecution' && names(call, ':rollback-cluster"'));
  const forward = calls.slice(0, rollback < 0 ? calls.length : rollback).filter(isDisruptive);
  expect(forward.filter(({ at }) => !isOpen(new Date(at)))).toEqual([]);
  const first = calls.findIndex(isDisruptive);
  if (first >= 0) expect(calls.slice(0, first).some(isPreparation)).toBe(true);
}

const names = ({ input }: ApiCall, text: string) => JSON.stringify(input).includes(text);
const isPut = ({ operation, error }: ApiCall) => operation === 'PutObject' && error === undefined;
const isOutcome = (call: ApiCall) => isPut(call) && names(call, '/outcome.json"');
const isPreparation = (call: ApiCall) =>
  isPut(call) && /"executions\/[^/]+\/prepare-[^/]+\/evidence\.ndjson\.gz"/.test(JSON.stringify(call.input));
