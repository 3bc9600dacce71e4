import { RULES as OF_MIGRATIONS } from '../rules.ts';
import { aSummaryIsLeft, everyRolloutEnds, summaryNamesTheRest } from './rule-endings.ts';
import { nothingAfterTheEnd, provenStaysProven, stagesInOrder, successIsProven } from './rule-order.ts';
import { noMoreFailures, nothingUnderAStop } from './rule-stops.ts';
import type { FleetSeen } from './seen.ts';

/** Looks at what was seen of one fleet and answers a sentence for each violation. */
type FleetRule = (fleet: FleetSeen) => string[];

export const FLEET_RULES: Readonly<Record<string, FleetRule>> = {
  'stages in order': stagesInOrder,
  'an ended rollout begins nothing': nothingAfterTheEnd,
  'nothing begins under a stop': nothingUnderAStop,
  'no more failures than tolerated': noMoreFailures,
  'what is proven stays': provenStaysProven,
  'every rollout ends': everyRolloutEnds,
  'success is proven': successIsProven,
  'the summary names the rest': summaryNamesTheRest,
  'a summary is left': aSummaryIsLeft,
};

/** Every violation of the rules for fleets, of those for each of its clusters, and of the product's rights. */
export function violationsOfFleet(fleet: FleetSeen): string[] {
  const { seen } = fleet;
  return [
    ...Object.entries(FLEET_RULES).flatMap(([name, rule]) => rule(fleet).map((violation) => `${name}: ${violation}`)),
    ...Object.entries(OF_MIGRATIONS).flatMap(([name, rule]) => rule(seen).map((violation) => `${name}: ${violation}`)),
    ...seen.exceeded.map((sentence) => `no role is exceeded: ${sentence}`),
  ];
}
