import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VirtualClock } from '../clock.ts';
import { LambdaHost } from '../lambda/host.ts';
import { PATIENT } from './patience.ts';

let directory: string;
let host: LambdaHost;
const logs: [string, string][] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lambda-host-'));
  host = new LambdaHost((name, line) => logs.push([name, line]));
});
afterAll(async () => {
  await host.stop();
  rmSync(directory, { recursive: true });
});

/** Deploys a bundle with this text as the function `name`. */
function deploy(name: string, source: string, more: { environment?: Record<string, string>; timeout?: number } = {}) {
  const path = join(directory, `${name}.mjs`);
  writeFileSync(path, source);
  const arn = `arn:aws:lambda:us-east-1:111122223333:function:${name}`;
  host.define(name, { bundle: pathToFileURL(path).href, arn, environment: {}, memory: 256, timeout: 600, ...more });
}

test('a function sees its event, its context and its own environment only', async () => {
  process.env['OF_THE_SANDBOX'] = 'secret';
  deploy(
    'sees',
    `export const handler = async (event, context) => ({ event, arn: context.invokedFunctionArn,
      memory: context.memoryLimitInMB, left: context.getRemainingTimeInMillis() > 0,
      own: process.env.OWN, foreign: process.env.OF_THE_SANDBOX ?? null })`,
    { environment: { OWN: 'yes' } },
  );
  expect(await host.invoke('sees', { a: [1] })).toEqual({
    payload: {
      event: { a: [1] },
      arn: 'arn:aws:lambda:us-east-1:111122223333:function:sees',
      memory: '256',
      left: true,
      own: 'yes',
      foreign: null,
    },
  });
});

test('a version keeps its code when its function is replaced, and is called by its own name', async () => {
  const answer = (word: string) =>
    `export const handler = async (_, context) => [${JSON.stringify(word)}, context.functionName, context.functionVersion]`;
  deploy('versioned', answer('old'));
  deploy('versioned-1', answer('old'));
  const published = host.find('versioned-1');
  if (!published) throw new Error('versioned-1 is not deployed');
  host.define('versioned:1', published);
  expect(await host.invoke('versioned', {})).toEqual({ payload: ['old', 'versioned', '$LATEST'] });
  deploy('versioned', answer('new'));
  host.define('versioned', { ...published, bundle: published.bundle.replace('versioned-1', 'versioned'), memory: 512 });
  expect(await host.invoke('versioned', {})).toEqual({ payload: ['new', 'versioned', '$LATEST'] });
  expect(await host.invoke('versioned:1', {})).toEqual({ payload: ['old', 'versioned', '1'] });
  expect(host.names.filter((name) => name.startsWith('versioned'))).toEqual(['versioned', 'versioned-1']);
});

describe('where time is virtual', () => {
  const clock = new VirtualClock(new Date('2026-11-20T22:00:00Z'), () => undefined);

  test('a function’s own clock shows the sandbox’s time', async () => {
    deploy(
      'asks',
      'export const handler = async () => [new Date(), new Date(Date.now()), new Date(0), Date().slice(4, 15), new Date() instanceof Date]',
    );
    const { payload } = { payload: null, ...(await host.invoke('asks', {}, clock)) };
    const now = '2026-11-20T22:00:00.000Z';
    expect(payload).toEqual([now, now, '1970-01-01T00:00:00.000Z', 'Nov 20 2026', true]);
  });

  test('a pause takes no time, and a deadline takes its own', async () => {
    deploy(
      'pauses',
      `export const handler = async () => {
        const passed = [];
        const deadline = setTimeout(() => passed.push('deadline'), 3_600_000);
        await new Promise((resolve) => setTimeout(resolve, 3_600_000));
        clearTimeout(deadline);
        return passed;
      }`,
    );
    expect(await host.invoke('pauses', {}, clock)).toEqual({ payload: [] });
  });
});

test('where it is not, a function’s clock is the machine’s', async () => {
  deploy('now', 'export const handler = async () => Date.now()');
  const before = Date.now();
  const { payload } = { payload: 0, ...(await host.invoke('now', {})) };
  expect(payload).toBeGreaterThanOrEqual(before);
  expect(payload).toBeLessThanOrEqual(Date.now());
});

test('an environment stays warm between invocations, also many at once', async () => {
  deploy('counts', 'let count = 0; export const handler = async () => ++count');
  await host.invoke('counts', {});
  const more = await Promise.all(Array.from({ length: 10 }, () => host.invoke('counts', {})));
  expect(more).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((payload) => ({ payload })));
});

test('what a function throws is its answer, by name', async () => {
  deploy(
    'throws',
    `export const handler = async () => { throw Object.assign(new Error('no'), { name: 'NodesNotPrepared' }) }`,
  );
  expect(await host.invoke('throws', {})).toMatchObject({
    error: { errorType: 'NodesNotPrepared', errorMessage: 'no', trace: expect.arrayContaining([expect.any(String)]) },
  });
});

test('an answer that is not JSON is an error, and a missing answer is null', async () => {
  deploy('bigint', 'export const handler = async () => 1n');
  deploy('silent', 'export const handler = async () => undefined');
  expect(await host.invoke('bigint', {})).toMatchObject({ error: { errorType: 'TypeError' } });
  expect(await host.invoke('silent', {})).toEqual({ payload: null });
});

test.each([
  ['exits', 'export const handler = () => process.exit(3)', 'Runtime.ExitError', 'exit status 3'],
  [
    'rejects-beside',
    `export const handler = () => { Promise.reject(new Error('lost')); return new Promise(() => {}) }`,
    'Runtime.ExitError',
    'Error: lost',
  ],
  ['cannot-load', `throw new RangeError('at import')`, 'Runtime.ExitError', 'RangeError: at import'],
])('a function that %s takes nothing along but its own invocation', async (name, source, errorType, message) => {
  deploy(name, source);
  expect(await host.invoke(name, {})).toMatchObject({
    error: { errorType, errorMessage: expect.stringContaining(message) },
  });
  deploy('next', 'export const handler = async () => "alive"');
  expect(await host.invoke('next', {})).toEqual({ payload: 'alive' });
});

test('an unhandled rejection after the answer makes the next start a cold one', async () => {
  deploy(
    'rejects-later',
    `let count = 0; export const handler = async () => { setImmediate(() => Promise.reject(new Error('late'))); return ++count }`,
  );
  expect(await host.invoke('rejects-later', {})).toEqual({ payload: 1 });
  // Until the host has heard of the rejection, an invocation goes to the environment that ends, and fails with it.
  await expect.poll(() => host.invoke('rejects-later', {}), PATIENT).toEqual({ payload: 1 });
});

test('an answer that was given before the environment ended counts, also when many start and end at once', async () => {
  const answers = Array.from({ length: 20 }, (_, index) => {
    const name = `ends-${index}`;
    deploy(
      name,
      `export const handler = async () => { setImmediate(() => Promise.reject(new Error('late'))); return 1 }`,
    );
    return host.invoke(name, {});
  });
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 20 }, () => ({ payload: 1 })));
});

test('an invocation that waits fails if its environment is replaced', async () => {
  deploy(
    'two-at-once',
    `export const handler = ({ end }) => {
      if (!end) return new Promise(() => {});
      setImmediate(() => Promise.reject(new Error('late')));
      return Promise.resolve('given');
    }`,
  );
  const waits = host.invoke('two-at-once', { end: false });
  expect(await host.invoke('two-at-once', { end: true })).toEqual({ payload: 'given' });
  expect(await waits).toEqual({
    error: { errorType: 'Runtime.ExitError', errorMessage: 'two-at-once: Error: late', trace: [] },
  });
});

test('a function that never ends times out, and can be invoked again', async () => {
  deploy('hangs', 'export const handler = (event) => { if (event.hang) for (;;); return Promise.resolve("ok") }', {
    timeout: 1,
  });
  expect(await host.invoke('hangs', { hang: true })).toMatchObject({
    error: {
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/Task timed out after 1\.00 seconds$/),
    },
  });
  deploy('hangs', 'export const handler = async () => "again"');
  expect(await host.invoke('hangs', {})).toEqual({ payload: 'again' });
});

test('what a function prints reaches the log under its name', async () => {
  deploy('prints', 'export const handler = async () => { console.log("hello"); console.error("oh") }');
  await host.invoke('prints', {});
  await expect
    .poll(() => logs.filter(([name]) => name === 'prints'))
    .toEqual([
      ['prints', 'hello'],
      ['prints', 'oh'],
    ]);
});

test('a function that is not there is named, with those that are', async () => {
  await expect(new LambdaHost().invoke('nobody', {})).rejects.toThrow('no function nobody');
});

test('stop answers what still runs, and a host can be stopped twice', async () => {
  const own = new LambdaHost();
  const path = join(directory, 'endless.mjs');
  writeFileSync(path, 'export const handler = () => new Promise(() => {})');
  own.define('endless', { bundle: pathToFileURL(path).href, arn: 'a', environment: {}, memory: 128, timeout: 60 });
  const answer = own.invoke('endless', {});
  await own.stop();
  expect(await answer).toMatchObject({ error: { errorType: 'Runtime.ExitError' } });
  await own.stop();
});
