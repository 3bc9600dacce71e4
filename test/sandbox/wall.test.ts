import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { circlesIn, importsOf, leadsTo, reachableFrom, sourcesIn } from '../imports.ts';

const PACKAGE = z
  .object({
    name: z.string(),
    exports: z.record(z.string(), z.string()),
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(readFileSync(new URL('../../sandbox/package.json', import.meta.url), 'utf8')));

const OUTSIDE = ['functions', 'infra', 'state-machines', 'ssm-documents', 'cli', 'bench', 'test', 'scripts'];

/** `@scope/name/path` → `@scope/name`. */
const packageOf = (from: string): string => from.split('/', from.startsWith('@') ? 2 : 1).join('/');

test('files outside the sandbox import what its package exports, and nothing else of it', () => {
  const exported = Object.keys(PACKAGE.exports).map((entrance) => entrance.replace('.', PACKAGE.name));
  const found = sourcesIn(...OUTSIDE).flatMap((file) =>
    importsOf(file)
      .filter((from) => packageOf(from) === PACKAGE.name || leadsTo(file, from)?.startsWith('sandbox/'))
      .filter((from) => !exported.includes(from))
      .map((from) => `${file} imports ${from}`),
  );
  expect(found).toEqual([]);
});

test('functions and infra are deployed without the sandbox', () => {
  const found = sourcesIn('functions', 'infra').filter((file) =>
    importsOf(file).some((from) => packageOf(from) === PACKAGE.name),
  );
  expect(found).toEqual([]);
});

test('files in the sandbox import files in the sandbox, and packages that it names', () => {
  const found = sourcesIn('sandbox').flatMap((file) => {
    const packages = { ...PACKAGE.dependencies, ...(file.startsWith('sandbox/test/') && PACKAGE.devDependencies) };
    return importsOf(file)
      .filter((from) => {
        const target = leadsTo(file, from);
        if (target !== null) return !target.startsWith('sandbox/');
        const names = [packageOf(from), `@types/${packageOf(from)}`];
        return !from.startsWith('node:') && !names.some((name) => Object.hasOwn(packages, name));
      })
      .map((from) => `${file} imports ${from}`);
  });
  expect(found).toEqual([]);
});

const SOURCES = sourcesIn('sandbox').filter((file) => !file.startsWith('sandbox/test/'));

test('no files of the sandbox import each other in a circle', () => {
  expect(circlesIn(SOURCES)).toEqual([]);
});

test('every file of the sandbox is part of what its package exports, and none is there for tests alone', () => {
  const imports = new Map(SOURCES.map((file) => [file, importsOf(file).flatMap((from) => leadsTo(file, from) ?? [])]));
  const entrances = Object.values(PACKAGE.exports).map((file) => file.replace('./', 'sandbox/'));
  // The host starts it as a thread, by its path.
  const used = reachableFrom([...entrances, 'sandbox/lambda/runtime.mjs'], imports);
  expect(SOURCES.filter((file) => !used.has(file))).toEqual([]);
});
