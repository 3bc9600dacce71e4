import { createHash, type Hash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFunctions } from '../build.ts';
import type { Config } from './config.ts';
import { parseTemplate, type Template } from './template.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = join(ROOT, 'dist/templates');
/** What a template is made of besides the bundles, which have a digest of their own sources. */
const SOURCES = ['infra/**/*.ts', 'state-machines/*.{ts,yaml}', 'ssm-documents/**', 'package-lock.json'];
const BUNDLES = join(ROOT, 'dist/functions/sources.sha256');

/**
 * The template that `synthesize` makes of this configuration, from a file where one process has synthesized it before:
 * the CDK takes seconds. Throws what `synthesize` throws.
 */
export async function synthesized(config: Config): Promise<Template> {
  await buildFunctions({ quiet: true });
  const sources = sourcesDigest();
  const name = `${sources}-${digest(createHash('sha256').update(JSON.stringify(config)))}.json`;
  const file = join(CACHE, name);
  if (!existsSync(file)) {
    // Only here: to load the CDK alone takes a second.
    const { synthesize } = await import('./synthesis.ts');
    keep(name, sources, JSON.stringify(synthesize(config)));
  }
  return parseTemplate(readFileSync(file, 'utf8'));
}

/** Writes the file atomically: a reader finds all of it or none. Deletes templates of other sources. */
function keep(name: string, sources: string, json: string): void {
  mkdirSync(CACHE, { recursive: true });
  const unfinished = join(CACHE, `${name}.${process.pid}`);
  writeFileSync(unfinished, json);
  renameSync(unfinished, join(CACHE, name));
  for (const other of readdirSync(CACHE).filter((each) => each.endsWith('.json') && !each.startsWith(sources)))
    rmSync(join(CACHE, other), { force: true });
}

function sourcesDigest(): string {
  const hash = createHash('sha256').update(readFileSync(BUNDLES));
  const files = globSync(SOURCES, { cwd: ROOT, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files.map(({ parentPath, name }) => join(parentPath, name)).sort())
    hash.update(`${file}\0`).update(readFileSync(file));
  return digest(hash);
}

const digest = (hash: Hash): string => hash.digest('hex').slice(0, 32);
