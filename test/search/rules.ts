import { claimsOf, isLoud, proofOf, requestOf } from './claims.ts';
import { canRecord } from './misfortunes.ts';
import { addonChanges, isByProduct, isChangedByOther } from './others.ts';
import { perCluster, type Rule } from './rule.ts';
import { whatIsAcceptedIsObeyed } from './rule-accepted.ts';
import { lastLook, theNextPodStartsTheSame } from './rule-configured.ts';
import { everythingEnds } from './rule-endings.ts';
import { serversOfOthersStay } from './rule-foreign.ts';
import { entriesOfOthers, nothingOfOthersIsUndone, theUsersConfigurationSurvives } from './rule-others.ts';
import { evidenceAndHistoryTellAll } from './rule-records.ts';
import { whatIsNotUnderstoodFails } from './rule-understood.ts';
import {
  asJson,
  type ClusterSeen,
  type Deed,
  deedsOf,
  isChange,
  isDisruptive,
  isMigration,
  type Seen,
  textOf,
} from './seen.ts';
import {
  cutoffOf,
  formerly,
  hasShell,
  isOpen,
  liveNodes,
  nextPodRuns,
  readValues,
  runningOn,
  runsKubeProxy,
  sameRunning,
  shown,
  wanted,
} from './truth.ts';

/** Rule 1: no disruptive call outside an open window, and none before every eligible node was told to prepare. */
export const nothingDisruptiveOutsideAWindow = perCluster((cluster, seen) =>
  cluster.executions.filter(isMigration).flatMap((execution) => {
    const deeds = deedsOf(execution).filter(isDisruptive);
    const [first] = deeds;
    if (!first) return [];
    return [...unpreparedAt(seen, cluster, first), ...outsideWindow(seen, cluster, deeds)];
  }),
);

function outsideWindow(seen: Seen, cluster: ClusterSeen, deeds: Deed[]): string[] {
  const [first] = deeds;
  const request = first && requestOf(cluster, first.execution);
  if (!first || !request || request.now || eligibleAtFirst(seen, cluster).length === 0) return [];
  const { window = '' } = request;
  const { world, faults } = seen.of;
  // A change that was overtaken by hours is finished or undone: both disrupt, and staying half migrated is worse.
  const overtaken = faults.some((fault) => 'clock' in fault);
  return deeds.flatMap((deed, index) => {
    // But for a restart: before that of the canary and that of all nodes the window is asked again.
    if (index > 0 && overtaken && deed.what !== 'restart-kube-proxy') return [];
    const spareHours = index === 0 ? cutoffOf(window) : 0;
    const closed = momentsOf(deed, index).find((moment) => !isOpen(window, moment, world, spareHours));
    if (!closed) return [];
    const moment = closed.toISOString();
    return [`${deed.what} of ${deed.execution.name} at ${moment}, when the window ${window} takes nothing`];
  });
}

/** As long as an update of the add-on is waited for. */
const LONGEST_UPDATE_MS = 945_000;

/** When a deed disrupts. EKS restarts the nodes itself, at the end of an update that changes pod annotations. */
function momentsOf({ at, input }: Deed, index: number): Date[] {
  const isRoll = index === 0 && textOf(input['configuration']).includes('nightshift/restart-for');
  return isRoll ? [at, new Date(at.getTime() + LONGEST_UPDATE_MS)] : [at];
}

const eligibleAtFirst = (seen: Seen, { before }: ClusterSeen) =>
  (seen.first.clusters.find(({ name }) => name === before.name)?.nodes ?? []).filter(runsKubeProxy);

/** Nodes that were there from first to last, take documents, and had not been told to prepare. */
function unpreparedAt(seen: Seen, cluster: ClusterSeen, { execution, at }: Deed): string[] {
  const asked = new Set(
    seen.calls
      .filter(({ operation, input, error, at: sent }) => {
        const isPreparation = asJson(input)['DocumentName'] === 'nightshift-prepare-node';
        return (
          operation === 'SendCommand' && isPreparation && !error && sent >= iso(execution.startedAt) && sent <= iso(at)
        );
      })
      .flatMap(({ input }) => asJson(input)['InstanceIds']),
  );
  const target = requestOf(cluster, execution)?.target;
  return staying(seen, cluster)
    .filter(hasShell)
    .flatMap(({ id, modules }) => {
      if (!asked.has(id)) return [`${execution.name} began to change before ${id} was told to prepare`];
      if (target?.mode !== 'ipvs') return [];
      if (modules.includes('ip_vs') && modules.includes(`ip_vs_${target.scheduler}`)) return [];
      return [`${execution.name} changed although ${id} has not loaded ip_vs and ip_vs_${target.scheduler}`];
    });
}

const iso = (date: Date): string => date.toISOString();

/** Nodes that were there when the world began and are there still. */
function staying(seen: Seen, cluster: ClusterSeen) {
  const first = new Set(eligibleAtFirst(seen, cluster).map(({ id }) => id));
  return liveNodes(cluster.after).filter(({ id }) => first.has(id));
}

/** Rule 3: what ended leaves a cluster in one mode, without leftovers, access or lease; or says so loudly. */
export const anEndedExecutionLeavesOneMode = perCluster((cluster, seen) => {
  const { executions, after } = cluster;
  const unended = executions.filter(({ status }) => status === 'RUNNING').map(({ name }) => `${name} never ended`);
  if (unended.length > 0) return unended;
  const kept = heldStill(seen, cluster);
  if (!executions.some((execution) => deedsOf(execution).some(isDisruptive)) || isLoud(seen, cluster)) return kept;
  const claim = claimsOf(seen, cluster).at(-1);
  if (!claim && canRecord(seen)) return [...kept, 'something was changed, and nobody says how it ended'];
  const running = claim?.running ?? nextPodRuns(after);
  if (!running) return [...kept, 'the next pod would not start'];
  const known = new Set(staying(seen, cluster).map(({ id }) => id));
  // What another configured since may have reached nodes whose pods were restarted.
  const looked = claim ? lastLook(seen, cluster, claim) : lastAnswerOfNodes(cluster);
  const later = isChangedByOther(cluster, looked) ? nextPodRuns(after) : null;
  const ending = claim?.ending ?? 'unrecorded';
  return [
    ...kept,
    ...liveNodes(after).flatMap((node) => {
      // Who joins after the last look is nobody's claim; that it is asked for another mode would be.
      if (!known.has(node.id) && node.runningMode === null) return [];
      const runs = runningOn(node);
      if (!sameRunning(runs, running) && !(later && sameRunning(runs, later)))
        return [`${ending} says ${shown(running)}, and ${node.id} runs ${shown(runs)}`];
      if (claim && known.has(node.id) && !later && node.synced === false)
        return [`${ending} says ${shown(running)}, and ${node.id} has not written its rules`];
      const { virtualServers, rejectRules, nftTables } = node.leftovers;
      // Another principal moved this node to another mode afterwards: no execution was there to clean it.
      if (!sameRunning(runs, running) || (!claim && later)) return [];
      if (!hasShell(node) || !known.has(node.id) || virtualServers + rejectRules + nftTables === 0) return [];
      const kept = `${virtualServers} virtual servers, ${rejectRules} REJECT rules and ${nftTables} nftables tables`;
      return [`${ending}, and ${node.id} keeps ${kept}`];
    }),
  ];
});

/** When an execution last asked nodes or read their answers; what it proved then could perhaps not be recorded. */
function lastAnswerOfNodes({ executions }: ClusterSeen): string {
  const deeds = executions.flatMap(deedsOf).filter(({ what }) => /^(run-on|collect-from)-nodes$/.test(what));
  return (
    deeds
      .map(({ at }) => iso(at))
      .sort()
      .at(-1) ?? ''
  );
}

/** What an execution holds while it works, and is still there although all have ended. */
function heldStill(seen: Seen, cluster: ClusterSeen): string[] {
  const { before, after } = cluster;
  const tried = (operation: string) =>
    seen.calls.some((call) => call.operation === operation && call.error !== undefined);
  const others = entriesOfOthers(cluster);
  const entries = after.accessEntries.filter(
    (principal) => principal.includes('nightshift-kubernetes') && !others.has(principal),
  );
  const leases = seen.state.schedules.filter((schedule) => asJson(schedule)['name'] === `nightshift-${before.name}`);
  return [
    ...(entries.length > 0 && !tried('DeleteAccessEntry') ? ['an access entry is left'] : []),
    ...(leases.length > 0 && !tried('DeleteSchedule') ? ['a lease is left'] : []),
  ];
}

/** Rule 4: an ending without failure rests on a verdict of every node, given after the last disruptive call. */
export const onlyVerdictsAreSuccess = perCluster((cluster, seen) =>
  claimsOf(seen, cluster).flatMap((claim) => {
    const verdicts = new Map(
      proofOf(seen, cluster, claim).flatMap((step) => step.verdicts.map((one) => [one.node, one])),
    );
    return staying(seen, cluster).flatMap(({ id }) => {
      const verdict = verdicts.get(id);
      const who = `${claim.execution.name} ended ${claim.ending}`;
      if (!verdict) return [`${who} without a verdict of ${id}`];
      if (!verdict.pass) return [`${who} although ${id} failed`];
      const said = verdict.facts['proxyMode'];
      return said === claim.running.mode ? [] : [`${who} although ${id} said it runs ${String(said)}`];
    });
  }),
);

/** Rule 5: two executions never change one cluster at the same time, and a repeated call bears the same token. */
export const oneChangeAtATime = perCluster((cluster) => {
  const spans = cluster.executions.flatMap((execution) => {
    const deeds = deedsOf(execution).filter(isChange);
    const [first] = deeds;
    const last = deeds.at(-1);
    return first && last ? [{ name: execution.name, from: iso(first.at), to: iso(last.at) }] : [];
  });
  const overlaps = spans.flatMap((one, index) =>
    spans
      .slice(index + 1)
      .filter((other) => one.from < other.to && other.from < one.to)
      .map((other) => `${one.name} and ${other.name} changed it at the same time`),
  );
  const steps = new Set(
    cluster.executions
      .flatMap(deedsOf)
      .filter(({ what }) => what === 'update-addon')
      .map(({ execution, input }) => `${execution.arn} ${textOf(input['step'])}`),
  );
  const updates = cluster.calls.filter((call) => call.operation === 'UpdateAddon' && isByProduct(call));
  const tokens = new Set(updates.map(({ input }) => asJson(input)['clientRequestToken']));
  // What a way back sends depends on what is there: after another's change it is another request.
  const ofOthers = addonChanges(cluster).filter(({ by }) => by === 'other').length;
  const repeated =
    tokens.size > steps.size + ofOthers ? [`${steps.size} steps sent UpdateAddon with ${tokens.size} tokens`] : [];
  return [...overlaps, ...repeated];
});

/** Rule 6: already compliant everywhere is zero writes. A lease and access to Kubernetes are needed to look. */
export const alreadyCompliantIsZeroWrites = perCluster((cluster, seen) => {
  const { before, executions } = cluster;
  const compliant = seen.of.faults.length === 0 && isCompliant(seen, cluster);
  const writing = executions.filter(isMigration).flatMap((execution) => {
    const writes = deedsOf(execution).filter(isChange);
    const [first] = writes;
    const ended = executions.length === 1 && asJson(execution.input)['cluster'] === before.name;
    if (!first || !ended || !compliant) return [];
    return [`${execution.name} set about ${writes.length} writes (${first.what}) although everything was as asked`];
  });
  return [...writing, ...changedAgain(seen, cluster)];
});

/** Of a cluster that another execution has just proven to be at the target, nothing is changed once more. */
function changedAgain(seen: Seen, cluster: ClusterSeen): string[] {
  const undisturbed = seen.of.faults.every(({ execution }) => execution === 'duplicate');
  const proven = claimsOf(seen, cluster).filter(({ ending }) => ending === 'migrated');
  if (!undisturbed) return [];
  return cluster.executions.filter(isMigration).flatMap((execution) => {
    const first = deedsOf(execution).find(isChange);
    const request = requestOf(cluster, execution);
    const before = proven.findLast(({ endedAt }) => first && endedAt <= iso(first.at));
    if (!first || !before || !request || !sameRunning(before.running, wanted(request))) return [];
    return [`${first.what} of ${execution.name}, although ${before.execution.name} had proven the target`];
  });
}

/** Explicitly configured: where only kube-proxy's default makes it so, the request writes it down. */
function isCompliant(seen: Seen, cluster: ClusterSeen): boolean {
  const { before, requests } = cluster;
  const nodes = eligibleAtFirst(seen, cluster);
  const values = readValues(before.addon?.configuration ?? null);
  const explicit = asJson(values['ipvs'])['scheduler'] !== undefined || values['mode'] === 'nftables';
  return (
    explicit &&
    requests.every((request) =>
      [formerly(before), ...nodes.map(runningOn)].every((runs) => sameRunning(runs, wanted(request))),
    )
  );
}

/** The rules of design §5, in its order. */
export const RULES: Readonly<Record<string, Rule>> = {
  'nothing disruptive outside a window, or before all are prepared': nothingDisruptiveOutsideAWindow,
  "the user's configuration survives": theUsersConfigurationSurvives,
  'an ended execution leaves one mode': anEndedExecutionLeavesOneMode,
  'only verdicts are success': onlyVerdictsAreSuccess,
  'one change at a time': oneChangeAtATime,
  'already compliant is zero writes': alreadyCompliantIsZeroWrites,
  'what is not understood fails, by name': whatIsNotUnderstoodFails,
  'history and evidence tell all': evidenceAndHistoryTellAll,
  'nothing of others is undone': nothingOfOthersIsUndone,
  'virtual servers of others stay': serversOfOthersStay,
  'the next pod starts the same': theNextPodStartsTheSame,
  'everything ends': everythingEnds,
  'what is accepted is obeyed': whatIsAcceptedIsObeyed,
};

/** Every violation of every rule, and of the product's rights; none when the run kept them all. */
export function violationsOf(seen: Seen): string[] {
  const violations = Object.entries(RULES).flatMap(([name, rule]) =>
    rule(seen).map((violation) => `${name}: ${violation}`),
  );
  return [...violations, ...seen.exceeded.map((sentence) => `no role is exceeded: ${sentence}`)];
}
