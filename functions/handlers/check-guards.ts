import { type CloudWatch, cloudwatch } from '../aws/cloudwatch.ts';
import { type Ssm, ssm } from '../aws/ssm.ts';
import { Input, type Output } from '../contracts/check-guards.ts';
import type { RaisedGuard } from '../contracts/shared/output.ts';
import { GuardRaised } from '../core/errors.ts';
import { guardText, type RaisedAlarm } from '../core/guards/alarms.ts';
import { HOLD_TEXTS, holdByGuards, placeForHold } from '../core/guards/guard-hold.ts';
import { holdParameter } from '../core/guards/holds.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { askGuards } from './shared/guards.ts';
import { reasonOf } from './shared/store-or-carry.ts';

export interface Deps {
  cloudwatch: CloudWatch;
  ssm: Pick<Ssm, 'createParameter' | 'parameters' | 'putParameter'>;
}

/** An event may have 256 KiB in all. */
const MOST_ALARMS = 10;

/**
 * Asks the guards of a cluster after every node has proven the target. If one is raised, the cluster is put on hold, or
 * the migration is to be rolled back, as the settings say. Throws GuardRaised for the rollback.
 */
export function checkGuards(deps: Deps): Run<Input, Output> {
  return async (input, log) => {
    const { cluster } = input;
    const decision = await askGuards(deps.cloudwatch, cluster.guards, log);
    if (decision.kind === 'quiet') return { kind: 'quiet' };
    const raised = `every node has proven the target, but ${guardText(decision.alarms)}`;
    if (cluster.guards.onGuard === 'rollback') throw new GuardRaised(`In ${cluster.name} ${raised}.`);
    const { hold, text } = await putHold(deps.ssm, input, decision.alarms);
    log.decision('guards.hold', { cluster: cluster.name, hold, reason: text });
    return {
      kind: 'raised',
      guard: { reason: `${raised}; ${text}`, alarms: decision.alarms.slice(0, MOST_ALARMS), hold },
    };
  };
}

type PutHold = { hold: RaisedGuard['hold']; text: string };

/**
 * Puts the cluster on hold, unless a hold is in force. If SSM refuses, the migration still ends as migrated, because
 * its nodes are proven; what is recorded and notified names the hold that is missing.
 */
async function putHold(
  { createParameter, parameters, putParameter }: Deps['ssm'],
  { cluster, execution, now }: Input,
  alarms: readonly RaisedAlarm[],
): Promise<PutHold> {
  const name = holdParameter({ kind: 'cluster', cluster: cluster.name });
  try {
    const [parameter] = await parameters([name]);
    const wanted = holdByGuards(alarms, execution.name, now);
    const place = placeForHold(parameter, wanted, now);
    if (place.kind === 'own') return { hold: 'put', text: HOLD_TEXTS.put() };
    if (place.kind === 'held') return { hold: 'kept', text: HOLD_TEXTS.kept(place.hold) };
    const value = JSON.stringify(wanted);
    if (place.kind === 'ended') await putParameter({ name, value });
    else if (!(await createParameter({ name, value }))) return { hold: 'kept', text: HOLD_TEXTS.kept(null) };
    return { hold: 'put', text: HOLD_TEXTS.put() };
  } catch (error) {
    return { hold: 'failed', text: HOLD_TEXTS.failed(reasonOf(error)) };
  }
}

export const handler = wrap(Input, checkGuards({ cloudwatch, ssm }));
