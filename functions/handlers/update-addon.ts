import { isNamed } from '../aws/clients.ts';
import { type Eks, eks, type FoundAddon } from '../aws/eks.ts';
import { type Leases, leasesIn } from '../aws/leases.ts';
import { Input, type Output } from '../contracts/update-addon.ts';
import { AddonUpdateFailed, assertNever, ConfigurationChanged, InvalidRequest } from '../core/errors.ts';
import { restoredValues } from '../core/execution/restore.ts';
import { mergeTarget, parseConfiguration } from '../core/modes/addon-config.ts';
import { differenceFrom } from '../core/modes/configured.ts';
import { environment } from '../runtime/environment.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { requireLease } from './shared/require-lease.ts';

export interface Deps {
  eks: Pick<Eks, 'addon' | 'updateAddon' | 'createAddon' | 'deleteAddon'>;
  leases: Pick<Leases, 'holder'>;
}

/**
 * Sends the whole configuration to EKS, with OVERWRITE and for the add-on's present version; or makes a self-managed
 * kube-proxy an add-on, or deletes that add-on again. The add-on is read immediately before: another principal's change
 * is never overwritten. A repetition in the same step bears the same token, so EKS does it once. Throws LeaseLost,
 * ConfigurationChanged, AddonUpdateFailed, ResourceInUseException.
 */
export function updateAddon(deps: Deps): Run<Input, Output> {
  return async (input, log) => {
    await requireLease(deps.leases, input);
    const output = await (input.back ? restore(deps, input) : change(deps, input).catch(refuseInFlight(input)));
    const { cluster, way, back } = input;
    log.decision('addon.change-sent', { cluster: cluster.name, way, back, ...output });
    return output;
  };
}

const tokenOf = ({ execution, step }: Input): string => `${execution.arn}/${step}`;

async function change({ eks }: Deps, input: Input): Promise<Output> {
  const { way, addon, configuration } = input;
  const cluster = input.cluster.name;
  const token = tokenOf(input);
  switch (way) {
    case 'addon': {
      if (!addon || !configuration)
        throw new InvalidRequest('An update of the add-on needs its version and the values.');
      refuseChanged(input, await eks.addon(cluster), { addon, configuration });
      const { updateId } = await eks.updateAddon({ cluster, version: addon.version, configuration, token });
      return { updateId, until: 'update-ended' };
    }
    case 'create-addon': {
      if (!configuration) throw new InvalidRequest('configuration must be the values of the add-on, but it is empty.');
      refuseChanged(input, await eks.addon(cluster), { addon: null, configuration });
      await eks.createAddon({ cluster, version: addon?.version ?? null, configuration, token });
      return { updateId: null, until: 'addon-active' };
    }
    default:
      return assertNever(way);
  }
}

/**
 * Refuses to send if the add-on is not what the look found. Throws ConfigurationChanged if nothing was sent, and
 * AddonUpdateFailed after an earlier try. If the add-on has exactly the values that are to be sent, an earlier try
 * succeeded.
 */
function refuseChanged(
  { cluster: { name: cluster }, retries }: Input,
  now: FoundAddon | null,
  { addon, configuration }: { addon: { version: string; configuration: string | null } | null; configuration: string },
): void {
  if (now?.configuration === configuration && now.version === (addon?.version ?? now.version)) return;
  const looked = { addon, configMap: null };
  const difference = differenceFrom(looked, { addon: now, configMap: null }) ?? unsettled(now);
  if (difference === null) return;
  if (retries === 0) throw new ConfigurationChanged(`Nothing was sent: since the look at ${cluster}, ${difference}.`);
  throw lostAnswer(`since the look at ${cluster}, ${difference}`);
}

/**
 * If EKS refuses because an update is in flight, this try changed nothing; an earlier try may have changed something.
 */
function refuseInFlight({ cluster, retries }: Input): (error: unknown) => never {
  return (error) => {
    if (!isNamed(error, 'ResourceInUseException') || retries === 0) throw error;
    throw lostAnswer(`EKS has another update of ${cluster.name} in flight`);
  };
}

const lostAnswer = (found: string): AddonUpdateFailed =>
  new AddonUpdateFailed(`An earlier try may have reached EKS, and its answer was lost; ${found}.`, {
    nextStep: 'Nothing to do: what was sent is undone, and the changes of other principals stay.',
  });

/**
 * If an update is in flight, EKS decides by the token: either the update is this step's own, or EKS refuses the call.
 */
function unsettled(now: FoundAddon | null): string | null {
  if (now === null || now.status === 'ACTIVE' || now.status === 'UPDATING') return null;
  return `the add-on became ${now.status}`;
}

async function restore(deps: Deps, input: Input): Promise<Output> {
  const cluster = input.cluster.name;
  const now = await deps.eks.addon(cluster);
  switch (input.way) {
    case 'addon':
      if (now) return sendRestored(deps, input, now, input.configuration);
      throw new ConfigurationChanged(`Nothing was restored: another principal deleted the add-on of ${cluster}.`);
    case 'create-addon':
      if (now && isOfOthers(now, input)) {
        // The add-on stays, and only its mode is restored.
        const { proxying } = input;
        if (!proxying) throw new InvalidRequest('proxying must be given: what kube-proxy ran before.');
        return sendRestored(deps, input, now, mergeTarget(parseConfiguration(null), proxying));
      }
      await deps.eks.deleteAddon(cluster);
      return { updateId: null, until: 'addon-gone' };
    default:
      return assertNever(input.way);
  }
}

/** Whether another principal has made the add-on that was created their own: by values, a version or tags. */
function isOfOthers({ configuration, version, tags }: FoundAddon, { sent, created }: Input): boolean {
  return configuration !== sent || version !== (created ?? version) || Object.keys(tags).length > 0;
}

async function sendRestored({ eks }: Deps, input: Input, now: FoundAddon, former: string | null): Promise<Output> {
  const cluster = input.cluster.name;
  const restored = restoredValues({ former, sent: input.sent, now: now.configuration });
  if (restored.kind === 'changed')
    throw new ConfigurationChanged(
      `Nothing was restored: another principal changed the add-on of ${cluster}, ${restored.why}.`,
    );
  const { version } = now;
  // EKS accepts a repeated token only with the same request, and the values to restore depend on the present ones.
  const token = `${tokenOf(input)}/${version}/${restored.text}`;
  const { updateId } = await eks.updateAddon({ cluster, version, configuration: restored.text, token });
  return { updateId, until: 'update-ended' };
}

const live: Deps = { eks, leases: leasesIn(environment.leaseGroup) };

export const handler = wrap(Input, updateAddon(live));
