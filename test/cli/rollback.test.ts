import { spawn, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, ENTRY, ended } from './run.ts';
import { type Served, serve } from './serve.ts';

const FORMER =
  '{"podAnnotations": {"example.com/owner": "checkout"}, "resources": {"requests": {"cpu": "150m", "memory": "96Mi"}}}';

let served: Served;
beforeAll(async () => {
  served = await serve();
});
afterAll(async () => {
  await served.stop();
});

const nightshift = (...args: string[]) => call(args, served.env);

/** A migration of the demo's cluster at once, after `faults` were armed. */
async function migrate(faults: object[]): Promise<{ code: number | null; stderr: string; result: { name: string } }> {
  if (faults.length > 0) {
    const armed = await fetch(`${served.endpoint}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(faults) });
    expect(await armed.json()).toEqual({ armed: true });
  }
  const { code, stdout, stderr } = await nightshift('migrate', 'demo', '--now', '--reason', 'CHG-1', '--json');
  return { code, stderr, result: JSON.parse(stdout) };
}

test('rollback restores what a migration changed, and shows it first', async () => {
  const { code, result } = await migrate([]);
  expect({ code, result }).toMatchObject({ code: 0, result: { ending: 'migrated', modes: { ipvs: 3 } } });

  const back = await nightshift('rollback', result.name, '--reason', 'connections were cut', '--yes');
  expect(back).toMatchObject({ code: 0, stderr: '' });
  const [first, ...lines] = back.stdout.split('\n');
  expect(first).toBe('What will be restored');
  expect(lines).toContain('  Now        ipvs (rr)');
  expect(lines).toContain('  Mode       back to iptables');
  expect(lines).toContain(`  Add-on     ${FORMER}`);
  expect(back.stdout).toContain(
    'ended rolled-back, now 3 nodes iptables; its story: npx nightshift audit ' +
      'arn:aws:states:us-east-1:111122223333:execution:nightshift-rollback-cluster:rollback-demo-',
  );

  const name = /execution:nightshift-rollback-cluster:(?<name>\S+)/.exec(back.stdout)?.groups?.['name'] ?? '';
  const audited = await nightshift('audit', name, '--format', 'json');
  expect(audited.code).toBe(0);
  expect(JSON.parse(audited.stdout)).toMatchObject({
    machine: 'rollback-cluster',
    rollbacks: [
      {
        mode: 'rollback',
        reason: 'connections were cut',
        owner: { name: result.name },
        former: { proxying: 'iptables', to: FORMER },
        restored: { status: 'Successful' },
        cleaned: { passed: 3, failed: 0 },
        proof: { of: 'iptables', passed: 3, failed: 0 },
        ending: { kind: 'rolled-back', error: null },
      },
    ],
    access: 'given-back',
    lease: 'given-back',
    absent: [],
    alarms: [],
  });

  const again = await nightshift('rollback', result.name, '--yes');
  expect(again).toMatchObject({ code: 0, stderr: '' });
  const shown = again.stdout.split('\n');
  expect(shown[0]).toBe('Configured as before already: only restart, cleaning and proof');
  expect(shown).toContain('  Now        iptables');
  expect(shown).toContain('  Mode       stays iptables');
  expect(shown).toContain('  Add-on     stays as it is');

  const asked = await nightshift('rollback', result.name);
  expect({ code: asked.code, stdout: asked.stdout }).toEqual({ code: 2, stdout: '' });
  expect(asked.stderr).toContain('without a terminal nobody can confirm the rollback');

  const itself = await nightshift('rollback', name);
  expect(itself).toMatchObject({ code: 2, stdout: '' });
  expect(itself.stderr).toContain(`nightshift: ${name} is a rollback itself\n`);
});

test('rollback of an unknown execution fails and names the places it searched', async () => {
  const { code, stdout, stderr } = await nightshift('rollback', 'demo-never');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(
    'nightshift: there is no execution demo-never: Step Functions does not know ' +
      'arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-cluster:demo-never, and ' +
      'nightshift-evidence-111122223333-us-east-1 has no executions/demo-never/former.json: ExecutionDoesNotExist',
  );
});

test('rollback of an execution without a saved state starts nothing', async () => {
  const refused = await nightshift('migrate', 'demo', '--window', 'unknown', '--json');
  const { code, stdout, stderr } = await nightshift('rollback', JSON.parse(refused.stdout).name, '--yes');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr.trimEnd()).toMatch(/: NothingToRollBack$/);
});

describe.skipIf(spawnSync('python3', ['--version']).status !== 0)(
  'the confirmation of a rollback at a terminal',
  () => {
    /** Runs it in a terminal of its own, and presses `keys` when it asks. */
    async function answer(name: string, keys: string) {
      const { PATH = '' } = process.env;
      const child = spawn('python3', ['test/cli/in-terminal.py', keys, process.execPath, ENTRY, 'rollback', name], {
        env: { PATH, HOME: '/nonexistent', NO_COLOR: '1', ...served.env },
      });
      child.stdin.end();
      const { code, stdout } = await ended(child);
      return { code, lines: stdout.replaceAll('\r', '').trimEnd().split('\n'), stdout };
    }

    test('prints at Ctrl-C and at Ctrl-D that nothing was started, without escape sequences', async () => {
      const { result } = await migrate([]);
      const interrupted = await answer(result.name, '^C');
      expect(interrupted.code).toBe(130);
      expect(interrupted.lines.at(-1)).toBe('Nothing was started.');
      const ended = await answer(result.name, '^D');
      expect(ended.code).toBe(1);
      expect(ended.lines.at(-1)).toBe('nightshift: nothing was started: NotConfirmed');
      for (const { stdout } of [interrupted, ended]) expect(stdout).not.toContain('\u001b');
      const back = await nightshift('rollback', result.name, '--yes', '--json');
      expect(JSON.parse(back.stdout)).toMatchObject({ ending: 'rolled-back' });
    });
  },
);

test('migrate follows the recovery of an aborted migration, and the audit shows how it ended', async () => {
  const { code, stderr, result } = await migrate([
    { at: 'AwaitRollout', machine: 'nightshift-migrate-cluster', execution: 'abort' },
  ]);
  const name = `recover-${result.name}`;
  const recovery = { name, status: 'SUCCEEDED', ending: 'rolled-back' };
  expect({ code, result }).toMatchObject({ code: 1, result: { ending: 'aborted', recovery } });
  expect(stderr.trimEnd()).toMatch(/: RolledBack$/);
  const audited = await nightshift('audit', result.name, '--format', 'json');
  expect(JSON.parse(audited.stdout)).toMatchObject({
    failure: { state: 'AwaitRollout', error: { name: 'ExecutionAborted' } },
    rollbacks: [
      {
        execution: { name: `recover-${result.name}` },
        mode: 'recover',
        proof: { of: 'iptables', passed: 3 },
        ending: { kind: 'rolled-back' },
      },
    ],
    modes: [{ mode: 'iptables', nodes: 3 }],
    access: 'given-back',
    lease: 'given-back',
    absent: ['no outcome was recorded'],
  });
});

test('the audit of a migration that left its add-on degraded shows the health issues of EKS', async () => {
  const { code, result } = await migrate([{ addonUpdate: 'Degraded', code: 'InsufficientNumberOfReplicas' }]);
  expect({ code, result }).toMatchObject({ code: 0, result: { ending: 'migrated' } });
  const audited = await nightshift('audit', result.name, '--format', 'json');
  const issues = [expect.stringMatching(/^InsufficientNumberOfReplicas: /)];
  const addon = { status: 'DEGRADED', issues };
  expect(JSON.parse(audited.stdout)).toMatchObject({ addon, ending: { kind: 'migrated' } });
  const { stdout } = await nightshift('audit', result.name);
  expect(stdout).toMatch(/^ {2}Add-on .*DEGRADED.*InsufficientNumberOfReplicas/m);
  const back = await nightshift('rollback', result.name, '--yes', '--json');
  expect(JSON.parse(back.stdout)).toMatchObject({ ending: 'rolled-back' });
});

test('a migration that is rolled back ends with RolledBack, and its audit shows what broke and what was restored', async () => {
  const crash = { node: 1, fault: 'kube-proxy-crash', times: 'every', mode: 'ipvs' };
  const { code, stderr, result } = await migrate([
    { at: 'RestartDaemonSet', machine: 'nightshift-migrate-cluster', ...crash },
  ]);
  expect(code).toBe(1);
  expect(stderr.trimEnd()).toMatch(/: RolledBack$/);

  const { stdout } = await nightshift('audit', result.name);
  const lines = stdout.split('\n');
  expect(lines).toContain('  Restart, state CheckRollout: RolloutFailed');
  expect(stdout).toMatch(/^Restored by arn:aws:states:.*:execution:nightshift-rollback-cluster:rollback-/m);
  expect(lines).toContain(`    to          ${FORMER}`);
  expect(lines).toContain('  Cleaning      3 of 3 nodes clean (clean-1-1)');
  expect(lines).toContain('  Proof         3 of 3 nodes proved iptables (proof-1-1)');
  expect(lines).toContain('  Access     released');
  expect(lines).toContain('  Lease      released');
  expect(stdout).not.toContain('Not there');
  expect(stdout.trimEnd()).toMatch(/: RolledBack$/);
});
