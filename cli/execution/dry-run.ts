import { InvokeCommand } from '@aws-sdk/client-lambda';
import { adviceText } from '../../functions/core/advice/advice.ts';
import { asking, type Connection } from '../aws.ts';
import { EXIT, Failure, oneLine } from '../exit.ts';
import { parseJson, readError } from '../story/history.ts';
import { renderChecks } from '../story/render-checks.ts';
import { Inspected } from '../story/views.ts';
import { count, showCounts, showDuration } from '../terminal/format.ts';
import { nightshiftCommand } from '../terminal/paste.ts';
import { styleFor } from '../terminal/style.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { executionName } from './executions.ts';

const FUNCTION = 'nightshift-inspect-cluster';

/**
 * The workflow's first inspection alone: reads the cluster and prints what a migration would do. The inventory goes to
 * the evidence bucket as in a migration.
 *
 * @throws Failure with the name that the migration would fail with.
 */
export async function dryRun(
  connection: Connection,
  options: { request: { cluster: string }; json: boolean; now: Date; terminal: Terminal },
): Promise<void> {
  const { request, terminal } = options;
  const answer = await look(connection, request, options.now);
  if (options.json) terminal.out(JSON.stringify(answer));
  else for (const line of describe(answer, terminal)) terminal.out(line);
  if (answer.plan.kind === 'refuse')
    throw new Failure('PreflightRefused', answer.plan.reasons.join(' ') || 'the plan is refused', {
      nextStep: 'settle what is named, or accept a risk with --acknowledge NAME (docs/preflight.md lists which may be)',
    });
  process.exitCode = EXIT.ok;
}

async function look(connection: Connection, request: { cluster: string }, now: Date): Promise<Inspected> {
  const name = `dry-run-${executionName(request.cluster.slice(0, 50), now)}`;
  const payload = {
    execution: { name, arn: name },
    now: now.toISOString(),
    step: 'inspect-1',
    request,
    kubernetes: false,
  };
  const answer = await asking(connection, `invoke ${FUNCTION}`, () =>
    connection.lambda.send(
      new InvokeCommand({ FunctionName: FUNCTION, Payload: Buffer.from(JSON.stringify(payload)) }),
    ),
  ).catch((error: unknown) => {
    throw notDeployed(error, connection);
  });
  const text = Buffer.from(answer.Payload ?? []).toString('utf8');
  if (answer.FunctionError !== undefined) throw functionFailed(text);
  const parsed = Inspected.safeParse(parseJson(text));
  if (!parsed.success)
    throw new Failure('UnexpectedAnswer', `${FUNCTION} answered something that is not a plan: ${text.slice(0, 200)}`);
  return parsed.data;
}

function functionFailed(text: string): Failure {
  const details = parseJson(text);
  const type =
    typeof details === 'object' && details !== null && 'errorType' in details ? String(details.errorType) : undefined;
  const error = readError({ error: type, cause: text }, 'FunctionFailed');
  return new Failure(error.name, error.cause);
}

function notDeployed(error: unknown, connection: Connection): unknown {
  if (!(error instanceof Error) || error.name !== 'ResourceNotFoundException') return error;
  return new Failure('NotDeployed', `nightshift is not deployed in ${connection.region}: no function ${FUNCTION}`, {
    nextStep: `choose the Region where it is with AWS_REGION, or try it without AWS: ${nightshiftCommand('demo')}`,
    cause: error,
  });
}

const PLANS = {
  none: 'configured already; every node would be asked to prove it, nothing would be changed',
  migrate: 'migrate',
  refuse: 'refuse',
} as const;

function describe(answer: Inspected, terminal: Terminal): string[] {
  const style = styleFor(terminal);
  const { cluster, addon, plan, inventory, windowSeconds } = answer;
  const rows: [string, string | null][] = [
    ['Cluster', `${cluster.name}${cluster.version ? `, Kubernetes ${cluster.version}` : ''}`],
    ['Nodes', inventory ? showCounts(inventory.counts) : 'not in the answer'],
    ['Add-on', addon ? `kube-proxy ${addon.version}` : 'no kube-proxy add-on'],
    ['Now', addon ? (addon.configuration ?? 'no configuration values') : null],
    ['Then', plan.configuration ?? null],
    ['Plan', PLANS[plan.kind]],
    ['Way', plan.way ? `${plan.way}, kube-proxy restarts by ${plan.strategy ?? 'an unknown way'}` : null],
    ['Advice', plan.advice ? adviceText(plan.advice) : null],
    ['Takes', windowSeconds ? `at most about ${showDuration(windowSeconds)} of the window` : null],
  ];
  return [
    style.bold(`Dry run: ${count(0, 'change')} made`),
    ...rows.flatMap(([label, value]) => (value === null ? [] : [`${style.bold(label.padEnd(8))} ${oneLine(value)}`])),
    ...plan.reasons.map((reason) => `  - ${oneLine(reason)}`),
    '',
    ...renderChecks(plan.checks ?? [], style),
  ];
}
