import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completion.ts';
import { pasteable } from '../terminal/paste.ts';
import type { Terminal } from '../terminal/terminal.ts';

const EXAMPLES = pasteable(`
Examples:
  source <($ nightshift completion bash)
  $ nightshift completion zsh > "\${fpath[1]}/_nightshift"
  $ nightshift completion fish > ~/.config/fish/completions/nightshift.fish`);

/** `nightshift completion`: a script that completes commands, options and their values. */
export function addCompletion(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .summary('print a completion script for your shell')
    .description('Prints a script that completes commands, options and their values.')
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action((shell: Shell) => terminal.out(completionScript(program, shell)));
}
