import { expect, test } from 'vitest';
import { restartKubeProxy } from '../../../functions/handlers/restart-kube-proxy.ts';
import { common, Ear, FakeKubernetes } from './fakes.ts';

test('a repeated restart of the same moment restarts once', async () => {
  const api = new FakeKubernetes();
  const opened: string[] = [];
  const run = restartKubeProxy({
    openKubernetes: async (cluster, { name }) => {
      opened.push(`${cluster} for ${name}`);
      return api;
    },
  });
  const input = { ...common, step: 'restart-1', cluster: { name: 'demo' }, restartedAt: '2026-11-21T07:05:00.123Z' };
  expect(await run(input, new Ear())).toEqual({ generation: 2 });
  expect(await run(input, new Ear())).toEqual({ generation: 2 });
  expect(api.restarts).toEqual(['2026-11-21T07:05:00.123Z']);
  expect(opened).toEqual(['demo for demo-1', 'demo for demo-1']);
});
