import { expect, test } from 'vitest';
import type { AddonUpdate } from '../../../functions/aws/eks.ts';
import { updateAddon } from '../../../functions/handlers/update-addon.ts';
import { common, Ear } from './fakes.ts';

const input = {
  ...common,
  step: 'update-1',
  cluster: { name: 'demo' },
  addon: { version: 'v1.34.1-eksbuild.2' },
  configuration: '{"mode":"ipvs"}',
};

test('an update is sent with the installed version, and a repetition bears the same token', async () => {
  const sent: AddonUpdate[] = [];
  const run = updateAddon({
    eks: {
      updateAddon: async (update) => {
        sent.push(update);
        return { updateId: 'u-1' };
      },
    },
  });
  expect(await run(input, new Ear())).toEqual({ updateId: 'u-1' });
  await run(input, new Ear());
  await run({ ...input, step: 'update-2' }, new Ear());
  expect(sent[0]).toEqual({
    cluster: 'demo',
    version: 'v1.34.1-eksbuild.2',
    configuration: '{"mode":"ipvs"}',
    token: 'arn:aws:states:us-east-1:111122223333:execution:migrate-cluster:demo-1/update-1',
  });
  expect(sent[1]?.token).toBe(sent[0]?.token);
  expect(sent[2]?.token).not.toBe(sent[0]?.token);
});
