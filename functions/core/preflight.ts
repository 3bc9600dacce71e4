import {
  checkAgainstSchema,
  mergeTarget,
  type ParsedConfiguration,
  parseConfiguration,
  withRestartAnnotation,
} from './addon-config.ts';
import { assertNever, NightshiftError } from './errors.ts';
import type { InventoryNode } from './nodes.ts';
import type { MigrationRequest } from './request.ts';
import { type ClusterSnapshot, restartStrategy } from './snapshot.ts';

export type CheckName =
  | 'cluster-status'
  | 'auto-mode'
  | 'addon-present'
  | 'addon-status'
  | 'addon-issues'
  | 'update-in-flight'
  | 'configuration'
  | 'schema-mode'
  | 'configuration-schema'
  | 'version'
  | 'nodes'
  | 'restart'
  | 'idle-timeout';

/** One check: BLOCK refuses the change, WARN is said and recorded, `fix` is what the reader can do. */
export interface Check {
  name: CheckName;
  verdict: 'PASS' | 'WARN' | 'BLOCK';
  why: string;
  fix: string;
}

/** What all checks look at. `current` is null where there is no add-on or its configuration cannot be read. */
interface Subject {
  snapshot: ClusterSnapshot;
  inventory: readonly InventoryNode[];
  request: MigrationRequest;
  current: ParsedConfiguration | null;
  unreadable: string | null;
}

const pass = (name: CheckName, why: string): Check => ({ name, verdict: 'PASS', why, fix: '' });
const warn = (name: CheckName, why: string, fix: string): Check => ({ name, verdict: 'WARN', why, fix });
const block = (name: CheckName, why: string, fix: string): Check => ({ name, verdict: 'BLOCK', why, fix });

function clusterStatus({ snapshot }: Subject): Check {
  if (snapshot.status === 'ACTIVE') return pass('cluster-status', 'the cluster is ACTIVE');
  return block('cluster-status', `the cluster is ${snapshot.status}`, 'Start again when it is ACTIVE.');
}

function autoMode({ snapshot }: Subject): Check {
  if (!snapshot.autoMode) return pass('auto-mode', 'the cluster does not run EKS Auto Mode');
  const fix = 'Nothing can be migrated here: EKS Auto Mode manages its nodes and their kube-proxy itself.';
  return block('auto-mode', 'the cluster runs EKS Auto Mode', fix);
}

function addonPresent({ snapshot }: Subject): Check {
  if (snapshot.addon !== null) return pass('addon-present', `kube-proxy is the add-on ${snapshot.addon.version}`);
  const fix = 'Adopt it with `aws eks create-addon --addon-name kube-proxy --resolve-conflicts OVERWRITE`.';
  return block('addon-present', 'kube-proxy is not an EKS add-on of this cluster', fix);
}

function addonStatus({ snapshot: { addon } }: Subject): Check | null {
  if (addon === null) return null;
  if (addon.status === 'ACTIVE') return pass('addon-status', 'the add-on is ACTIVE');
  return block('addon-status', `the kube-proxy add-on is ${addon.status}`, 'Bring the add-on to ACTIVE first.');
}

function addonIssues({ snapshot: { addon } }: Subject): Check | null {
  if (addon === null) return null;
  if (addon.issues.length === 0) return pass('addon-issues', 'the add-on has no health issues');
  const why = `the kube-proxy add-on has health issues: ${addon.issues.slice(0, 5).join('; ')}`;
  return block('addon-issues', why, 'Solve them first: `aws eks describe-addon --addon-name kube-proxy`.');
}

function updateInFlight({ snapshot }: Subject): Check {
  if (!snapshot.updateInFlight)
    return pass('update-in-flight', 'no update of the cluster or the add-on is in progress');
  return block('update-in-flight', 'an update of the cluster or the add-on is in progress', 'Wait until it has ended.');
}

function configuration({ current, unreadable }: Subject): Check | null {
  if (unreadable !== null)
    return block('configuration', unreadable, 'Correct the configuration values of the kube-proxy add-on first.');
  if (current === null) return null;
  const kept = Object.keys(current.values).filter((key) => key !== 'mode' && key !== 'ipvs');
  const why = current.format === 'none' ? 'there are no configuration values' : `the values are ${current.format}`;
  return pass('configuration', kept.length === 0 ? why : `${why}; kept as they are: ${kept.join(', ')}`);
}

function schemaMode({ snapshot: { addon }, request }: Subject): Check | null {
  if (addon === null) return null;
  const { supported, modes, problems } = checkAgainstSchema({ mode: request.target.mode }, addon.schema);
  const listed = modes.length > 0 ? `it lists ${modes.join(', ')}` : 'it lists no modes';
  if (supported) return pass('schema-mode', `the schema of add-on ${addon.version} has mode ${request.target.mode}`);
  const why = `the schema of add-on ${addon.version} has no mode ${request.target.mode}: ${problems[0] ?? listed}`;
  return block('schema-mode', why, 'No acknowledgement changes this: the add-on would refuse the configuration.');
}

function configurationSchema({ snapshot, request, current }: Subject): Check | null {
  if (snapshot.addon === null || current === null) return null;
  const values = parseConfiguration(targetConfiguration(snapshot, current, request)).values;
  const { problems } = checkAgainstSchema(values, snapshot.addon.schema);
  if (problems.length === 0) return pass('configuration-schema', 'the merged configuration satisfies the live schema');
  const why = `the merged configuration breaks the live schema: ${problems.slice(0, 5).join('; ')}`;
  return block('configuration-schema', why, 'Correct the named configuration values first.');
}

/** The acknowledgement that takes the risk of a deprecated mode. */
export const IPVS_DEPRECATED = 'ipvs-deprecated';

// KEP-5495: 1.35 warns, 1.40 exits on ipvs unless a feature gate is set, 1.43 has no ipvs.
// https://github.com/kubernetes/enhancements/issues/5495
function version({ snapshot, request }: Subject): Check {
  const match = /^1\.(\d{1,3})$/.exec(snapshot.version);
  const text = `Kubernetes ${snapshot.version}`;
  if (match === null) return block('version', `${text} is no version that is known`, 'Update nightshift.');
  const minor = Number(match[1]);
  if (minor <= 32) return pass('version', `${text} supports ipvs mode`);
  if (minor <= 34) {
    const why = `${text} supports ipvs mode; nftables, its recommended successor, is there too`;
    return { name: 'version', verdict: 'PASS', why, fix: 'Consider nftables mode, stable since 1.33.' };
  }
  const nftables = 'Migrate to nftables mode instead, the recommended successor.';
  if (minor >= 40) return block('version', `kube-proxy of ${text} exits in ipvs mode`, nftables);
  if (request.acknowledge.includes(IPVS_DEPRECATED))
    return warn('version', `ipvs mode is deprecated in ${text}: accepted risk (${IPVS_DEPRECATED})`, nftables);
  const fix = `${nftables} Or accept the risk: acknowledge ${IPVS_DEPRECATED}.`;
  return block('version', `ipvs mode is deprecated in ${text} and will be removed`, fix);
}

function nodes({ inventory }: Subject): Check {
  const blocked = inventory.flatMap(({ id, name, kind, handling }) => {
    const who = name === id ? id : `${name} (${id})`;
    if (handling.by === 'blocked') return [`${who}: ${handling.reason}`];
    return kind === 'unknown' ? [`${who}: its kind is not known`] : [];
  });
  if (blocked.length === 0) return pass('nodes', `each of ${inventory.length} nodes is classified`);
  const named = blocked.slice(0, 5).join('; ');
  const more = blocked.length > 5 ? `; and ${blocked.length - 5} more` : '';
  const count = blocked.length === 1 ? '1 node blocks' : `${blocked.length} nodes block`;
  return block('nodes', `${count} the migration: ${named}${more}`, 'Repair, replace or remove the named nodes.');
}

function restart({ snapshot, inventory }: Subject): Check {
  const strategy = restartStrategy(snapshot);
  switch (strategy) {
    case 'kubernetes-api':
      return pass('restart', 'kube-proxy is restarted through the Kubernetes API');
    case 'pod-annotations': {
      const cause = snapshot.endpoint.public ? 'authentication mode CONFIG_MAP' : 'a private endpoint';
      const unprovable = inventory.filter(({ handling }) => handling.by === 'proxy-mode').map(({ name }) => name);
      if (unprovable.length === 0)
        return warn(
          'restart',
          `with ${cause} kube-proxy is restarted by a changed pod annotation, on all nodes at once and without a canary`,
          'Open the public endpoint or use access entries to restart through the Kubernetes API.',
        );
      const why = `with ${cause} the Kubernetes API cannot be asked, and nothing else proves Bottlerocket nodes`;
      return block(
        'restart',
        `${why}: ${unprovable.slice(0, 5).join(', ')}`,
        'Give nightshift access to the Kubernetes API.',
      );
    }
    default:
      return assertNever(strategy);
  }
}

// https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3367
function idleTimeout(): Check {
  return warn(
    'idle-timeout',
    'IPVS forgets TCP connections that are idle for 900 s: pools of database connections may be cut',
    'Set TCP keepalive below 900 s where connections idle for long.',
  );
}

const CHECKS: readonly ((subject: Subject) => Check | null)[] = [
  clusterStatus,
  autoMode,
  addonPresent,
  addonStatus,
  addonIssues,
  updateInFlight,
  configuration,
  schemaMode,
  configurationSchema,
  version,
  nodes,
  restart,
  idleTimeout,
];

/** Reads the add-on's configuration; null with the reason where it cannot be read. */
export function readConfiguration(
  snapshot: ClusterSnapshot,
): { current: ParsedConfiguration; unreadable: null } | { current: null; unreadable: string | null } {
  if (snapshot.addon === null) return { current: null, unreadable: null };
  try {
    const current = parseConfiguration(snapshot.addon.configuration);
    // Reads what a merge reads, so that a change never begins with values that cannot be merged.
    mergeTarget(current, { mode: 'ipvs', scheduler: 'rr' });
    withRestartAnnotation(current, '{}', { mode: 'ipvs', scheduler: 'rr' });
    return { current, unreadable: null };
  } catch (error) {
    if (error instanceof NightshiftError) return { current: null, unreadable: error.message };
    throw error;
  }
}

/** The configuration that a migration sends: merged, and with a pod annotation where that is the way to restart. */
export function targetConfiguration(
  snapshot: ClusterSnapshot,
  current: ParsedConfiguration,
  { target }: MigrationRequest,
): string {
  const merged = mergeTarget(current, target);
  return restartStrategy(snapshot) === 'pod-annotations' ? withRestartAnnotation(current, merged, target) : merged;
}

/** Runs every check that applies, in a fixed order. Reads nothing but its arguments. */
export function preflight(snapshot: ClusterSnapshot, inventory: InventoryNode[], request: MigrationRequest): Check[] {
  const subject: Subject = { snapshot, inventory, request, ...readConfiguration(snapshot) };
  return CHECKS.map((check) => check(subject)).filter((check) => check !== null);
}
