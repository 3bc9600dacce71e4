import type { CloudWatch } from '../../aws/cloudwatch.ts';
import { type GuardDecision, type Guards, guardText, judgeAlarms } from '../../core/guards/alarms.ts';
import type { Log } from '../../runtime/wrap.ts';

/** Asks CloudWatch for the alarms of these guards, and judges them. Without alarms CloudWatch is not called. */
export async function askGuards(
  cloudwatch: CloudWatch,
  { alarms, onUnknown }: Pick<Guards, 'alarms' | 'onUnknown'>,
  log: Log,
): Promise<GuardDecision> {
  if (alarms.length === 0) return { kind: 'quiet', unknown: [] };
  const decision = judgeAlarms(alarms, await cloudwatch.alarms(alarms), onUnknown);
  const named = decision.kind === 'raised' ? decision.alarms : decision.unknown;
  log.decision(`guards.${decision.kind}`, { alarms: alarms.length, onUnknown, reason: guardText(named) });
  return decision;
}
