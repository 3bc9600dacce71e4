import { isProof, isSettled } from './parts.ts';
import type { Rollback } from './rollback.ts';
import type { Story } from './story-type.ts';

/** What a reader expects in the story and the sources do not have, one sentence each. */
export function listAbsent(
  story: Omit<Story, 'absent'>,
  { missing, recorded }: { missing: readonly string[]; recorded: boolean },
): string[] {
  const ended = story.execution.status !== 'RUNNING';
  // While a recovery runs, it still needs the access and the lease.
  const settled = isSettled(story);
  const lines: (string | false)[] = [
    ...(story.machine === 'rollback-cluster' ? story.rollbacks.flatMap(ofRollback) : ofMigration(story, ended)),
    ended && !story.nodes.some(({ step }) => isProof(step)) && 'no verdict on what a node runs is in the evidence',
    settled && story.access === 'remains' && 'the access to Kubernetes was not revoked: delete the access entry',
    settled && story.lease === 'remains' && 'the lease was not released: at its deadline it starts the recovery',
    ended && !recorded && 'no outcome was recorded',
    ...missing,
    ...story.evidence.map((each) => each.state === 'absent' && `${each.key}: ${each.reason}`),
  ];
  return lines.filter((line) => line !== false);
}

function ofMigration(story: Omit<Story, 'absent'>, ended: boolean): (string | false)[] {
  const { request, cluster, plan } = story;
  return [
    request === null && 'the input is not a migration request: who asked for what is not known',
    request !== null && !request.requestedBy && 'the input does not say who asked',
    cluster === null && 'no inspection of the cluster ended: what it ran before is not known',
    plan !== null && plan.checks === undefined && 'the recorded inspection has no preflight checks',
    cluster !== null && story.change === null && 'no add-on update was sent',
    !story.phases.some(({ phase }) => phase === 'restart') && 'kube-proxy was not restarted',
    ...story.rollbacks.flatMap((rollback) =>
      ofRollback(rollback).map((line) => line && `${rollback.execution.name}: ${line}`),
    ),
    ended && story.failure === null && story.ending.error !== null && 'the state in which it failed is not known',
  ];
}

function ofRollback(rollback: Rollback): (string | false)[] {
  const { owner, former, nothing, restored, proof } = rollback;
  return [
    owner === null && 'the input is not that of a rollback: whose change it undoes is not known',
    former === null && nothing === null && 'no inspection of the saved state ended: what to restore is not known',
    former !== null && !former.already && restored === null && 'no former configuration was sent',
    former !== null && proof === null && 'no verdict on the mode that was restored',
  ];
}
