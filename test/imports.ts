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

/** Groups of files that import each other in a circle, of types too. */
export function circlesIn(files: readonly string[]): string[][] {
  const imports = new Map(files.map((file) => [file, importsOf(file).flatMap((from) => leadsTo(file, from) ?? [])]));
  const reachable = new Map(files.map((file) => [file, reachableFrom(imports.get(file) ?? [], imports)]));
  const inCircle = files.filter((file) => reachable.get(file)?.has(file));
  const circles = inCircle.map((file) =>
    inCircle.filter((other) => reachable.get(file)?.has(other) && reachable.get(other)?.has(file)),
  );
  return circles.filter(([first], index) => first === inCircle[index]);
}

/** These files and all that they lead to. */
export function reachableFrom(files: readonly string[], imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set(files);
  for (const file of found) for (const next of imports.get(file) ?? []) found.add(next);
  return found;
}
