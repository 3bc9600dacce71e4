import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { configuredTemplate, withoutRight } from '../infra/roles.ts';
import { exceededAt } from '../infra/served-roles.ts';
import { run } from './run.ts';
import { DEMO, type Served, serve } from './serve.ts';

// Processes of their own, on a machine that may be busy.

let served: Served | undefined;
afterEach(async () => {
  await served?.stop();
  served = undefined;
});

function worldFile(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'nightshift-')), 'world.json');
  writeFileSync(file, text);
  return file;
}

describe('sandbox', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('prints one JSON line when ready and ends with 0 on %s', async (signal) => {
    served = await serve();
    expect(served.stateMachines).toEqual({
      'migrate-cluster': 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-cluster',
      'rollback-cluster': 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-rollback-cluster',
    });
    expect(readFileSync(served.kubeconfig, 'utf8')).toContain('demo');
    const state = await (await fetch(`${served.endpoint}/_sandbox/state`)).json();
    expect(state).toMatchObject({ clusters: [{ name: 'demo' }] });
    const { code, stdout, stderr } = await served.stop(signal);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toHaveLength(2);
  });

  test('on a port that is taken names the port', async () => {
    served = await serve();
    const port = new URL(served.endpoint).port;
    const { code, stderr } = await run(['sandbox', '--world', DEMO, '--port', port]);
    expect(code).toBe(1);
    expect(stderr).toContain(`port ${port} on 127.0.0.1 is taken by another program: PortInUse`);
  });

  test('of a template that it cannot deploy ends with 2 and names what is wrong', async () => {
    const template = worldFile('{"Resources":{"Machine":{"Type":"AWS::StepFunctions::StateMachine"}}}');
    const { code, stderr } = await run(['sandbox', '--world', DEMO, '--port', '0', '--template', template]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining(`${template}: the state machine nightshift-Machine has no DefinitionString`),
    });
  });

  const BAD: [string, string, RegExp][] = [
    ['is not JSON', '{', /world\.json is not JSON/],
    ['is no world', '[]', /world\.json: /],
    [
      'has a node system that does not exist',
      readFileSync(DEMO, 'utf8').replace('"al2023"', '"beos"'),
      /clusters.0.*nodeGroups.0.*os/,
    ],
    [
      'has a window in a zone that does not exist',
      readFileSync(DEMO, 'utf8').replace('America/New_York', 'Mars/Olympus'),
      /windows.*weekend.*Mars\/Olympus/s,
    ],
  ];
  test.each(BAD)('of a world file that %s ends with 2 and names path and rule', async (_, text, sentence) => {
    const { code, stdout, stderr } = await run(['sandbox', '--world', worldFile(text), '--port', '0']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
  });

  test('of a missing world file ends with 2', async () => {
    const { code, stderr } = await run(['sandbox', '--world', '/nonexistent.json']);
    expect(code).toBe(2);
    expect(stderr).toBe('nightshift: cannot read /nonexistent.json: there is no such file\n');
  });
});

describe('a migration in the sandbox, by the command line', () => {
  test('waits, changes, proves, and its audit prints the story', async () => {
    served = await serve();
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

  test('of an unknown cluster ends with 1 and UnknownCluster', async () => {
    served = await serve();
    const { code, stderr } = await run(['migrate', 'nowhere'], { env: served.env });
    expect(code).toBe(1);
    expect(stderr.trimEnd()).toMatch(/: UnknownCluster$/);
  });

  test('in a window that is not configured ends with 1 and UnknownWindow', async () => {
    served = await serve();
    const { code, stderr } = await run(['migrate', 'demo', '--window', 'never'], { env: served.env });
    expect(code).toBe(1);
    expect(stderr.trimEnd()).toMatch(/: UnknownWindow$/);
  });

  test('with --dry-run shows the plan without a change', async () => {
    served = await serve();
    const before = await (await fetch(`${served.endpoint}/_sandbox/state`)).json();
    const { code, stdout } = await run(['migrate', 'demo', '--dry-run'], { env: served.env });
    expect(code).toBe(0);
    expect(stdout).toContain('Plan     migrate');
    const after = await (await fetch(`${served.endpoint}/_sandbox/state`)).json();
    expect(after).toMatchObject({ clusters: Object(before).clusters, executions: [] });
  });
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
