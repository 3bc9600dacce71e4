import { expect, test } from 'vitest';
import { editConfigMap } from '../../../functions/handlers/edit-config-map.ts';
import { API, common, Ear, FakeKubernetes } from './fakes.ts';
import { RR } from './nodes.ts';

const input = { ...common, step: 'change-1', cluster: { name: 'demo', api: API }, configMap: null, proxying: RR };

function editing() {
  const api = new FakeKubernetes();
  return { api, run: editConfigMap({ openKubernetes: async () => api }) };
}

test('only mode and scheduler of the text differ, and a repetition writes nothing', async () => {
  const { api, run } = editing();
  const before = api.configMap ?? '';
  expect(await run(input, new Ear())).toEqual({ changed: true });
  expect(api.configMap).toBe(
    before.replace('mode: "iptables"', 'mode: "ipvs"').replace('scheduler: ""', 'scheduler: "rr"'),
  );
  expect(await run(input, new Ear())).toEqual({ changed: false });
  expect(api.configWrites).toHaveLength(1);
});

test('a saved text comes back byte by byte, odd as it may be', async () => {
  const { api, run } = editing();
  const saved = '# by hand\r\nmode:   iptables\n\n\n';
  expect(await run({ ...input, configMap: saved, proxying: { mode: 'iptables' } }, new Ear())).toEqual({
    changed: true,
  });
  expect(api.configMap).toBe(saved);
});
