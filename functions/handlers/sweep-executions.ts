import * as z from 'zod/mini';
import { settleLimited } from '../aws/clients.ts';
import { eventBus } from '../aws/events.ts';
import { objectStore } from '../aws/s3.ts';
import { type EndedExecution, type StepFunctions, stepFunctions } from '../aws/step-functions.ts';
import type { Machine } from '../core/executions.ts';
import { clock } from './shared/clock.ts';
import { environment } from './shared/environment.ts';
import { type EndingDeps, liveStateMachines, lookAfter } from './shared/execution-ended.ts';
import { failTogether, SWEEP } from './shared/sweep.ts';
import { type Run, wrap } from './shared/wrap.ts';

const Input = z.strictObject(SWEEP);
type Input = z.output<typeof Input>;

export interface Deps extends EndingDeps {
  stepFunctions: EndingDeps['stepFunctions'] & Pick<StepFunctions, 'endedSince'>;
}

/** Executions that ended lately, histories that were kept only now, recoveries that were started only now. */
export interface Output {
  executions: number;
  kept: number;
  recovered: number;
}

const LATELY_MS = 48 * 3_600_000;
const AT_ONCE = 10;
const MACHINES: readonly Machine[] = ['migrate', 'rollback'];

/**
 * Does for every execution that ended in the last 48 hours what `on-execution-ended` does, for the events that never
 * came: nothing is done twice. Throws SweepIncomplete, naming executions, when all others are done.
 */
export function sweepExecutions(deps: Deps, clock: () => Date): Run<Input, Output> {
  return async ({ now = clock() }, say) => {
    const since = new Date(now.getTime() - LATELY_MS);
    const output: Output = { executions: 0, kept: 0, recovered: 0 };
    const failed: { item: EndedExecution; error: unknown }[] = [];
    for (const machine of MACHINES)
      for await (const page of deps.stepFunctions.endedSince(deps.stateMachines()[machine], since)) {
        const settled = await settleLimited(page, AT_ONCE, (ended) => lookAfter(deps, machine, ended, say));
        failed.push(...settled.failed);
        output.executions += page.length;
        output.kept += settled.done.filter(({ kept }) => kept).length;
        output.recovered += settled.done.filter(({ recovered }) => recovered.kind === 'started').length;
      }
    say.decision('executions.swept', { ...output, failed: failed.length });
    say.count('HistoriesKeptLate', output.kept);
    failTogether(failed, ({ name }) => name, say);
    return output;
  };
}

export const handler = wrap(
  Input,
  sweepExecutions(
    {
      stepFunctions,
      store: objectStore(environment.evidenceBucket),
      bus: eventBus(environment.eventBus),
      stateMachines: liveStateMachines,
    },
    clock,
  ),
);
