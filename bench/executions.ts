import { type HistoryEvent, paginateGetExecutionHistory, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { Sandbox } from '@nightshift/sandbox';
import { startNightshift } from '../cli/start-sandbox.ts';
import type { Bench, Count, Row } from './measure.ts';
import { cluster, REQUEST, world } from './runs/worlds.ts';

interface Run {
  milliseconds: number;
  history: HistoryEvent[];
  calls: number;
}

/** Runs one migration from StartExecution to its end, in a world of its own. */
async function migrate(sandbox: Sandbox, nodes: number): Promise<Run> {
  const client = new SFNClient({
    endpoint: sandbox.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  });
  const start = performance.now();
  await sandbox.load(world([cluster('demo', nodes)]));
  const stateMachineArn = sandbox.stateMachines['migrate-cluster'];
  const { executionArn } = await client.send(
    new StartExecutionCommand({
      stateMachineArn,
      name: 'bench',
      input: JSON.stringify({ cluster: 'demo', ...REQUEST }),
    }),
  );
  if (executionArn === undefined) throw new Error('StartExecution answered no ARN');
  const { status, error, cause } = await sandbox.live.stepFunctions.ended(executionArn);
  const milliseconds = performance.now() - start;
  if (status !== 'SUCCEEDED') throw new Error(`the execution on ${nodes} nodes ended ${status}: ${error}: ${cause}`);
  const calls = sandbox.calls.length;
  const history: HistoryEvent[] = [];
  for await (const page of paginateGetExecutionHistory({ client }, { executionArn }))
    history.push(...(page.events ?? []));
  client.destroy();
  return { milliseconds, history, calls };
}

/** Bytes of the largest input or output of a state or task. Step Functions allows 262,144. */
function largestPayload(history: readonly HistoryEvent[]): number {
  const sizes = history.flatMap((event) =>
    Object.entries(event)
      .filter(([name]) => name.endsWith('EventDetails'))
      .flatMap(([, details]: [string, unknown]) => Object.entries(Object(details)))
      .filter(([name]) => name === 'input' || name === 'output' || name === 'parameters')
      .map(([, text]) => Buffer.byteLength(String(text))),
  );
  return Math.max(0, ...sizes);
}

/** A limit far below the 25,000 events at which Step Functions ends an execution. */
function countsOf({ history, calls }: Run): Count[] {
  const transitions = history.filter(({ type }) => type?.endsWith('StateEntered')).length;
  return [
    { what: 'transitions', value: transitions, most: 100 },
    { what: 'events', value: history.length, most: 500 },
    { what: 'bytes in the largest payload', value: largestPayload(history), most: 196_608 },
    { what: 'API calls', value: calls },
  ];
}

async function size(sandbox: Sandbox, nodes: number): Promise<Row> {
  const run = await migrate(sandbox, nodes);
  const what = `${nodes.toLocaleString('en')} node${nodes === 1 ? '' : 's'}`;
  return { what, count: 1, milliseconds: run.milliseconds, counts: countsOf(run) };
}

const ROUNDS = 30;

/** Measures sequential executions with warm functions; processor time includes all threads. */
async function throughput(sandbox: Sandbox): Promise<Row> {
  const start = performance.now();
  const cpu = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round += 1) await migrate(sandbox, 3);
  const { user, system } = process.cpuUsage(cpu);
  const milliseconds = performance.now() - start;
  const counts = [
    { what: 'executions a second', value: Number(((ROUNDS * 1000) / milliseconds).toFixed(1)) },
    { what: 'ms of processor each', value: Math.round((user + system) / 1000 / ROUNDS) },
  ];
  return { what: `${ROUNDS} executions, 3 nodes`, count: ROUNDS, milliseconds, counts };
}

/** Measures whole executions through the built bundles, over HTTP. The number of steps does not grow with the nodes. */
export const bench: Bench = {
  title: 'migrate-cluster in the sandbox: whole executions',
  async rows() {
    const sandbox = await startNightshift({ world: world([cluster('demo', 1)]) });
    try {
      const rows = [await size(sandbox, 1)];
      for (const nodes of [10, 100, 1_000, 5_000]) rows.push(await size(sandbox, nodes));
      return [await throughput(sandbox), ...rows];
    } finally {
      await sandbox.stop();
    }
  },
};
