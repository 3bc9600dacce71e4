import { machineOf } from '../../state-machines/phases.ts';
import { type Connection, connect } from '../aws.ts';
import { EXIT, Failure } from '../exit.ts';
import { evidenceReferences, readEvidence } from '../story/evidence.ts';
import { readHistory, type Step } from '../story/history.ts';
import { renderStory } from '../story/render-story.ts';
import { buildStory } from '../story/story.ts';
import type { Story } from '../story/story-type.ts';
import { styleFor } from '../terminal/style.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type ExecutionName, eventsAfter, executionThere, possibleExecutions } from './executions.ts';
import { readRelated } from './related.ts';

/** Prints the story of the execution that `text` names. @throws Failure if evidence differs from what was recorded */
export async function runAudit(
  text: string,
  options: { format: 'text' | 'json'; evidenceBucket?: string; terminal: Terminal },
): Promise<void> {
  const { format, evidenceBucket: bucket, terminal } = options;
  const connection = await connect();
  try {
    const story = await auditFirst(connection, await possibleExecutions(connection, text), bucket);
    terminal.out(format === 'json' ? JSON.stringify(story, null, 2) : renderStory(story, styleFor(terminal)));
    process.exitCode = EXIT.ok;
    if (story.alarms.length > 0) throw mismatch(story.alarms.length);
  } finally {
    connection.close();
  }
}

function mismatch(objects: number): Failure {
  const what = objects === 1 ? 'an evidence object is' : `${objects} evidence objects are`;
  return new Failure('EvidenceMismatch', `${what} not what the history recorded`, {
    nextStep: "look at the bucket's object versions, and in CloudTrail for who wrote them",
  });
}

/** A name may belong to a migration or to a rollback. @throws Failure about the migration if neither exists */
async function auditFirst(
  connection: Connection,
  [first, ...others]: [ExecutionName, ...ExecutionName[]],
  bucket: string | undefined,
): Promise<Story> {
  try {
    return await audit(connection, first, bucket);
  } catch (error) {
    if (!(error instanceof Failure) || error.name !== 'ExecutionDoesNotExist') throw error;
    for (const other of others)
      if (await executionThere(connection, other.arn)) return audit(connection, other, bucket);
    throw error;
  }
}

/** Reads history and evidence of one execution, and of its rollbacks and recoveries, and makes its story. */
export async function audit(connection: Connection, execution: ExecutionName, bucket?: string): Promise<Story> {
  const machine = machineOf(execution.stateMachine);
  const steps = readHistory(await eventsAfter(connection, execution.arn, 0), machine);
  const { related, missing } = await readRelated(connection, execution, steps);
  const all: readonly Step[] = [...steps, ...related.flatMap((each) => each.steps)];
  const evidence = await readEvidence(connection, bucket ?? evidenceBucket(execution), evidenceReferences(all));
  return buildStory({ execution, steps, related, missing, evidence });
}

/** The name that a deployment gives its evidence bucket: one for each account and Region. */
export function evidenceBucket(execution: ExecutionName): string {
  return `nightshift-evidence-${execution.account}-${execution.region}`;
}
