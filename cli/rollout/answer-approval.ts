import { SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { Approval } from '../../functions/core/fleet/approval.ts';
import { readWith } from '../../functions/core/values/parse-input.ts';
import { asking, type Connection, whoAsks } from '../aws.ts';
import { Failure, UsageError } from '../exit.ts';
import { nightshiftCommand } from '../terminal/paste.ts';
import { askedApproval } from './read-rollout.ts';

/** What `approve --json` and `deny --json` print. */
export interface Answered extends Approval {
  rollout: string;
  stage: string;
}

/**
 * Answers the stage that a rollout waits for.
 * @throws Failure `NothingToApprove` if it waits for none, `FourEyes` if the requester approves where another person
 * must; UsageError for a reason that breaks a rule
 */
export async function answerApproval(
  connection: Connection,
  rollout: string,
  { decision, reason }: Pick<Approval, 'decision' | 'reason'>,
): Promise<Answered> {
  const read = readWith(Approval, { decision, by: await whoAsks(connection), reason }, 'The answer');
  if (read.kind === 'broken') throw new UsageError(read.sentence);
  const asked = await askedApproval(connection, rollout);
  if (asked === null) throw nothing(rollout);
  const { by } = read.data;
  if (decision === 'approved' && asked.fourEyes && by === asked.requestedBy)
    throw new Failure('FourEyes', `${by} requested the rollout, and another person must approve it`, {
      nextStep: `another person runs: ${nightshiftCommand(`approve ${rollout}`)}`,
    });
  try {
    await asking(connection, 'answer the approval', () =>
      connection.sfn.send(new SendTaskSuccessCommand({ taskToken: asked.token, output: JSON.stringify(read.data) })),
    );
  } catch (error) {
    // The answer was given before, or came too late. Whether it did, Step Functions alone decides: this machine's clock
    // may be wrong.
    if (error instanceof Error && ['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'].includes(error.name))
      throw nothing(rollout);
    throw error;
  }
  return { rollout, stage: asked.stage, ...read.data };
}

const nothing = (rollout: string) =>
  new Failure('NothingToApprove', `rollout ${rollout} waits for no approval`, {
    nextStep: nightshiftCommand(`rollout status ${rollout}`),
  });
