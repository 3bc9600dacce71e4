import { alreadyTarget } from './addon-config.ts';
import type { InventoryNode } from './nodes.ts';
import { type Check, type CheckName, preflight, readConfiguration, targetConfiguration } from './preflight.ts';
import { describeProxying } from './proxy-mode.ts';
import type { MigrationRequest } from './request.ts';
import { type ClusterSnapshot, type RestartStrategy, restartStrategy } from './snapshot.ts';

export type { ClusterSnapshot, RestartStrategy } from './snapshot.ts';

/** What to do with a cluster, why, and every check that was made. */
export type MigrationPlan =
  | { kind: 'none'; reasons: string[]; checks: Check[] }
  | { kind: 'migrate'; reasons: string[]; strategy: RestartStrategy; configuration: string; checks: Check[] }
  | { kind: 'refuse'; reasons: string[]; checks: Check[] };

// What only stands in the way of a change. A cluster that already runs the target is not refused for its version.
const ONLY_FOR_A_CHANGE: ReadonlySet<CheckName> = new Set([
  'version',
  'restart',
  'schema-mode',
  'configuration-schema',
]);

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

/**
 * Decides what to do. `none`: the add-on is configured for the target and no node was seen running anything else, so
 * there is nothing to write; a node's own proof is the validate phase's. `migrate`: also when the configuration is right
 * and a node still runs another mode, since EKS does not restart pods. `refuse`: a check blocks.
 */
export function planMigration(
  snapshot: ClusterSnapshot,
  inventory: InventoryNode[],
  request: MigrationRequest,
): MigrationPlan {
  const checks = preflight(snapshot, inventory, request);
  const { current } = readConfiguration(snapshot);
  const wanted = describeProxying(request.target).text;
  const others = inventory.filter((node) => {
    const mode = seenMode(node);
    return mode !== null && mode !== request.target.mode;
  });
  const configured = current !== null && alreadyTarget(current, request.target);
  const compliant = configured && others.length === 0;
  const blocks = checks.filter(
    ({ name, verdict }) => verdict === 'BLOCK' && !(compliant && ONLY_FOR_A_CHANGE.has(name)),
  );
  if (blocks.length > 0 || current === null) return { kind: 'refuse', reasons: blocks.map(said), checks };
  if (compliant) {
    const reason = `The add-on is already configured for ${wanted}, and no node was seen running anything else.`;
    return { kind: 'none', reasons: [reason], checks };
  }
  const first = configured
    ? `The add-on is configured for ${wanted}, but nodes still run another mode: ${named(others)}.`
    : `The add-on is not configured for ${wanted}.`;
  return {
    kind: 'migrate',
    reasons: [first, ...checks.filter(({ verdict }) => verdict === 'WARN').map(said)],
    strategy: restartStrategy(snapshot),
    configuration: targetConfiguration(snapshot, current, request),
    checks,
  };
}
