import type { ClusterService } from '@nightshift/sandbox';
import { kernelMachine, kernelNodesAvailable } from '@nightshift/sandbox/nodes';
import { describe, expect, test } from 'vitest';
import { runDocument } from './node-history.ts';

/** The API server, DNS on TCP and UDP, and 1,197 applications with two pods each. */
const services: ClusterService[] = [
  service('default/kubernetes', '10.100.0.1', 443, 'TCP'),
  service('kube-system/kube-dns', '10.100.0.10', 53, 'UDP'),
  service('kube-system/kube-dns', '10.100.0.10', 53, 'TCP'),
  ...Array.from({ length: 1_197 }, (_, index) =>
    service(`default/app-${index}`, `10.100.${1 + (index >> 8)}.${index & 255}`, 80, 'TCP'),
  ),
];

function service(name: string, clusterIp: string, port: number, protocol: 'TCP' | 'UDP'): ClusterService {
  const [namespace = '', short = ''] = name.split('/');
  const host = clusterIp.split('.').slice(2).join('.');
  const endpoints = [`192.168.${host}:${port}`, `192.169.${host}:${port}`];
  return { namespace, name: short, clusterIp, port, protocol, endpoints };
}

const cluster = { version: '1.34', serviceCidr: '10.100.0.0/16', services };
const parameters = { ApiServer: '10.100.0.1', Dns: '10.100.0.10', Mode: 'ipvs', Scheduler: 'rr' };

const availability = kernelNodesAvailable();

describe.skipIf(!availability.available)('on a real kernel', { concurrent: true }, () => {
  test('a node of a cluster with 1,200 Services is prepared, proven and cleaned', async () => {
    const machine = kernelMachine({ name: 'large', address: '192.168.200.1' });
    try {
      expect(await machine.startKubeProxy({ mode: 'iptables', scheduler: '' }, cluster)).toMatchObject({
        running: true,
      });
      // Another package manager is at work on the node for a while.
      const other = machine.shell('exec flock /var/lib/dpkg/lock-frontend sleep 3');
      const prepared = await runDocument(machine, 'prepare-node', { Mode: 'ipvs', Scheduler: 'rr' });
      expect(prepared).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('ipvsadm=installed\n') });
      expect(await other).toMatchObject({ exitCode: 0 });
      expect(await machine.startKubeProxy({ mode: 'ipvs', scheduler: 'rr' }, cluster)).toMatchObject({ running: true });
      // The other backend of iptables has a stale rule, too.
      const stale =
        'KUBE-SERVICES -d 10.100.9.9/32 -p tcp -m comment --comment "default/gone has no endpoints" -j REJECT';
      const nft = await machine.shell(`iptables-nft -N KUBE-SERVICES && iptables-nft -A ${stale}`);
      expect(nft).toMatchObject({ exitCode: 0 });

      const proof = await runDocument(machine, 'validate-node', parameters);
      expect(proof.stdout).toContain('virtualServers=1200\nipsets=17\nrejectRules=1\niptablesServices=1200\n');
      expect(proof.stdout).toContain('apiServerProbe=ok\ndnsProbe=ok\n');
      expect(proof.stdout.length).toBeLessThan(2_000);

      const cleaned = await runDocument(machine, 'clean-node', { Mode: 'ipvs' });
      expect(cleaned).toMatchObject({ exitCode: 0, stderr: '' });
      expect(cleaned.stdout).toContain('removedRules=1\nremovedChains=3600\n');
      const after = await runDocument(machine, 'validate-node', parameters);
      expect(after.stdout).toContain('virtualServers=1200\nipsets=17\nrejectRules=0\niptablesServices=0\n');
      expect(after.stdout).toContain('apiServerProbe=ok\ndnsProbe=ok\n');
    } finally {
      await machine.stop();
    }
  });
});
