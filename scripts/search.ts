import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { configuredTemplate } from '../test/infra/roles.ts';
import type { FleetCase } from '../test/search/fleets/case.ts';
import { FLEET_SABOTAGES } from '../test/search/fleets/sabotage.ts';
import { SABOTAGES } from '../test/search/sabotage.ts';
import { type Find, search, searchFleets } from '../test/search/search.ts';

type AnyFind = Find | Find<FleetCase>;

/** A message from a process of the search to its parent. */
type Message = { kind: 'run' } | { kind: 'end'; find: AnyFind | null } | { kind: 'fault'; message: string };

interface Options {
  runs: number;
  seed: number;
  fleets?: true;
  sabotage?: string;
  jobs: number;
}

const wholeNumber = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
};

const program = new Command('search')
  .description('Searches for a run that breaks a rule or exceeds a role, and makes it small.')
  .option('--runs <n>', 'cases to draw', wholeNumber, 1000)
  .option('--seed <n>', 'the same seed draws the same cases', wholeNumber, Math.floor(Math.random() * 1e9))
  .option('--fleets', 'draws rollouts of fleets instead of single migrations')
  .addOption(
    new Option('--sabotage <rule>', 'take one guard of the product away').choices([
      ...Object.keys(SABOTAGES),
      ...Object.keys(FLEET_SABOTAGES),
    ]),
  )
  .option('--jobs <n>', 'processes, each with a sandbox of its own', wholeNumber, Math.min(availableParallelism(), 8))
  .parse();
const options = program.opts<Options>();
if (process.send) await part(options, (message) => process.send?.(message));
else process.exitCode = await whole(options);

async function part(options: Options, tell: (message: Message) => void): Promise<void> {
  try {
    tell({ kind: 'end', find: await found(options, () => tell({ kind: 'run' })) });
  } catch (error) {
    tell({ kind: 'fault', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  process.disconnect();
}

function found({ runs, seed, fleets, sabotage = '' }: Options, onRun: () => void): Promise<AnyFind | null> {
  if (fleets) {
    const guard = FLEET_SABOTAGES[sabotage];
    return searchFleets({ runs, seed, onRun, ...(guard && { sabotage: guard }) });
  }
  const guard = SABOTAGES[sabotage];
  return search({ runs, seed, onRun, ...(guard && { sabotage: guard }) });
}

/** Shares the runs among processes and waits for the first find, or for all to end. Returns the exit status. */
async function whole({ runs, seed, fleets, sabotage, jobs }: Options): Promise<number> {
  // Synthesizes the template once, into a file that all processes read.
  await configuredTemplate();
  const began = performance.now();
  let done = 0;
  const parts = Array.from({ length: Math.max(1, Math.min(jobs, runs)) }, (_, index) => {
    const share = Math.floor(runs / jobs) + (index < runs % jobs ? 1 : 0);
    const guard = [...(fleets ? ['--fleets'] : []), ...(sabotage === undefined ? [] : ['--sabotage', sabotage])];
    const args = ['--runs', `${share}`, '--seed', `${seed + index}`, ...guard];
    // Each of a dozen isolates loads the SDK: with V8's default space for young objects they mostly collect garbage.
    const execArgv = ['--min-semi-space-size=32', '--max-semi-space-size=64'];
    return fork(fileURLToPath(import.meta.url), args, { execArgv });
  });
  const progress = () => {
    const seconds = (performance.now() - began) / 1000;
    process.stderr.write(`\r${done} of ${runs} runs, ${(done / seconds).toFixed(1)} a second, seed ${seed}   `);
  };
  const ended = parts.map(
    (child) =>
      new Promise<Message & { kind: 'end' | 'fault' }>((resolve) => {
        child.on('message', (message: Message) => {
          if (message.kind !== 'run') return resolve(message);
          done += 1;
          progress();
        });
        child.on('exit', (code) => resolve({ kind: 'fault', message: `a process of the search exited with ${code}` }));
      }),
  );
  const bad = ended.map((end) => end.then((message) => (message.kind === 'end' && !message.find ? null : message)));
  const first = await firstOf(bad);
  for (const child of parts) child.kill();
  process.stderr.write('\n');
  return report(first, { runs, seed, fleets: fleets === true });
}

/** The first result that is not null; null if all are null. */
function firstOf<T>(promises: Promise<T | null>[]): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const seen = promises.map((promise) => promise.then((value) => value !== null && resolve(value)));
    Promise.all(seen).then(() => resolve(null), reject);
  });
}

function report(
  first: (Message & { kind: 'end' | 'fault' }) | null,
  { runs, seed, fleets }: Pick<Options, 'runs' | 'seed'> & { fleets: boolean },
): number {
  if (!first) {
    console.log(`No run of ${runs} breaks a rule (seed ${seed}).`);
    return 0;
  }
  if (first.kind === 'fault') {
    console.error(first.message);
    return 2;
  }
  const { violations = [], counterexample } = first.find ?? {};
  console.log(
    `Found after ${first.find?.runs} cases (seed ${seed}):\n${violations.map((line) => `- ${line}`).join('\n')}`,
  );
  console.log(`The smallest case, as test/search/${fleets ? 'fleets/' : ''}counterexamples.test.ts takes it:`);
  console.log(JSON.stringify(counterexample, null, 2));
  return 1;
}
