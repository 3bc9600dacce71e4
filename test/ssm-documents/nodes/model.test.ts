import type { ClusterService } from '@nightshift/sandbox';
import { modelMachine } from '@nightshift/sandbox/nodes';
import { describe, expect, test } from 'vitest';
import { judgeValidateOutput } from '../../../functions/core/evidence/validate-output.ts';
import { judgeNftablesPreparation } from '../../../functions/core/modes/nftables-preparation.ts';
import { modelDocuments as documents } from '../../../ssm-documents/model-node.ts';

const services = (count: number): ClusterService[] =>
  Array.from({ length: count }, (_, index) => ({
    namespace: index === 0 ? 'default' : 'shop',
    name: index === 0 ? 'kubernetes' : `app-${index}`,
    clusterIp: `10.100.${index >> 8}.${(index & 255) + 1}`,
    port: index === 0 ? 443 : 80,
    protocol: 'TCP' as const,
    endpoints: Array.from({ length: 6 }, (_, replica) => `192.168.${replica}.${index & 255}:8443`),
  }));

test('a model node runs nightshift’s own documents and no other', async () => {
  const machine = modelMachine({
    os: 'al2023',
    name: 'ip-192-168-1-1.ec2.internal',
    address: '192.168.1.1',
    documents,
  });
  expect(await machine.runDocument({ document: 'AWS-RunShellScript', parameters: {}, script: 'ipvsadm -L' })).toEqual({
    exitCode: 1,
    stdout: '',
    stderr:
      'ip-192-168-1-1.ec2.internal is a model node: of documents it runs prepare-node, validate-node, clean-node, not AWS-RunShellScript. Use --node-kind kernel.\n',
  });
});

test('modules that are part of the kernel count as there', async () => {
  const builtinModules = ['ip_vs', 'ip_vs_rr', 'nf_conntrack'];
  const machine = modelMachine({ os: 'al2023', name: 'node', address: '192.168.1.1', builtinModules, documents });
  const result = await machine.runDocument({
    document: 'prepare-node',
    parameters: { Mode: 'ipvs', Scheduler: 'rr' },
    script: '',
  });
  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain('builtin=ip_vs,ip_vs_rr,nf_conntrack\nmissing=\nscheduler=ok\n');
  const ipvs = { mode: 'ipvs', scheduler: 'rr' } as const;
  const cluster = { version: '1.34', serviceCidr: '10.100.0.0/16', services: services(1) };
  expect(await machine.startKubeProxy(ipvs, cluster)).toEqual({ running: true, mode: 'ipvs' });
});

test('a proof shows the first four real servers and says how many more there are', async () => {
  const machine = modelMachine({
    os: 'al2023',
    name: 'node',
    address: '192.168.1.1',
    ipvsadmInstalled: true,
    documents,
  });
  const ipvs = { mode: 'ipvs', scheduler: 'rr' } as const;
  await machine.startKubeProxy(ipvs, { version: '1.34', serviceCidr: '10.100.0.0/16', services: services(3_000) });
  const parameters = { ApiServer: '10.100.0.1', Dns: '10.100.0.10', Mode: 'ipvs', Scheduler: 'rr' };
  const { stdout } = await machine.runDocument({ document: 'validate-node', parameters, script: '' });
  expect(stdout).toContain('virtualServers=3000\n');
  expect(stdout).toContain('  -> 192.168.3.0:8443             Masq    1      0          0\n  ... 2 more\n');
});

test('a node that runs no shell takes no document', async () => {
  const machine = modelMachine({ os: 'bottlerocket', name: 'node', address: '192.168.1.1', documents });
  const result = await machine.runDocument({
    document: 'prepare-node',
    parameters: { Mode: 'ipvs', Scheduler: 'rr' },
    script: '',
  });
  expect(result).toMatchObject({ exitCode: 127, stderr: 'node: Bottlerocket has no shell and no package manager\n' });
});

describe('in nftables mode', () => {
  const dns = { namespace: 'kube-system', name: 'kube-dns', clusterIp: '10.100.0.10', port: 53 };
  const cluster = {
    version: '1.36',
    serviceCidr: '10.100.0.0/16',
    services: [
      ...services(3),
      { ...dns, protocol: 'UDP' as const, endpoints: ['192.168.1.20:53'] },
      { ...dns, protocol: 'TCP' as const, endpoints: ['192.168.1.20:53'] },
    ],
  };
  const proxying = { mode: 'nftables' } as const;
  const nodeWith = (options: Partial<Parameters<typeof modelMachine>[0]> = {}) =>
    modelMachine({ os: 'al2023', name: 'node', address: '192.168.1.1', documents, ...options });
  type Node = ReturnType<typeof nodeWith>;
  const start = (node: Node, mode: 'iptables' | 'nftables') => node.startKubeProxy({ mode, scheduler: '' }, cluster);
  const validated = async (node: Node) => {
    const parameters = { ApiServer: '10.100.0.1', Dns: '10.100.0.10', Mode: 'nftables', Scheduler: 'none' };
    const { stdout } = await node.runDocument({ document: 'validate-node', parameters, script: '' });
    const expected = { proxying, apiServer: '10.100.0.1', dns: '10.100.0.10' };
    return { stdout, verdict: judgeValidateOutput({ id: 'i-1', name: 'node' }, stdout, expected) };
  };

  test('a proof shows the elements of the API server and of DNS, and kube-proxy’s own reports', async () => {
    const node = nodeWith({ now: () => new Date('2026-11-20T22:00:00Z'), kernel: '6.18.8' });
    await start(node, 'nftables');
    const { stdout, verdict } = await validated(node);
    expect(stdout).toBe(`nightshift-validate=1
kernel=6.18.8
proxyMode=nftables
kubeIpvs0=absent
virtualServers=0
ipsets=0
rejectRules=0
iptablesServices=0
foreignVirtualServers=0
nftTables=2
healthz=ok
startedAt=1795211999.581000
syncedAt=1795212000.000000
syncFailures=0
syncFailuresLater=0
syncMicros=18115
source=nft
apiServerProbe=ok
dnsProbe=ok
connectMicros=131
tables<<
service-ips 10.100.0.1 . tcp . 443 : goto service-2QRHZV4L-default/kubernetes/tcp/https
service-ips 10.100.0.10 . tcp . 53 : goto service-NWBZK7IH-kube-system/kube-dns/tcp/dns-tcp
service-ips 10.100.0.10 . udp . 53 : goto service-FY5PMXPG-kube-system/kube-dns/udp/dns
>>
end=nightshift-validate
`);
    expect(verdict).toMatchObject({ pass: true, reasons: [] });
  });

  const NO_DNS = [
    'no element for DNS (TCP 10.100.0.10 port 53) in the map service-ips',
    'no element for DNS (UDP 10.100.0.10 port 53) in the map service-ips',
  ];
  test.each<[string, (node: Node) => void, (string | undefined)[]]>([
    [
      'every sync fails',
      (node) => node.troubleSyncs('fail', 'nftables', 1),
      [
        'no element for the API server (TCP 10.100.0.1 port 443) in the map service-ips',
        ...NO_DNS,
        'kube-proxy does not say on /metrics when it last wrote its rules',
        'kube-proxy fails to write its rules: 4 failures, and then 6',
        'no TCP connection to the API server through its ClusterIP',
        'no answer from cluster DNS through its ClusterIP',
      ],
    ],
    [
      'DNS has no endpoints',
      (node) => node.hideDnsBackends(1),
      [
        'DNS (TCP 10.100.0.10 port 53) has no endpoint',
        NO_DNS[0],
        'DNS (UDP 10.100.0.10 port 53) has no endpoint',
        NO_DNS[1],
        'no answer from cluster DNS through its ClusterIP',
      ],
    ],
  ])('a node is not proven if %s', async (_, disturb, reasons) => {
    const node = nodeWith();
    disturb(node);
    await start(node, 'nftables');
    expect((await validated(node)).verdict).toMatchObject({ pass: false, reasons });
  });

  test.each<[string, Parameters<typeof nodeWith>[0], { exitCode: number; missing: string; reason: string }]>([
    ['that is ready', {}, { exitCode: 0, missing: '', reason: 'kernel and programs are ready for nftables mode' }],
    [
      'without modules',
      { missingModules: ['nft_numgen', 'nft_fib_ipv4'] },
      {
        exitCode: 1,
        missing: 'nft_numgen,nft_fib_ipv4',
        reason: 'kernel modules are missing: nft_numgen, nft_fib_ipv4',
      },
    ],
    [
      'with a firewall',
      { dropChains: ['inet/filter/input', 'ip/filter/FORWARD'] },
      {
        exitCode: 0,
        missing: '',
        reason:
          'a firewall on the node drops what it does not know (inet/filter/input,ip/filter/FORWARD), and kube-proxy opens nothing in nftables mode (acknowledge host-firewall to accept that)',
      },
    ],
    [
      'with an old kernel',
      { kernel: '5.10.245' },
      {
        exitCode: 0,
        missing: '',
        reason: 'kernel 5.10.245 is older than 5.13: kube-proxy does not start in nftables mode',
      },
    ],
  ])('a node %s is checked before the change, and nothing is loaded or installed', async (_, options, expected) => {
    const node = nodeWith(options);
    await start(node, 'iptables');
    const parameters = { Mode: 'nftables', Scheduler: 'none' };
    const { exitCode, stdout } = await node.runDocument({ document: 'prepare-node', parameters, script: '' });
    const [, nft, missing] = /^nft=(.*)\nmissing=(.*)$/m.exec(stdout) ?? [];
    const { reasons } = judgeNftablesPreparation({ id: 'i-1', name: 'node' }, stdout, []);
    expect({ nft, exitCode, missing, reason: reasons.join(', ') }).toEqual({ nft: 'kube-proxy', ...expected });
    expect(await node.report()).toMatchObject({ modules: ['nf_conntrack'], ipvsadmInstalled: false });
  });
});
