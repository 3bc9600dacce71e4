import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../infra/config.ts';
import { FUNCTIONS } from '../../infra/functions.ts';
import { synthesize } from '../../infra/synthesis.ts';
import { resourcesOf, type Template } from '../../infra/template.ts';
import { CONFIG, template } from './template.ts';

/** Logical id of each version → the handler of its function. */
function versionsIn(of: Template): Map<string, string> {
  return new Map(
    resourcesOf(of, 'AWS::Lambda::Version').map(([id, { Properties }]) => {
      const { Ref } = Object(Properties['FunctionName']);
      return [id, String(of.Resources[Ref]?.Properties['FunctionName']).replace('nightshift-', '')];
    }),
  );
}

const versions = versionsIn(template);

describe('a function that a state machine calls', () => {
  it('is called in the version of the same template, in every Task', () => {
    const called = resourcesOf(template, 'AWS::StepFunctions::StateMachine').flatMap(([, { Properties }]) => {
      const tasks = [...String(Properties['DefinitionString']).matchAll(/"FunctionName":"([^"]*)"/g)];
      const values = Object(Properties['DefinitionSubstitutions']);
      return tasks.map(([, placeholder = '']) => {
        const name = placeholder.slice(2, -1);
        const handler = name.replace(/Function$/, '').replace(/(?<!^)[A-Z]/g, (letter) => `-${letter}`);
        return [handler.toLowerCase(), versions.get(values[name]?.Ref)];
      });
    });
    expect(called.length).toBeGreaterThan(40);
    expect(called.filter(([handler, version]) => handler !== version)).toEqual([]);
  });

  it('has a version, and no other function has', () => {
    const inWorkflow = Object.entries(FUNCTIONS).filter(([, { invokedBy }]) => invokedBy === 'workflow');
    expect([...versions.values()].sort()).toEqual(inWorkflow.map(([handler]) => handler).sort());
  });

  it('keeps its former versions, and none of a deployment that is rolled back, whose code can be deployed again', () => {
    for (const [, version] of resourcesOf(template, 'AWS::Lambda::Version'))
      expect(version).toMatchObject({ UpdateReplacePolicy: 'Retain', DeletionPolicy: 'RetainExceptOnCreate' });
  });
});

describe('a version', () => {
  const bundles = mkdtempSync(join(tmpdir(), 'nightshift-bundles-'));
  const bundle = (handler: string, text: string) => {
    mkdirSync(join(bundles, handler), { recursive: true });
    writeFileSync(join(bundles, handler, 'index.mjs'), text);
  };
  const versionsWith = (config: Config) => versionsIn(synthesize(config, { bundles }));
  const replaced = (former: Map<string, string>, now: Map<string, string>) =>
    [...former].flatMap(([id, handler]) => (now.has(id) ? [] : handler)).sort();
  let former: Map<string, string>;
  beforeAll(() => {
    for (const handler of Object.keys(FUNCTIONS)) bundle(handler, `export const handler = () => '${handler}';`);
    former = versionsWith(CONFIG);
  });
  afterAll(() => rmSync(bundles, { recursive: true }));

  it('stays as long as nothing changes', () => {
    expect(versionsWith(CONFIG)).toEqual(former);
  });

  it('is replaced if the configuration of its function changes', () => {
    expect(replaced(former, versionsWith({ ...CONFIG, settings: { ...CONFIG.settings, enrolment: 'all' } }))).toEqual([
      'check-soak',
      'inspect-cluster',
      'open-stage',
    ]);
  });

  it('is replaced if the bundle of its function changes', () => {
    bundle('update-addon', 'export const handler = () => 42;');
    expect(replaced(former, versionsWith(CONFIG))).toEqual(['update-addon']);
  });
});
