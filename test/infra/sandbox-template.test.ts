import { expect, it } from 'vitest';
import { readConfig } from '../../infra/config.ts';
import { sandboxTemplate } from '../../infra/sandbox-template.ts';
import { resourcesOf } from '../../infra/template.ts';
import { template } from './template.ts';

const { windows } = readConfig(new URL('../../nightshift.config.json', import.meta.url));
const inWorld = (await sandboxTemplate())(windows);
const namesOf = (type: string, property: string) =>
  resourcesOf(inWorld, type).map(([, { Properties }]) => Properties[property]);

it('in a sandbox the product’s one template is deployed, without what sets something in motion', () => {
  // The logical id of a function's version ends in a hash of its configuration, which differs in a world.
  const anyVersion = (id: string) => id.replace(/CurrentVersion[0-9A-F]{8}[0-9a-f]{32}$/, 'CurrentVersion');
  const there = new Set(Object.keys(inWorld.Resources).map(anyVersion));
  const gone = Object.entries(template.Resources).filter(([id]) => !there.has(anyVersion(id)));
  expect([...new Set(gone.map(([, { Type }]) => Type))].sort()).toEqual([
    'AWS::CloudWatch::Alarm',
    'AWS::Events::Rule',
    'AWS::Lambda::Permission',
    'AWS::Scheduler::Schedule',
  ]);
  expect(namesOf('AWS::Events::Rule', 'Name')).toEqual(['nightshift-execution-ended']);
  expect(resourcesOf(inWorld, 'AWS::Lambda::Permission')).toHaveLength(1);
});

it('its functions have the windows of the world', () => {
  const variables = resourcesOf(inWorld, 'AWS::Lambda::Function').flatMap(([, { Properties }]) => {
    const { Variables } = Object(Properties['Environment']);
    return Variables?.NIGHTSHIFT_WINDOWS ?? [];
  });
  expect(variables).toHaveLength(4);
  for (const text of variables) expect(JSON.parse(text)).toEqual(windows);
});

it('a definition takes the place of the product’s', async () => {
  const sabotaged = (await sandboxTemplate({ 'rollback-cluster': '{"Resource":"arn:aws:states:::lambda:invoke"}' }))(
    {},
  );
  const definitions = resourcesOf(sabotaged, 'AWS::StepFunctions::StateMachine').map(([, { Properties }]) => [
    Properties['StateMachineName'],
    String(Properties['DefinitionString']).length > 1_000 || Properties['DefinitionString'],
  ]);
  expect(definitions).toEqual([
    ['nightshift-migrate-cluster', true],
    ['nightshift-migrate-fleet', true],
    ['nightshift-rollback-cluster', '{"Resource":"arn:${Partition}:states:::lambda:invoke"}'],
  ]);
});
