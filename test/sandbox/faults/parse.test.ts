import { afterAll, beforeAll, expect, test } from 'vitest';
import { Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
afterAll(() => scene.stop());

const update = { service: 'eks', operation: 'UpdateAddon' };

test.each<[object, string]>([
  [
    { at: 'InspectCluster' },
    'must have exactly one of on, node, join, addonUpdate, execution, kubernetes, clock, events, other, outage',
  ],
  [{ node: 'any', clock: 'skip' }, 'must have exactly one of'],
  [{ on: update, error: 'X', lostReply: true }, 'must have exactly one of error, lostReply, late'],
  [{ on: update, late: 5 }, 'late: goes with Invoke of lambda'],
  [{ on: update, error: 'X', at: 'Nowhere' }, 'at: nightshift-migrate-cluster'],
  [{ on: update, error: 'X', at: 'InspectCluster', machine: 'migrate' }, 'machine: there is no state machine migrate'],
  [{ on: update, error: 'X', machine: 'migrate-cluster' }, 'machine: goes with at'],
  [{ on: update, error: 'X', visit: 2 }, 'visit: goes with at'],
  [{ on: update, error: 'X', after: -1 }, 'after: Too small: expected number to be >=0'],
  [{ on: { ...update, function: 'x' }, error: 'X' }, 'on.function: goes with Invoke of lambda'],
  [{ on: { service: 'kubernetes', operation: 'patch dragons' }, lostReply: true }, 'on.operation: the sandbox'],
  [{ node: 7, fault: 'slow' }, 'node: there is no node with the index 7'],
  [{ node: 0, fault: 'on-fire' }, 'fault: must be one of agent-offline, package-mirror-down, module-missing'],
  [{ node: 0, fault: 'module-missing:vfat' }, 'fault: module-missing: must be followed by one of ip_vs, ip_vs_rr'],
  [{ node: 0, fault: 'slow:ip_vs' }, 'fault: slow takes no module'],
  [{ node: 0, fault: 'slow', for: 3 }, 'for: slow takes times'],
  [
    { node: 0, fault: 'output-garbage', document: 'x' },
    'document: must be one of prepare-node, validate-node, clean-node',
  ],
  [{ node: 0, fault: 'kube-proxy-crash', mode: 'userspace' }, 'mode: Invalid option'],
  [{ node: 0, fault: 'slow', cluster: 'nope' }, 'cluster: there is no cluster nope'],
  [{ join: { os: 'plan9', count: 1 } }, 'join.os: Invalid option'],
  [{ join: { os: 'al2023', count: 0 } }, 'join.count: Too small: expected number to be >=1'],
  [{ addonUpdate: 'Failed' }, 'code: must be one of AccessDenied'],
  [{ addonUpdate: 'Degraded', code: 'EniLimitReached' }, 'code: must be one of AccessDenied, AddonPermissionFailure'],
  [{ addonUpdate: 'Degraded', code: 'InternalFailure', applied: true }, 'applied: a Degraded add-on'],
  [{ execution: 'abort' }, 'at: must name the state'],
  [{ kubernetes: 'rude' }, 'kubernetes: Invalid option'],
  [{ clock: 'skip', hours: 0 }, 'hours: Too small: expected number to be >0'],
  [{ events: 'late' }, 'events: Invalid option'],
  [{ other: 'steal-addon' }, 'other: must be one of change-addon, upgrade-addon, delete-addon, edit-config-map'],
  [{ other: 'change-addon' }, 'configuration: Invalid input: expected string'],
  [{ other: 'delete-addon', version: 'v1' }, 'Unrecognized key: "version"'],
  [{ other: 'delete-lease', cluster: 'nope' }, 'cluster: there is no cluster nope'],
  [{ other: 'take-lease', hours: 0 }, 'hours: Too small: expected number to be >0'],
  [{ other: 'edit-config-map' }, 'must have exactly one of text, fields'],
  [{ other: 'replace-access-entry', principal: 'me' }, 'principal: must be the ARN of the principal'],
  [{ outage: 's4' }, 'outage: no service of the sandbox is called s4'],
  [{ outage: 's3', operation: 'PutAddon' }, 'operation: s3 has no operation PutAddon'],
  [{ outage: 'kubernetes', operation: 'patch dragons' }, 'operation: the sandbox'],
  [{ outage: 's3', for: 0 }, 'for: Too small: expected number to be >0'],
])('a fault that is not one is refused with its path and the rule: %j', async (fault, rule) => {
  const { status, body } = await scene.post([{ kubernetes: 'forbidden' }, fault]);
  expect(status).toBe(400);
  expect(JSON.stringify(body)).toContain(`faults[1]`);
  expect(JSON.stringify(body)).toContain(rule.replaceAll('"', '\\"'));
  expect((await scene.state()).faults).toEqual([]);
});

test('a node that a fault cannot strike is refused, by name', async () => {
  await scene.load({
    nodeGroups: [
      { os: 'windows', count: 1 },
      { os: 'al2023', count: 1, ssm: 'none' },
    ],
  });
  const refused = async (fault: object) => JSON.stringify((await scene.post([fault])).body);
  expect(await refused({ node: 0, fault: 'kube-proxy-crash' })).toContain('0 runs no kube-proxy');
  expect(await refused({ node: 1, fault: 'agent-offline' })).toContain('1 has no SSM agent to lose');
  expect(await refused({ node: 'any', fault: 'output-garbage' })).toContain(
    'node: there is no node that it can strike',
  );
});

test('what waits or has strikes left is in the state, as it was given', async () => {
  await scene.load();
  const waiting = { at: 'InspectCluster', execution: 'abort' };
  const counted = { kubernetes: 'conflict', times: 3 };
  const endless = { node: 1, fault: 'slow' };
  await scene.arm(waiting, counted, endless);
  expect((await scene.state()).faults).toEqual([waiting, { ...counted, left: 3 }, { ...endless, left: 'every' }]);
});
