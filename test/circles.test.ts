import { expect, test } from 'vitest';
import { importsOf, leadsTo, sourcesIn } from './imports.ts';

const imports = new Map(
  sourcesIn('functions', 'cli', 'infra', 'state-machines', 'ssm-documents').map((file) => [
    file,
    importsOf(file).flatMap((from) => leadsTo(file, from) ?? []),
  ]),
);

/** The first way from a file back to itself; null if there is none. */
function circleFrom(file: string, way: readonly string[], done: Set<string>): readonly string[] | null {
  if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
  if (done.has(file)) return null;
  for (const next of imports.get(file) ?? []) {
    const circle = circleFrom(next, [...way, file], done);
    if (circle !== null) return circle;
  }
  done.add(file);
  return null;
}

test('no file of the product imports itself, by whatever way, types included', () => {
  expect(imports.size).toBeGreaterThan(200);
  const done = new Set<string>();
  expect([...imports.keys()].flatMap((file) => circleFrom(file, [], done) ?? [])).toEqual([]);
});
