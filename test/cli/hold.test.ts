import { beforeAll, describe, expect, test } from 'vitest';
import { call } from './run.ts';
import { type Served, serve } from './serve.ts';

/** In a process of its own, for all tests of this file, which build on each other. */
let served: Served;
beforeAll(async () => {
  served = await serve();
});
const nightshift = (...args: string[]) => call(args, served.env);

const ME = 'arn:aws:iam::111122223333:user/person';
const UNTIL = '2099-01-04T00:00:00Z';

describe('a hold', () => {
  test('is put, listed with who, why and until when, and released', async () => {
    expect(await nightshift('hold', 'demo', '--reason', 'INC-4711')).toEqual({
      code: 0,
      stdout: 'demo is on hold until the hold is released: INC-4711\nrelease: npx nightshift release demo\n',
      stderr: '',
    });
    const all = await nightshift('hold', '--all', '--reason', 'end of quarter', '--until', UNTIL, '--json');
    expect(JSON.parse(all.stdout)).toEqual({
      cluster: null,
      reason: 'end of quarter',
      by: ME,
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      until: UNTIL,
      active: true,
    });
    expect((await nightshift('holds')).stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['CLUSTER', 'UNTIL', 'BY', 'REASON'],
      ['all clusters', UNTIL, ME, 'end of quarter'],
      ['demo', 'until released', ME, 'INC-4711'],
      [''],
    ]);
    expect(await nightshift('release', 'demo')).toEqual({
      code: 0,
      stdout: `demo is released\nstill: all clusters are on hold until ${UNTIL}: end of quarter\n`,
      stderr: '',
    });
    const released = await nightshift('release', '--all', '--json');
    expect(JSON.parse(released.stdout)).toEqual({ cluster: null, released: true, stillHeld: [] });
    expect(await nightshift('holds')).toEqual({ code: 0, stdout: 'nothing is on hold\n', stderr: '' });
    expect((await nightshift('holds', '--json')).stdout).toBe('[]\n');
  });

  test('stops a migration by its name, and the migration goes after the release', async () => {
    await nightshift('hold', 'demo', '--reason', 'not tonight');
    const held = await nightshift('migrate', 'demo', '--now', '--reason', 'CHG-1', '--json');
    expect([held.code, JSON.parse(held.stdout)]).toMatchObject([1, { ending: 'failed', error: { name: 'OnHold' } }]);
    await nightshift('release', 'demo');
    const gone = await nightshift('migrate', 'demo', '--now', '--reason', 'CHG-1', '--json');
    expect([gone.code, JSON.parse(gone.stdout)]).toMatchObject([0, { ending: 'migrated' }]);
  });

  test('of a batch is put, listed after the others, and released', async () => {
    const name = 'nights/weekend/20261128T2200';
    expect(await nightshift('hold', '--batch', name, '--reason', 'enough')).toEqual({
      code: 0,
      stdout: `batch ${name} is on hold until the hold is released: enough\nrelease: npx nightshift release --batch ${name}\n`,
      stderr: '',
    });
    await nightshift('hold', 'demo', '--reason', 'INC-4711');
    expect((await nightshift('holds')).stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['CLUSTER', 'UNTIL', 'BY', 'REASON'],
      ['demo', 'until released', ME, 'INC-4711'],
      [`batch ${name}`, 'until released', ME, 'enough'],
      [''],
    ]);
    const held = await nightshift('release', 'demo', '--json');
    expect(JSON.parse(held.stdout)).toEqual({ cluster: 'demo', released: true, stillHeld: [] });
    expect(JSON.parse((await nightshift('holds', '--json')).stdout)).toMatchObject([{ cluster: null, batch: name }]);
    const released = { code: 0, stdout: `batch ${name} is released\n`, stderr: '' };
    expect(await nightshift('release', '--batch', name)).toEqual(released);
    const { code, stderr } = await nightshift('release', '--batch', name);
    expect([code, stderr]).toEqual([1, `nightshift: batch ${name} has no hold: NotOnHold\n`]);
  });

  test('of a stage is put, listed between clusters and batches, and released', async () => {
    expect(await nightshift('hold', '--stage', 'prod', '--reason', 'INC-1')).toEqual({
      code: 0,
      stdout: 'stage prod is on hold until the hold is released: INC-1\nrelease: npx nightshift release --stage prod\n',
      stderr: '',
    });
    await nightshift('hold', '--batch', 'nights/a', '--reason', 'enough');
    await nightshift('hold', 'demo', '--reason', 'INC-2');
    const listed = JSON.parse((await nightshift('holds', '--json')).stdout);
    expect(listed).toMatchObject([
      { cluster: 'demo' },
      { cluster: null, stage: 'prod', by: ME, reason: 'INC-1', active: true },
      { cluster: null, batch: 'nights/a' },
    ]);
    expect((await nightshift('holds')).stdout).toContain('\nstage prod      until released  ');
    await nightshift('release', 'demo');
    await nightshift('release', '--batch', 'nights/a');
    const released = await nightshift('release', '--stage', 'prod', '--json');
    expect(JSON.parse(released.stdout)).toEqual({ cluster: null, stage: 'prod', released: true, stillHeld: [] });
    const { code, stderr } = await nightshift('release', '--stage', 'prod');
    expect([code, stderr]).toEqual([1, 'nightshift: stage prod has no hold: NotOnHold\n']);
  });

  test('that is not there cannot be released', async () => {
    const { code, stderr } = await nightshift('release', 'demo');
    expect([code, stderr]).toEqual([1, 'nightshift: demo has no hold: NotOnHold\n']);
  });

  test('of a cluster that does not exist is refused, because it would hold nothing', async () => {
    const { code, stdout, stderr } = await nightshift('hold', 'dmeo', '--reason', 'x');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      'next: list the clusters: aws eks list-clusters\nnightshift: EKS has no cluster dmeo in us-east-1: UnknownCluster\n',
    );
    expect((await nightshift('holds', '--json')).stdout).toBe('[]\n');
  });

  const WRONG: [string, string[], string][] = [
    [
      'neither a cluster nor --all',
      ['hold', '--reason', 'x'],
      'name a cluster, --all, --stage NAME or --batch NAME to hold, and only one of them',
    ],
    [
      'both of them',
      ['release', 'demo', '--all'],
      'name a cluster, --all, --stage NAME or --batch NAME to release, and only one of them',
    ],
    ['no reason', ['hold', 'demo'], "required option '--reason <text>' not specified"],
    ['an empty reason', ['hold', 'demo', '--reason', ' '], 'reason must be a text of 1 to 300 characters'],
    ['a reason of two lines', ['hold', 'demo', '--reason', 'a\nb'], 'reason must be one line without control'],
    [
      'an end that is no time',
      ['hold', '--all', '--reason', 'x', '--until', 'tomorrow'],
      'until must be a moment in UTC',
    ],
    [
      'an end that has passed',
      ['hold', '--all', '--reason', 'x', '--until', '2020-01-01T00:00:00Z'],
      'until must be later than now',
    ],
    ['a batch beside it', ['release', 'demo', '--batch', 'a'], 'to release, and only one of them'],
    [
      'a stage and a batch',
      ['hold', '--stage', 'prod', '--batch', 'a', '--reason', 'x'],
      'to hold, and only one of them',
    ],
    ['a hostile stage', ['hold', '--stage', '../all', '--reason', 'x'], "--stage must be a stage's name"],
    ['a hostile batch', ['hold', '--batch', '../all', '--reason', 'x'], "--batch must be a batch's name"],
    ['a hostile name', ['hold', '../all', '--reason', 'x'], "cluster must be an EKS cluster's name"],
  ];
  test.each(WRONG)('with %s is refused with 2, and nothing is written', async (_, args, sentence) => {
    const { code, stdout, stderr } = await nightshift(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(sentence);
    expect((await nightshift('holds', '--json')).stdout).toBe('[]\n');
  });
});
