import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call } from './run.ts';
import { type Served, serve } from './serve.ts';

const MIGRATE = 'nightshift-migrate-cluster';
const ROLLBACK = 'nightshift-rollback-cluster';
const CLUSTERS = ['finished', 'late', 'owed', 'silent', 'second', 'given-up', 'nested', 'recorded', 'unanswered'];

let folder: string;
let served: Served;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'recovery-'));
  const world = join(folder, 'world.json');
  writeFileSync(world, JSON.stringify(worldOf(CLUSTERS)));
  served = await serve(world);
});
afterAll(async () => {
  await served.stop();
  rmSync(folder, { recursive: true });
});

/** Small clusters, so that each test has one that nobody has changed. */
function worldOf(names: readonly string[]): object {
  const clusters = names.map((name, index) => ({
    name,
    version: '1.34',
    serviceCidr: `10.${100 + index}.0.0/16`,
    services: 20,
    servicesWithoutEndpoints: 0,
    tags: {},
    endpoint: 'public',
    authenticationMode: 'API_AND_CONFIG_MAP',
    addon: { version: 'v1.34.1-eksbuild.2', configuration: null },
    nodeGroups: [{ os: 'al2023', count: 2, ssm: 'online' }],
  }));
  const start = '2026-11-20T17:00:00-05:00';
  return { account: '111122223333', region: 'us-east-1', start, seed: 7, clusters, windows: {} };
}

const nightshift = (...args: string[]) => call(args, served.env);

async function arm(faults: object[]): Promise<void> {
  const answer = await fetch(`${served.endpoint}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(faults) });
  expect(await answer.json()).toEqual({ armed: true });
}

/** A migration of the cluster at once, after `faults` were armed. */
async function migrate(cluster: string, faults: object[], ...more: string[]) {
  await arm(faults);
  return nightshift('migrate', cluster, '--now', '--reason', 'CHG-1', ...more);
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1);
const nameIn = (stdout: string) => /^execution .*:(?<name>[\w-]+)$/m.exec(stdout)?.groups?.['name'] ?? '';
/** What a person reads about the executions, without what these do. */
const announced = (stdout: string) => stdout.split('\n').filter((line) => line !== '' && !/^\d{4}-/.test(line));
const abort = (at: string, machine = MIGRATE) => ({ at, machine, execution: 'abort' });

const RECOVERIES = 'arn:aws:states:us-east-1:111122223333:execution:nightshift-rollback-cluster:';

let finished = '';

test('migrate whose execution is aborted when every node runs the target ends with 0 and names the recovery that finished it', async () => {
  const { code, stdout, stderr } = await migrate('finished', [abort('ValidateNodes')]);
  finished = nameIn(stdout);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(announced(stdout).slice(1)).toEqual([
    `${finished} ended aborted: waits for its recovery recover-${finished}`,
    `recovery ${RECOVERIES}recover-${finished}`,
    `ended aborted; its recovery recover-${finished} ended finished, now 2 nodes ipvs; its story: npx nightshift audit arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-cluster:${finished}`,
  ]);
});

test('rollback that is aborted is recovered under a name of its own, and ends with 0 when everything is restored', async () => {
  await arm([abort('AwaitRollout', ROLLBACK)]);
  const { code, stdout, stderr } = await nightshift('rollback', finished, '--yes', '--json');
  expect({ code, stderr: stderr.includes('nightshift:') }).toEqual({ code: 0, stderr: false });
  const result: { name: string } = JSON.parse(stdout);
  expect(result).toMatchObject({
    name: expect.stringMatching(/^rollback-finished-/),
    status: 'ABORTED',
    ending: 'aborted',
    modes: { iptables: 2 },
    recovery: {
      name: expect.stringMatching(new RegExp(`^recover-${result.name}-[0-9a-f]{16}$`)),
      status: 'SUCCEEDED',
      ending: 'rolled-back',
    },
  });
});

test('migrate --json of an execution that is recovered has the fields that the page about the command line lists', async () => {
  const { code, stdout } = await migrate('second', [abort('AwaitRollout'), abort('GrantAccess', ROLLBACK)], '--json');
  expect(code).toBe(0);
  const result: { name: string } = JSON.parse(stdout);
  expect(result).toMatchObject({
    ending: 'aborted',
    modes: { ipvs: 2 },
    recovery: { name: `recover2-${result.name}`, status: 'SUCCEEDED', ending: 'finished' },
  });
  const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  const listed = /^\| `--json` +\| `\{(?<fields>[^}]*)\}`/m.exec(page)?.groups?.['fields'] ?? '';
  expect(listed.replaceAll('?', '').split(', ')).toEqual(Object.keys(result));
});

test('migrate whose three recoveries are cut off follows them to the one that gives up, and so does the audit', async () => {
  const cutOff = ['GrantAccess', 'GrantEdit', 'InspectWithKubernetes'].map((state) => abort(state, ROLLBACK));
  const { code, stdout, stderr } = await migrate('given-up', [abort('AwaitRollout'), ...cutOff]);
  const name = nameIn(stdout);
  expect(code).toBe(1);
  expect(announced(stdout).slice(1)).toEqual([
    `${name} ended aborted: waits for its recovery recover-${name}`,
    `recovery ${RECOVERIES}recover-${name}`,
    `recover-${name} ended aborted: waits for its recovery recover2-${name}`,
    `recovery ${RECOVERIES}recover2-${name}`,
    `recover2-${name} ended aborted: waits for its recovery recover3-${name}`,
    `recovery ${RECOVERIES}recover3-${name}`,
    `recover3-${name} ended aborted: waits for its recovery recover4-${name}`,
    `recovery ${RECOVERIES}recover4-${name}`,
    `ended aborted; its recovery recover4-${name} ended rollback-failed: RollbackFailed`,
  ]);
  expect(stderr).toBe(
    `next: read what happened: npx nightshift audit arn:aws:states:us-east-1:111122223333:execution:nightshift-rollback-cluster:recover4-${name}\n` +
      `nightshift: Three recoveries of ${name} were cut off. The last: Execution recover3-${name} ended ABORTED: RollbackFailed\n`,
  );
  const { rollbacks }: { rollbacks: { execution: { name: string } }[] } = JSON.parse(
    (await nightshift('audit', name, '--format', 'json')).stdout,
  );
  expect(rollbacks.map(({ execution }) => execution.name)).toEqual(
    ['recover', 'recover2', 'recover3', 'recover4'].map((recovery) => `${recovery}-${name}`),
  );
});

test('migrate that is aborted while the rollback runs that it waits for follows the recovery of both', async () => {
  const crash = { node: 1, fault: 'kube-proxy-crash', times: 'every', mode: 'ipvs' };
  const { code, stdout, stderr } = await migrate('nested', [
    { at: 'RestartDaemonSet', machine: MIGRATE, ...crash },
    { ...abort('Rollback'), after: 60 },
  ]);
  const name = nameIn(stdout);
  expect(code).toBe(1);
  expect(stdout).toMatch(/Roll back {6}execution rollback-[0-9a-f]{20} restores everything/);
  expect(announced(stdout).slice(1)).toEqual([
    `${name} ended aborted: waits for its recovery recover-${name}`,
    `recovery ${RECOVERIES}recover-${name}`,
    `ended aborted; its recovery recover-${name} ended rolled-back, now 2 nodes iptables: RolledBack`,
  ]);
  expect(lastLine(stderr)).toBe(`nightshift: the recovery recover-${name} ended rolled-back: RolledBack`);
});

describe('migrate does not wait for a recovery that will not start', () => {
  test('if only the record is missing, which the sweep writes', async () => {
    const { code, stdout, stderr } = await migrate('owed', [
      { at: 'RecordOutcome', machine: MIGRATE, outage: 's3', for: 3600 },
    ]);
    await arm([{ clock: 'skip', hours: 1 }]);
    expect(code).toBe(1);
    expect(announced(stdout).slice(1)).toEqual(['ended migrated: OutcomeNotRecorded']);
    expect(lastLine(stderr)).toMatch(/^nightshift: The ending was migrated\. .*: OutcomeNotRecorded$/);
  });

  test('if the function record-outcome never ran', async () => {
    const on = { service: 'lambda', operation: 'Invoke', function: 'nightshift-record-outcome' };
    const { code, stdout } = await migrate(
      'silent',
      [{ at: 'RecordOutcome', machine: MIGRATE, on, error: 'ResourceNotFoundException', times: 4 }],
      '--json',
    );
    expect({ code, result: JSON.parse(stdout) }).toMatchObject({
      code: 1,
      result: { status: 'FAILED', ending: 'migrated', error: { name: 'OutcomeNotRecorded' }, outcome: null },
    });
  });

  test('if the execution was aborted after its record', async () => {
    const { code, stdout } = await migrate('recorded', [abort('ReleaseLease')], '--json');
    const result: { name: string } = JSON.parse(stdout);
    expect({ code, result }).toMatchObject({
      code: 1,
      result: {
        status: 'ABORTED',
        ending: 'migrated',
        error: { name: 'ExecutionAborted' },
        outcome: { key: `executions/${result.name}/outcome.json` },
        modes: { ipvs: 2 },
      },
    });
    expect(result).not.toHaveProperty('recovery');
  });
});

test('migrate that is aborted after its record, whose answer was lost, ends with the recorded ending', async () => {
  const on = { service: 'lambda', operation: 'Invoke', function: 'nightshift-record-outcome' };
  const { code, stdout, stderr } = await migrate(
    'unanswered',
    [
      { at: 'RecordOutcome', machine: MIGRATE, on, lostReply: true, times: 20 },
      { ...abort('RecordOutcome'), after: 5 },
    ],
    '--json',
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ ending: 'aborted', recovery: { ending: 'nothing-to-roll-back' } });
});

/** Last: it takes the sandbox a year further. */
test('migrate whose execution runs into the time limit of its state machine follows the recovery, too', async () => {
  const { code, stdout } = await migrate(
    'late',
    [{ at: 'AwaitRollout', machine: MIGRATE, clock: 'skip', hours: 8784 }],
    '--json',
  );
  const result: { name: string } = JSON.parse(stdout);
  expect({ code, result }).toMatchObject({
    code: 0,
    result: {
      status: 'TIMED_OUT',
      ending: 'timed-out',
      error: { name: 'States.Timeout' },
      recovery: { name: `recover-${result.name}`, status: 'SUCCEEDED', ending: 'finished' },
    },
  });
});
