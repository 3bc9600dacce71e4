import { EKSClient, UpdateAddonCommand } from '@aws-sdk/client-eks';
import { abort, at, crash, each, joins, lost, update } from '../workflow/scenarios.ts';
import type { Schedules } from '../workflow/schedules.ts';
import { gone, MIGRATE, migration, ON_IPVS, ROLLBACK, type Run, UNHEARD } from './runs.ts';

const selfManaged = (how: string) => ({ cluster: { addon: null }, request: { selfManaged: how } });

async function switchBack({ workflow: { sandbox } }: Schedules): Promise<void> {
  const credentials = { accessKeyId: 'person', secretAccessKey: 'person' };
  const client = new EKSClient({ endpoint: sandbox.endpoint, region: 'us-east-1', credentials });
  const configurationValues = '{"mode":"iptables"}';
  await client.send(new UpdateAddonCommand({ clusterName: 'demo', addonName: 'kube-proxy', configurationValues }));
  client.destroy();
}

export const BATCHED = { request: { batch: { name: 'rollouts/R/staging', tolerate: 0 } } };

/** Migrations that together make every call of the workflow. */
export const MIGRATIONS: Record<string, Run> = {
  'a migration': migration(),
  'a window with a Change Calendar': migration([], { request: { window: 'frozen' } }),
  'nodes of Karpenter': migration([], {
    cluster: { nodeGroups: [{ os: 'al2023', count: 3, ssm: 'online', startedBy: 'karpenter' }] },
  }),
  'a guarded cluster': migration(
    [
      { other: 'set-alarm', cluster: 'demo', name: 'checkout-5xx', state: 'OK' },
      { at: 'CheckGuards', other: 'set-alarm', cluster: 'demo', name: 'checkout-5xx', state: 'ALARM' },
    ],
    { cluster: { tags: { 'nightshift:guard': 'checkout-5xx' } } },
  ),
  'a cluster that complies': migration([], { cluster: ON_IPVS }),
  'an update in flight': migration([], { before: switchBack }),
  // EKS makes the add-on, but its answer is lost.
  'a kube-proxy that is adopted': migration([lost('eks', 'CreateAddon')], selfManaged('create-addon')),
  'and made self-managed again': migration([crash('RestartDaemonSet', 'ipvs')], selfManaged('create-addon')),
  'a ConfigMap': migration([], selfManaged('config-map')),
  'and restored': migration([crash('RestartDaemonSet', 'ipvs')], selfManaged('config-map')),
  'a change that fails': migration([update('Failed', { applied: true })]),
  'a canary that fails': migration(each((node) => at('ValidateCanary', node, 'dns-without-backends'))),
  newcomers: migration([joins('AwaitRollout')]),
  'missing evidence of nodes': migration([gone('CollectPreparation')]),
  'a missing inventory': migration([gone('InspectForValidation')]),
  'an abort': migration([abort('AwaitRollout')]),
  'an abort whose event is lost': migration([abort('AwaitRollout'), UNHEARD]),
  'a batch that is held': migration([update('Failed', { applied: true })], BATCHED),
  'a batch that an abort holds': migration([abort('AwaitRollout')], BATCHED),
  'a recovery that is aborted': migration([abort('AwaitRollout', MIGRATE), abort('RestartDaemonSet', ROLLBACK)]),
};
