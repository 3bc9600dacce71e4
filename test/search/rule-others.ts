import type { ApiCall } from '@nightshift/sandbox';
import { claimsOf, isLoud } from './claims.ts';
import { type AddonChange, addonChanges, isByOther, isByProduct } from './others.ts';
import { perCluster } from './rule.ts';
import { asJson, type ClusterSeen, type Seen, textOf } from './seen.ts';
import { configText, formerly, ownValues, readValues, sameRunning, sameValues } from './truth.ts';

/** Rule 2: of the add-on's configuration only mode and ipvs.scheduler differ, and after a rollback nothing. */
export const theUsersConfigurationSurvives = perCluster((cluster, seen) => {
  const { before, after } = cluster;
  if (before.addon === null) return [];
  const changes = addonChanges(cluster);
  const ofOthers = changes.some(({ by }) => by === 'other');
  const former = before.addon.configuration;
  const now = after.addon?.configurationValues ?? null;
  return [
    ...changes.filter((change) => !isAfterOthers(changes, change)).flatMap(overwritten),
    ...(after.addon || ofOthers ? [] : ['the add-on is gone']),
    ...(ofOthers || sameValues(ownValues(now), ownValues(former))
      ? []
      : [`the configuration was ${former} and is ${now}`]),
    ...(!ofOthers && isUndone(cluster, seen) && cluster.requests.length === 1 && !sameText(now, former)
      ? [`rolled back to ${now}, which is not exactly ${former}`]
      : []),
  ];
});

function isUndone(cluster: ClusterSeen, seen: Seen): boolean {
  const last = claimsOf(seen, cluster).at(-1);
  return (
    last?.ending === 'rolled-back' && sameRunning(last.running, formerly(cluster.before)) && !isLoud(seen, cluster)
  );
}

/** `{}` is how nothing is put back. */
const sameText = (now: string | null, former: string | null): boolean =>
  now === former || (sameValues(readValues(former), {}) && sameValues(readValues(now), {}));

/** Rule 9: nothing of others is undone: their configuration, version, add-on, ConfigMap, lease and access entry. */
export const nothingOfOthersIsUndone = perCluster((cluster, seen) => [
  ...ofTheAddon(cluster),
  ...ofTheConfigMap(cluster),
  ...ofEdits(cluster),
  ...ofTheLease(seen, cluster),
  ...ofAccessEntries(cluster),
]);

function ofTheAddon(cluster: ClusterSeen): string[] {
  const { before, after } = cluster;
  const changes = addonChanges(cluster);
  const last = changes.findLast(({ by, before: was, after: is }) => by === 'other' && was !== is);
  const there = after.addon && { version: after.addon.version, configuration: after.addon.configurationValues };
  return [
    ...changes.filter((change) => isAfterOthers(changes, change)).flatMap(overwritten),
    ...changes.flatMap((change) => lowered(change)),
    ...changes.flatMap((change) => (change.by === 'product' ? undone(cluster, changes, change) : [])),
    ...(last?.after && there && !sameValues(ownValues(there.configuration), ownValues(last.after.configuration))
      ? [`another configured ${last.after.configuration}, and at the end it is ${there.configuration}`]
      : []),
    ...(last?.after && !there && before.addon !== null ? ['another had changed the add-on, and it is gone'] : []),
  ];
}

/** What an update of the product's sent in place of other values than its own. */
function overwritten({ by, kind, configuration, before }: AddonChange): string[] {
  if (by === 'other' || kind !== 'update' || configuration === undefined || before === null) return [];
  if (sameValues(ownValues(configuration), ownValues(before.configuration))) return [];
  return [`UpdateAddon sent ${configuration} in place of ${before.configuration}`];
}

function lowered({ by, kind, version, before }: AddonChange): string[] {
  if (by === 'other' || kind !== 'update' || version === undefined || before === null) return [];
  return version === before.version ? [] : [`UpdateAddon took the add-on from ${before.version} to ${version}`];
}

/** An add-on that another deleted is made again, or one that another has changed since is deleted. */
function undone(cluster: ClusterSeen, changes: AddonChange[], change: AddonChange): string[] {
  const earlier = changes.slice(0, changes.indexOf(change));
  const last = earlier.findLast(({ by }) => by === 'other');
  const wanted = cluster.requests.some(({ selfManaged }) => selfManaged === 'create-addon');
  if (change.kind === 'create' && last?.kind === 'delete' && !wanted)
    return ['CreateAddon after another had deleted it'];
  if (change.kind === 'delete' && last && last.kind !== 'delete') return ['DeleteAddon after another had changed it'];
  return [];
}

const isAfterOthers = (changes: AddonChange[], change: AddonChange): boolean =>
  changes.slice(0, changes.indexOf(change)).some(({ by }) => by === 'other');

/** Each text of kube-proxy's configuration that somebody wrote into the ConfigMap of a self-managed kube-proxy. */
function ofTheConfigMap({ before, calls }: ClusterSeen): string[] {
  if (before.addon !== null) return [];
  const texts = calls
    .filter(({ operation, error }) => /^(update|patch) configmaps$/.test(operation) && error === undefined)
    .map((call) => ({ call, text: textOf(asJson(asJson(asJson(call.input)['body'])['data'])['config']) }))
    .filter(({ text }) => text !== '');
  return texts.flatMap(({ call, text }, index) => {
    const earlier = texts[index - 1];
    if (!earlier || isByOther(call) || sameValues(configText(text), configText(earlier.text))) return [];
    return ['kube-proxy-config was written without what another had edited in it'];
  });
}

/** What somebody edited in the ConfigMap of an add-on is lost with every update: the product sends none unless they accept it. */
function ofEdits(cluster: ClusterSeen): string[] {
  const { before, requests } = cluster;
  const accepted = requests.some(({ acknowledge = [] }) => acknowledge.includes('config-map-edits'));
  if (before.addon === null || before.workloads === undefined || accepted) return [];
  const unseen = requests.some(({ strategy }) => strategy === 'pod-annotations') || !isReachable(before);
  const sent = addonChanges(cluster).find(({ by }) => by === 'product');
  return sent && !unseen
    ? [`${sent.kind} of the add-on overwrote edits of its ConfigMap that nobody acknowledged`]
    : [];
}

/** Without access to the Kubernetes API nobody can see edits of a ConfigMap: the plan warns that it does not know. */
const isReachable = ({ endpoint, authenticationMode, publicAccessCidrs }: ClusterSeen['before']): boolean =>
  endpoint === 'public' && authenticationMode !== 'CONFIG_MAP' && publicAccessCidrs === undefined;

/** Seconds that may lie between the last look at a lease and the step that rests on it. */
const LOOK_SECONDS = 5;
/** What changes what kube-proxy runs, as the log of calls names it. */
const DISRUPTIVE = /^(UpdateAddon|CreateAddon|patch daemonsets|delete pods|(update|patch) configmaps)$/;

/**
 * The product's last look at what it is about to delete, immediately before another made it its own: neither Scheduler
 * nor EKS deletes on a condition, so that what another does between the look and the deletion is lost.
 */
class Look {
  #last: string | null = null;
  #before: string | null = null;

  at(call: ApiCall): void {
    if (!isByProduct(call)) return;
    this.#last = call.at;
    this.#before = null;
  }

  isOutdated(): void {
    this.#before ??= this.#last;
  }

  excuses(call: ApiCall): boolean {
    return this.#before !== null && secondsBetween(this.#before, call.at) <= LOOK_SECONDS;
  }
}

/** Who held the lease when: another's is not touched, and nothing is changed without one. */
function ofTheLease({ calls }: Seen, cluster: ClusterSeen): string[] {
  const name = `nightshift-${cluster.before.name}`;
  const found: string[] = [];
  const own = new Set(cluster.calls);
  let takenAt: string | null = null;
  let ofAnother = false;
  const look = new Look();
  for (const call of calls) {
    if (call.error !== undefined) continue;
    const { Name } = asJson(call.input);
    if (call.operation === 'GetSchedule' && Name === name) look.at(call);
    if (call.service === 'scheduler' && Name === name && /^(Create|Update|Delete)Schedule$/.test(call.operation)) {
      if (isByOther(call)) {
        look.isOutdated();
        takenAt ??= call.at;
        ofAnother = call.operation === 'CreateSchedule';
        continue;
      }
      if (ofAnother && !look.excuses(call)) found.push(`${call.operation} of a lease that another holds`);
      // It was taken between the look and the renewal, and is the product's again: Scheduler updates on no condition.
      if (ofAnother && call.operation === 'UpdateSchedule' && look.excuses(call)) {
        takenAt = null;
        ofAnother = false;
      }
      if (call.operation === 'CreateSchedule') takenAt = null;
      ofAnother &&= call.operation === 'CreateSchedule';
    }
    if (takenAt !== null && isChange(call) && own.has(call) && secondsBetween(takenAt, call.at) > LOOK_SECONDS)
      found.push(`${call.operation} at ${call.at}, and the lease was lost at ${takenAt}`);
  }
  return found;
}

const isChange = (call: ApiCall): boolean => isByProduct(call) && DISRUPTIVE.test(call.operation);

const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1_000;

function ofAccessEntries({ calls }: ClusterSeen): string[] {
  const ofOthers = new Set<string>();
  const look = new Look();
  return calls.flatMap((call) => {
    if (call.error !== undefined) return [];
    if (call.operation === 'DescribeAccessEntry') look.at(call);
    if (!/^(Create|Delete)AccessEntry$/.test(call.operation)) return [];
    if (isByOther(call)) look.isOutdated();
    const principal = textOf(asJson(call.input)['principalArn']);
    const isDeleted = call.operation === 'DeleteAccessEntry';
    const isOfOthers = ofOthers.has(principal);
    if (isByOther(call) && !isDeleted) ofOthers.add(principal);
    else ofOthers.delete(principal);
    return isOfOthers && isDeleted && !isByOther(call) && !look.excuses(call)
      ? [`the access entry of ${principal} was another's, and is deleted`]
      : [];
  });
}

/** Access entries that another made: they may stay. */
export function entriesOfOthers({ calls }: ClusterSeen): Set<string> {
  return new Set(
    calls
      .filter((call) => isByOther(call) && call.operation === 'CreateAccessEntry' && call.error === undefined)
      .map(({ input }) => textOf(asJson(input)['principalArn'])),
  );
}
