import { asJson, type Json, objectText, textOf } from '../seen.ts';
import { membersOf, ROLLOUT } from './case.ts';
import { type FleetSeen, iso, partsOf, rolloutsIn } from './seen.ts';

/** Rule f: every execution of the rollout ends, and is announced once unless a person aborted it. */
export function everyRolloutEnds(fleet: FleetSeen): string[] {
  return rolloutsIn(fleet).flatMap(({ name, arn, status }) => {
    if (status === 'RUNNING') return [`${name} never ended`];
    const said = endedEvents(fleet, arn).length;
    const least = status === 'ABORTED' || isUnannounced(fleet) ? 0 : 1;
    if (said >= least && said <= mostEvents(fleet)) return [];
    return [`${name} ended ${status}, and was announced ${said} times`];
  });
}

/** An answer of the function that announces is lost: it announces again. */
function mostEvents({ of }: FleetSeen): number {
  const lost = of.faults.filter(
    (fault) => fault['lostReply'] === true && asJson(fault['on'])['function'] === 'nightshift-record-rollout',
  );
  return 1 + lost.reduce((sum, { times }) => sum + Number(times ?? 1), 0) + recordRefusals({ of });
}

/** The summary is written after the event: where the bucket refuses it, the function is repeated. */
const recordRefusals = ({ of }: Pick<FleetSeen, 'of'>): number =>
  of.faults.some((fault) => asJson(fault['on'])['service'] === 's3') ? 7 : 0;

/** Seven refusals are more than the repetitions of the function that announces. */
const isUnannounced = ({ of }: FleetSeen): boolean =>
  of.faults.some(
    (fault) => asJson(fault['on'])['function'] === 'nightshift-record-rollout' && Number(fault['times'] ?? 1) > 6,
  ) || recordRefusals({ of }) > 0;

function endedEvents({ seen }: FleetSeen, arn: string): Json[] {
  return seen.calls
    .filter(({ operation, error }) => operation === 'PutEvents' && error === undefined)
    .flatMap(({ input }) => [asJson(input)['Entries']].flat().map(asJson))
    .filter(({ DetailType, Resources }) => DetailType === 'nightshift.RolloutEnded' && [Resources].flat().includes(arn))
    .map(({ Detail }) => asJson(JSON.parse(textOf(Detail))));
}

/** Rule f, last part: what was said of a rollout's end names every cluster of its stages that is not proven. */
export function summaryNamesTheRest(fleet: FleetSeen): string[] {
  const parts = partsOf(fleet);
  return rolloutsIn(fleet).flatMap(({ name, arn, history, status }) => {
    const summary = endedEvents(fleet, arn).at(-1);
    if (!summary || status === 'ABORTED') return [];
    const at = iso(history.at(-1)?.timestamp ?? new Date(0));
    const text = JSON.stringify([
      summary['error'],
      stagesIn(summary).map(({ reason, notProven }) => [reason, notProven]),
    ]);
    return stagesIn(summary).flatMap(({ stage }) =>
      membersOf(fleet.of, textOf(stage))
        .filter((cluster) => !parts.some((part) => part.cluster === cluster && part.isProven && part.endedAt <= at))
        .filter((cluster) => !new RegExp(`\\b${cluster}\\b`).test(text))
        .map((cluster) => `the end of ${name} does not name ${cluster}, which is not proven`),
    );
  });
}

const stagesIn = (summary: Json): Json[] => (Array.isArray(summary['stages']) ? summary['stages'].map(asJson) : []);

/** Whoever was not aborted leaves a summary in the bucket. */
export function aSummaryIsLeft(fleet: FleetSeen): string[] {
  const last = rolloutsIn(fleet).at(-1);
  if (!last || !['SUCCEEDED', 'FAILED'].includes(last.status) || isUnannounced(fleet)) return [];
  if (last.error === 'RolloutRunning' || last.error === 'OutcomeNotRecorded') return [];
  return objectText(fleet.seen, `rollouts/${ROLLOUT}/summary.json`) === null ? ['there is no summary'] : [];
}
