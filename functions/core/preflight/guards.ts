import { guardText } from '../guards/alarms.ts';
import { type Checks, type Finding, pass, refuse, type Subject, warn } from './check.ts';

function guards({ guards: look }: Subject): Finding | null {
  if (look === null) return null;
  if (look.kind === 'broken')
    return refuse(look.sentence.replace(/\.$/, ''), 'Correct the tag, or the settings, and start again.');
  const { alarms, onUnknown } = look.guards;
  if (alarms.length === 0) return null;
  const { decision } = look;
  if (decision.kind === 'raised')
    return warn(
      guardText(decision.alarms),
      `No change begins before that is over. The names are in the tag nightshift:guard and in settings.guards.`,
    );
  if (decision.unknown.length === 0) return pass(`all ${alarms.length} alarms that guard the cluster are OK`);
  const fix = `It stops no change, because settings.guards.onUnknown is ${onUnknown}. Correct the name, or see why its state is not known.`;
  return warn(guardText(decision.unknown), fix);
}

export const GUARD_CHECKS = {
  guards: {
    source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html',
    acknowledgeable: false,
    // A migration whose target is there already may still become a change, which the guards have to stop.
    changeOnly: false,
    find: guards,
  },
} satisfies Checks;
