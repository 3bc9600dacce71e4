import type { ClusterService } from '@nightshift/sandbox';
import { modelMachine } from '@nightshift/sandbox/nodes';
import { expect, test } from 'vitest';
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
