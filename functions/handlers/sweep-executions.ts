import { settleLimited } from '../aws/clients.ts';
import { eventBus } from '../aws/events.ts';
import { objectStore } from '../aws/s3.ts';
import { ssm } from '../aws/ssm.ts';
import { type EndedExecution, type StepFunctions, stepFunctions } from '../aws/step-functions.ts';
import type { Output as Recovered } from '../contracts/on-execution-ended.ts';
import { Input, type Output } from '../contracts/sweep-executions.ts';
import type { Machine } from '../core/execution/executions.ts';
import { clock } from '../runtime/clock.ts';
import { environment } from '../runtime/environment.ts';
import { type Log, type Run, wrap } from '../runtime/wrap.ts';
import { completeOld, type EndingDeps, handleEndedExecution, liveStateMachines } from './shared/execution-ended.ts';
import { failTogether } from './shared/fail-together.ts';

export interface Deps extends EndingDeps {
  stepFunctions: EndingDeps['stepFunctions'] & Pick<StepFunctions, 'endedSince'>;
}

/** After this time an execution is not recovered: other principals may have changed the cluster since. */
const LATELY_MS = 48 * 3_600_000;
/** How long Step Functions keeps an execution: until then a record that is owed can be written. */
const REMEMBERED_MS = 90 * 24 * 3_600_000;
const AT_ONCE = 10;
const MACHINES: readonly Machine[] = ['migrate', 'rollback'];

/**
 * Does for every execution that ended in the last 48 hours what `on-execution-ended` does, for the events that never
 * came; for older executions that failed it writes the record that they owe. No step is done twice. Throws
 * SweepIncomplete, naming executions, when all others are done.
 */
export function sweepExecutions(deps: Deps, clock: () => Date): Run<Input, Output> {
  return async ({ now = clock() }, log) => {
    const lately = new Date(now.getTime() - LATELY_MS);
    const output: Output = { executions: 0, kept: 0, recovered: 0, recorded: 0, owed: 0 };
    const failed: { item: EndedExecution; error: unknown }[] = [];
    for (const machine of MACHINES)
      for await (const page of deps.stepFunctions.endedSince(deps.stateMachines()[machine], oldest(now))) {
        const due = page.filter(({ stoppedAt, status }) => stoppedAt >= lately || status === 'FAILED');
        const settled = await settleLimited(due, AT_ONCE, (ended) => visit(deps, machine, ended, { lately, log }));
        failed.push(...settled.failed);
        output.executions += due.length;
        for (const visited of settled.done) count(output, visited);
      }
    log.decision('executions.swept', { ...output, failed: failed.length });
    log.count('HistoriesKeptLate', output.kept);
    failTogether(failed, ({ name }) => name, log);
    return output;
  };
}

const oldest = (now: Date) => new Date(now.getTime() - REMEMBERED_MS);

type Visited = { kept: boolean; recovered: Recovered | null };

async function visit(
  deps: Deps,
  machine: Machine,
  { stoppedAt, ...execution }: EndedExecution,
  { lately, log }: { lately: Date; log: Log },
): Promise<Visited> {
  const ended = { ...execution, stopDate: stoppedAt.getTime() };
  if (stoppedAt >= lately) return handleEndedExecution(deps, machine, ended, log);
  return { kept: false, recovered: await completeOld(deps, ended, log) };
}

function count(output: Output, { kept, recovered }: Visited): void {
  if (kept) output.kept += 1;
  if (recovered?.kind === 'started') output.recovered += 1;
  if (recovered?.kind === 'recorded') output.recorded += 1;
  if (recovered?.kind === 'owed') output.owed += 1;
}

export const handler = wrap(
  Input,
  sweepExecutions(
    {
      stepFunctions,
      store: objectStore(environment.evidenceBucket),
      bus: eventBus(environment.eventBus),
      holds: ssm,
      stateMachines: liveStateMachines,
    },
    clock,
  ),
);
