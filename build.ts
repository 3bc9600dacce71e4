import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import * as z from 'zod/mini';
import { isEntry } from './scripts/is-entry.ts';
import { bundledPackages, noticesText } from './scripts/third-party-notices.ts';

/** A handler's bundle: `bytes` of its `index.mjs`; `importMs` is the median of three fresh processes, null unless measured. */
export interface BundleReport {
  name: string;
  file: string;
  bytes: number;
  importMs: number | null;
}

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const OUTPUT = join(ROOT, 'dist/functions');
const STAMP = 'sources.sha256';
const NOTICES_SOURCE = 'scripts/third-party-notices.ts';
const NOTICES = 'THIRD-PARTY-NOTICES.txt';

/** Each file directly in functions/handlers is a function; shared code is in folders below. */
function handlers(): string[] {
  return globSync('functions/handlers/*.ts', { cwd: ROOT })
    .map((file) => basename(file, '.ts'))
    .sort();
}

const bundle = (name: string) => join(OUTPUT, name, 'index.mjs');

/** The digest of all inputs of a bundle: sources, installed packages, and this file. */
function sourcesDigest(): string {
  const hash = createHash('sha256').update(process.version);
  const files = [
    ...globSync('functions/**/*.ts', { cwd: ROOT }).sort(),
    'package.json',
    'package-lock.json',
    'build.ts',
    NOTICES_SOURCE,
  ];
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}

/**
 * Bundles every handler into `dist/functions/<name>/index.mjs`, the artefact that runs in the sandbox and in Lambda.
 * Does nothing if nothing has changed since the last build. `quiet` skips the measurement of import times.
 * Throws esbuild's BuildFailure.
 */
export async function buildFunctions({ quiet }: { quiet: boolean }): Promise<BundleReport[]> {
  const names = handlers();
  const digest = sourcesDigest();
  const stamp = join(OUTPUT, STAMP);
  const same = existsSync(stamp) && readFileSync(stamp, 'utf8') === digest;
  const fresh = same && names.every((name) => existsSync(bundle(name)));
  if (!fresh) await rebuild(names);
  return names.map((name) => {
    const file = bundle(name);
    return { name, file, bytes: statSync(file).size, importMs: quiet ? null : importTime(file) };
  });
}

async function rebuild(names: string[]): Promise<void> {
  mkdirSync(dirname(OUTPUT), { recursive: true });
  // Builds into its own folder beside the old bundles, because another process may be building now.
  const unfinished = mkdtempSync(`${OUTPUT}.`);
  try {
    let digest: string;
    do {
      digest = sourcesDigest();
      await bundleInto(unfinished, names);
      // If the sources changed meanwhile, another process may have built them: outdated bundles must not replace newer
      // ones.
    } while (digest !== sourcesDigest());
    replaceBundles(unfinished, OUTPUT, digest);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/**
 * Replaces the bundles of one folder by those of another. A process that reads or replaces a bundle meanwhile finds the
 * old one or the new one, complete. `digest`, which identifies the sources of the bundles, is written last.
 */
export function replaceBundles(from: string, to: string, digest: string): void {
  rmSync(join(to, STAMP), { force: true });
  const names = readdirSync(from);
  for (const name of names) {
    mkdirSync(join(to, name), { recursive: true });
    // Moves the source map first, because a stack trace of the new bundle needs it.
    for (const file of readdirSync(join(from, name)).sort().reverse())
      renameSync(join(from, name, file), join(to, name, file));
  }
  for (const gone of readdirSync(to).filter((name) => !names.includes(name)))
    rmSync(join(to, gone), { recursive: true, force: true });
  const stamp = join(from, STAMP);
  writeFileSync(stamp, digest);
  renameSync(stamp, join(to, STAMP));
}

async function bundleInto(folder: string, names: string[]): Promise<void> {
  const { outputs } = await run(names, folder, {});
  const needRequire = names.filter((name) => callsRequire(outputs, name));
  if (needRequire.length > 0) await run(needRequire, folder, { js: REQUIRE });
  for (const name of names)
    writeFileSync(join(folder, name, NOTICES), noticesText(bundledPackages(ROOT, filesIn(outputs, name))));
}

const outputOf = (outputs: Metafile['outputs'], name: string) =>
  Object.entries(outputs).find(([path]) => path.endsWith(`/${name}/index.mjs`))?.[1];

/** Paths, relative to the repository, of the files whose code is in a bundle. */
function filesIn(outputs: Metafile['outputs'], name: string): string[] {
  const inputs = Object.entries(outputOf(outputs, name)?.inputs ?? {});
  return inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
}

/**
 * Bundles the handlers that contain one of these files (by absolute path) into another folder, with these texts in
 * place of the files' own. For tests that must see the product fail. Returns handler file name → path of its bundle;
 * handlers without such a file keep the product's bundle. Throws esbuild's BuildFailure.
 */
export async function bundleFunctions(
  folder: string,
  texts: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  const reports = await buildFunctions({ quiet: true });
  const changed = reports.filter(({ file }) => sourcesOf(file).some((source) => texts.has(source)));
  const replaced: Plugin = {
    name: 'replaced-sources',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = texts.get(path);
        return contents === undefined ? undefined : { contents, loader: 'ts' };
      }),
  };
  const names = changed.map(({ name }) => name);
  const needRequire = changed.filter(({ file }) => readFileSync(file, 'utf8').startsWith(REQUIRE));
  const [needing, others] = [
    needRequire.map(({ name }) => name),
    names.filter((name) => !needRequire.some((report) => report.name === name)),
  ];
  for (const [some, banner] of [
    [needing, { js: REQUIRE }],
    [others, {}],
  ] as const)
    if (some.length > 0) await run(some, folder, banner, [replaced]);
  return new Map(
    reports.map(({ name, file }) => [name, names.includes(name) ? join(folder, name, 'index.mjs') : file]),
  );
}

const SourceMap = z.object({ sources: z.array(z.string()) });

/** Absolute paths of the files that a bundle is made of. */
function sourcesOf(file: string): string[] {
  const { sources } = SourceMap.parse(JSON.parse(readFileSync(`${file}.map`, 'utf8')));
  return sources.map((source) => resolve(dirname(file), source));
}

/** ESM has no `require`; CommonJS packages in a bundle call it for Node's own modules. */
const REQUIRE = "import{createRequire as __nodeRequire}from'node:module';const require=__nodeRequire(import.meta.url);";

function callsRequire(outputs: Metafile['outputs'], name: string): boolean {
  return outputOf(outputs, name)?.imports.some(({ kind }) => kind === 'require-call') ?? false;
}

/**
 * The SDK describes every operation of a service in lists with computed keys. esbuild must assume that such a list has
 * side effects, and keeps the lists of all operations: 530 KB for EC2, of which nightshift calls one.
 */
const WITHOUT_OTHER_OPERATIONS: Plugin = {
  name: 'without-other-operations',
  setup: ({ onLoad }) =>
    onLoad({ filter: /client-[\w-]+\/dist-es\/schemas\/schemas_\d+\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(
        /^((?:export )?(?:var|const) [\w$]+ = )(\[[^;]*\]);$/gm,
        '$1/* @__PURE__ */ (() => $2)();',
      ),
      loader: 'js',
    })),
};

async function run(
  names: readonly string[],
  outdir: string,
  banner: { js?: string },
  plugins: readonly Plugin[] = [],
): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: names.map((name) => ({ in: `functions/handlers/${name}.ts`, out: `${name}/index` })),
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Without this esbuild takes the CommonJS builds of the SDK, which are twice as large.
    mainFields: ['module', 'main'],
    conditions: ['module', 'import'],
    alias: { '@aws-sdk/credential-provider-node': './functions/aws/lambda-credentials.ts' },
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    metafile: true,
    plugins: [...plugins, WITHOUT_OTHER_OPERATIONS],
    banner,
    logLevel: 'warning',
  });
  return metafile;
}

/** Milliseconds that a new Node process takes to import the file: median of three. */
function importTime(file: string): number {
  const script = `const start=performance.now();await import(${JSON.stringify(file)});console.log(performance.now()-start);process.exit()`;
  const times = [1, 2, 3].map(() =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })),
  );
  return times.sort((a, b) => a - b)[1] ?? Number.NaN;
}

function table(reports: BundleReport[]): string {
  const rows = reports.map(({ name, bytes, importMs }) => [
    name,
    `${Math.round(bytes / 1000)} KB`,
    importMs === null ? '' : `${Math.round(importMs)} ms`,
  ]);
  return [['function', 'size', 'import'], ...rows]
    .map(([name = '', size = '', time = '']) => `${name.padEnd(24)}${size.padStart(10)}${time.padStart(10)}`)
    .join('\n');
}

if (isEntry(import.meta.filename)) {
  const quiet = process.argv.includes('--quiet');
  const reports = await buildFunctions({ quiet });
  if (!quiet) console.log(table(reports));
}
