import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FleetInput } from '../../functions/core/fleet/stages.ts';
import { WEEKEND } from '../workflow/worlds.ts';
import { rolloutSandbox, stage, temporaryFolder, world } from './rollout-sandbox.ts';
import { call } from './run.ts';

const { folder, file } = temporaryFolder();

describe('before the first rollout', () => {
  const { nightshift } = rolloutSandbox(file('world.json', world(WEEKEND)));

  test.each([
    [
      ['rollout', 'status'],
      'next: start one: npx nightshift rollout start --help\nnightshift: there is no rollout in us-east-1: NoRollout\n',
    ],
    [
      ['rollout', 'status', 'R'],
      'next: show the one that started last: npx nightshift rollout status\nnightshift: there is no rollout R in us-east-1: UnknownRollout\n',
    ],
    [
      ['rollout', 'resume', 'R'],
      'next: show the one that started last: npx nightshift rollout status\nnightshift: there is no rollout R in us-east-1: UnknownRollout\n',
    ],
    [
      ['rollout', 'start'],
      'next: give --stages FILE, or configure fleet.stages in nightshift.config.json\nnightshift: the deployment has no stages: NoStages\n',
    ],
    [
      ['approve', 'R'],
      'next: npx nightshift rollout status R\nnightshift: rollout R waits for no approval: NothingToApprove\n',
    ],
    [
      ['deny', 'R'],
      'next: npx nightshift rollout status R\nnightshift: rollout R waits for no approval: NothingToApprove\n',
    ],
  ])('%j names what is missing, and what to do', async (args, stderr) => {
    expect(await nightshift(...args)).toEqual({ code: 1, stdout: '', stderr });
  });
});

describe('the stages of an example', () => {
  test.each([
    ['in the README', async () => /```json\n"fleet": (\{.*?)```/s.exec(readFileSync('README.md', 'utf8'))?.[1]],
    [
      'in the help',
      async () => /config\.json:\n(.*?)\n\n/s.exec((await call(['rollout', 'start', '--help'])).stdout)?.[1],
    ],
  ])('%s keep the rules', async (_, example) => {
    const { stages } = FleetInput.parse(JSON.parse((await example()) ?? ''));
    expect(stages.map(({ name, soakHours, approval }) => [name, soakHours, approval])).toEqual([
      ['staging', 24, 'none'],
      ['prod', 24, 'required'],
    ]);
  });
});

describe('a wrong call ends with 2 before anything is asked', () => {
  const bad = (name: string, content: unknown) => ['rollout', 'start', '--stages', file(name, content)];
  test.each<[string, string[], string]>([
    ['rollout alone', ['rollout'], 'Usage: nightshift rollout'],
    ['an unknown word', ['rollout', 'strat'], '(Did you mean start?)'],
    ['an argument of start', ['rollout', 'start', 'R'], 'too many arguments'],
    ['no rollout to resume', ['rollout', 'resume'], "missing required argument 'rollout'"],
    ['no rollout to approve', ['approve'], "missing required argument 'rollout'"],
    ['a hostile rollout', ['rollout', 'status', '../x'], "The rollout must be a rollout's name"],
    ['escape sequences', ['approve', '\u001b[2J'], 'but it is "\\u001b[2J"'],
    ['a name that is too long', ['deny', 'x'.repeat(49)], "The rollout must be a rollout's name"],
    ['a file that is not there', ['rollout', 'start', '--stages', join(folder, 'none.json')], 'there is no such file'],
    ['a file without stages', bad('a.json', {}), 'a.json: stages must be a list of 1 to 20 stages'],
    ['a list', bad('b.json', []), 'b.json: The fleet must be a JSON object, but it is [].'],
    [
      'a stage that selects nothing',
      bad('c.json', { stages: [stage('s', { select: {} })] }),
      'c.json: stages.0.select must name at least one of tags, clusters and manifest, but it is {}.',
    ],
    [
      'a misspelt field',
      bad('d.json', { stages: [stage('s', { soakhours: 1 })] }),
      "d.json: The fleet: stages.0 must not have the field 'soakhours'.",
    ],
    [
      'what only the input of an execution may have',
      bad('e.json', { stages: [stage('s')], rollout: 'R', resume: true }),
      "e.json: The fleet must not have the field 'rollout', 'resume'.",
    ],
  ])('%s', async (_, args, sentence) => {
    const { code, stdout, stderr } = await call(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('\u001b');
  });

  test('without a Region that is said in one sentence', async () => {
    const { code, stderr } = await call(['rollout', 'status']);
    expect([code, stderr.split('\n')[1]]).toEqual([2, 'nightshift: no AWS Region is configured']);
  });
});
