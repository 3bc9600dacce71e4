import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { kernelNode, type Machine, ownKernel } from './machines.ts';
import { type Cell, type Effort, measure, measureWithoutService } from './measure.ts';
import { printed, withMeasuredPart } from './page.ts';
import { plot, THEMES } from './plot.ts';
import { type MachineResults, RESULTS, type Results, recordedResults } from './results.ts';
import { MODES, type Mode } from './services.ts';

// usage: node bench/why/run.ts [page | NUMBER OF SERVICES...]
// Measures and renews docs/why.md and its plots. `page` renews them from the last results; with numbers it is a trial that
// only prints.

const SIZES = [100, 1_000, 5_000, 10_000];
const EFFORT: Effort = { connections: 2_000, added: 5 };

/** Taken before each cell: other work on the machine makes times longer, above all the 99th percentile. */
const loads: number[] = [];

/** Everything of one machine. Modes take turns, so that a slow minute of the machine does not hit one of them alone. */
async function measureAll(machine: Machine, modes: readonly Mode[], sizes: readonly number[]): Promise<MachineResults> {
  const withoutService = await measureWithoutService(machine, EFFORT);
  const cells: Cell[] = [];
  for (const services of sizes)
    for (const mode of modes) {
      console.error(`${mode}, ${services} Services`);
      loads.push(loadavg()[0] ?? 0);
      cells.push(await measure(machine, mode, services, EFFORT));
    }
  return { machine: machine.name, withoutService, cells };
}

async function on(open: () => Promise<Machine>, modes: readonly Mode[], sizes: readonly number[]) {
  const machine = await open();
  try {
    const programs = (await machine.run('iptables-nft-restore --version; nft --version')).trim().split('\n');
    const results = await measureAll(machine, modes, sizes);
    console.log(`${results.machine}\n${printed(results, EFFORT.added)}`);
    return { results, programs: programs.map((line) => line.replace(/ \(.*| \[.*/, '')).join(' and ') };
  } finally {
    await machine.stop();
  }
}

async function measureEverything(sizes: readonly number[]): Promise<Results> {
  const node = await on(kernelNode, MODES, sizes);
  // Network namespaces need root; IPVS is missing in kernels that are built for small machines.
  const own = process.getuid?.() === 0 ? await on(ownKernel, ['iptables', 'nftables'], sizes) : null;
  const day = new Date().toISOString().slice(0, 10);
  const load = { least: Math.min(...loads), most: Math.max(...loads), cores: cpus().length };
  return { day, programs: node.programs, load, effort: EFFORT, node: node.results, own: own?.results ?? null };
}

function writePage(results: Results): void {
  const page = new URL('../../docs/why.md', import.meta.url);
  writeFileSync(page, withMeasuredPart(readFileSync(page, 'utf8'), results));
  for (const theme of THEMES)
    writeFileSync(new URL(`../../docs/why-${theme}.svg`, import.meta.url), plot(results, theme));
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'page') writePage(recordedResults());
else if (first !== undefined) await measureEverything([first, ...rest].map(Number));
else {
  const results = await measureEverything(SIZES);
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  writePage(results);
}
