import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS, call, run } from './run.ts';

const MIGRATE = 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-cluster';
const ROLLBACK = 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-rollback-cluster';

describe('a wrong command line ends with 2 and prints the reason on stderr', () => {
  const WRONG: [string, string[], string][] = [
    ['an unknown command', ['migrat'], '(Did you mean migrate?)'],
    ['an unknown option', ['audit', 'x', '--fromat', 'json'], '(Did you mean --format?)'],
    ['no command at all', [], 'Usage: nightshift'],
    ['a missing argument', ['audit'], "missing required argument 'execution'"],
    ['too many arguments', ['audit', 'a', 'b'], 'too many arguments'],
    ['an unknown format', ['audit', 'x', '--format', 'xml'], 'Allowed choices are text, json.'],
    ['a scheduler that the kernel has not', ['migrate', 'demo', '--scheduler', 'rrr'], 'Allowed choices are rr, wrr'],
    ['--window and --now together', ['migrate', 'demo', '--now', '--window', 'w'], 'cannot be used with option'],
    ['--now without a reason', ['migrate', 'demo', '--now'], '--now needs --reason'],
    ['--now with an empty reason', ['migrate', 'demo', '--now', '--reason', ' '], '--now needs --reason'],
    ['a reason without --now', ['migrate', 'demo', '--reason', 'x'], 'so it needs --now'],
    ['a rollback for no reason', ['rollback', 'x', '--yes', '--reason', ' '], '--reason must be one line'],
    ['an unknown strategy', ['migrate', 'demo', '--strategy', 'ssh'], 'Allowed choices are kubernetes-api'],
    ['advice on what is no cluster', ['advise', '../x;rm -rf'], "cluster must be an EKS cluster's name"],
    ['a scheduler for nftables', ['migrate', 'demo', '--mode', 'nftables', '--scheduler', 'lc'], 'does not apply'],
    ['an unknown way', ['migrate', 'demo', '--self-managed', 'addon'], 'Allowed choices are create-addon'],
    [
      'a check that is none',
      ['migrate', 'demo', '--acknowledge', 'luck'],
      'Allowed choices are cluster-status, auto-mode',
    ],
    [
      'a state machine that is none',
      ['migrate', 'demo', '--state-machine', 'foo'],
      'must be the ARN of a state machine',
    ],
    [
      'a migration by the other state machine',
      ['migrate', 'demo', '--state-machine', ROLLBACK],
      'ends in migrate-cluster',
    ],
    [
      'a rollback by the other state machine',
      ['rollback', 'x', '--state-machine', MIGRATE],
      'ends in rollback-cluster',
    ],
    ['a bucket without a name', ['audit', 'x', '--evidence-bucket', ''], "A bucket's name has 3 to 63"],
    ['the help of an unknown command', ['help', 'nosuch'], "unknown command 'nosuch'"],
    ['the help of an unknown command of rollout', ['help', 'rollout', 'nosuch'], "unknown command 'nosuch'"],
    ['an invalid port', ['sandbox', '--world', 'x', '--port', '70000'], 'from 0 to 65535'],
    ['a port with a sign', ['sandbox', '--world', 'x', '--port', '-1'], 'from 0 to 65535'],
    ['an unknown shell', ['completion', 'csh'], 'Allowed choices are bash, zsh, fish.'],
  ];
  test.each(WRONG)('%s', async (_, args, sentence) => {
    const { code, stdout, stderr } = await call(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(sentence);
  });

  const HOSTILE = ['a;rm -rf /', '$(id)', '../../etc', 'a b', '', '-', 'ü', 'a\nb', '\u001b[2J', 'x'.repeat(101)];
  test.each(HOSTILE)('an invalid cluster name: %j', async (name) => {
    const { code, stdout, stderr } = await call(['migrate', '--', name]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toContain('\u001b');
    expect(stderr).toContain("must be an EKS cluster's name");
  });
});

describe('without a usable Region, credentials or endpoint', () => {
  test('a missing Region is one sentence and exit 2', async () => {
    const { code, stderr } = await call(['migrate', 'demo']);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'next: set AWS_REGION, or choose a profile that has a Region with AWS_PROFILE\n' +
        'nightshift: no AWS Region is configured\n',
    );
  });

  const KEYS = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' };
  const WRONG: [string, Record<string, string>, string, string][] = [
    [
      'an endpoint that is not an address',
      { AWS_REGION: 'us-east-1', AWS_ENDPOINT_URL: 'sandbox' },
      'nightshift: AWS_ENDPOINT_URL is "sandbox", which is not an http or https address',
      'next: set it to the address that the sandbox prints, or unset it to reach AWS',
    ],
    [
      'a Region that cannot be one',
      { AWS_REGION: 'virginia' },
      'nightshift: AWS_REGION is "virginia", which cannot be the name of an AWS Region',
      'next: set it to a Region such as us-east-1',
    ],
    [
      'a default Region that cannot be one',
      { AWS_DEFAULT_REGION: 'us-east-1/x' },
      'nightshift: AWS_DEFAULT_REGION is "us-east-1/x", which cannot be the name of an AWS Region',
      'next: set it to a Region such as us-east-1',
    ],
    [
      'a profile that does not exist',
      { AWS_REGION: 'us-east-1', AWS_PROFILE: 'prodd' },
      'nightshift: AWS_PROFILE is "prodd", and no such profile is configured',
      'next: see which there are: aws configure list-profiles',
    ],
  ];
  test.each(WRONG)('%s is named, in one sentence, and the exit code is 2', async (_, env, sentence, next) => {
    expect(await call(['audit', 'demo-1'], { ...KEYS, ...env })).toEqual({
      code: 2,
      stdout: '',
      stderr: `${next}\n${sentence}\n`,
    });
  });

  test.each([
    ['migrate', ['migrate', 'demo']],
    ['rollback', ['rollback', 'demo-1', '--yes']],
  ])('%s checks them as well', async (_, args) => {
    const { code, stderr } = await call(args, { ...KEYS, AWS_REGION: 'virginia' });
    expect(code).toBe(2);
    expect(stderr).toContain('which cannot be the name of an AWS Region');
  });

  test('AWS_DEFAULT_REGION is enough', async () => {
    const { stderr } = await call(['audit', 'demo-1'], {
      ...KEYS,
      AWS_DEFAULT_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    });
    expect(stderr).toContain('nothing answers at http://127.0.0.1:1');
  });

  test('missing credentials are one sentence and exit 2', async () => {
    const { code, stderr } = await call(['audit', 'demo-1'], { AWS_REGION: 'us-east-1' });
    expect(code).toBe(2);
    expect(stderr.split('\n')[1]).toBe('nightshift: no AWS credentials were found');
  });

  test('an endpoint that does not answer is named, and the error name comes last', async () => {
    const { code, stderr } = await call(['audit', 'demo-1'], {
      ...KEYS,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    });
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(
      'nightshift: could not list the state machines: nothing answers at http://127.0.0.1:1 (ECONNREFUSED): NoAnswer',
    );
  });
});

describe('an endpoint that is not AWS', () => {
  const server = createServer((_, response) => response.end('<html>'));
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => new Promise<unknown>((resolve) => server.close(resolve)));

  const port = () => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };
  const audit = (endpoint: string) => {
    const keys = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' };
    return call(['audit', 'demo-1'], { ...keys, AWS_ENDPOINT_URL: endpoint, NIGHTSHIFT_EVIDENCE_BUCKET: '' });
  };
  const NEXT =
    'next: set AWS_ENDPOINT_URL to the address that the sandbox prints, which begins with http://, or unset it to reach AWS\n';

  test.each([
    ['it does not speak TLS', 'https', 'EPROTO: no TLS'],
    ['it is a web server', 'http', 'its answer is not JSON'],
  ])('because %s is named, with what to do', async (_, scheme, why) => {
    const endpoint = `${scheme}://127.0.0.1:${port()}`;
    expect(await audit(endpoint)).toEqual({
      code: 1,
      stdout: '',
      stderr: `${NEXT}nightshift: could not list the state machines: ${endpoint} gives no answer of AWS (${why}): NoAnswer\n`,
    });
  });
});

describe('kernel nodes on a machine that cannot run them', () => {
  // A path with Node alone: QEMU is not found, or the kernel was not downloaded.
  const env = { PATH: '/nonexistent' };
  test.each([
    ['demo', ['demo', '--node-kind', 'kernel']],
    ['sandbox', ['sandbox', '--node-kind', 'kernel', '--world', 'sandbox/worlds/demo-kernel.json', '--port', '0']],
  ])('%s refuses at once, with the command that brings them', async (_, args) => {
    const { code, stdout, stderr } = await run(args, { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^next: .*\nnightshift: --node-kind kernel cannot run here: [^\n]+\n$/);
  });
});

describe("the reader's folder", () => {
  test('outside the clone: a printed command has absolute paths', async () => {
    // A folder of its own: the clone may itself lie in the temporary folder.
    const outside = mkdtempSync(join(tmpdir(), 'nightshift-outside-'));
    const { stdout } = await run(['sandbox', '--help'], { cwd: outside });
    rmSync(outside, { recursive: true });
    const root = fileURLToPath(new URL('../../', import.meta.url));
    expect(stdout).toContain(
      `\n  node ${root}cli/bin/nightshift.mjs sandbox --world ${root}sandbox/worlds/demo.json\n`,
    );
  });

  test('inside the clone: a printed command has relative paths', async () => {
    const { stdout } = await run(['sandbox', '--help'], {
      cwd: fileURLToPath(new URL('../../sandbox', import.meta.url)),
    });
    expect(stdout).toContain('\n  npx nightshift sandbox --world worlds/demo.json\n');
  });
});

describe('the help', () => {
  test('of a command of rollout is printed by its two words', async () => {
    const { code, stdout } = await call(['help', 'rollout', 'resume']);
    expect([code, stdout.split('\n')[0]]).toEqual([0, 'Usage: nightshift rollout resume [options] <rollout>']);
  });

  test('the version is the one of the package', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
  });
});

describe('the launcher', () => {
  const launcher = fileURLToPath(new URL('../../cli/bin/nightshift.mjs', import.meta.url));
  const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find(
    (path) => existsSync(path) && Number(/\d+/.exec(spawnSync(path, ['--version']).stdout.toString())?.[0]) < 24,
  );

  test('runs the command line and hands on its exit code', () => {
    const { status, stdout } = spawnSync(process.execPath, [launcher, 'audit'], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  test.skipIf(oldNode === undefined)('started by an older Node hands over to Node 24', () => {
    const { status, stdout } = spawnSync(oldNode ?? '', [launcher, '--version'], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '0.1.0\n' });
  });
});

describe('completion', () => {
  test.skipIf(!existsSync('/bin/bash'))('in bash knows commands, options and values', async () => {
    const { stdout: script } = await call(['completion', 'bash']);
    const file = join(mkdtempSync(join(tmpdir(), 'nightshift-')), 'completion.bash');
    writeFileSync(file, script);
    const complete = (...words: string[]) => {
      const line = words.map((word) => `'${word}'`).join(' ');
      const probe = `source ${file}; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _nightshift; echo "\${COMPREPLY[*]}"`;
      return spawnSync('/bin/bash', ['-c', probe], { encoding: 'utf8' }).stdout.trim();
    };
    expect(complete('nightshift', 'mig')).toBe('migrate');
    expect(complete('nightshift', 'migrate', '--sch')).toBe('--scheduler');
    expect(complete('nightshift', 'migrate', '--scheduler', 'l')).toBe('lc lblc lblcr');
    expect(complete('nightshift', 'migrate', '--acknowledge', 'ipvs-d')).toBe('ipvs-deprecated ipvs-disabled');
    expect(complete('nightshift', 'sandbox', '--node-kind', '')).toBe('model kernel');
    expect(complete('nightshift', 'completion', 'z')).toBe('zsh');
    expect(complete('nightshift', 'rollout', 's')).toBe('start status');
    expect(complete('nightshift', 'rollout', 'start', '--st')).toBe('--stages');
    expect(complete('nightshift', 'hold', '--st')).toBe('--stage');
  });

  test.each(['zsh', 'fish'])('for %s names every command', async (shell) => {
    const { code, stdout } = await call(['completion', shell]);
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(stdout).toContain(command);
  });
});
