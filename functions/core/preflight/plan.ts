import type { MigrationRequest } from '../execution/request.ts';
import { alreadyTarget } from '../modes/addon-config.ts';
import { configMapProxying } from '../modes/configured.ts';
import { describeProxying, type Proxying, sameProxying } from '../modes/proxy-mode.ts';
import type { InventoryNode } from '../nodes/nodes.ts';
import type { Subject } from './check.ts';
import { CHECKS, type Check, preflight, type Sight, subjectOf } from './preflight.ts';
import type { ClusterSnapshot, RestartStrategy, Way } from './snapshot.ts';

export type { ClusterSnapshot, RestartStrategy, Way } from './snapshot.ts';

/** What a change, or a restart alone, would do. */
export interface PlannedChange {
  strategy: RestartStrategy;
  way: Way;
  /** The text to send to EKS; null with the way `config-map`, which sends none. */
  configuration: string | null;
  /** The version that CreateAddon is to make; null with the other ways, which keep theirs. */
  createVersion: string | null;
}

/** What to do with a cluster, why, and every check that was made. */
export type MigrationPlan =
  | ({ kind: 'none' | 'migrate'; reasons: string[]; checks: Check[] } & PlannedChange)
  | { kind: 'refuse'; reasons: string[]; checks: Check[] };

/** The mode that an eligible node was seen running; null where nobody asked it. */
function seenMode({ handling, runningMode }: InventoryNode): string | null {
  if (handling.by === 'proxy-mode') return handling.mode ?? runningMode ?? null;
  return handling.by === 'ssm' ? (runningMode ?? null) : null;
}

const named = (nodes: InventoryNode[]): string =>
  nodes
    .slice(0, 5)
    .map((node) => `${node.name} (${seenMode(node)})`)
    .concat(nodes.length > 5 ? [`and ${nodes.length - 5} more`] : [])
    .join(', ');

const said = ({ why, fix }: Check): string => (fix === '' ? `${why}.` : `${why}. ${fix}`);

/** A warning that is news: one of a check that the next look makes is not. */
const isNews = ({ verdict, accepted, later }: Check): boolean => accepted || (verdict === 'WARN' && !later);

const sentence = (check: Check): string =>
  check.accepted ? `Accepted risk (${check.name}): ${check.why}.` : said(check);

/** What the live ConfigMap makes kube-proxy run; undefined where it was not read. */
function liveProxying({ workloads }: Subject): Proxying | null | undefined {
  const configMap = workloads?.configMap;
  return configMap?.kind === 'read' && configMap.value !== null ? configMapProxying(configMap.value) : undefined;
}

/** `drifted`: the add-on's values are the target, but somebody edited the ConfigMap that EKS wrote. */
type Configured = 'yes' | 'no' | 'drifted';

/** Whether what configures kube-proxy asks for the target already: the add-on's values, or the ConfigMap. */
function configuredFor(subject: Subject): Configured {
  const { snapshot, request, current } = subject;
  const live = liveProxying(subject);
  const isTarget = live !== undefined && live !== null && sameProxying(live, request.target);
  if (snapshot.addon === null) return isTarget ? 'yes' : 'no';
  if (current === null || !alreadyTarget(current, request.target)) return 'no';
  return live === undefined || isTarget ? 'yes' : 'drifted';
}

/**
 * What would be sent. Where the configuration is the target already, only a restart may be due: through the Kubernetes
 * API it needs no other text than the one that is there. A ConfigMap that drifted needs to be written again: a line
 * break makes it another text with the same values.
 */
function changeOf(subject: Subject, way: Way, configured: Configured): PlannedChange {
  const { strategy, snapshot, configuration } = subject;
  const present = snapshot.addon?.configuration ?? null;
  const kept = configured === 'yes' && way === 'addon' && strategy === 'kubernetes-api';
  const again = configured === 'drifted' && configuration === present;
  return {
    strategy,
    way,
    configuration: kept ? present : again ? `${configuration}\n` : configuration,
    createVersion: way === 'create-addon' ? (snapshot.offered?.version ?? null) : null,
  };
}

/** Why something is to be changed. */
function firstReason(subject: Subject, configured: Configured, others: InventoryNode[]): string {
  const { way, workloads, request } = subject;
  const what = way === 'addon' ? 'The add-on' : 'kube-proxy';
  const wanted = describeProxying(request.target).text;
  switch (configured) {
    case 'drifted':
      return `The add-on is configured for ${wanted}, but the ConfigMap kube-proxy-config was edited to something else.`;
    case 'yes':
      return others.length === 0
        ? `${what} is configured for ${wanted}, but nodes did not prove it.`
        : `${what} is configured for ${wanted}, but nodes still run another mode: ${named(others)}.`;
    case 'no':
      return way === 'addon' || workloads !== null
        ? `${what} is not configured for ${wanted}.`
        : 'What kube-proxy is configured for is read before anything is changed.';
  }
}

/**
 * Decides what to do. `none`: kube-proxy is configured for the target and no node was seen running anything else, so
 * there is nothing to write; a node's own proof is the validate phase's. `migrate`: also when the configuration is right
 * and a node still runs another mode, since EKS does not restart pods. `refuse`: a check blocks, and nobody accepted it.
 */
export function planMigration(
  snapshot: ClusterSnapshot,
  inventory: InventoryNode[],
  request: MigrationRequest,
  sight: Sight,
): MigrationPlan {
  const subject = subjectOf(snapshot, inventory, request, sight);
  const checks = preflight(subject);
  const others = inventory.filter((node) => {
    const mode = seenMode(node);
    return mode !== null && mode !== request.target.mode;
  });
  const configured = configuredFor(subject);
  const compliant = configured === 'yes' && others.length === 0 && sight.refuted !== true;
  const blocks = checks.filter(
    ({ name, verdict, accepted }) => verdict === 'BLOCK' && !accepted && !(compliant && CHECKS[name].changeOnly),
  );
  if (blocks.length > 0 || subject.way === null) return { kind: 'refuse', reasons: blocks.map(said), checks };
  const change = changeOf(subject, subject.way, configured);
  if (!compliant) {
    const reasons = [firstReason(subject, configured, others), ...checks.filter(isNews).map(sentence)];
    return { kind: 'migrate', reasons, checks, ...change };
  }
  const what = subject.way === 'addon' ? 'The add-on' : 'kube-proxy';
  const wanted = describeProxying(request.target).text;
  const reason = `${what} is already configured for ${wanted}, and no node was seen running anything else.`;
  return { kind: 'none', reasons: [reason], checks, ...change };
}
