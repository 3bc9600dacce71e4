import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { api, pathOf } from '../../functions/aws/kubernetes/request.ts';
import { writes } from './run.ts';
import { crash } from './scenarios.ts';
import { startedWorkflow } from './shared.ts';
import { REQUEST, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();

const PATH = pathOf('apis', 'apps', 'v1', 'namespaces', 'kube-system', 'daemonsets', 'kube-proxy');
const Found = z.object({
  spec: z.object({ template: z.object({ spec: z.object({ containers: z.array(z.object({ image: z.string() })) }) }) }),
});

/** The API of the cluster for the person who made it. */
function person() {
  const cluster = workflow.sandbox.live.region.clusters.get('demo');
  if (!cluster) throw new Error('the world has the cluster demo');
  const { endpoint: url, certificateAuthority } = cluster.kubernetes;
  const token = /token: "?([^"\n]+)/.exec(readFileSync(workflow.sandbox.kubeconfig, 'utf8'))?.[1] ?? '';
  return api({ cluster: 'demo', url, certificateAuthority }, token);
}

/** Changes kube-proxy's container as `kubectl set` does. */
async function set(container: object, manager = 'kubectl-set'): Promise<void> {
  const body = { spec: { template: { spec: { containers: [{ name: 'kube-proxy', ...container }] } } } };
  await person().json(z.unknown(), {
    method: 'PATCH',
    path: PATH,
    query: { fieldManager: manager },
    body,
    contentType: 'application/strategic-merge-patch+json',
  });
  await workflow.sandbox.live.region.clock.idle();
}
const image = async () => (await person().json(Found, { path: PATH })).spec.template.spec.containers[0]?.image;

const tagged = (tag: string) => `602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/kube-proxy:${tag}`;
const NEWER = tagged('v1.34.2-minimal-eksbuild.7');
const CREATE = { ...REQUEST, selfManaged: 'create-addon' };

describe('an image that is newer than the add-on', () => {
  it.each([
    ['the add-on', {}, REQUEST],
    ['the add-on that is to be made', { addon: null }, CREATE],
  ])('is not taken down to %s, whatever the request accepts', async (_, cluster, request) => {
    const acknowledge = ['daemon-set-edits', 'kube-proxy-image'];
    const ended = await workflow.migrate(worldOf(cluster), { ...request, acknowledge }, [], () =>
      set({ image: NEWER }),
    );
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toContain(`kube-proxy runs the image ${NEWER}, which is newer than the add-on's v1.34.`);
    expect(writes(ended).filter((write) => write !== 'kubernetes patch daemonsets')).toEqual([]);
    expect(await image()).toBe(NEWER);
  });
});

describe('a DaemonSet field that another field manager set', () => {
  const resources = { limits: { memory: '256Mi' } };

  it('refuses the change, with its writer', async () => {
    const ended = await workflow.migrate(worldOf({}), REQUEST, [], () => set({ resources }, 'kubectl-edit'));
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toContain(
      'others wrote fields of the DaemonSet kube-proxy, and EKS would overwrite those that are its own: template.spec.containers[kube-proxy].resources.limits.memory (kubectl-edit)',
    );
  });

  it('is overwritten if the request acknowledges it', async () => {
    const request = { ...REQUEST, acknowledge: ['daemon-set-edits'] };
    const ended = await workflow.migrate(worldOf({}), request, [], () => set({ resources }));
    expect(ended.status).toBe('SUCCEEDED');
  });

  it('stays if only the ConfigMap is edited', async () => {
    const request = { ...REQUEST, selfManaged: 'config-map' };
    const ended = await workflow.migrate(worldOf({ addon: null }), request, [], () => set({ image: NEWER }));
    expect(ended.status).toBe('SUCCEEDED');
    expect(await image()).toBe(NEWER);
  });
});

it('a restart by a person is not an edit', async () => {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': '2026-11-20T21:00:00Z' };
  const ended = await workflow.migrate(worldOf({}), REQUEST, [], async () => {
    await person().json(z.unknown(), {
      method: 'PATCH',
      path: PATH,
      query: { fieldManager: 'kubectl-rollout' },
      body: { spec: { template: { metadata: { annotations } } } },
      contentType: 'application/strategic-merge-patch+json',
    });
    await workflow.sandbox.live.region.clock.idle();
  });
  expect(ended.status).toBe('SUCCEEDED');
});

it('a self-managed kube-proxy is adopted by the version of its image, and keeps it when the rollback removes the add-on', async () => {
  const own = tagged('v1.34.1-minimal-eksbuild.2');
  const request = { ...CREATE, acknowledge: ['daemon-set-edits'] };
  const ended = await workflow.migrate(worldOf({ addon: null }), request, [crash('RestartDaemonSet', 'ipvs', 2)], () =>
    set({ image: own }),
  );
  expect(ended.error).toBe('RolledBack');
  const made = ended.calls.find(({ operation }) => operation === 'CreateAddon');
  expect(made?.input).toMatchObject({ addonVersion: 'v1.34.1-eksbuild.2' });
  expect(await image()).toBe(own);
});
