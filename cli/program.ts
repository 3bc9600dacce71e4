import { Command } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { addAccessManifest } from './commands/access-manifest.ts';
import { addAdvise } from './commands/advise.ts';
import { addAudit } from './commands/audit.ts';
import { addCompletion } from './commands/completion.ts';
import { addDemo } from './commands/demo.ts';
import { addHold, addHolds, addRelease } from './commands/hold.ts';
import { addMigrate } from './commands/migrate.ts';
import { addRollback } from './commands/rollback.ts';
import { addApprove, addDeny, addRollout } from './commands/rollout.ts';
import { addSandbox } from './commands/sandbox.ts';
import { addVerify } from './commands/verify.ts';
import { oneLine } from './exit.ts';
import { nightshiftCommand, pasteable } from './terminal/paste.ts';
import type { Terminal } from './terminal/terminal.ts';

const EXAMPLES = pasteable(`
Examples:
  $ nightshift demo                                          # watch a whole migration, no AWS account needed
  $ nightshift migrate my-cluster --window weekend           # migrate when the window "weekend" opens
  $ nightshift migrate my-cluster --now --reason "CHG-1234"  # migrate at once, and record why
  $ nightshift migrate my-cluster --dry-run                  # only look: the plan and what stands in its way
  $ nightshift advise my-cluster                             # which mode fits it, why, and until when
  $ nightshift rollback my-cluster-20261128T010000123Z       # put back what that execution has changed
  $ nightshift audit my-cluster-20261128T010000123Z          # report what an execution did, from its history and evidence
  $ nightshift rollout start --stages stages.json            # migrate a fleet, one stage after the other
  $ nightshift hold --all --reason "end of quarter"           # no migration begins its change until the hold is released
  ipvsadm -Ln | $ nightshift verify --service-cidr 10.100.0.0/16 --scheduler rr

Exit codes: 0 as asked, 1 not as asked (the error's name comes last), 2 the call is wrong.`);

/** The whole command tree; `completion` prints what it finds in it. Every usage error is thrown, none exits. */
export function buildProgram(terminal: Terminal): Command {
  const program = new Command('nightshift')
    .description(manifest.description)
    .version(manifest.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .showHelpAfterError(`(${nightshiftCommand('--help')} lists every command and option)`)
    .addHelpText('after', EXAMPLES)
    .configureOutput({
      writeOut: (text) => terminal.out(text.replace(/\n$/, '')),
      writeErr: (text) => terminal.err(text.replace(/\n$/, '')),
    })
    .exitOverride();
  const add = [
    addDemo,
    addMigrate,
    addRollback,
    addAudit,
    addRollout,
    addApprove,
    addDeny,
    addAdvise,
    addHold,
    addRelease,
    addHolds,
    addVerify,
    addSandbox,
    addAccessManifest,
    addCompletion,
  ];
  for (const command of add) command(program, terminal);
  addHelp(program);
  return program;
}

/** commander's own help command prints the program's help if the command does not exist. */
function addHelp(program: Command): void {
  program
    .command('help')
    .summary('print the help of a command')
    .description('Prints the help of a command, or of the program.')
    .argument('[command...]', 'name of the command')
    .action((names: readonly string[]) => {
      const found = names.reduce((parent, name) => {
        const own = parent.commands.find((each) => each.name() === name);
        if (!own) program.error(`error: unknown command '${oneLine(name)}'`, { code: 'commander.unknownCommand' });
        return own;
      }, program);
      found.help();
    });
}
