import { type Command, Option } from 'commander';
import { evidenceBucketOption } from '../options.ts';
import { pasteable } from '../terminal/paste.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface AuditOptions {
  format: 'text' | 'json';
  evidenceBucket?: string;
}

const EXAMPLES = pasteable(`
Examples:
  $ nightshift audit my-cluster-20261128T010000123Z
  $ nightshift audit arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-cluster:my-cluster-20261128T010000123Z
  $ nightshift audit my-cluster-20261128T010000123Z --format json | jq '.nodes[] | select(.pass | not)'

Reads GetExecutionHistory and the evidence objects, and nothing else; lists each missing object as absent. Exit code 1 if
an object's SHA-256 differs from the one in the history. Read-only.`);

/** `nightshift audit`: reports what one execution did, from its history and evidence alone. */
export function addAudit(program: Command, terminal: Terminal): void {
  program
    .command('audit')
    .summary('report what an execution did, from its history and evidence')
    .description(
      'Reports what an execution did: who requested it, every change (from, to, when), and every verdict on a node.',
    )
    .argument('<execution>', 'ARN or name of the execution')
    .addOption(
      new Option('--format <format>', 'text for people, json for programs').choices(['text', 'json']).default('text'),
    )
    .addOption(evidenceBucketOption())
    .addHelpText('after', EXAMPLES)
    .action(async (text: string, options: AuditOptions) => {
      const { runAudit } = await import('../execution/gather-audit.ts');
      await runAudit(text, { ...options, terminal });
    });
}
