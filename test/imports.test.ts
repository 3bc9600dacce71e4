import { expect, test } from 'vitest';
import { circlesIn, importsOf, leadsTo, reachableFrom, sourcesIn } from './imports.ts';

const PRODUCT = sourcesIn('functions', 'cli', 'infra', 'state-machines', 'ssm-documents');

test('no files of the product import each other in a circle, types included', () => {
  expect(PRODUCT.length).toBeGreaterThan(200);
  expect(circlesIn(PRODUCT)).toEqual([]);
});

/** Files that are run or built, and not imported. */
const ENTRANCES = [
  ...PRODUCT.filter((file) => /^functions\/handlers\/[^/]+\.ts$/.test(file)),
  'cli/nightshift.ts',
  'cli/bin/nightshift.mjs',
  'infra/app.ts',
  'build.ts',
  ...sourcesIn('bench').concat(sourcesIn('scripts')),
  // The bundles have it in place of the SDK's own credentials.
  'functions/aws/lambda-credentials.ts',
  // The lint of the state machines runs in the tests.
  'state-machines/lint/lint.ts',
  'state-machines/lint/contracts.ts',
];

test('no file of the product is there for tests alone', () => {
  const files = [...new Set([...PRODUCT, ...ENTRANCES])];
  const imports = new Map(files.map((file) => [file, importsOf(file).flatMap((from) => leadsTo(file, from) ?? [])]));
  const used = reachableFrom(ENTRANCES, imports);
  expect(PRODUCT.filter((file) => !used.has(file))).toEqual([]);
});
