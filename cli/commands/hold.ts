import type { Command } from 'commander';
import type { ZodMiniType } from 'zod/mini';
import type { HoldScope } from '../../functions/core/guards/holds.ts';
import type { Connection } from '../aws.ts';
import { connected } from '../connected.ts';
import { Failure, UsageError } from '../exit.ts';
import type { ListedHold } from '../holds.ts';
import { nightshiftCommand, pasteable } from '../terminal/paste.ts';
import { table } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface Chosen {
  all?: boolean;
  batch?: string;
  stage?: string;
  json?: boolean;
}

const HOLD = pasteable(`
Examples:
  $ nightshift hold prod-15 --reason "INC-4711, until the database is moved"
  $ nightshift hold --all --reason "end of quarter" --until 2027-01-04T00:00:00Z
  $ nightshift hold --stage prod --reason "until the soak of staging was read"
  $ nightshift hold --batch nights/weekend/20261128T2200 --reason "enough for tonight"

Every migration looks for holds immediately before it prepares nodes, changes the add-on, and restarts kube-proxy. A
migration that has not begun its change waits for its next window, and one with --now ends as OnHold. One that has not
restarted all nodes yet is rolled back. The hold of a batch ends the migrations of the batch that have not begun their
change as OnHold, and stops no other. nightshift puts it itself when more clusters of a batch have failed than it
tolerates. The hold of a stage stops the migrations that a rollout started in that stage, in every rollout. A hold never
stops a rollback. A hold is an SSM parameter below /nightshift/holds; its history and CloudTrail record who held what. It
needs ssm:PutParameter and, for a cluster, eks:DescribeCluster.`);

const RELEASE = pasteable(`
Examples:
  $ nightshift release prod-15
  $ nightshift release --all
  $ nightshift release --stage prod
  $ nightshift release --batch nights/weekend/20261128T2200

--all releases the hold of all clusters; holds of single clusters, of stages and of batches stay. It needs ssm:DeleteParameter and
ssm:GetParametersByPath. Exit code 1 if there is no such hold.`);

const HOLDS = pasteable(`
Examples:
  $ nightshift holds
  $ nightshift holds --json | jq -r '.[] | select(.active) | .cluster // .stage // .batch // "all"'

It needs ssm:GetParametersByPath.`);

/** `nightshift hold`: no migration of a cluster, of a stage, of a batch, or of any, begins its change while the hold is in force. */
export function addHold(program: Command, terminal: Terminal): void {
  program
    .command('hold')
    .summary('put a cluster, a stage, a batch, or all clusters, on hold')
    .description(
      'Puts a cluster, a stage, a batch, or all clusters of the Region, on hold: no migration begins its change.',
    )
    .argument('[cluster]', 'name of the EKS cluster')
    .option('--all', 'every cluster of this account and Region')
    .option('--stage <name>', 'every cluster that a rollout migrates in this stage')
    .option('--batch <name>', 'every migration of this batch that has not begun its change')
    .requiredOption('--reason <text>', 'why; every migration that waits shows it')
    .option(
      '--until <time>',
      'when the hold ends, in UTC such as 2027-01-04T00:00:00Z; without it, when it is released',
    )
    .option('--json', 'print the hold as JSON')
    .addHelpText('after', HOLD)
    .action(async (cluster: string | undefined, options: Chosen & { reason: string; until?: string }) => {
      const scope = await scopeFor(cluster, options, 'hold');
      await connected(async (connection) => {
        const hold = await holdFrom(connection, options);
        if (scope.kind === 'cluster') await requireCluster(connection, scope.cluster);
        const { putHold, subjectOf } = await import('../holds.ts');
        await putHold(connection, scope, hold);
        const held: ListedHold = { ...subjectOf(scope), ...hold, active: true };
        if (options.json) return terminal.out(JSON.stringify(held));
        terminal.out(`${subject(held)} on hold ${end(held)}: ${hold.reason}`);
        terminal.out(`release: ${nightshiftCommand(`release ${wordsOf(scope).argument}`)}`);
      });
    });
}

/** `nightshift release`: ends a hold. */
export function addRelease(program: Command, terminal: Terminal): void {
  program
    .command('release')
    .summary('release a cluster, a stage, a batch, or all clusters, from a hold')
    .description('Releases a cluster, a stage or a batch from its hold, or all clusters from the hold of all.')
    .argument('[cluster]', 'name of the EKS cluster')
    .option('--all', 'the hold of all clusters')
    .option('--stage <name>', 'the hold of this stage')
    .option('--batch <name>', 'the hold of this batch')
    .option('--json', 'print what is released and what still holds as JSON')
    .addHelpText('after', RELEASE)
    .action(async (cluster: string | undefined, options: Chosen) => {
      const scope = await scopeFor(cluster, options, 'release');
      await connected(async (connection) => {
        const { deleteHold, listHolds, subjectOf } = await import('../holds.ts');
        const released = await deleteHold(connection, scope);
        const rest = (await listHolds(connection, new Date())).filter(
          (hold) => hold.active && (scope.kind === 'all' || isOfAll(hold)),
        );
        if (!released)
          throw new Failure('NotOnHold', wordsOf(scope).absent, {
            nextStep: rest.length > 0 ? `other holds are in force: ${nightshiftCommand('holds')}` : null,
          });
        if (options.json) return terminal.out(JSON.stringify({ ...subjectOf(scope), released, stillHeld: rest }));
        terminal.out(wordsOf(scope).released);
        for (const hold of rest) terminal.out(`still: ${subject(hold)} on hold ${end(hold)}: ${hold.reason}`);
      });
    });
}

/** `nightshift holds`: every hold of the account and Region. */
export function addHolds(program: Command, terminal: Terminal): void {
  program
    .command('holds')
    .summary('list the holds')
    .description('Lists what is on hold in this account and Region, by whom, why and until when.')
    .option('--json', 'print the holds as a JSON list')
    .addHelpText('after', HOLDS)
    .action(async ({ json = false }: { json?: boolean }) => {
      await connected(async (connection) => {
        const { listHolds } = await import('../holds.ts');
        const holds = await listHolds(connection, new Date());
        if (json) return terminal.out(JSON.stringify(holds));
        if (holds.length === 0) return terminal.out('nothing is on hold');
        const rows = holds.map((hold) => [
          shown(hold),
          hold.active ? (hold.until ?? 'until released') : `ended ${hold.until}`,
          hold.by,
          hold.reason,
        ]);
        for (const line of table([['CLUSTER', 'UNTIL', 'BY', 'REASON'], ...rows])) terminal.out(line);
      });
    });
}

/** What `release` is called with to end a hold, and what it prints if it did, and if there is none. */
function wordsOf(scope: HoldScope): { argument: string; released: string; absent: string } {
  if (scope.kind === 'all')
    return {
      argument: '--all',
      released: 'the hold of all clusters is released',
      absent: 'there is no hold of all clusters',
    };
  const [argument, name] = callOf(scope);
  return { argument, released: `${name} is released`, absent: `${name} has no hold` };
}

function callOf(scope: Exclude<HoldScope, { kind: 'all' }>): [argument: string, name: string] {
  switch (scope.kind) {
    case 'batch':
      return [`--batch ${scope.batch}`, `batch ${scope.batch}`];
    case 'stage':
      return [`--stage ${scope.stage}`, `stage ${scope.stage}`];
    case 'cluster':
      return [scope.cluster, scope.cluster];
  }
}

const isOfAll = ({ cluster, batch, stage }: ListedHold): boolean =>
  cluster === null && batch === undefined && stage === undefined;

function shown({ batch, stage, cluster }: ListedHold): string {
  if (batch !== undefined) return `batch ${batch}`;
  return stage === undefined ? (cluster ?? 'all clusters') : `stage ${stage}`;
}

function subject(hold: ListedHold): string {
  if (hold.batch !== undefined) return `batch ${hold.batch} is`;
  if (hold.stage !== undefined) return `stage ${hold.stage} is`;
  return hold.cluster === null ? 'all clusters are' : `${hold.cluster} is`;
}

const end = ({ until }: ListedHold): string => (until === null ? 'until the hold is released' : `until ${until}`);

/** @throws UsageError unless exactly one of a cluster, --stage, --batch and --all is given, and its name is possible */
async function scopeFor(
  cluster: string | undefined,
  { all = false, batch, stage }: Chosen,
  verb: string,
): Promise<HoldScope> {
  if (Number(all) + [batch, stage, cluster].filter((name) => name !== undefined).length !== 1)
    throw new UsageError(`name a cluster, --all, --stage NAME or --batch NAME to ${verb}, and only one of them`, {
      nextStep: nightshiftCommand(`${verb} --help`),
    });
  if (batch !== undefined) {
    const { BatchName } = await import('../../functions/core/fleet/batch.ts');
    return { kind: 'batch', batch: await checkedName(BatchName, batch, '--batch') };
  }
  if (stage !== undefined) {
    const { StageName } = await import('../../functions/core/fleet/stages.ts');
    return { kind: 'stage', stage: await checkedName(StageName, stage, '--stage') };
  }
  if (cluster === undefined) return { kind: 'all' };
  const { checkClusterName } = await import('../cluster-name.ts');
  return { kind: 'cluster', cluster: checkClusterName(cluster) };
}

/** @throws UsageError */
async function checkedName(schema: ZodMiniType<string>, name: string, option: string): Promise<string> {
  const { readWith } = await import('../../functions/core/values/parse-input.ts');
  const read = readWith(schema, name, option);
  if (read.kind === 'broken') throw new UsageError(read.sentence);
  return read.data;
}

/** @throws UsageError for a reason or a time that breaks a rule, or an end that has passed */
async function holdFrom(connection: Connection, { reason, until }: { reason: string; until?: string }) {
  const { Hold } = await import('../../functions/core/guards/holds.ts');
  const { readWith } = await import('../../functions/core/values/parse-input.ts');
  const since = new Date().toISOString();
  const unsigned = { reason, by: 'not asked yet', since, until: until ?? null };
  const read = readWith(Hold, unsigned, 'The hold');
  if (read.kind === 'broken') throw new UsageError(read.sentence);
  if (until !== undefined && new Date(until) <= new Date(since))
    throw new UsageError(`until must be later than now, ${since}, but it is ${JSON.stringify(until)}`);
  const { whoAsks } = await import('../aws.ts');
  return { ...read.data, by: await whoAsks(connection) };
}

/** A hold of a misspelt name would hold nothing. @throws Failure */
async function requireCluster(connection: Connection, cluster: string): Promise<void> {
  const { DescribeClusterCommand, EKSClient, ResourceNotFoundException } = await import('@aws-sdk/client-eks');
  const { asking } = await import('../aws.ts');
  const eks = new EKSClient(connection.settings);
  try {
    await asking(connection, `read cluster ${cluster}`, () => eks.send(new DescribeClusterCommand({ name: cluster })));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    throw new Failure('UnknownCluster', `EKS has no cluster ${cluster} in ${connection.region}`, {
      nextStep: 'list the clusters: aws eks list-clusters',
    });
  } finally {
    eks.destroy();
  }
}
