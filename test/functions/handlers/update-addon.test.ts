import { beforeEach, expect, test } from 'vitest';
import type { AddonCreation, AddonUpdate } from '../../../functions/aws/eks.ts';
import { updateAddon } from '../../../functions/handlers/update-addon.ts';
import { common, Ear } from './fakes.ts';

const input = {
  ...common,
  step: 'update-1',
  cluster: { name: 'demo' },
  way: 'addon' as const,
  back: false,
  addon: { version: 'v1.34.1-eksbuild.2' },
  configuration: '{"mode":"ipvs"}',
};
const TOKEN = 'arn:aws:states:us-east-1:111122223333:execution:migrate-cluster:demo-1/update-1';

const updates: AddonUpdate[] = [];
const creations: AddonCreation[] = [];
const deletions: string[] = [];
const run = updateAddon({
  eks: {
    async updateAddon(update) {
      updates.push(update);
      return { updateId: 'u-1' };
    },
    async createAddon(creation) {
      creations.push(creation);
    },
    async deleteAddon(cluster) {
      deletions.push(cluster);
    },
  },
});
beforeEach(() => {
  for (const list of [updates, creations, deletions]) list.length = 0;
});

test('an update is sent with the installed version, and a repetition bears the same token', async () => {
  expect(await run(input, new Ear())).toEqual({ updateId: 'u-1', until: 'update-ended' });
  await run(input, new Ear());
  await run({ ...input, step: 'update-2' }, new Ear());
  expect(updates[0]).toEqual({
    cluster: 'demo',
    version: 'v1.34.1-eksbuild.2',
    configuration: '{"mode":"ipvs"}',
    token: TOKEN,
  });
  expect(updates[1]?.token).toBe(updates[0]?.token);
  expect(updates[2]?.token).not.toBe(updates[0]?.token);
});

test('a self-managed kube-proxy is adopted by a new add-on', async () => {
  const output = await run({ ...input, way: 'create-addon' }, new Ear());
  expect(output).toEqual({ updateId: null, until: 'addon-active' });
  expect(creations).toMatchObject([{ cluster: 'demo', version: 'v1.34.1-eksbuild.2', token: TOKEN }]);
  expect(updates).toEqual([]);
});

test('without a version EKS chooses that of a new add-on', async () => {
  await run({ ...input, way: 'create-addon', addon: null }, new Ear());
  expect(creations).toMatchObject([{ version: null }]);
});

test('an adopted kube-proxy is let go again, not updated', async () => {
  const output = await run({ ...input, way: 'create-addon', back: true, addon: null, configuration: null }, new Ear());
  expect(output).toEqual({ updateId: null, until: 'addon-gone' });
  expect(deletions).toEqual(['demo']);
  expect(updates.length + creations.length).toBe(0);
});

test.each([[{ addon: null }], [{ configuration: null }], [{ configuration: '' }]])(
  'an update without version or values (%j) is refused: EKS would keep what it has',
  async (lacking) => {
    await expect(run({ ...input, ...lacking }, new Ear())).rejects.toMatchObject({ name: 'InvalidRequest' });
    expect(updates).toEqual([]);
  },
);
