import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { call } from './run.ts';

const RBAC = 'rbac.authorization.k8s.io';
const objectsIn = (text: string) => parseAllDocuments(text).map((document) => document.toJS());

test('access-manifest prints a Role, a ClusterRole and their bindings to the group', async () => {
  const { code, stdout } = await call(['access-manifest', '--group', 'platform:nightshift']);
  const subjects = [{ apiGroup: RBAC, kind: 'Group', name: 'platform:nightshift' }];
  const metadata = { name: 'nightshift', namespace: 'kube-system' };
  const head = { apiVersion: `${RBAC}/v1` };
  expect(code).toBe(0);
  expect(objectsIn(stdout)).toEqual([
    {
      ...head,
      kind: 'Role',
      metadata,
      rules: [
        { apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: ['kube-proxy'], verbs: ['get', 'patch'] },
        { apiGroups: [''], resources: ['configmaps'], resourceNames: ['kube-proxy-config'], verbs: ['get', 'update'] },
        { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'delete'] },
        { apiGroups: [''], resources: ['pods/proxy'], verbs: ['get'] },
      ],
    },
    { ...head, kind: 'RoleBinding', metadata, roleRef: { apiGroup: RBAC, kind: 'Role', name: 'nightshift' }, subjects },
    {
      ...head,
      kind: 'ClusterRole',
      metadata: { name: 'nightshift' },
      rules: [
        { apiGroups: [''], resources: ['nodes', 'services'], verbs: ['list'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] },
        { apiGroups: ['apps'], resources: ['daemonsets'], verbs: ['list'] },
        { apiGroups: [''], resources: ['configmaps'], resourceNames: ['cilium-config'], verbs: ['get'] },
        {
          apiGroups: ['crd.projectcalico.org'],
          resources: ['felixconfigurations'],
          resourceNames: ['default'],
          verbs: ['get'],
        },
        { apiGroups: ['vpcresources.k8s.aws'], resources: ['securitygrouppolicies'], verbs: ['list'] },
      ],
    },
    {
      ...head,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'nightshift' },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'nightshift' },
      subjects,
    },
  ]);
});

test('without --group the group is nightshift', async () => {
  const { stdout } = await call(['access-manifest']);
  expect(objectsIn(stdout)[1]?.subjects).toEqual([{ apiGroup: RBAC, kind: 'Group', name: 'nightshift' }]);
});

test('a group that no access entry can have is a usage error', async () => {
  const { code, stderr } = await call(['access-manifest', '--group', 'system:masters']);
  expect(code).toBe(2);
  expect(stderr).toContain('--group system:masters is not the name of a Kubernetes group');
});
