import type { Advice } from '../advice/advice.ts';
import { adviceOf } from '../advice/subject.ts';
import type { MigrationRequest } from '../execution/request.ts';
import { alreadyTarget } from '../modes/addon-config.ts';
import { describeProxying, sameProxying } from '../modes/index.ts';
import type { InventoryNode } from '../nodes/nodes.ts';
import { named } from '../values/named.ts';
import type { Subject } from './check.ts';
import { liveProxying } from './former-mode.ts';
import { CHECKS, type Check, preflight, type Sight, subjectOf } from './preflight.ts';
import type { ClusterSnapshot, RestartStrategy, Way } from './snapshot.ts';

export type { ClusterSnapshot, RestartStrategy, Way } from './snapshot.ts';

/** The actions of a change, or of a restart alone. */
export interface PlannedChange {
  strategy: RestartStrategy;
  way: Way;
  /** The configuration values to send to EKS; null with the way `config-map`, which sends none. */
  configuration: string | null;
  /** The version for CreateAddon; null with the other ways, which keep the version. */
  createVersion: string | null;
}

/** The reasons of a decision, every check that ran, and the mode that fits the cluster, whatever the request asks for. */
interface Explained {
  reasons: string[];
  checks: Check[];
  advice: Advice;
}
/** The decision about a cluster. */
export type MigrationPlan =
  | ({ kind: 'none' | 'migrate' } & Explained & PlannedChange)
  | ({ kind: 'refuse' } & Explained);

/** The mode that an eligible node was seen to run; null if the look did not ask it. */
function seenMode({ handling, runningMode }: InventoryNode): string | null {
  if (handling.by === 'proxy-mode') return handling.mode ?? runningMode ?? null;
  return handling.by === 'ssm' ? (runningMode ?? null) : null;
}

const inModes = (nodes: InventoryNode[]): string =>
  named(
    nodes.map((node) => `${node.name} (${seenMode(node)})`),
    { separator: ', ' },
  );

const said = ({ why, fix }: Check): string => (fix === '' ? `${why}.` : `${why}. ${fix}`);

/** A warning to report. Warnings of checks that run in the next look are left out. */
const isNews = ({ verdict, accepted, later }: Check): boolean => accepted || (verdict === 'WARN' && !later);

const sentence = (check: Check): string =>
  check.accepted ? `Accepted risk (${check.name}): ${check.why}.` : said(check);

/** `drifted`: the add-on's values are the target, but somebody edited the ConfigMap that EKS wrote. */
type Configured = 'yes' | 'no' | 'drifted';

/** Whether the add-on's values or the ConfigMap already configure kube-proxy for the target. */
function configuredFor(subject: Subject): Configured {
  const { snapshot, request, current } = subject;
  const live = liveProxying(subject);
  const isTarget = sameProxying(live ?? null, request.target);
  if (snapshot.addon === null) return isTarget ? 'yes' : 'no';
  if (current === null || !alreadyTarget(current, request.target)) return 'no';
  return live === undefined || isTarget ? 'yes' : 'drifted';
}

/**
 * The values that would be sent. If the configuration is the target already, only a restart may be needed, and through
 * the Kubernetes API that needs no new text. If the ConfigMap drifted, EKS must write it again: an added line break
 * makes another text with the same values.
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

/** The reason for a change. */
function firstReason(subject: Subject, configured: Configured, others: InventoryNode[]): string {
  const { way, workloads, request } = subject;
  const what = way === 'addon' ? 'The add-on' : 'kube-proxy';
  const wanted = describeProxying(request.target);
  switch (configured) {
    case 'drifted':
      return `The add-on is configured for ${wanted}, but the ConfigMap kube-proxy-config was edited to something else.`;
    case 'yes':
      return others.length === 0
        ? `${what} is configured for ${wanted}, but nodes did not prove it.`
        : `${what} is configured for ${wanted}, but nodes still run another mode: ${inModes(others)}.`;
    case 'no':
      return way === 'addon' || workloads !== null
        ? `${what} is not configured for ${wanted}.`
        : 'The configuration of kube-proxy is read before anything is changed.';
  }
}

/**
 * Decides what to do. `none`: kube-proxy is configured for the target and no node was seen to run anything else, so
 * there is nothing to write; each node still proves it in the validate phase. `migrate`: also if the configuration is
 * right and a node still runs another mode, because EKS does not restart pods. `refuse`: a check blocks and the request
 * does not acknowledge it.
 */
export function planMigration(
  snapshot: ClusterSnapshot,
  inventory: InventoryNode[],
  request: MigrationRequest,
  sight: Sight,
): MigrationPlan {
  const subject = subjectOf(snapshot, inventory, request, sight);
  const checks = preflight(subject);
  const advice = adviceOf(subject);
  const others = inventory.filter((node) => {
    const mode = seenMode(node);
    return mode !== null && mode !== request.target.mode;
  });
  const configured = configuredFor(subject);
  const compliant = configured === 'yes' && others.length === 0 && sight.refuted !== true;
  const blocks = checks.filter(
    ({ name, verdict, accepted }) => verdict === 'BLOCK' && !accepted && !(compliant && CHECKS[name].changeOnly),
  );
  if (blocks.length > 0 || subject.way === null) return { kind: 'refuse', reasons: blocks.map(said), checks, advice };
  const change = changeOf(subject, subject.way, configured);
  if (!compliant) {
    const reasons = [firstReason(subject, configured, others), ...checks.filter(isNews).map(sentence)];
    return { kind: 'migrate', reasons, checks, advice, ...change };
  }
  const what = subject.way === 'addon' ? 'The add-on' : 'kube-proxy';
  const wanted = describeProxying(request.target);
  const reason = `${what} is already configured for ${wanted}, and no node was seen running anything else.`;
  return { kind: 'none', reasons: [reason], checks, advice, ...change };
}
