import type { Command } from 'commander';
import { evidenceBucketOption, stateMachineOption } from '../options.ts';
import { pasteable } from '../terminal/paste.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { untilSignal } from '../terminal/until-signal.ts';

interface RollbackOptions {
  reason: string;
  yes?: boolean;
  stateMachine?: string;
  evidenceBucket?: string;
  json?: boolean;
}

const EXAMPLES = pasteable(`
Examples:
  $ nightshift rollback my-cluster-20261128T010000123Z
  $ nightshift rollback my-cluster-20261128T010000123Z --reason "CHG-1240, pools of connections were cut" --yes

Shows the configuration that the execution saved before its change and that will be restored, and asks for confirmation.
The rollback overwrites every later configuration. Without a terminal it needs --yes. Exit code 0 if everything is as
before and proven on every node, 1 if not, 2 if the arguments are wrong.`);

/** `nightshift rollback`: starts `rollback-cluster` for an earlier migration and follows it to its end. */
export function addRollback(program: Command, terminal: Terminal): void {
  program
    .command('rollback')
    .summary('restore the configuration from before a migration')
    .description('Restores the configuration from before an earlier migration, and follows the execution to its end.')
    .argument('<execution>', 'ARN or name of the migration')
    .option('--reason <text>', 'why; recorded in the history', 'by hand')
    .option('--yes', 'do not ask')
    .addOption(stateMachineOption('rollback-cluster'))
    .addOption(evidenceBucketOption())
    .option('--json', 'print one JSON document at the end and nothing else')
    .addHelpText('after', EXAMPLES)
    .action(async (text: string, { yes = false, json = false, ...options }: RollbackOptions) => {
      await untilSignal(terminal, async (leaving) => {
        const { runRollback } = await import('../execution/run-rollback.ts');
        await runRollback(text, { ...options, yes, json, terminal, leaving });
      });
    });
}
