import { afterEach, expect, it } from 'vitest';
import { configuredTemplate, withoutRight } from '../infra/roles.ts';
import { Workflow } from './run.ts';
import { worldOf } from './worlds.ts';

let workflow: Workflow | undefined;
afterEach(() => workflow?.stop());

it.each([
  [
    'a function',
    ['update-addon', 'eks:UpdateAddon'],
    'nightshift-update-addon-us-east-1 called eks.UpdateAddon without eks:UpdateAddon on arn:aws:eks:us-east-1:111122223333:addon/demo/kube-proxy/',
  ],
  [
    'a state machine',
    ['migrate-cluster', 'lambda:InvokeFunction'],
    'nightshift-migrate-cluster-us-east-1 called lambda.Invoke without lambda:InvokeFunction on arn:aws:lambda:us-east-1:111122223333:function:nightshift-inspect-cluster:1',
  ],
] as const)('a run in which %s does what its role does not allow fails', async (_, [role, action], sentence) => {
  const rights = withoutRight(await configuredTemplate(), role, action);
  workflow = await Workflow.start(worldOf({}), 'model', { rights });
  await expect(workflow.migrate(worldOf({}))).rejects.toThrow(sentence);
});

it('a function whose role is not in the template fails the run', async () => {
  workflow = await Workflow.start(worldOf({}), 'model', { rights: { Resources: {} } });
  await expect(workflow.migrate(worldOf({}))).rejects.toThrow(
    'nightshift-inspect-cluster-us-east-1 is not a role of the template',
  );
});
