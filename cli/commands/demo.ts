import { type Command, Option } from 'commander';
import type { Terminal } from '../terminal.ts';

const STARTS = {
  model: 'it makes an EKS cluster with three nodes, and goes through a night in seconds',
  kernel: 'it boots two virtual machines with a real kernel, which takes about half a minute',
} as const;

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
    .option('--json', 'print result and story as one JSON document and nothing else')
    .action(async (options: DemoOptions) => {
      // Before the imports: they take a second on a slow machine, and silence looks like a program that hangs.
      if (!options.json) terminal.out(`A migration in a sandbox on this machine: ${STARTS[options.nodeKind]}.`);
      const { runDemo } = await import('../demo.ts');
      await runDemo({ nodeKind: options.nodeKind, json: options.json ?? false, terminal });
    });
}
