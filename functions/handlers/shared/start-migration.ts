import { type StepFunctions, stepFunctions } from '../../aws/step-functions.ts';
import type { Started } from '../../contracts/shared/output.ts';
import { assertNever } from '../../core/errors.ts';
import type { Reaction } from '../../core/fleet/triggers.ts';
import { environment } from '../../runtime/environment.ts';
import type { Log } from '../../runtime/wrap.ts';

export interface StartDeps {
  stepFunctions: Pick<StepFunctions, 'start'>;
  /** ARN of migrate-cluster, as StartExecution takes it. */
  migrate: () => string;
}

/**
 * Starts or refuses the migration that was decided for an event. EventBridge delivers at least once: the execution's
 * name makes a second delivery the first one. `about` is logged with the decision, by name `trigger.kind`.
 */
export async function act(
  { stepFunctions, migrate }: StartDeps,
  reaction: Reaction,
  log: Log,
  about: Record<string, string | null>,
): Promise<Started> {
  const started = await follow(reaction, (execution) =>
    stepFunctions.start({ stateMachineArn: migrate(), ...execution }),
  );
  log.decision(`trigger.${started.kind}`, { ...about, reason: started.reason, name: started.name });
  if (started.kind === 'refused') log.count('nightshift.ClusterRefused', 1);
  return started;
}

async function follow(
  reaction: Reaction,
  start: (execution: { name: string; input: unknown }) => Promise<{ started: boolean }>,
): Promise<Started> {
  switch (reaction.kind) {
    case 'ignore':
      return { kind: 'ignored', reason: reaction.reason, name: null };
    case 'refuse':
      return { kind: 'refused', reason: reaction.reason, name: null };
    case 'start': {
      const { name, request } = reaction;
      const { started } = await start({ name, input: request });
      return { kind: started ? 'started' : 'already-started', reason: null, name };
    }
    default:
      return assertNever(reaction);
  }
}

/** What the deployed functions work with. */
export const liveStart: StartDeps = { stepFunctions, migrate: environment.migrateAliasArn };
