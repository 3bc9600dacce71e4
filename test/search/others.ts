import type { ApiCall } from '@nightshift/sandbox';
import { OTHER } from '@nightshift/sandbox';
import { asJson, type ClusterSeen, deedsOf, type ExecutionSeen, textOf } from './seen.ts';

export const isByOther = ({ principal }: Pick<ApiCall, 'principal'>): boolean => principal === OTHER;

/** Calls of the product's roles: functions and state machines have names that begin alike. */
export const isByProduct = ({ principal }: Pick<ApiCall, 'principal'>): boolean => principal.startsWith('nightshift-');

/** The add-on as EKS has it. */
export interface AddonSeen {
  readonly version: string;
  readonly configuration: string | null;
}

/** A change of the add-on that EKS took, and what was there when it did. */
export interface AddonChange {
  readonly kind: 'update' | 'create' | 'delete';
  readonly by: 'product' | 'other';
  /** ISO; when it was sent. */
  readonly at: string;
  readonly configuration: string | null | undefined;
  readonly version: string | undefined;
  readonly before: AddonSeen | null;
  readonly after: AddonSeen | null;
}

type Sent = Omit<AddonChange, 'before' | 'after'> & { readonly applied: boolean };

/**
 * Every change of the add-on in the order in which EKS took them. EKS refuses a change while another is in flight, so each
 * one found what the one before had left.
 */
export function addonChanges(cluster: ClusterSeen): AddonChange[] {
  let before: AddonSeen | null = cluster.before.addon;
  return [...updates(cluster), ...madeAndDeleted(cluster)]
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ applied, ...change }): AddonChange => {
      const after: AddonSeen | null = applied ? changed(change, before) : before;
      const known = { ...change, before, after };
      before = after;
      return known;
    });
}

/** The add-on as it was after everything that EKS had taken before this moment. */
export function addonAt(cluster: ClusterSeen, at: string): AddonSeen | null {
  const last = addonChanges(cluster).findLast((change) => change.at < at);
  return last ? last.after : cluster.before.addon;
}

/** Only the product gives its updates a token. */
function updates({ addonUpdates }: ClusterSeen): Sent[] {
  return addonUpdates.map(({ clientRequestToken, createdAt, params, appliedAt }) => {
    const value = (type: string) => params.find((param) => param.type === type)?.value;
    return {
      kind: 'update',
      by: clientRequestToken === undefined ? 'other' : 'product',
      at: createdAt.toISOString(),
      configuration: value('ConfigurationValues'),
      version: value('AddonVersion'),
      applied: appliedAt !== null,
    };
  });
}

function madeAndDeleted({ calls }: ClusterSeen): Sent[] {
  return calls.flatMap((call): Sent[] => {
    const kind = call.operation === 'CreateAddon' ? 'create' : call.operation === 'DeleteAddon' ? 'delete' : null;
    if (kind === null || call.error !== undefined) return [];
    const input = asJson(call.input);
    return [
      {
        kind,
        by: isByOther(call) ? 'other' : 'product',
        at: call.at,
        configuration: textOf(input['configurationValues']) || null,
        version: textOf(input['addonVersion']),
        applied: true,
      },
    ];
  });
}

function changed({ kind, configuration, version }: Omit<Sent, 'applied'>, before: AddonSeen | null): AddonSeen | null {
  if (kind === 'delete') return null;
  return {
    version: version ?? before?.version ?? '',
    configuration: configuration === undefined ? (before?.configuration ?? null) : configuration,
  };
}

/** The execution that sent a change of the product's: the one that set about it last. */
export function senderOf({ executions }: ClusterSeen, { at }: AddonChange): ExecutionSeen | undefined {
  return executions
    .flatMap(deedsOf)
    .filter(({ what, at: began }) => what === 'update-addon' && began.toISOString() <= at)
    .sort((a, b) => a.at.getTime() - b.at.getTime())
    .at(-1)?.execution;
}

/** Whether another principal changed the add-on or kube-proxy's ConfigMap at this moment or later. */
export function isChangedByOther({ calls }: ClusterSeen, since: string): boolean {
  return calls.some(
    (call) =>
      isByOther(call) &&
      call.error === undefined &&
      call.at >= since &&
      /^(UpdateAddon|DeleteAddon|patch configmaps)$/.test(call.operation),
  );
}
