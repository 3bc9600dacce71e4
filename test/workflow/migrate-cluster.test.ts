import { EKSClient, UpdateAddonCommand } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { changes, writes } from './run.ts';
import { startedWorkflow } from './shared.ts';
import { ON_IPVS, REQUEST, worldOf } from './worlds.ts';

const PERSON = { accessKeyId: 'person', secretAccessKey: 'person' };
const workflow = await startedWorkflow();

describe('a cluster is migrated', () => {
  it('with three nodes, in its window, and every node proves it', async () => {
    const { status, path, cluster, output, history } = await workflow.migrate(worldOf({}));
    expect(status).toBe('SUCCEEDED');
    expect(output).toMatchObject({ ending: 'migrated' });
    expect(cluster.nodes.map(({ runningMode, scheduler }) => [runningMode, scheduler])).toEqual([
      ['ipvs', 'rr'],
      ['ipvs', 'rr'],
      ['ipvs', 'rr'],
    ]);
    expect(cluster.addon?.configurationValues).toBe(
      '{"resources":{"requests":{"cpu":"150m"}},"mode":"ipvs","ipvs":{"scheduler":"rr"}}',
    );
    expect(cluster.configMap).toEqual({ mode: 'ipvs', scheduler: 'rr' });
    expect(cluster.accessEntries).toEqual([]);
    expect(path.indexOf('AwaitWindow')).toBeLessThan(path.indexOf('PrepareNodes'));
    const update = history.find(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name === 'UpdateAddon');
    // 02:00 on Saturday in New York.
    expect(update?.timestamp?.toISOString().slice(0, 13)).toBe('2026-11-21T07');
  });

  it('without a worker node at once, even outside the window', async () => {
    const { status, path, cluster } = await workflow.migrate(worldOf({ nodeGroups: [] }));
    expect(status).toBe('SUCCEEDED');
    expect(path).not.toContain('AwaitWindow');
    expect(cluster.configMap).toEqual({ mode: 'ipvs', scheduler: 'rr' });
  });

  it('with 500 nodes, within 100 state transitions and 500 events', async () => {
    const { status, path, cluster, history } = await workflow.migrate(
      worldOf({ nodeGroups: [{ os: 'al2023', count: 500 }] }),
    );
    expect(status).toBe('SUCCEEDED');
    expect(cluster.nodes.filter(({ runningMode }) => runningMode === 'ipvs')).toHaveLength(500);
    expect(path.length).toBeLessThanOrEqual(100);
    expect(history.length).toBeLessThanOrEqual(500);
  });

  it('that has had hundreds of updates, with a bounded number of calls, of which none is throttled', async () => {
    const { status, calls } = await workflow.migrate(worldOf({ pastUpdates: 400 }));
    expect(status).toBe('SUCCEEDED');
    const described = calls.filter(({ operation }) => operation === 'DescribeUpdate');
    expect(described.filter(({ error }) => error !== undefined)).toEqual([]);
    const looks = calls.filter(({ service, operation }) => service === 'eks' && operation === 'ListUpdates').length / 2;
    expect(described.length).toBeLessThanOrEqual(looks * 20 + 5);
  });

  it('although its authentication mode no longer has access entries when the access is revoked', async () => {
    const on = { service: 'eks', operation: 'DeleteAccessEntry' };
    const { status, path } = await workflow.migrate(worldOf({}), REQUEST, [
      { at: 'RevokeAccess', on, error: 'InvalidRequestException', times: 1 },
    ]);
    expect(status).toBe('SUCCEEDED');
    expect(path).not.toContain('AccessRemains');
  });

  it('on IPv6', async () => {
    const { status, cluster } = await workflow.migrate(worldOf({ serviceCidr: 'fd12:3456:789a::/108' }));
    expect(status).toBe('SUCCEEDED');
    expect(cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['ipvs', 'ipvs', 'ipvs']);
  });

  it('with YAML configuration values, all of which survive', async () => {
    const configuration = 'podAnnotations:\n  example.com/owner: checkout # ours\nresources:\n  limits: {cpu: "1"}\n';
    const { status, cluster } = await workflow.migrate(
      worldOf({ addon: { version: 'v1.34.1-eksbuild.2', configuration } }),
    );
    expect(status).toBe('SUCCEEDED');
    expect(JSON.parse(cluster.addon?.configurationValues ?? '')).toEqual({
      podAnnotations: { 'example.com/owner': 'checkout' },
      resources: { limits: { cpu: '1' } },
      mode: 'ipvs',
      ipvs: { scheduler: 'rr' },
    });
  });

  it('on Ubuntu and Amazon Linux 2', async () => {
    const nodeGroups = [
      { os: 'ubuntu', count: 2 },
      { os: 'al2', count: 1 },
    ];
    const { status, cluster } = await workflow.migrate(worldOf({ nodeGroups }));
    expect(status).toBe('SUCCEEDED');
    expect(cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['ipvs', 'ipvs', 'ipvs']);
  });

  it('with Windows and Fargate beside Linux, whose nodes nightshift does not move', async () => {
    const nodeGroups = [
      { os: 'al2023', count: 2 },
      { os: 'windows', count: 1 },
      { os: 'fargate', count: 1 },
    ];
    const { status, cluster } = await workflow.migrate(worldOf({ nodeGroups }));
    expect(status).toBe('SUCCEEDED');
    expect(cluster.nodes.map(({ os, runningMode }) => [os, runningMode])).toEqual([
      ['al2023', 'ipvs'],
      ['al2023', 'ipvs'],
      ['windows', null],
      ['fargate', null],
    ]);
  });

  it('with Bottlerocket, whose kube-proxy is asked through the API server', async () => {
    const nodeGroups = [
      { os: 'al2023', count: 1 },
      { os: 'bottlerocket', count: 2 },
    ];
    const { status, cluster } = await workflow.migrate(worldOf({ nodeGroups }));
    expect(status).toBe('SUCCEEDED');
    expect(cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['ipvs', 'ipvs', 'ipvs']);
  });

  it('with a scheduler other than rr', async () => {
    const request = { ...REQUEST, target: { mode: 'ipvs', scheduler: 'lc' } };
    const { status, cluster } = await workflow.migrate(worldOf({}), request);
    expect(status).toBe('SUCCEEDED');
    expect(cluster.nodes.map(({ scheduler }) => scheduler)).toEqual(['lc', 'lc', 'lc']);
  });

  it('at once, if a person gives a reason, which the history keeps', async () => {
    const request = { cluster: 'demo', target: REQUEST.target, now: { reason: 'INC-42: API latency' } };
    const { status, path, history } = await workflow.migrate(worldOf({}), request);
    expect(status).toBe('SUCCEEDED');
    expect(path).not.toContain('AwaitWindow');
    expect(history[0]?.executionStartedEventDetails?.input).toContain('INC-42: API latency');
  });
});

describe('a cluster that is already on IPVS', () => {
  it('is proven on every node, and nothing is written', async () => {
    const ended = await workflow.migrate(worldOf({ addon: ON_IPVS }));
    const { status, output, path, cluster } = ended;
    expect(status).toBe('SUCCEEDED');
    expect(output).toMatchObject({ ending: 'already-compliant' });
    expect(writes(ended)).toEqual([]);
    expect(cluster.accessEntries).toEqual([]);
    expect(path).not.toContain('AwaitWindow');
  });

  it('is restarted in its window when somebody configured it and forgot the restart', async () => {
    const { status, calls, path, cluster } = await workflow.migrate(worldOf({}), REQUEST, [], async () => {
      const client = new EKSClient({ endpoint: workflow.sandbox.endpoint, region: 'us-east-1', credentials: PERSON });
      const configurationValues = ON_IPVS.configuration;
      await client.send(new UpdateAddonCommand({ clusterName: 'demo', addonName: 'kube-proxy', configurationValues }));
      client.destroy();
      await workflow.sandbox.live.region.clock.idle();
    });
    expect(status).toBe('SUCCEEDED');
    expect(path).toContain('ProveCompliance');
    expect(path).toContain('AwaitWindow');
    expect(path).not.toContain('UpdateAddon');
    expect(calls.filter(({ operation }) => operation === 'UpdateAddon')).toHaveLength(1);
    expect(cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['ipvs', 'ipvs', 'ipvs']);
  });
});

describe('nothing is written, and the error has a name, for', () => {
  const refusals: [string, object, object, string, RegExp][] = [
    ['a cluster that does not exist', {}, { ...REQUEST, cluster: 'nope' }, 'UnknownCluster', /nope/],
    [
      'a scheduler that the kernel does not have',
      {},
      { ...REQUEST, target: { mode: 'ipvs', scheduler: 'xx' } },
      'InvalidRequest',
      /scheduler/,
    ],
    ['a hostile cluster name', {}, { ...REQUEST, cluster: '$(reboot)' }, 'InvalidRequest', /cluster/],
    ['a window that is not configured', {}, { ...REQUEST, window: 'weekday' }, 'UnknownWindow', /weekday/],
    ['no window at all', {}, { cluster: 'demo', target: REQUEST.target }, 'WindowNever', /no window/],
    [
      'values that are neither JSON nor YAML',
      { addon: { version: 'v1.34.1-eksbuild.2', configuration: '{"mode": [' } },
      REQUEST,
      'PreflightRefused',
      /neither JSON/,
    ],
    ['a cluster in UPDATING', { status: 'UPDATING' }, REQUEST, 'PreflightRefused', /UPDATING/],
    ['Auto Mode', { autoMode: true }, REQUEST, 'PreflightRefused', /Auto Mode/],
    [
      'a node without an SSM agent',
      {
        nodeGroups: [
          { os: 'al2023', count: 2 },
          { os: 'al2023', count: 1, ssm: 'none' },
        ],
      },
      REQUEST,
      'PreflightRefused',
      /ip-192-168-1-3/,
    ],
    [
      'a node whose SSM agent is offline',
      { nodeGroups: [{ os: 'al2023', count: 1, ssm: 'offline' }] },
      REQUEST,
      'PreflightRefused',
      /ip-192-168-1-1/,
    ],
  ];

  it.each(refusals)('%s', async (_, cluster, request, error, cause) => {
    const ended = await workflow.migrate(worldOf(cluster), request);
    expect(ended.status).toBe('FAILED');
    expect(ended.error).toBe(error);
    expect(ended.cause).toMatch(cause);
    expect(changes(ended.calls).filter((change) => !/AccessEntry|AccessPolicy|Schedule/.test(change))).toEqual([]);
    expect(ended.cluster.accessEntries).toEqual([]);
  });

  it('an add-on schema without ipvs', async () => {
    const world = worldOf({}, { addonModes: { 'v1.34.1-eksbuild.2': ['iptables', 'nftables'] } });
    const { error, cause, calls } = await workflow.migrate(world);
    expect(error).toBe('PreflightRefused');
    expect(cause).toMatch(/ipvs/);
    expect(changes(calls)).toEqual([]);
  });

  it('a node that lacks the module of the chosen scheduler', async () => {
    const nodeGroups = [
      { os: 'al2023', count: 2 },
      { os: 'al2023', count: 1, missingModules: ['ip_vs_lc'] },
    ];
    const request = { ...REQUEST, target: { mode: 'ipvs', scheduler: 'lc' } };
    const ended = await workflow.migrate(worldOf({ nodeGroups }), request);
    expect(ended.error).toBe('NodesNotPrepared');
    expect(ended.cause).toMatch(/ip-192-168-1-3/);
    expect(ended.path).not.toContain('UpdateAddon');
    expect(ended.cluster.configMap).toEqual({ mode: 'iptables', scheduler: '' });
    expect(ended.cluster.accessEntries).toEqual([]);
  });
});

describe('a window', () => {
  it('whose Change Calendar is closed is waited out', async () => {
    const calendars = { freeze: { state: 'CLOSED', transitions: ['2026-11-25T00:00:00Z'] } };
    const windows = { weekend: { ...worldOf({}).windows.weekend, changeCalendars: ['freeze'] } };
    const { status, history } = await workflow.migrate(worldOf({}, { calendars, windows }));
    expect(status).toBe('SUCCEEDED');
    const update = history.find(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name === 'UpdateAddon');
    expect(update?.timestamp?.toISOString().slice(0, 13)).toBe('2026-11-28T07');
  });
});
