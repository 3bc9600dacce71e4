import type { Command } from 'commander';
import { connected } from '../connected.ts';
import { nightshiftCommand, pasteable } from '../terminal/paste.ts';
import type { Terminal } from '../terminal/terminal.ts';

const ROLLOUT = pasteable(`
Examples:
  $ nightshift rollout start --stages stages.json
  $ nightshift rollout status
  $ nightshift rollout resume fleet-20261129T010000123Z

A stage that waits for an approval is answered by \`approve\` or \`deny\`. No cluster of a stage begins its change under
\`hold --stage NAME\`.`);

const START = pasteable(`
Examples:
  $ nightshift rollout start                        # the stages that are configured in the deployment
  $ nightshift rollout start --stages stages.json   # those in a file

A file has the form of \`fleet\` in nightshift.config.json:
  {"stages": [
    {"name": "staging", "select": {"tags": {"nightshift:stage": "staging"}}, "soakHours": 24},
    {"name": "prod", "select": {"tags": {"nightshift:stage": "prod"}}, "tolerate": "5%", "approval": "required"}
  ]}

Starts one execution of migrate-fleet and does not wait for it: follow it with \`rollout status\`. One rollout runs at a
time. Each cluster begins in its own window. It needs states:StartExecution, states:ListExecutions and
states:DescribeExecution; without --stages also lambda:GetFunctionConfiguration.`);

const STATUS = pasteable(`
Examples:
  $ nightshift rollout status                      # the rollout that started last
  $ nightshift rollout status fleet-20261129T010000123Z
  $ nightshift rollout status --json | jq '.stages[] | {name, status}'

Exit code 0 whatever the status of the rollout is; 1 if there is no such rollout. It reads executions, the evidence
bucket, and the SSM parameters below /nightshift.`);

const RESUME = pasteable(`
Examples:
  $ nightshift rollout resume fleet-20261129T010000123Z

Releases the holds that the rollout put on its own stages, and starts an execution that continues it: clusters that are
proven are not migrated again, and failures are counted anew. Holds of people stay. A stage that needs an approval is
asked for again.`);

const ANSWER = pasteable(`
Examples:
  $ nightshift approve fleet-20261129T010000123Z --reason "CHG-1234"
  $ nightshift deny fleet-20261129T010000123Z --reason "not before the release"

Answers the stage that the rollout waits for. It needs ssm:GetParameters and states:SendTaskSuccess; CloudTrail records
the caller of that call, and the execution's history the name that is sent with it.`);

/** `nightshift rollout`: starts, shows and resumes a rollout. */
export function addRollout(program: Command, terminal: Terminal): void {
  const rollout = program
    .command('rollout')
    .summary('migrate a fleet in stages')
    .description('Migrates the clusters of a fleet stage by stage: one execution of migrate-fleet is one rollout.')
    .helpCommand(false)
    .addHelpText('after', ROLLOUT);
  rollout
    .command('start')
    .summary('start a rollout')
    .description('Starts a rollout of the configured stages, or of those in a file.')
    .option('--stages <file>', 'stages as JSON, in place of the configured ones')
    .option('--json', 'print the rollout as JSON')
    .addHelpText('after', START)
    .action(async (options: { stages?: string; json?: boolean }) => {
      const { readFleet, startRollout } = await import('../rollout/start-rollout.ts');
      const fleet = options.stages === undefined ? null : readFleet(options.stages);
      await connected(async (connection) => {
        const { rollout, execution } = await startRollout(connection, fleet, new Date());
        if (options.json) return terminal.out(JSON.stringify({ rollout, execution: execution.arn }));
        terminal.out(`rollout ${rollout} has started`);
        terminal.out(`status: ${nightshiftCommand(`rollout status ${rollout}`)}`);
      });
    });
  rollout
    .command('status')
    .summary('show how far a rollout is')
    .description('Shows the stages of a rollout and their clusters.')
    .argument('[rollout]', 'name of the rollout; without it the one that started last')
    .option('--json', 'print the status as JSON')
    .addHelpText('after', STATUS)
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const named = name === undefined ? null : await checked(name);
      await connected(async (connection) => {
        const { findStateMachine } = await import('../execution/executions.ts');
        const { latestRollout } = await import('../rollout/find-rollout.ts');
        const { rolloutStatus } = await import('../rollout/read-rollout.ts');
        const { renderRollout } = await import('../rollout/render-rollout.ts');
        const stateMachine = await findStateMachine(connection, 'migrate-fleet');
        const rollout = named ?? (await latestRollout(connection, stateMachine));
        const status = await rolloutStatus(connection, stateMachine, rollout);
        if (options.json) return terminal.out(JSON.stringify(status));
        for (const line of renderRollout(status)) terminal.out(line);
      });
    });
  rollout
    .command('resume')
    .summary('continue a rollout that was held or stopped')
    .description('Continues a rollout that was held, denied, stopped or failed.')
    .argument('<rollout>', 'name of the rollout')
    .option('--json', 'print the rollout as JSON')
    .addHelpText('after', RESUME)
    .action(async (name: string, options: { json?: boolean }) => {
      const named = await checked(name);
      await connected(async (connection) => {
        const { resumeRollout } = await import('../rollout/start-rollout.ts');
        const { rollout, execution } = await resumeRollout(connection, named, new Date());
        if (options.json) return terminal.out(JSON.stringify({ rollout, execution: execution.arn }));
        terminal.out(`rollout ${rollout} goes on`);
        terminal.out(`status: ${nightshiftCommand(`rollout status ${rollout}`)}`);
      });
    });
}

/** `nightshift approve`: lets the stage begin that a rollout waits for. */
export function addApprove(program: Command, terminal: Terminal): void {
  addAnswer(program, terminal, {
    verb: 'approve',
    decision: 'approved',
    summary: 'approve the next stage of a rollout',
  });
}

/** `nightshift deny`: ends the rollout before the stage that it waits for. */
export function addDeny(program: Command, terminal: Terminal): void {
  addAnswer(program, terminal, { verb: 'deny', decision: 'denied', summary: 'deny the next stage of a rollout' });
}

interface Answer {
  verb: 'approve' | 'deny';
  decision: 'approved' | 'denied';
  summary: string;
}

function addAnswer(program: Command, terminal: Terminal, { verb, decision, summary }: Answer): void {
  program
    .command(verb)
    .summary(summary)
    .description(`Answers the stage that a rollout waits for: ${decision}.`)
    .argument('<rollout>', 'name of the rollout')
    .option('--reason <text>', 'why; recorded in the history')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', ANSWER)
    .action(async (name: string, { reason, json }: { reason?: string; json?: boolean }) => {
      const named = await checked(name);
      await connected(async (connection) => {
        const { answerApproval } = await import('../rollout/answer-approval.ts');
        const answered = await answerApproval(connection, named, { decision, reason: reason ?? null });
        if (json) return terminal.out(JSON.stringify(answered));
        terminal.out(`stage ${answered.stage} of ${answered.rollout} is ${decision}, by ${answered.by}`);
      });
    });
}

/** @throws UsageError for a text that cannot be the name of a rollout */
async function checked(name: string): Promise<string> {
  const { RolloutName } = await import('../../functions/core/fleet/stages.ts');
  const { readWith } = await import('../../functions/core/values/parse-input.ts');
  const { UsageError } = await import('../exit.ts');
  const read = readWith(RolloutName, name, 'The rollout');
  if (read.kind === 'broken') throw new UsageError(read.sentence);
  return read.data;
}
