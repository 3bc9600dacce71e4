import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { configuredTemplate, withoutRight } from '../infra/roles.ts';
import { exceededAt } from '../infra/served-roles.ts';
import { call, run } from './run.ts';
import { DEMO, type Served, serve } from './serve.ts';

/** In a process of its own, for all tests of this file. */
let served: Served;
beforeAll(async () => {
  served = await serve();
});

function worldFile(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'nightshift-')), 'world.json');
  writeFileSync(file, text);
  return file;
}

test('sandbox prints one JSON line when ready, and serves its world', async () => {
  expect(served.stateMachines).toEqual({
    'migrate-cluster': 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-cluster',
    'migrate-fleet': 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-fleet',
    'rollback-cluster': 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-rollback-cluster',
  });
  expect(readFileSync(served.kubeconfig, 'utf8')).toContain('demo');
  const state = await (await fetch(`${served.endpoint}/_sandbox/state`)).json();
  expect(state).toMatchObject({ clusters: [{ name: 'demo' }] });
});

describe('sandbox refuses', () => {
  test('a port that is taken, and names it', async () => {
    const port = new URL(served.endpoint).port;
    const { code, stderr } = await run(['sandbox', '--world', DEMO, '--port', port]);
    expect(code).toBe(1);
    expect(stderr).toContain(`port ${port} on 127.0.0.1 is taken by another program: PortInUse`);
  });

  test('a template that it cannot deploy with 2, and names what is wrong', async () => {
    const template = worldFile('{"Resources":{"Machine":{"Type":"AWS::StepFunctions::StateMachine"}}}');
    const { code, stderr } = await call(['sandbox', '--world', DEMO, '--port', '0', '--template', template]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining(`${template}: the state machine nightshift-Machine has no DefinitionString`),
    });
  });

  const BAD: [string, string, RegExp][] = [
    ['is not JSON', '{', /world\.json is not JSON/],
    ['is no world', '[]', /world\.json: /],
    [
      'has a window in a zone that does not exist',
      readFileSync(DEMO, 'utf8').replace('America/New_York', 'Mars/Olympus'),
      /windows.*weekend.*Mars\/Olympus/s,
    ],
  ];
  test.each(BAD)('a world file that %s with 2, and names path and rule', async (_, text, sentence) => {
    const { code, stdout, stderr } = await call(['sandbox', '--world', worldFile(text), '--port', '0']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
  });

  test('a missing world file with 2', async () => {
    const { code, stderr } = await call(['sandbox', '--world', '/nonexistent.json']);
    expect(code).toBe(2);
    expect(stderr).toBe('nightshift: cannot read /nonexistent.json: there is no such file\n');
  });
});

describe('advise', () => {
  test('names the mode that fits, what comes first, and what was not looked at', async () => {
    const { code, stdout, stderr } = await run(['advise', 'demo', '--json'], { env: served.env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      cluster: 'demo',
      version: '1.34',
      running: 'iptables',
      advice: 'nftables-later',
      after: [
        'Update the cluster, and kube-proxy with it, to Kubernetes 1.36.',
        'Update the Amazon VPC CNI from 1.20.4 to 1.23.0 or newer.',
      ],
      deadlines: [
        { version: '1.35' },
        { version: '1.36' },
        { version: '1.40' },
        { version: '1.40' },
        { version: '1.43' },
      ],
    });
    const text = await run(['advise', 'demo'], { env: served.env });
    expect(text.stdout).toContain('demo: Kubernetes 1.34, kube-proxy is configured for iptables\n');
    expect(text.stdout).toContain('Not looked at: how many there are; with fewer the cluster can stay.');
  });

  test('of an unknown cluster ends with 1 and UnknownCluster', async () => {
    const { code, stderr } = await run(['advise', 'nowhere'], { env: served.env });
    expect(code).toBe(1);
    expect(stderr.trimEnd()).toMatch(/: UnknownCluster$/);
  });
});

describe('a migration in the sandbox, by the command line', () => {
  test('with --dry-run shows the plan without a change', async () => {
    const before = await (await fetch(`${served.endpoint}/_sandbox/state`)).json();
    const { code, stdout } = await run(['migrate', 'demo', '--dry-run'], { env: served.env });
    expect(code).toBe(0);
    expect(stdout).toContain('Plan     migrate');
    expect(stdout).toMatch(/^Advice {3}Move to nftables mode later\. First: Update the cluster, /m);
    const after = await (await fetch(`${served.endpoint}/_sandbox/state`)).json();
    expect(after).toMatchObject({ clusters: Object(before).clusters, executions: [] });
  });

  test.each([
    ['of an unknown cluster', ['nowhere'], 'UnknownCluster'],
    ['in a window that is not configured', ['demo', '--window', 'never'], 'UnknownWindow'],
  ])('%s ends with 1 and the error name', async (_, args, name) => {
    const { code, stderr } = await run(['migrate', ...args], { env: served.env });
    expect(code).toBe(1);
    expect(stderr.trimEnd()).toMatch(new RegExp(`: ${name}$`));
  });

  test('waits, changes, proves, and its audit prints the story', async () => {
    const migrated = await run(['migrate', 'demo', '--window', 'weekend', '--json'], { env: served.env });
    expect(migrated.stderr).toBe('');
    expect(migrated.code).toBe(0);
    const { name, ending } = JSON.parse(migrated.stdout);
    expect(ending).toBe('migrated');

    const audited = await run(['audit', name, '--format', 'json'], { env: served.env });
    expect(audited).toMatchObject({ code: 0, stderr: '' });
    const story = JSON.parse(audited.stdout);
    expect(story).toMatchObject({
      request: { cluster: 'demo', requestedBy: 'arn:aws:iam::111122223333:user/person' },
      inventory: { total: 3 },
      ending: { kind: 'migrated', error: null },
      absent: [],
      alarms: [],
    });
    const proofs = story.nodes.filter((node: { step: string }) => node.step.startsWith('validate-'));
    // Once before the leftovers of iptables mode were removed, once after.
    expect(proofs).toHaveLength(6);
    for (const proof of proofs)
      expect(proof).toMatchObject({ pass: true, excerpt: expect.stringContaining('10.100.0.1:443') });

    const again = await run(['migrate', 'demo', '--window', 'weekend'], { env: served.env });
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('ended already-compliant');

    const rights = withoutRight(await configuredTemplate(), 'update-addon', 'eks:UpdateAddon');
    expect(await exceededAt(served, rights)).toEqual([
      expect.stringMatching(/^nightshift-update-addon-us-east-1 called eks.UpdateAddon without eks:UpdateAddon on /),
    ]);
  });
});

test.each(['SIGTERM', 'SIGINT'] as const)('sandbox ends with 0 on %s', async (signal) => {
  if (signal === 'SIGINT') served = await serve();
  const { code, stdout, stderr } = await served.stop(signal);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n')).toHaveLength(2);
});

describe('demo', () => {
  test('piped, migrates its cluster and prints plain lines', async () => {
    const { code, stdout, stderr } = await run(['demo']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('Validate       3 of 3 nodes proved it');
    expect(stdout).toContain('Where next');
  });

  test('--json prints one document', async () => {
    const { code, stdout } = await run(['demo', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      result: { ending: 'migrated' },
      story: { ending: { kind: 'migrated' } },
    });
  });
});
