import { type Eks, eks, type FoundAddon } from '../aws/eks.ts';
import { type Leases, leasesIn } from '../aws/leases.ts';
import { Input, type Output } from '../contracts/check-configuration.ts';
import { assertNever, ConfigurationChanged } from '../core/errors.ts';
import { type Configured, differenceFrom, notConfiguredFor } from '../core/modes/configured.ts';
import { environment } from '../runtime/environment.ts';
import { type OpenKubernetes, openKubernetes } from '../runtime/kubernetes-access.ts';
import { type Log, type Run, wrap } from '../runtime/wrap.ts';
import { requireLease } from './shared/require-lease.ts';
import { reasonOf } from './shared/store-or-carry.ts';

/** An event may have 256 KiB in all. EKS lists few issues, each in a sentence. */
const MOST_ISSUES = 10;
const LONGEST_ISSUE = 500;

export interface Deps {
  eks: Pick<Eks, 'addon'>;
  leases: Pick<Leases, 'holder'>;
  openKubernetes: OpenKubernetes;
}

/**
 * Compares kube-proxy's present configuration with the one that a decision was based on. Throws
 * ConfigurationChanged, LeaseLost, KubernetesUnreachable, KubernetesForbidden.
 */
export function checkConfiguration(deps: Deps): Run<Input, Output> {
  return async (input, log) => {
    const { ask, cluster } = input;
    if (ask.kind === 'unchanged') await requireLease(deps.leases, input);
    const addon = await deps.eks.addon(cluster.name);
    const configMap = await configMapOf(deps, input, log);
    const difference = compare(input, { addon, configMap });
    const facts = { cluster: cluster.name, ask: ask.kind, difference };
    log.decision(difference === null ? 'configuration.as-expected' : 'configuration.changed', facts);
    if (difference === null)
      return { addon: addon && healthOf(addon), configMap: configMap === null ? 'not looked at' : 'compared' };
    throw new ConfigurationChanged(`Another principal changed kube-proxy of ${cluster.name}: ${difference}.`);
  };
}

/** What the record holds about the add-on. */
function healthOf({ version, status, issues }: FoundAddon): Output['addon'] {
  const shown = issues.slice(0, MOST_ISSUES).map((issue) => issue.slice(0, LONGEST_ISSUE));
  return { version, status, issues: shown };
}

async function configMapOf({ openKubernetes }: Deps, input: Input, log: Log): Promise<string | null> {
  const { cluster, execution, kubernetes } = input;
  if (kubernetes === false) return null;
  try {
    return await (await openKubernetes(cluster, execution)).kubeProxyConfig();
  } catch (error) {
    if (kubernetes === true) throw error;
    // A read without granted access may fail in any way: then the answer is that the ConfigMap was not read.
    log.decision('configuration.config-map-not-looked-at', { cluster: cluster.name, reason: reasonOf(error) });
    return null;
  }
}

function compare({ ask }: Input, now: Configured): string | null {
  switch (ask.kind) {
    case 'unchanged':
      return differenceFrom(ask, now) ?? unsettled(now);
    case 'configured':
      return notConfiguredFor(ask.proxying, ask.way, now, ask.values ?? ask.proxying);
    default:
      return assertNever(ask);
  }
}

/** Why the add-on is not settled: the result of an update that is not this execution's is not known yet. */
function unsettled({ addon }: Configured): string | null {
  return addon === null || addon.status === 'ACTIVE' ? null : `the add-on is ${addon.status}`;
}

const live: Deps = { eks, leases: leasesIn(environment.leaseGroup), openKubernetes };

export const handler = wrap(Input, checkConfiguration(live));
