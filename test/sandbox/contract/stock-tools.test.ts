import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { worldOf } from '@nightshift/sandbox/test/world';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PATIENT } from '../../patience.ts';
import { present, type Served, serve } from './serve.ts';

const tools = [present('aws', '--version'), present('kubectl', 'version', '--client')].every(Boolean);

const OWN = '{"resources":{"requests":{"cpu":"150m"}}}';
const MANUAL = '{"ipvs": {"scheduler": "rr"}, "mode": "ipvs"}';

describe.skipIf(!tools)('the contract’s commands, as a person types them', () => {
  let sandbox: Served;
  beforeAll(async () => {
    const addon = { version: 'v1.34.1-eksbuild.2', configuration: OWN };
    const world = worldOf([{ addon }, { name: 'night', addon }, { name: 'inside', endpoint: 'private' }]);
    sandbox = await serve(world, { command: ['npx', 'nightshift'] });
  });
  afterAll(async () => {
    await sandbox.stop();
    // npx ends by the signal itself; what matters is that nothing outlives it.
    await expect(fetch(sandbox.endpoint)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    expect(existsSync(sandbox.kubeconfig)).toBe(false);
  });

  /** A command line without quotes, and its JSON answer. */
  const aws = async (line: string, ...more: string[]) => JSON.parse(await sandbox.aws(...line.split(' '), ...more));
  const addon = '--cluster-name demo --addon-name kube-proxy';
  const system = (line: string) => sandbox.kubectl('-n', 'kube-system', ...line.split(' '));

  test('the manual’s update-addon, followed to its end, changes the ConfigMap and the description', async () => {
    const { update } = await aws(
      `eks update-addon ${addon} --resolve-conflicts OVERWRITE --configuration-values`,
      MANUAL,
    );
    expect(update).toMatchObject({ status: 'InProgress', type: 'AddonUpdate', errors: [] });
    await sandbox.aws(...`eks wait addon-active ${addon}`.split(' '));
    const [described, followed, configuration, map] = await Promise.all([
      aws(`eks describe-addon ${addon}`),
      aws(`eks describe-update --name demo --addon-name kube-proxy --update-id ${update.id}`),
      aws('eks describe-addon-configuration --addon-name kube-proxy --addon-version v1.34.1-eksbuild.2'),
      system('get cm kube-proxy-config -o jsonpath={.data.config}'),
    ]);
    expect(described.addon).toMatchObject({
      addonName: 'kube-proxy',
      clusterName: 'demo',
      status: 'ACTIVE',
      configurationValues: MANUAL,
      health: { issues: [] },
    });
    expect(followed.update).toMatchObject({
      id: update.id,
      status: 'Successful',
      params: [
        { type: 'ResolveConflicts', value: 'OVERWRITE' },
        { type: 'ConfigurationValues', value: MANUAL },
      ],
    });
    expect(JSON.parse(configuration.configurationSchema).definitions.KubeProxy.properties.mode.enum).toEqual([
      'iptables',
      'ipvs',
      'nftables',
    ]);
    expect(map).toContain('\nmode: "ipvs"\n');
    expect(map).toContain('\n  scheduler: "rr"\n');
  });

  test('kubectl rollout restart and rollout status bring every node to the new mode', async () => {
    expect(await system('rollout restart ds kube-proxy')).toBe('daemonset.apps/kube-proxy restarted\n');
    expect(await system('rollout status ds kube-proxy')).toContain('daemon set "kube-proxy" successfully rolled out');
    expect(await sandbox.get('/_sandbox/state')).toMatchObject({
      clusters: [
        { name: 'demo', nodes: [{ runningMode: 'ipvs', scheduler: 'rr' }, { runningMode: 'ipvs' }] },
        { name: 'night', nodes: [{ runningMode: 'iptables', scheduler: null }, { runningMode: 'iptables' }] },
        { name: 'inside' },
      ],
    });
  });

  test('a request that EKS would refuse is refused in its words', async () => {
    await Promise.all([
      expect(sandbox.aws(...`eks update-addon ${addon} --configuration-values`.split(' '), '{"mode":"fast"}'))
        .rejects //
        .toThrow('(InvalidParameterException) when calling the UpdateAddon operation'),
      expect(sandbox.aws('eks', 'describe-cluster', '--name', 'none')).rejects.toThrow(
        '(ResourceNotFoundException) when calling the DescribeCluster operation: No cluster found for name: none.',
      ),
    ]);
  });

  test('nightshift’s own documents run by send-command, and their output is read back', async () => {
    const { Reservations } = await aws('ec2 describe-instances --filters Name=tag:aws:eks:cluster-name,Values=demo');
    const ids: string[] = Reservations.flatMap(({ Instances }: { Instances: { InstanceId: string }[] }) =>
      Instances.map(({ InstanceId }) => InstanceId),
    );
    expect(ids).toHaveLength(2);
    const send = (document: string, parameters: string) =>
      aws(`ssm send-command --document-name ${document} --parameters ${parameters} --instance-ids`, ...ids);
    const prepare = await send('nightshift-prepare-node', 'Mode=ipvs,Scheduler=rr');
    const validate = await send(
      'nightshift-validate-node',
      'ApiServer=10.100.0.1,Dns=10.100.0.10,Mode=ipvs,Scheduler=rr',
    );
    const [id = ''] = ids;
    const [list, prepared, validated] = await Promise.all([
      aws(`ssm list-command-invocations --details --command-id ${validate.Command.CommandId}`),
      aws(`ssm get-command-invocation --command-id ${prepare.Command.CommandId} --instance-id ${id}`),
      aws(`ssm get-command-invocation --command-id ${validate.Command.CommandId} --instance-id ${id}`),
    ]);
    const invocations: { InstanceId: string; Status: string; CommandPlugins: { Output: string }[] }[] =
      list.CommandInvocations;
    expect(invocations.map(({ Status }) => Status)).toEqual(['Success', 'Success']);
    expect(invocations.map(({ InstanceId }) => InstanceId).sort()).toEqual([...ids].sort());
    for (const { CommandPlugins } of invocations) expect(CommandPlugins[0]?.Output).toContain('TCP  10.100.0.1:443 rr');
    expect(prepared).toMatchObject({ Status: 'Success', ResponseCode: 0 });
    expect(prepared.StandardOutputContent).toMatch(/^nightshift-prepare=1\n[\s\S]*\nend=nightshift-prepare\n$/);
    expect(validated.StandardOutputContent).toContain('\nproxyMode=ipvs\n');
  });

  test('an execution is started, described and told by its history, and its definition is complete', async () => {
    const machine = sandbox.stateMachines['migrate-cluster'] ?? '';
    const input = '{"cluster":"night","target":{"mode":"ipvs","scheduler":"rr"},"window":"weekend"}';
    const { executionArn } = await aws(
      `stepfunctions start-execution --name first --state-machine-arn ${machine} --input`,
      input,
    );
    expect(executionArn).toBe('arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-cluster:first');
    const { definition } = await aws(`stepfunctions describe-state-machine --state-machine-arn ${machine}`);
    expect(definition).not.toContain('${');
    expect(JSON.parse(definition)).toMatchObject({ QueryLanguage: 'JSONata' });
    expect(definition).toContain('arn:aws:lambda:us-east-1:111122223333:function:nightshift-inspect-cluster');
    const describe = () => aws(`stepfunctions describe-execution --execution-arn ${executionArn}`);
    await vi.waitFor(async () => expect(await describe()).not.toMatchObject({ status: 'RUNNING' }), PATIENT);
    expect(await describe()).toMatchObject({
      status: 'SUCCEEDED',
      input,
      output: expect.stringContaining('"migrated"'),
    });
    const { events } = await aws(`stepfunctions get-execution-history --execution-arn ${executionArn}`);
    const seen: { id: number; type: string; previousEventId?: number }[] = events;
    expect(seen.map(({ id }) => id)).toEqual(seen.map((_, index) => index + 1));
    expect(seen[0]).toMatchObject({
      type: 'ExecutionStarted',
      previousEventId: 0,
      executionStartedEventDetails: { input },
    });
    expect(seen.at(-1)).toMatchObject({ type: 'ExecutionSucceeded' });
    const bare = await aws(
      `stepfunctions get-execution-history --no-include-execution-data --reverse-order --execution-arn ${executionArn}`,
    );
    expect(bare.events.map(({ id }: { id: number }) => id)).toEqual(seen.map(({ id }) => id).reverse());
    expect(bare.events.at(-1).executionStartedEventDetails).not.toHaveProperty('input');
    const listed = await aws(`stepfunctions list-executions --status-filter SUCCEEDED --state-machine-arn ${machine}`);
    expect(listed.executions).toMatchObject([{ name: 'first' }]);
    const metadata = `stepfunctions describe-execution --included-data METADATA_ONLY --execution-arn ${executionArn}`;
    expect(await aws(metadata)).not.toHaveProperty('input');
    const changed = await aws(`eks describe-addon --cluster-name night --addon-name kube-proxy`);
    expect(JSON.parse(changed.addon.configurationValues)).toEqual({
      ...JSON.parse(OWN),
      mode: 'ipvs',
      ipvs: { scheduler: 'rr' },
    });
  });

  test('a function answers Invoke under its name', async () => {
    const event = {
      execution: { name: 'a', arn: 'b' },
      now: '2026-11-20T22:00:00Z',
      request: { cluster: 'demo', target: { mode: 'ipvs', scheduler: 'rr' }, window: 'weekend' },
      nodes: 3,
      needSeconds: 60,
      before: 'change',
    };
    const out = join(sandbox.home, 'answer.json');
    const invoke = `lambda invoke --function-name nightshift-decide-window --payload ${JSON.stringify(event)} ${out}`;
    expect(await aws(invoke)).toEqual({ StatusCode: 200, ExecutedVersion: '$LATEST' });
    expect(JSON.parse(await readFile(out, 'utf8'))).toMatchObject({
      kind: 'closed',
      opensAt: '2026-11-21T07:00:00.000Z',
    });
  });

  test('aws eks update-kubeconfig and get-token make the person the clusters’ administrator', async () => {
    const kubeconfig = join(sandbox.home, 'own-kubeconfig');
    await sandbox.aws('eks', 'update-kubeconfig', '--name', 'demo', '--kubeconfig', kubeconfig);
    expect(await sandbox.kubectl('--kubeconfig', kubeconfig, 'get', 'nodes', '--no-headers')).toMatch(
      /^ip-192-168-1-1\.ec2\.internal .*\n.*\n$/,
    );
    const calls = await sandbox.get('/_sandbox/calls');
    expect(calls).toContainEqual(
      expect.objectContaining({ service: 'kubernetes', operation: 'list nodes', principal: 'person' }),
    );
  });

  test('a private endpoint is described as one that nobody here reaches; the kubeconfig does', async () => {
    const { cluster } = await aws('eks describe-cluster --name inside');
    expect(cluster.resourcesVpcConfig).toMatchObject({ endpointPublicAccess: false, endpointPrivateAccess: true });
    await expect(fetch(`${cluster.endpoint}/version`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    expect(await sandbox.kubectl('--context', 'inside', 'get', 'nodes', '-o', 'name')).toMatch(
      /^node\/.*\nnode\/.*\n$/,
    );
  });
});
