import { type Command, Option } from 'commander';
import { requireNodeKind } from '../node-kind.ts';
import { pasteable } from '../terminal/paste.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { untilSignal } from '../terminal/until-signal.ts';

const STARTS = {
  model: 'it makes an EKS cluster with three nodes, and simulates a night in seconds',
  kernel: 'it boots two virtual machines with a real kernel, which takes about half a minute',
} as const;

const EXAMPLES = pasteable(`
Examples:
  $ nightshift demo
  $ nightshift demo --json | jq .result
  $ nightshift demo --node-kind kernel     # needs QEMU: scripts/setup-kernel-nodes.sh

Needs no AWS account, and leaves nothing behind. Exit code 0 if the cluster was migrated, otherwise 1.`);

interface DemoOptions {
  nodeKind: 'model' | 'kernel';
  json?: true;
}

/** `nightshift demo`: one migration from beginning to end on this machine. */
export function addDemo(program: Command, terminal: Terminal): void {
  program
    .command('demo')
    .summary('a whole migration on this machine, no AWS account needed')
    .description('Migrates a cluster from beginning to end in a sandbox on this machine, in virtual time.')
    .addOption(
      new Option('--node-kind <kind>', 'kernel: two QEMU machines with a real kernel')
        .choices(['model', 'kernel'])
        .default('model'),
    )
    .option('--json', 'print result and audit as one JSON document and nothing else')
    .addHelpText('after', EXAMPLES)
    .action(async (options: DemoOptions) => {
      const { nodeKind, json = false } = options;
      const first = ['The demo was stopped before its migration was started.'];
      await untilSignal(
        terminal,
        async (leaving) => {
          await requireNodeKind(nodeKind);
          // Printed before the imports: they take a second on a slow machine, and a silent program seems to hang.
          if (!json) terminal.out(`A migration in a sandbox on this machine: ${STARTS[nodeKind]}.`);
          const { runDemo } = await import('../demo.ts');
          leaving.signal.throwIfAborted();
          await runDemo({ nodeKind, json, terminal, leaving });
        },
        first,
      );
    });
}
