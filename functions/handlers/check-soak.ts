import { Input, type Output } from '../contracts/check-soak.ts';
import { nextLook } from '../core/fleet/rollout.ts';
import { type Run, wrap } from '../runtime/wrap.ts';

/** Decides whether a stage soaks on. */
export function checkSoak(): Run<Input, Output> {
  return async ({ rollout, stage, soakUntil, now }, log) => {
    const output: Output =
      now >= soakUntil ? { kind: 'over' } : { kind: 'soaking', nextLook: nextLook(now, soakUntil).toISOString() };
    log.decision(`soak.${output.kind}`, { rollout, stage });
    return output;
  };
}

export const handler = wrap(Input, checkSoak());
