import { beforeEach, describe, expect, test } from 'vitest';
import type { AddonCreation, AddonUpdate, FoundAddon } from '../../../functions/aws/eks.ts';
import { updateAddon } from '../../../functions/handlers/update-addon.ts';
import { common, heldBy, RecordedLog } from './fakes.ts';

const VERSION = 'v1.34.1-eksbuild.2';
const FORMER = '{"resources":{}}';
const SENT = '{"resources":{},"mode":"ipvs","ipvs":{"scheduler":"rr"}}';
const input = {
  ...common,
  step: 'update-1',
  cluster: { name: 'demo' },
  way: 'addon' as const,
  back: false,
  addon: { version: VERSION, configuration: FORMER },
  configuration: SENT,
  sent: null,
  created: null,
  proxying: null,
  retries: 0,
};
const restore = {
  ...input,
  step: 'restore-1',
  back: true,
  addon: null,
  configuration: FORMER,
  sent: SENT,
  proxying: { mode: 'iptables' as const },
};
const TOKEN = 'arn:aws:states:us-east-1:111122223333:execution:migrate-cluster:demo-1/update-1';

const updates: AddonUpdate[] = [];
const creations: AddonCreation[] = [];
const deletions: string[] = [];
let found: FoundAddon | null = null;
const finds = (changes: Partial<FoundAddon> | null) => {
  found = changes && { version: VERSION, status: 'ACTIVE', configuration: FORMER, issues: [], tags: {}, ...changes };
};
const deps = {
  leases: heldBy(),
  eks: {
    addon: async () => found,
    async updateAddon(update: AddonUpdate) {
      updates.push(update);
      return { updateId: 'u-1' };
    },
    async createAddon(creation: AddonCreation) {
      creations.push(creation);
    },
    async deleteAddon(cluster: string) {
      deletions.push(cluster);
    },
  },
};
const run = updateAddon(deps);
beforeEach(() => {
  for (const list of [updates, creations, deletions]) list.length = 0;
  finds({});
});

describe('a change', () => {
  test('is sent for the version that is there, and a repetition bears the same token', async () => {
    expect(await run(input, new RecordedLog())).toEqual({ updateId: 'u-1', until: 'update-ended' });
    await run(input, new RecordedLog());
    await run({ ...input, step: 'update-2' }, new RecordedLog());
    expect(updates[0]).toEqual({ cluster: 'demo', version: VERSION, configuration: SENT, token: TOKEN });
    expect(updates[1]?.token).toBe(updates[0]?.token);
    expect(updates[2]?.token).not.toBe(updates[0]?.token);
  });

  test.each([
    ['values', { configuration: '{"resources":{"limits":{}}}' }, "the add-on's configuration values changed"],
    ['version', { version: 'v1.34.3-eksbuild.1' }, `the add-on went from ${VERSION} to v1.34.3-eksbuild.1`],
    ['state', { status: 'DEGRADED' }, 'the add-on became DEGRADED'],
    ['being there', null, 'the add-on was deleted'],
  ])('is not sent when another changed its %s since the look', async (_, changes, why) => {
    finds(changes);
    const refused = { name: 'ConfigurationChanged', message: `Nothing was sent: since the look at demo, ${why}.` };
    await expect(run(input, new RecordedLog())).rejects.toMatchObject(refused);
    expect(updates).toEqual([]);
  });

  test('whose first answer was lost is sent again: EKS knows its token', async () => {
    finds({ configuration: SENT, status: 'UPDATING' });
    expect(await run(input, new RecordedLog())).toEqual({ updateId: 'u-1', until: 'update-ended' });
    expect(updates[0]?.token).toBe(TOKEN);
  });

  test.each([[{ addon: null }], [{ configuration: null }], [{ configuration: '' }]])(
    'without version or values (%j) is refused: EKS would keep what it has',
    async (lacking) => {
      await expect(run({ ...input, ...lacking }, new RecordedLog())).rejects.toMatchObject({ name: 'InvalidRequest' });
      expect(updates).toEqual([]);
    },
  );

  test('and a rollback are not made by an execution that lost its lease', async () => {
    const lost = updateAddon({ ...deps, leases: heldBy('arn:another') });
    for (const step of [input, restore])
      await expect(lost(step, new RecordedLog())).rejects.toMatchObject({ name: 'LeaseLost' });
    expect(updates).toEqual([]);
  });
});

describe('a change by another principal that a repetition finds', () => {
  const again = { ...input, retries: 1 };

  test.each([
    { configuration: '{"resources":{"requests":{}}}' },
    { version: 'v1.34.3-eksbuild.1' },
    { status: 'UPDATE_FAILED' },
    null,
  ])('is no proof that nothing was sent: %j', async (now) => {
    finds(now);
    await expect(run(again, new RecordedLog())).rejects.toMatchObject({ name: 'AddonUpdateFailed' });
    expect(updates).toEqual([]);
  });

  test('an update in flight leads to another try only if none was made before', async () => {
    const busy = {
      ...deps.eks,
      updateAddon: async () => {
        throw Object.assign(new Error('busy'), { name: 'ResourceInUseException' });
      },
    };
    const refused = updateAddon({ ...deps, eks: busy });
    await expect(refused(input, new RecordedLog())).rejects.toMatchObject({ name: 'ResourceInUseException' });
    await expect(refused(again, new RecordedLog())).rejects.toMatchObject({ name: 'AddonUpdateFailed' });
  });

  test('is none if the add-on is as the look found it, or as an earlier try made it', async () => {
    await run(again, new RecordedLog());
    finds({ configuration: SENT, status: 'UPDATING' });
    await run(again, new RecordedLog());
    expect(updates).toMatchObject([{ token: TOKEN }, { token: TOKEN }]);
  });
});

describe('an add-on that is created', () => {
  const create = { ...input, way: 'create-addon' as const };
  const back = { ...restore, way: 'create-addon' as const, configuration: '{}' };

  test('adopts a self-managed kube-proxy', async () => {
    finds(null);
    expect(await run(create, new RecordedLog())).toEqual({ updateId: null, until: 'addon-active' });
    expect(creations).toMatchObject([{ cluster: 'demo', version: VERSION, token: TOKEN }]);
    expect(updates).toEqual([]);
  });

  test('is not created over one that another created since the look', async () => {
    await expect(run(create, new RecordedLog())).rejects.toMatchObject({ name: 'ConfigurationChanged' });
    expect(creations).toEqual([]);
  });

  test.each([[SENT], [null]])(
    'is let go again when it is as nightshift made it, or gone (%s)',
    async (configuration) => {
      finds(configuration === null ? null : { configuration });
      expect(await run(back, new RecordedLog())).toEqual({ updateId: null, until: 'addon-gone' });
      expect(deletions).toEqual(['demo']);
      expect(updates.length + creations.length).toBe(0);
    },
  );

  test.each([{ version: 'v1.34.3-eksbuild.1' }, { tags: { team: 'net' } }])(
    'stays, in the former mode, when another made it their own by %j',
    async (theirs) => {
      finds({ configuration: SENT, ...theirs });
      await run({ ...back, created: VERSION }, new RecordedLog());
      expect(JSON.parse(updates[0]?.configuration ?? '')).toMatchObject({ mode: 'iptables' });
      expect(deletions).toEqual([]);
    },
  );

  test('stays, in the former mode, when another gave it values', async () => {
    finds({ configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"},"podLabels":{"a":"b"}}' });
    expect(await run(back, new RecordedLog())).toEqual({ updateId: 'u-1', until: 'update-ended' });
    expect(JSON.parse(updates[0]?.configuration ?? '')).toEqual({ mode: 'iptables', podLabels: { a: 'b' } });
    expect(deletions).toEqual([]);
  });
});

describe('the way back', () => {
  test.each([
    ['a mode of its own', { configuration: '{"mode":"ipvs","ipvs":{"scheduler":"sh"}}' }, /ipvs \(sh\)/],
    ['its deletion', null, /deleted the add-on/],
  ])('sends nothing over %s', async (_, changes, why) => {
    finds(changes);
    await expect(run(restore, new RecordedLog())).rejects.toMatchObject({
      name: 'ConfigurationChanged',
      message: expect.stringMatching(why),
    });
    expect(updates).toEqual([]);
  });
});
