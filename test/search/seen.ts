import { gunzipSync } from 'node:zlib';
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { AddonUpdate, ApiCall, ClusterReport, SandboxState } from '@nightshift/sandbox';
import type { Case, CaseCluster, CaseRequest } from './case.ts';

/** Everything that can be seen from outside when time has come to rest. */
export interface Seen {
  readonly of: Case;
  /** When the world began. */
  readonly first: SandboxState;
  readonly state: SandboxState;
  readonly calls: readonly ApiCall[];
  readonly executions: readonly ExecutionSeen[];
  /** By the name of the cluster, in the order in which EKS took them. */
  readonly addonUpdates: ReadonlyMap<string, readonly AddonUpdate[]>;
  /** The evidence bucket: key → bytes. */
  readonly objects: ReadonlyMap<string, Uint8Array>;
  /** What documents printed on nodes, as SSM keeps it. */
  readonly outputs: readonly NodeOutput[];
  /** What roles of the product did and may not do, a sentence each. */
  readonly exceeded: readonly string[];
}

export interface ExecutionSeen {
  readonly name: string;
  readonly arn: string;
  readonly machine: string;
  readonly status: string;
  readonly error: string | undefined;
  readonly input: Json;
  readonly cluster: string;
  readonly startedAt: Date;
  readonly history: readonly HistoryEvent[];
}

export interface NodeOutput {
  readonly commandId: string;
  readonly node: string;
  readonly document: string;
  readonly requestedAt: Date;
  readonly status: string;
  readonly output: string;
}

export type Json = Record<string, unknown>;

export function asJson(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A function that an execution called, or an API: one attempt. */
export interface Deed {
  readonly execution: ExecutionSeen;
  readonly at: Date;
  /** Handler file name, or the API as the ASL names it: `aws-sdk:eks:createAccessEntry`. */
  readonly what: string;
  /** The payload of a function, the arguments of an API. */
  readonly input: Json;
}

/** With these names a function that changes something says that nothing was changed: another was there before it. */
const NOTHING_SENT = new Set(['ConfigurationChanged', 'LeaseLost', 'ResourceInUseException']);

/** Everything that an execution set about, in order, but for what it found that it must not do. */
export function deedsOf(execution: ExecutionSeen): Deed[] {
  return execution.history.flatMap(({ timestamp, taskScheduledEventDetails: details }, index) => {
    if (!timestamp || !details || NOTHING_SENT.has(failureAfter(execution, index))) return [];
    const parameters = asJson(JSON.parse(details.parameters ?? '{}'));
    const [, handler] = /nightshift-([\w-]+?)(?::\d+)?$/.exec(textOf(parameters['FunctionName'])) ?? [];
    const what = handler ?? `${details.resourceType}:${details.resource}`;
    return [{ execution, at: timestamp, what, input: handler ? asJson(parameters['Payload']) : parameters }];
  });
}

/** The error of the task that this event scheduled; an empty text if it did not fail. */
function failureAfter({ history }: ExecutionSeen, index: number): string {
  const next = history.slice(index + 1).find(({ type }) => type === 'TaskSucceeded' || type === 'TaskFailed');
  return next?.taskFailedEventDetails?.error ?? '';
}

const CHANGING = new Set(['update-addon', 'edit-config-map', 'restart-kube-proxy']);
/** Deeds that change what kube-proxy runs, or is to run. */
export const isDisruptive = ({ what }: Deed): boolean => CHANGING.has(what);
/** Deeds that change a cluster or its nodes in any way. */
export const isChange = (deed: Deed): boolean =>
  isDisruptive(deed) || (deed.what === 'run-on-nodes' && deed.input['phase'] !== 'validate');

/** A cluster as it was, as it is, and everything that was asked of it and done to it. */
export interface ClusterSeen {
  readonly before: CaseCluster;
  readonly after: ClusterReport;
  readonly requests: readonly CaseRequest[];
  readonly executions: readonly ExecutionSeen[];
  readonly calls: readonly ApiCall[];
  readonly addonUpdates: readonly AddonUpdate[];
}

export function clustersOf(seen: Seen): ClusterSeen[] {
  // A cluster may have a past: what was updated before the world began is nobody's change in it.
  const began = new Date(seen.of.world.start);
  return seen.of.world.clusters.map((before) => {
    const after = seen.state.clusters.find(({ name }) => name === before.name);
    if (!after) throw new Error(`the state has no cluster ${before.name}`);
    return {
      before,
      after,
      requests: seen.of.requests.filter(({ cluster }) => cluster === before.name),
      executions: seen.executions.filter(({ cluster }) => cluster === before.name),
      calls: seen.calls.filter(({ input }) => namesCluster(asJson(input), before.name)),
      addonUpdates: (seen.addonUpdates.get(before.name) ?? []).filter(({ createdAt }) => createdAt >= began),
    };
  });
}

/** EKS's operations name a cluster as `clusterName`, or `name`; the Kubernetes log has `cluster`. */
const namesCluster = (input: Json, name: string): boolean =>
  [input['clusterName'], input['name'], input['cluster']].includes(name);

/** One node's verdict as it lies in the evidence. */
export interface VerdictSeen {
  node: string;
  pass: boolean;
  reasons: unknown[];
  facts: Json;
  excerpt: string;
}

/** One step's evidence of one phase. */
export interface Evidence {
  readonly step: string;
  readonly phase: string;
  readonly sentAt: string;
  readonly commandIds: string[];
  readonly verdicts: VerdictSeen[];
}

const unzipped = (bytes: Uint8Array): string => gunzipSync(bytes).toString('utf8');

export function objectText(seen: Seen, key: string): string | null {
  const bytes = seen.objects.get(key);
  if (!bytes) return null;
  return key.endsWith('.gz') ? unzipped(bytes) : Buffer.from(bytes).toString('utf8');
}

/** What an execution's history carries because the bucket did not take it: key → text. */
function carriedTexts({ history }: Pick<ExecutionSeen, 'history'>): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { taskSucceededEventDetails } of history) {
    const answer = asJson(asJson(JSON.parse(taskSucceededEventDetails?.output ?? '{}'))['Payload']);
    for (const { key, inline } of ['dispatch', 'evidence'].map((name) => asJson(answer[name])))
      if (typeof inline === 'string') texts.set(textOf(key), unzipped(Buffer.from(inline, 'base64')));
  }
  return texts;
}

/** The evidence of an execution, oldest first. A step that was sent and never judged has none. */
export function evidenceOf(seen: Seen, execution: Pick<ExecutionSeen, 'name' | 'machine' | 'history'>): Evidence[] {
  const carried = carriedTexts(execution);
  const read = (key: string) => objectText(seen, key) ?? carried.get(key) ?? null;
  const found: Evidence[] = [];
  for (const key of new Set([...seen.objects.keys(), ...carried.keys()])) {
    const [, step] = new RegExp(`^${prefixOf(execution)}([^/]+)/evidence\\.ndjson\\.gz$`).exec(key) ?? [];
    if (step === undefined) continue;
    const dispatch = asJson(JSON.parse(read(`${prefixOf(execution)}${step}/dispatch.json.gz`) ?? '{}'));
    const lines = (read(key) ?? '').split('\n').filter((line) => line !== '');
    const commands = Array.isArray(dispatch['commands']) ? dispatch['commands'] : [];
    found.push({
      step,
      phase: textOf(dispatch['phase']),
      sentAt: textOf(dispatch['sentAt']),
      commandIds: commands.map((command) => textOf(asJson(command)['commandId'])),
      verdicts: lines.map((line) => verdictOf(asJson(JSON.parse(line)))),
    });
  }
  return found.sort((a, b) => (a.sentAt < b.sentAt ? -1 : 1));
}

function verdictOf(line: Json): VerdictSeen {
  return {
    node: textOf(line['node']),
    pass: line['pass'] === true,
    reasons: Array.isArray(line['reasons']) ? line['reasons'] : [],
    facts: asJson(line['facts']),
    excerpt: textOf(line['excerpt']),
  };
}

/** What an execution recorded of its end. */
export function outcomeOf(seen: Seen, execution: Pick<ExecutionSeen, 'name' | 'machine'>): Json | null {
  const text = objectText(seen, `${prefixOf(execution)}outcome.json`);
  return text === null ? null : asJson(JSON.parse(text));
}

/** Where an execution keeps its objects: each state machine has a prefix of its own. */
const prefixOf = ({ name, machine }: Pick<ExecutionSeen, 'name' | 'machine'>): string =>
  `${machine === 'nightshift-rollback-cluster' ? 'rollbacks' : 'executions'}/${name}/`;

export const isMigration = ({ machine }: ExecutionSeen): boolean => machine === 'nightshift-migrate-cluster';

/** The execution whose change a rollback looks at. */
export const ownerOf = ({ input }: ExecutionSeen): string => textOf(asJson(input['execution'])['name']);
