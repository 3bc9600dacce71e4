import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BundleReport, buildFunctions, replaceBundles } from '../build.ts';
import { bundledPackages } from '../scripts/third-party-notices.ts';

const ONE_CLIENT = ['on-cluster-created', 'record-cluster'];
/** They talk to Kubernetes, EC2, SSM, EKS and S3, and the first of them to CloudWatch. */
const LARGE = ['inspect-cluster', 'inspect-rollback'];
const KUBERNETES = [
  'check-configuration',
  'check-rollout',
  'edit-config-map',
  'inspect-cluster',
  'inspect-rollback',
  'restart-kube-proxy',
  'take-inventory',
];
let reports: BundleReport[];
const clientsIn = (file: string) => new Set(readFileSync(`${file}.map`, 'utf8').match(/@aws-sdk\/client-[\w-]+/g));
const fileOf = (wanted: string) => reports.find(({ name }) => name === wanted)?.file ?? '';
beforeAll(async () => {
  reports = await buildFunctions({ quiet: true });
});

test('every handler is a function', () => {
  expect(reports.map(({ name }) => name)).toEqual([
    'check-configuration',
    'check-guards',
    'check-rollout',
    'check-soak',
    'collect-from-nodes',
    'decide-window',
    'edit-config-map',
    'inspect-cluster',
    'inspect-rollback',
    'judge-stage',
    'on-addon-changed',
    'on-cluster-created',
    'on-cluster-tagged',
    'on-execution-ended',
    'on-node-registered',
    'open-stage',
    'read-request',
    'record-cluster',
    'record-outcome',
    'record-rollout',
    'request-approval',
    'restart-kube-proxy',
    'run-on-nodes',
    'schedule-migrations',
    'sweep-executions',
    'take-inventory',
    'update-addon',
  ]);
});

describe('the notices beside each bundle', () => {
  const noticesOf = ({ file }: BundleReport) =>
    readFileSync(file.replace(/index\.mjs$/, 'THIRD-PARTY-NOTICES.txt'), 'utf8');

  test('name every package that the source map names, and give its licence', () => {
    for (const report of reports) {
      const map = readFileSync(`${report.file}.map`, 'utf8');
      const inMap = new Set(
        [...map.matchAll(/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//g)].map(([, name = '']) => name),
      );
      const notices = noticesOf(report);
      expect(inMap.size).toBeGreaterThan(3);
      const missing = [...inMap].filter((name) => !new RegExp(`^${name}@\\S+ \\(.+\\)$`, 'm').test(notices));
      expect({ name: report.name, missing }).toEqual({ name: report.name, missing: [] });
    }
  });

  test('carry the texts themselves', () => {
    const notices = noticesOf(reports[0] ?? { name: '', file: '', bytes: 0, importMs: null });
    expect(notices).toContain('Apache License');
    expect(notices).toContain('MIT License');
    expect(notices).toContain('MIT No Attribution');
    // A text that several packages share is there once.
    const apache = notices.match(/\(Apache-2\.0\)$/gm)?.length ?? 0;
    expect(apache).toBeGreaterThan(5);
    expect(notices.split('TERMS AND CONDITIONS FOR USE, REPRODUCTION').length - 1).toBeLessThan(apache / 2);
  });

  test('cannot be written for a package without a licence text: it is named', () => {
    const root = mkdtempSync(join(tmpdir(), 'nightshift-notices-'));
    mkdirSync(join(root, 'node_modules/@a/b'), { recursive: true });
    writeFileSync(
      join(root, 'node_modules/@a/b/package.json'),
      '{"name":"@a/b","version":"1.2.3","license":"BUSL-1.1"}',
    );
    expect(() => bundledPackages(root, ['node_modules/@a/b/index.js', 'functions/own.ts'])).toThrow(
      '@a/b@1.2.3 (BUSL-1.1) ships no licence text',
    );
    rmSync(root, { recursive: true });
  });
});

describe('cold starts stay short', () => {
  test('a function with one AWS client has at most 400 KB', () => {
    const one = reports.filter(({ file }) => clientsIn(file).size === 1);
    expect(one.map(({ name }) => name)).toEqual(ONE_CLIENT);
    expect(one.filter(({ bytes }) => bytes > 400_000)).toEqual([]);
  });

  test('only those that look at a whole cluster have more than 680 KB', () => {
    expect(reports.filter(({ bytes }) => bytes > 680_000).map(({ name }) => name)).toEqual(LARGE);
  });

  test('and those have at most 930 KB', () => {
    expect(reports.filter(({ bytes }) => bytes > 930_000)).toEqual([]);
  });

  test('no bundle knows of operations that it does not call', () => {
    const operations = readFileSync(fileOf('inspect-cluster'), 'utf8').matchAll(/"(Describe|Terminate)Instances"/g);
    expect(new Set([...operations].map(([, verb]) => verb))).toEqual(new Set(['Describe']));
  });
});

describe('Kubernetes', () => {
  const madeOf = (part: string) =>
    reports.filter(({ file }) => readFileSync(`${file}.map`, 'utf8').includes(part)).map(({ name }) => name);

  test('is talked to by seven functions', () => {
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
  expect(said.trim().split('\n')).toEqual(reports.map(() => 'function'));
});

test('a second build with nothing changed leaves the bundles as they are', async () => {
  const before = reports.map(({ file }) => statSync(file).mtimeMs);
  await buildFunctions({ quiet: true });
  expect(reports.map(({ file }) => statSync(file).mtimeMs)).toEqual(before);
});

describe('bundles that take the place of others', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bundles-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('leave no handler that is gone, and say which sources they are of', () => {
    for (const file of ['new/kept', 'old/kept', 'old/gone']) {
      mkdirSync(join(folder, file), { recursive: true });
      writeFileSync(join(folder, file, 'index.mjs'), file);
    }
    replaceBundles(join(folder, 'new'), join(folder, 'old'), 'digest');
    expect(readdirSync(join(folder, 'old')).sort()).toEqual(['kept', 'sources.sha256']);
    expect(readFileSync(join(folder, 'old/kept/index.mjs'), 'utf8')).toBe('new/kept');
    expect(readFileSync(join(folder, 'old/sources.sha256'), 'utf8')).toBe('digest');
  });

  test('are whole at every moment, while two builds end at once', async () => {
    const bundle = join(folder, 'functions/check-rollout/index.mjs');
    const replacing = ['a', 'b'].map(
      (letter) =>
        new Worker(REPLACES_A_HUNDRED_TIMES, {
          eval: true,
          workerData: { folder, letter, build: new URL('../build.ts', import.meta.url).href },
        }),
    );
    let running = true;
    const ended = Promise.all(replacing.map((worker) => once(worker, 'exit'))).finally(() => {
      running = false;
    });
    ended.catch(() => {});
    const seen = new Set<string>();
    while (running) {
      const there = existsSync(bundle);
      if (there) seen.add(readFileSync(bundle, 'utf8').replace(/(.)\1+/g, '$1'));
      else if (seen.size > 0) seen.add('nothing');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
    expect([...seen].sort()).toEqual(['a', 'b']);
  });
});

const REPLACES_A_HUNDRED_TIMES = `
  const { mkdirSync, mkdtempSync, writeFileSync } = require('node:fs');
  const { workerData: { folder, letter, build } } = require('node:worker_threads');
  import(build).then(({ replaceBundles }) => {
    for (let round = 0; round < 100; round++) {
      const unfinished = mkdtempSync(folder + '/unfinished-');
      mkdirSync(unfinished + '/check-rollout');
      writeFileSync(unfinished + '/check-rollout/index.mjs', letter.repeat(1_000_000));
      replaceBundles(unfinished, folder + '/functions', letter);
    }
  });
`;
