import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { NodeState } from '@nightshift/sandbox';
import { kernelNodesAvailable } from '@nightshift/sandbox/nodes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseEvidence } from '../../functions/core/evidence/evidence.ts';
import type { Verdict } from '../../functions/core/evidence/verdict.ts';
import { TWELVE } from '../ssm-documents/nodes/steps.ts';
import { changes, Workflow } from './run.ts';
import { REQUEST, worldOf } from './worlds.ts';

const availability = kernelNodesAvailable();
if (!availability.available)
  process.stderr.write(
    `kernel nodes: tests skipped (${availability.why}). ${availability.command} brings what they need.\n`,
  );

const TESTER = { accessKeyId: 'tester', secretAccessKey: 'tester' };
const NODE = 'ip-192-168-1-1.ec2.internal';
const HOLDS = [
  'scheduler CreateSchedule',
  'eks CreateAccessEntry',
  ...Array<string>(2).fill('eks AssociateAccessPolicy'),
];

/** One Ubuntu node, which is what a kernel node's package manager stands in for. */
const world = (group: object, cluster: object) =>
  worldOf({ services: 20, nodeGroups: [{ os: 'ubuntu', count: 1, ssm: 'online', ...group }], ...cluster });

const BUCKET = 'nightshift-evidence-111122223333-us-east-1';

/** What the nodes said last in this phase, as it lies in S3. */
async function evidenceOf(endpoint: string, phase: 'prepare' | 'validate'): Promise<Verdict[]> {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: TESTER });
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'executions/test/' }));
  const Key = Contents.flatMap(({ Key: key = '' }) =>
    key.includes(`/${phase}-`) && key.endsWith('/evidence.ndjson.gz') ? [key] : [],
  ).at(-1);
  const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
  client.destroy();
  return parseEvidence(gunzipSync(bytes).toString('utf8'));
}

describe.skipIf(!availability.available)('a cluster whose node has a real kernel', () => {
  let workflow: Workflow;
  beforeAll(async () => {
    workflow = await Workflow.start(worldOf({ nodeGroups: [] }), 'kernel');
  });
  afterAll(() => workflow?.stop());

  /** Runs the whole workflow on this node; `before` is what the node was. */
  async function migrate(group: object, request: object, cluster: object = {}) {
    const before: NodeState[] = [];
    const ended = await workflow.migrate(world(group, cluster), request, [], async () => {
      const [cluster] = (await workflow.sandbox.state()).clusters;
      before.push(...(cluster?.nodes ?? []));
    });
    return { ...ended, before };
  }

  test('is migrated: its modules are loaded, and the proof is the output of ipvsadm', async () => {
    const ended = await migrate({}, REQUEST);
    expect(ended.before).toMatchObject([
      { name: NODE, runningMode: 'iptables', modules: ['nf_conntrack'], ipvsadmInstalled: false },
    ]);
    expect([ended.status, ended.cause]).toEqual(['SUCCEEDED', '']);
    expect(ended.cluster.nodes).toMatchObject([
      { name: NODE, runningMode: 'ipvs', scheduler: 'rr', ipvsadmInstalled: true },
    ]);
    expect(ended.cluster.nodes[0]?.modules).toEqual(TWELVE);
    const proofs = await evidenceOf(workflow.sandbox.endpoint, 'validate');
    expect(proofs.map(({ name, pass, facts }) => [name, pass, facts['source']])).toEqual([[NODE, true, 'ipvsadm']]);
    // Connections that were there a moment ago are counted: only the counters may differ.
    expect(proofs[0]?.excerpt.replace(/ +\d+ +\d+$/gm, '').split('\n')).toEqual([
      'TCP  10.100.0.1:443 rr',
      '  -> 192.168.113.81:443           Masq    1',
      '  -> 192.168.162.166:443          Masq    1',
      'TCP  10.100.0.10:53 rr',
      '  -> 192.168.104.215:53           Masq    1',
      '  -> 192.168.123.227:53           Masq    1',
      'UDP  10.100.0.10:53 rr',
      '  -> 192.168.104.215:53           Masq    1',
      '  -> 192.168.123.227:53           Masq    1',
    ]);
  });

  test('is migrated from IPVS mode to nftables mode: the proof is the output of nft, and nothing of IPVS is left', async () => {
    const configuration = '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}';
    const cluster = { version: '1.36', addon: { version: 'v1.36.1-eksbuild.1', configuration } };
    const ended = await migrate({}, { ...REQUEST, target: { mode: 'nftables' } }, cluster);
    expect(ended.before).toMatchObject([{ name: NODE, runningMode: 'ipvs', scheduler: 'rr' }]);
    expect([ended.status, ended.cause]).toEqual(['SUCCEEDED', '']);
    expect(ended.cluster.nodes).toMatchObject([
      {
        name: NODE,
        runningMode: 'nftables',
        scheduler: null,
        leftovers: { virtualServers: 0, rejectRules: 0, nftTables: 0 },
      },
    ]);
    const [prepared] = await evidenceOf(workflow.sandbox.endpoint, 'prepare');
    expect(prepared?.facts).toMatchObject({ mode: 'nftables', nft: 'kube-proxy', missing: '' });
    const [proof] = await evidenceOf(workflow.sandbox.endpoint, 'validate');
    expect(proof?.facts).toMatchObject({ nftTables: 2, kubeIpvs0: 'absent', virtualServers: 0, ipsets: 0 });
    // The kernel keeps the elements of a map in an order of its own.
    expect(proof?.excerpt.split('\n').sort()).toEqual([
      'service-ips 10.100.0.1 . tcp . 443 : goto service-2QRHZV4L-default/kubernetes/tcp/https',
      'service-ips 10.100.0.10 . tcp . 53 : goto service-NWBZK7IH-kube-system/kube-dns/tcp/dns-tcp',
      'service-ips 10.100.0.10 . udp . 53 : goto service-FY5PMXPG-kube-system/kube-dns/udp/dns',
    ]);
  });

  test('is left alone if its kernel lacks the requested scheduler', async () => {
    const request = { ...REQUEST, target: { mode: 'ipvs', scheduler: 'lc' } };
    const ended = await migrate({ missingModules: ['ip_vs_lc'] }, request);
    expect([ended.status, ended.error]).toEqual(['FAILED', 'NodesNotPrepared']);
    expect(ended.cause).toContain('1 of 1 nodes of demo failed to prepare: ip-192-168-1-1.ec2.internal (i-');
    expect(ended.cause).toContain('has no module ip_vs_lc: modprobe: FATAL: Module ip_vs_lc not found in directory');
    // Twice a lease and access, before the window and in it, and one command: prepare.
    expect(changes(ended.calls)).toEqual([
      ...HOLDS,
      'eks DeleteAccessEntry',
      'scheduler DeleteSchedule',
      ...HOLDS,
      'ssm SendCommand',
      'eks DeleteAccessEntry',
      'scheduler DeleteSchedule',
    ]);
    expect(ended.cluster.addon?.configurationValues).toBe('{"resources":{"requests":{"cpu":"150m"}}}');
    expect(ended.cluster.configMap).toEqual({ mode: 'iptables', scheduler: '' });
    expect(ended.cluster.nodes).toMatchObject([{ name: NODE, runningMode: 'iptables', scheduler: null }]);
    expect(ended.state.schedules).toEqual([]);
    expect(ended.cluster.accessEntries).toEqual([]);
  });
});
