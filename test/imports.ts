import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Sources of these folders, as paths from the repository. */
export function sourcesIn(...folders: string[]): string[] {
  return globSync(
    folders.map((folder) => `${folder}/**/*.{ts,mjs}`),
    { cwd: ROOT },
  ).sort();
}

/** What a source imports, in any way, as it is written. */
export function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/(?:\bfrom |\bimport |\bimport\()'([^'\n]+)'/g)].flatMap(([, from]) => from ?? []);
}

/** The file that a relative import leads to, as a path from the repository; null for a package. */
export const leadsTo = (file: string, from: string): string | null =>
  from.startsWith('.') ? normalize(join(dirname(file), from)) : null;
