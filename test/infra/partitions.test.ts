import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fillPlaceholders } from '../../state-machines/definitions.ts';
import { byName, template } from './template.ts';

/** Services whose principals have the same name in every partition, and the name that CloudTrail writes. */
const SAME_EVERYWHERE = [
  'cloudwatch.amazonaws.com',
  'eks.amazonaws.com',
  'events.amazonaws.com',
  'lambda.amazonaws.com',
  'logging.s3.amazonaws.com',
  'scheduler.amazonaws.com',
  'states.amazonaws.com',
];

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

describe('the template', () => {
  // Skips metadata and descriptions, which are for people.
  const texts = Object.values(template.Resources).flatMap(({ Properties }) => textsIn(Properties));

  it('names no partition', () => {
    expect(texts.filter((text) => /arn:aws[\w-]*:/.test(text))).toEqual([]);
  });

  it('names a domain only in principals that are the same in every partition', () => {
    const hosts = new Set(texts.filter((text) => text.includes('amazonaws.com')));
    expect([...hosts].sort()).toEqual(SAME_EVERYWHERE);
  });
});

it.each(['migrate-cluster', 'rollback-cluster'])('the integrations of %s are in the partition', (machine) => {
  const definition = byName('AWS::StepFunctions::StateMachine', 'StateMachineName').get(`nightshift-${machine}`);
  const text = String(definition?.Properties['DefinitionString']);
  const values = Object.fromEntries((text.match(/\$\{\w+\}/g) ?? []).map((name) => [name.slice(2, -1), 'x']));
  const inChina = fillPlaceholders(text, { ...values, Partition: 'aws-cn' });
  const arns = new Set(inChina.match(/arn:[\w-]*:states:::[\w-]+/g));
  expect([...arns].filter((arn) => !arn.startsWith('arn:aws-cn:'))).toEqual([]);
  expect(arns.size).toBeGreaterThan(1);
});

it('no deployed source has a literal partition or domain in an ARN or a host', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const files = globSync(['functions/**/*.ts', 'infra/**/*.ts', 'ssm-documents/**/*'], {
    cwd: root,
    withFileTypes: true,
  });
  const found = files
    .filter((entry) => entry.isFile())
    .flatMap(({ parentPath, name }) => {
      const lines = readFileSync(`${parentPath}/${name}`, 'utf8').split('\n');
      return lines.filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line)).map((line) => `${name}: ${line.trim()}`);
    })
    .filter((line) => /['"`]arn:aws|\$\{[^}]*\}\.amazonaws\.com/.test(line));
  expect(found).toEqual(["workflow.ts: definition.replaceAll('arn:aws:states:::', 'arn:${Partition}:states:::');"]);
});
