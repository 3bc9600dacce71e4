import { expect, test } from 'vitest';
import { openKubernetes } from '../../../functions/runtime/kubernetes-access.ts';
import { common } from '../handlers/fakes.ts';

test('a cluster that had no API server when it was inspected is unreachable, and nobody is asked for a token', async () => {
  await expect(openKubernetes({ name: 'demo', api: null }, common.execution)).rejects.toMatchObject({
    name: 'KubernetesUnreachable',
    message: 'Cluster demo has no API server endpoint.',
  });
});
