import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type BundleReport, buildFunctions } from '../build.ts';

const ONE_CLIENT = ['decide-window', 'update-addon'];
/** EC2's client alone has 560 KB: the three that take an inventory carry it. */
const LARGE = ['inspect-cluster', 'inspect-rollback', 'take-inventory'];
const KUBERNETES = [
  'check-rollout',
  'edit-config-map',
  'inspect-cluster',
  'inspect-rollback',
  'restart-kube-proxy',
  'take-inventory',
];
let reports: BundleReport[];
beforeAll(async () => {
  reports = await buildFunctions({ quiet: true });
}, 60_000);

test('every handler is a function', () => {
  expect(reports.map(({ name }) => name)).toEqual([
    'check-rollout',
    'collect-from-nodes',
    'decide-window',
    'edit-config-map',
    'inspect-cluster',
    'inspect-rollback',
    'on-execution-ended',
    'record-outcome',
    'restart-kube-proxy',
    'run-on-nodes',
    'take-inventory',
    'update-addon',
  ]);
});

describe('cold starts stay short', () => {
  test('a function with one AWS client has at most 400 KB', () => {
    const large = reports.filter(({ name, bytes }) => ONE_CLIENT.includes(name) && bytes > 400_000);
    expect(large).toEqual([]);
  });

  test('only the functions that take an inventory have more than 620 KB', () => {
    expect(reports.filter(({ bytes }) => bytes > 620_000).map(({ name }) => name)).toEqual(LARGE);
  });

  test('and those have at most 1,500 KB', () => {
    expect(reports.filter(({ bytes }) => bytes > 1_500_000)).toEqual([]);
  });
});

describe('Kubernetes', () => {
  const madeOf = (part: string) =>
    reports.filter(({ file }) => readFileSync(`${file}.map`, 'utf8').includes(part)).map(({ name }) => name);

  test('is talked to by six functions', () => {
    expect(madeOf('functions/aws/kubernetes/request.ts')).toEqual(KUBERNETES);
  });

  test("is talked to without its client library, which would be most of such a function's size", () => {
    expect(madeOf('@kubernetes/client-node')).toEqual([]);
  });
});

test('every bundle exports its handler, in a process whose environment is empty', () => {
  const files = JSON.stringify(reports.map(({ file }) => file));
  const script = `for (const file of ${files}) console.log(typeof (await import(file)).handler); process.exit()`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env: {} });
  expect(said.trim().split('\n')).toEqual(Array(12).fill('function'));
}, 60_000);

test('a second build with nothing changed leaves the bundles as they are', async () => {
  const before = reports.map(({ file }) => statSync(file).mtimeMs);
  await buildFunctions({ quiet: true });
  expect(reports.map(({ file }) => statSync(file).mtimeMs)).toEqual(before);
});
