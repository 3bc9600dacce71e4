import { expect, test } from 'vitest';
import { editConfigMap } from '../../../functions/handlers/edit-config-map.ts';
import { API, common, FakeKubernetes, heldBy, RecordedLog } from './fakes.ts';
import { RR } from './nodes.ts';

const input = {
  ...common,
  step: 'change-1',
  cluster: { name: 'demo', api: API },
  configMap: null,
  proxying: RR,
  back: null,
  retries: 0,
};
const back = { target: RR, values: null, way: 'config-map' as const };

function editing(leases = heldBy()) {
  const api = new FakeKubernetes();
  return { api, run: editConfigMap({ openKubernetes: async () => api, leases }) };
}

test('only mode and scheduler of the text differ, and a repetition writes nothing', async () => {
  const { api, run } = editing();
  const before = api.configMap ?? '';
  expect(await run(input, new RecordedLog())).toEqual({ changed: true });
  expect(api.configMap).toBe(
    before.replace('mode: "iptables"', 'mode: "ipvs"').replace('scheduler: ""', 'scheduler: "rr"'),
  );
  expect(await run(input, new RecordedLog())).toEqual({ changed: false });
  expect(api.configWrites).toHaveLength(1);
});

test('a saved text comes back byte by byte, odd as it may be', async () => {
  const { api, run } = editing();
  const saved = '# by hand\r\nmode:   iptables\n\n\n';
  api.configMap = saved;
  await run({ ...input, configMap: saved }, new RecordedLog());
  expect(api.configMap).not.toBe(saved);
  const restore = { ...input, configMap: saved, proxying: { mode: 'iptables' as const }, back };
  expect(await run(restore, new RecordedLog())).toEqual({ changed: true });
  expect(api.configMap).toBe(saved);
});

const looked = new FakeKubernetes().configMap ?? '';
test.each([
  ['another wrote since the look', `${looked}# theirs\n`, { configMap: looked }, 'ConfigurationChanged'],
  [
    'another wrote, found by a repetition, which does not take it for a proof that nothing was written',
    `${looked}# theirs\n`,
    { configMap: looked, retries: 1 },
    'StepFailed',
  ],
  [
    'has a mode that another set since the change',
    'mode: ipvs\nipvs:\n  scheduler: sh\n',
    { configMap: 'mode: iptables\n', proxying: { mode: 'iptables' as const }, back },
    'ConfigurationChanged',
  ],
])('a text is not overwritten that %s', async (_, now, asked, name) => {
  const { api, run } = editing();
  api.configMap = now;
  await expect(run({ ...input, ...asked }, new RecordedLog())).rejects.toMatchObject({ name });
  expect(api.configWrites).toEqual([]);
});

test('an execution that lost its lease writes nothing', async () => {
  const { api, run } = editing(heldBy(null));
  await expect(run(input, new RecordedLog())).rejects.toMatchObject({ name: 'LeaseLost' });
  expect(api.configWrites).toEqual([]);
});
