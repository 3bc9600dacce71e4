import { type Command, InvalidArgumentError, Option } from 'commander';
import { IPVS_SCHEDULERS, TARGET_MODES, type Target } from '../../functions/core/modes/proxy-mode.ts';
import { CHECK_NAMES, isCheckName } from '../../functions/core/preflight/names.ts';
import type { WantedRequest } from '../execution/run-migrate.ts';
import { UsageError } from '../exit.ts';
import { stateMachineOption } from '../options.ts';
import { pasteable } from '../terminal/paste.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { untilSignal } from '../terminal/until-signal.ts';

interface MigrateOptions {
  mode: Target['mode'];
  scheduler?: string;
  window?: string;
  now?: true;
  reason?: string;
  strategy?: string;
  selfManaged?: string;
  acknowledge: string[];
  stateMachine?: string;
  dryRun?: true;
  json?: true;
}

const EXAMPLES = pasteable(`
Examples:
  $ nightshift migrate my-cluster                              # in the window that the cluster's tag names
  $ nightshift migrate my-cluster --window weekend --scheduler lc
  $ nightshift migrate my-cluster --window weekend --mode nftables
  $ nightshift migrate my-cluster --now --reason "CHG-1234, agreed with checkout"
  $ nightshift migrate my-cluster --acknowledge ipvs-deprecated --acknowledge idle-timeout
  $ nightshift migrate my-cluster --dry-run                    # the plan and every preflight check, nothing is changed

Uses the AWS SDK's settings: AWS_REGION, AWS_PROFILE, and AWS_ENDPOINT_URL for a sandbox. Ctrl-C stops watching, not the
execution. Exit code 0 if the cluster was migrated or already compliant, 1 if the migration failed (RolledBack:
everything is as before), 2 if the arguments are wrong.`);

/** `nightshift migrate`: starts an execution of `migrate-cluster` and follows it to its end. */
export function addMigrate(program: Command, terminal: Terminal): void {
  program
    .command('migrate')
    .summary('move one cluster to IPVS or nftables and watch it')
    .description(
      "Moves one cluster's kube-proxy to IPVS or nftables in its window, and follows the execution to its end.",
    )
    .argument('<cluster>', 'name of the EKS cluster')
    .addOption(new Option('--mode <mode>', 'the mode that kube-proxy shall run').choices(TARGET_MODES).default('ipvs'))
    .addOption(new Option('--scheduler <scheduler>', 'the IPVS scheduler, rr by default').choices(IPVS_SCHEDULERS))
    .option('--window <name>', 'the configured window to wait for')
    .addOption(new Option('--now', 'do not wait for a window; needs --reason').conflicts('window'))
    .option('--reason <text>', 'why it cannot wait; recorded in the history')
    .addOption(
      new Option('--strategy <strategy>', 'how kube-proxy is restarted; by default the inspection chooses').choices([
        'kubernetes-api',
        'pod-annotations',
      ]),
    )
    .addOption(
      new Option(
        '--self-managed <way>',
        'how a kube-proxy that is not an add-on is changed; without this option such a cluster is refused',
      ).choices(['create-addon', 'config-map']),
    )
    .addOption(acknowledge())
    .addOption(stateMachineOption('migrate-cluster'))
    .option('--dry-run', 'only inspect, and print the plan')
    .option('--json', 'print one JSON document at the end and nothing else')
    .addHelpText('after', EXAMPLES)
    .action(async (cluster: string, options: MigrateOptions) => {
      const { dryRun = false, json = false, stateMachine } = options;
      await untilSignal(terminal, async (leaving) => {
        const wanted = await wantedRequest(cluster, options);
        const { runMigrate } = await import('../execution/run-migrate.ts');
        await runMigrate(wanted, { dryRun, json, stateMachine, terminal, leaving });
      });
    });
}

/** The option can be repeated; the shell completes the names of checks. */
function acknowledge(): Option {
  const names: string[] = [];
  return new Option('--acknowledge <name>', 'accept what this preflight check finds as a risk; repeatable')
    .choices(CHECK_NAMES)
    .argParser((name: string, before: string[] = []) => {
      if (!isCheckName(name)) throw new InvalidArgumentError(`Allowed choices are ${CHECK_NAMES.join(', ')}.`);
      return [...before, name];
    })
    .default(names, 'none');
}

/** @throws UsageError */
async function wantedTarget({ mode, scheduler }: Pick<MigrateOptions, 'mode' | 'scheduler'>): Promise<object> {
  const { MODES } = await import('../../functions/core/modes/index.ts');
  const { usual } = MODES[mode];
  if (scheduler === undefined) return usual;
  if ('scheduler' in usual) return { ...usual, scheduler };
  throw new UsageError(`--scheduler does not apply: mode ${mode} has no scheduler`);
}

/** The input of the execution, checked by the workflow's own rules. @throws UsageError */
async function wantedRequest(cluster: string, options: MigrateOptions): Promise<WantedRequest> {
  if (options.now && !options.reason?.trim())
    throw new UsageError(
      '--now needs --reason TEXT: the history records why the migration could not wait for the window',
    );
  if (options.reason !== undefined && !options.now)
    throw new UsageError('--reason gives the reason for a migration outside its window, so it needs --now');
  const request = {
    cluster,
    target: await wantedTarget(options),
    ...(options.window === undefined ? {} : { window: options.window }),
    ...(options.now && options.reason !== undefined ? { now: { reason: options.reason.trim() } } : {}),
    ...(options.strategy === undefined ? {} : { strategy: options.strategy }),
    ...(options.selfManaged === undefined ? {} : { selfManaged: options.selfManaged }),
    ...(options.acknowledge.length > 0 ? { acknowledge: options.acknowledge } : {}),
  };
  const { parseRequest } = await import('../../functions/core/execution/request.ts');
  try {
    parseRequest(request);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const nextStep = 'nextStep' in cause && typeof cause.nextStep === 'string' ? { nextStep: cause.nextStep } : {};
    throw new UsageError(cause.message, { cause, ...nextStep });
  }
  return request;
}
