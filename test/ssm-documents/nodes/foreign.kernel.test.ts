import type { ClusterService } from '@nightshift/sandbox';
import { type KernelMachine, kernelMachine, kernelNodesAvailable } from '@nightshift/sandbox/nodes';
import { describe, expect, test } from 'vitest';
import {
  EVERYTHING,
  RULES_OF_OTHERS,
  SERVERS_OF_OTHERS,
  SERVERS_OF_OTHERS_NAMED,
  SERVERS_ON_CLUSTER_IPS,
} from './foreign.ts';
import { runDocument } from './node-history.ts';

const availability = kernelNodesAvailable();

interface Addresses {
  node: string;
  apiServer: string;
  dns: string;
  pod: (host: number) => string;
}
const IPV4: Addresses = {
  node: '192.168.1.1',
  apiServer: '10.100.0.1',
  dns: '10.100.0.10',
  pod: (host) => `192.168.9.${host}`,
};
const IPV6: Addresses = {
  node: '2600:1f14::b:1',
  apiServer: 'fd30:1c53:5f8a::1',
  dns: 'fd30:1c53:5f8a::a',
  pod: (host) => `[2600:1f14::9:${host}]`,
};

function services({ apiServer, dns, pod }: Addresses): ClusterService[] {
  const service = (
    name: string,
    clusterIp: string,
    port: number,
    protocol: 'TCP' | 'UDP',
    host: number,
  ): ClusterService => ({
    namespace: name.split('/')[0] ?? '',
    name: name.split('/')[1] ?? '',
    clusterIp,
    port,
    protocol,
    endpoints: [`${pod(host)}:${port}`],
  });
  return [
    service('default/kubernetes', apiServer, 443, 'TCP', 11),
    service('kube-system/kube-dns', dns, 53, 'UDP', 21),
    service('kube-system/kube-dns', dns, 53, 'TCP', 21),
  ];
}

async function shell(machine: KernelMachine, script: string): Promise<string[]> {
  const result = await machine.shell(script);
  expect({ script, ...result }).toMatchObject({ exitCode: 0 });
  return result.stdout.split('\n').filter((line) => line !== '');
}

/** What both modes of kube-proxy have in shared chains stays: these two rules lead to a chain that iptables mode has, too. */
const withoutShared = (lines: readonly string[]) =>
  lines.filter((line) => !line.includes('"kube-proxy firewall rules"'));
/** kube-proxy that enters nftables mode deletes all virtual servers. */
const isServer = (line: string) => /^-[Aa] -[tuf] /.test(line);
/** The tables of nftables, which come last. */
const tablesIn = (lines: readonly string[]) => lines.slice(lines.findIndex((line) => line.startsWith('table ')));
const ofOthers = (lines: readonly string[]) =>
  lines.filter((line) =>
    /ROUTER|NWPLCY|POD-FW|KUBELET|HINT|KUBE-FIREWALL|CNI-|SRC-|DST-|office|10\.0\.0\.5:|:8443|-f 7/.test(line),
  );

describe.skipIf(!availability.available)('what others have on a node', { concurrent: true }, () => {
  test.each([
    { family: 'IPv4', addresses: IPV4, prefix: 'KUBE-', bracketed: (address: string) => address },
    { family: 'IPv6', addresses: IPV6, prefix: 'KUBE-6-', bracketed: (address: string) => `[${address}]` },
  ])('is there after IPVS mode, nftables mode and cleaning, line for line ($family)', async (kind) => {
    const { addresses, prefix, bracketed } = kind;
    const machine = kernelMachine({ name: 'shared', address: addresses.node, ipvsadmInstalled: true });
    const cluster = { version: '1.34', serviceCidr: '', services: services(addresses) };
    try {
      await machine.startKubeProxy({ mode: 'iptables', scheduler: '' }, cluster);
      await shell(machine, RULES_OF_OTHERS);
      await shell(machine, SERVERS_OF_OTHERS + SERVERS_ON_CLUSTER_IPS);
      const before = await shell(machine, EVERYTHING);
      expect(before).toContain('-A -t 10.0.0.5:80 -s wlc -p 300');
      expect(before).toContain('table inet kube-proxy {');

      const prepared = await runDocument(machine, 'prepare-node', { Mode: 'ipvs', Scheduler: 'rr' });
      expect(prepared).toMatchObject({ exitCode: 0, stderr: '' });
      expect(prepared.stdout).toContain(`\nforeign-virtual-servers=${SERVERS_OF_OTHERS_NAMED.join(',')}\n`);
      expect(await shell(machine, EVERYTHING)).toEqual(before);

      await machine.startKubeProxy({ mode: 'ipvs', scheduler: 'rr' }, cluster);
      // A node port, which kube-proxy opens on every address of the node, and keepalived's own, which it lost.
      const nodePort = [addresses.node, addresses === IPV4 ? '10.0.0.5' : 'fd00::5'];
      await shell(
        machine,
        `ipset add ${prefix}NODE-PORT-TCP 30080
        for address in ${nodePort.map(bracketed).join(' ')}; do
          ipvsadm -A -t "$address:30080" -s rr && ipvsadm -a -t "$address:30080" -r ${addresses.pod(31)}:80 -m
        done`,
      );
      await shell(machine, SERVERS_OF_OTHERS + SERVERS_ON_CLUSTER_IPS);
      const { apiServer: ApiServer, dns: Dns } = addresses;
      const proof = await runDocument(machine, 'validate-node', { ApiServer, Dns, Mode: 'ipvs', Scheduler: 'rr' });
      expect(proof.stdout).toContain('\nvirtualServers=5\nipsets=17\n');
      expect(proof.stdout).toContain('\nforeignVirtualServers=6\n');

      const cleanedForIpvs = await runDocument(machine, 'clean-node', { Mode: 'ipvs' });
      expect(cleanedForIpvs).toMatchObject({ exitCode: 0, stderr: '' });
      expect(cleanedForIpvs.stdout).toContain('removedRules=0\nremovedChains=6\nremovedVirtualServers=0\n');
      const inIpvs = ofOthers(await shell(machine, EVERYTHING)).filter((line) => !line.includes(':30080'));
      expect(inIpvs).toEqual(ofOthers(before));

      expect(await runDocument(machine, 'clean-node', { Mode: 'iptables' })).toMatchObject({ exitCode: 1 });
      await machine.startKubeProxy({ mode: 'iptables', scheduler: '' }, cluster);
      const cleaned = await runDocument(machine, 'clean-node', { Mode: 'iptables' });
      expect(cleaned).toMatchObject({ exitCode: 0, stderr: '' });
      expect(cleaned.stdout).toContain('removedVirtualServers=5\nremovedIpsets=17\nremovedKubeIpvs0=yes\n');
      expect(cleaned.stdout).not.toContain('warning=');
      expect(withoutShared(await shell(machine, EVERYTHING))).toEqual(before);

      const withoutServers = before.filter((line) => !isServer(line));
      await machine.startKubeProxy({ mode: 'nftables', scheduler: '' }, cluster);
      const checked = await runDocument(machine, 'prepare-node', { Mode: 'nftables', Scheduler: 'none' });
      expect(checked).toMatchObject({ exitCode: 0, stderr: '' });
      expect(checked.stdout).toContain('\ndropChains=inet/firewall/forward\n');
      const cleanedForNftables = await runDocument(machine, 'clean-node', { Mode: 'nftables' });
      expect(cleanedForNftables).toMatchObject({ exitCode: 0, stderr: '' });
      expect(cleanedForNftables.stdout).not.toContain('warning=');
      const inNftables = await shell(machine, EVERYTHING);
      expect(ofOthers(inNftables)).toEqual(ofOthers(withoutServers));
      expect(tablesIn(inNftables)).toEqual(tablesIn(before));
      await machine.keepNftTables(1);
      await machine.startKubeProxy({ mode: 'iptables', scheduler: '' }, cluster);
      const cleanedOfTables = await runDocument(machine, 'clean-node', { Mode: 'iptables' });
      expect(cleanedOfTables.stdout).toContain('removedNftTables=2\n');
      expect(await shell(machine, EVERYTHING)).toEqual(withoutServers);
    } finally {
      await machine.stop();
    }
  });

  test('stays also where cleaning lacks a tool, and a second run completes the first', {
    timeout: 600_000,
  }, async () => {
    const machine = kernelMachine({ name: 'lacking', address: IPV4.node, ipvsadmInstalled: true });
    const cluster = { version: '1.34', serviceCidr: '', services: services(IPV4) };
    const goesToIpvsAndBack = async () => {
      await machine.startKubeProxy({ mode: 'ipvs', scheduler: 'rr' }, cluster);
      await shell(
        machine,
        `for address in ${IPV4.node} 10.0.0.5; do ipvsadm -A -t "$address:30080" -s rr; done
        ipset add KUBE-NODE-PORT-TCP 30080 -exist`,
      );
      await shell(machine, SERVERS_OF_OTHERS);
      await machine.startKubeProxy({ mode: 'iptables', scheduler: '' }, cluster);
    };
    const clean = () => runDocument(machine, 'clean-node', { Mode: 'iptables' });
    try {
      await machine.startKubeProxy({ mode: 'iptables', scheduler: '' }, cluster);
      await shell(machine, SERVERS_OF_OTHERS);
      const servers = await shell(machine, 'ipvsadm -Sn');

      await goesToIpvsAndBack();
      await shell(machine, 'mv /usr/sbin/ipset /usr/sbin/ipset.away');
      const withoutIpset = await clean();
      expect(withoutIpset).toMatchObject({ exitCode: 0, stderr: '' });
      expect(withoutIpset.stdout).toContain(
        'removedVirtualServers=5\nremovedIpsets=0\nremovedKubeIpvs0=yes\nremovedNftTables=0\nwarning=',
      );
      expect(await shell(machine, 'ipvsadm -Sn')).toEqual(servers);
      await shell(machine, 'mv /usr/sbin/ipset.away /usr/sbin/ipset');

      await goesToIpvsAndBack();
      // A library is missing.
      await shell(
        machine,
        `mv /usr/sbin/ipvsadm /usr/sbin/ipvsadm.away 2>/dev/null || mv /sbin/ipvsadm /usr/sbin/ipvsadm.away
        printf '#!/bin/sh\\necho "ipvsadm: error while loading shared libraries: libpopt.so.0" >&2\\nexit 127\\n' >/usr/sbin/ipvsadm
        chmod +x /usr/sbin/ipvsadm`,
      );
      const broken = await clean();
      expect(broken).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining(
          '5 virtual servers: ipvsadm: error while loading shared libraries: libpopt.so.0',
        ),
      });
      expect(broken.stdout).toContain('removedVirtualServers=0\nremovedIpsets=0\nremovedKubeIpvs0=no\n');
      const prepared = await runDocument(machine, 'prepare-node', { Mode: 'ipvs', Scheduler: 'rr' });
      expect(prepared).toMatchObject({ exitCode: 0, stderr: '' });
      expect(prepared.stdout).toContain('scheduler=ok\n');
      expect(prepared.stdout).toContain(
        'warning=ipvsadm does not work on this node: ipvsadm: error while loading shared',
      );
      const parameters = { ApiServer: IPV4.apiServer, Dns: IPV4.dns, Mode: 'iptables', Scheduler: 'none' };
      expect((await runDocument(machine, 'validate-node', parameters)).stdout).toContain('\nsource=proc\n');

      await shell(
        machine,
        'mv /usr/sbin/ipvsadm.away /usr/sbin/ipvsadm && iptables-legacy -A INPUT -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT',
      );
      const again = await clean();
      expect(again).toMatchObject({ exitCode: 0, stderr: '' });
      expect(again.stdout).toContain('removedVirtualServers=5\nremovedIpsets=16\nremovedKubeIpvs0=yes\n');
      expect(again.stdout).toContain(
        'warning=ipset KUBE-CLUSTER-IP stays: something that kube-proxy did not make uses it\n',
      );
      expect(await shell(machine, 'ipvsadm -Sn')).toEqual(servers);
      expect(await shell(machine, 'iptables-legacy-save -t filter | grep -c KUBE-CLUSTER-IP')).toEqual(['1']);
    } finally {
      await machine.stop();
    }
  });
});
