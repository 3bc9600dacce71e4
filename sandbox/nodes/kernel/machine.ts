import type {
  ClusterService,
  CommandResult,
  KubeProxyStart,
  NodeMachine,
  NodeReport,
  ProxyMode,
} from '../../region.ts';
import { IPVS_KERNEL_MODULES } from '../kernel-modules.ts';
import { VirtualMachine } from './vm.ts';

export interface KernelMachineOptions {
  name: string;
  address: string;
  /** Modules of the manual's twelve that this node's kernel does not have. Default: none. */
  missingModules?: readonly string[];
  /** Whether the package manager reaches its mirror. Default: up. */
  packageMirror?: 'up' | 'down';
  /** Whether the image came with ipvsadm. Default: it did not. */
  ipvsadmInstalled?: boolean;
  /** Virtual servers that something else than kube-proxy made: `tcp/10.0.0.5:80`, `fwm/7`. Default: none. */
  foreignVirtualServers?: readonly string[];
}

/** A kernel node also lets its surroundings be changed while it runs: faults. */
export interface KernelMachine extends NodeMachine {
  readonly kind: 'kernel';
  setPackageMirror(state: 'up' | 'down'): Promise<void>;
  /** What keepalived or kube-vip does on the node: from now on these virtual servers of theirs are there. */
  setForeignVirtualServers(servers: readonly string[]): Promise<void>;
  /** Lets kube-proxy leave its tables in nftables where they are, the next `times` times that it leaves the mode. */
  keepNftTables(times: number): Promise<void>;
  /** Takes a module's file away; a module that is loaded stays loaded. */
  removeModule(module: string): Promise<void>;
  /** Runs any script as root. */
  shell(script: string): Promise<CommandResult>;
}

type Cluster = Parameters<NodeMachine['startKubeProxy']>[1];
type Started = { mode: ProxyMode; scheduler: string; cluster: Cluster; table: string };

/** The table of Services as guest/kube-proxy.sh and guest/pods.sh read it. */
function serviceTable(services: readonly ClusterService[]): string {
  const line = (service: ClusterService) =>
    [
      service.protocol,
      service.clusterIp,
      service.port,
      `${service.namespace}/${service.name}`,
      ...service.endpoints,
    ].join(' ');
  return `${services.map(line).join('\n')}\n`;
}

/**
 * A worker node with a kernel of its own, Debian's, in QEMU: SSM documents run there as they are, kube-proxy is a shell
 * program that programs the kernel in kube-proxy's shape (guest/kube-proxy.sh), and behind the Services of the API
 * server and of DNS there are listeners that answer. Boots at once; the first call waits for it.
 */
export function kernelMachine(options: KernelMachineOptions): KernelMachine {
  const booted = boot(options);
  // A machine may fail to boot before its first use: the first use then rejects.
  booted.catch(() => {});
  let started: Started | null = null;
  let foreign = options.foreignVirtualServers ?? [];

  const start = async (
    mode: ProxyMode,
    scheduler: string,
    cluster: Cluster,
    why: 'starts' | 'follows' = 'starts',
  ): Promise<KubeProxyStart> => {
    const machine = await booted;
    const table = serviceTable(cluster.services);
    started = { mode, scheduler, cluster, table };
    await machine.put('/run/services', table);
    const result = await machine.run(
      `#!/bin/sh\npods ${options.address} </run/services || exit 70\nkube-proxy ${mode} '${scheduler}' ${cluster.version} ${why} </run/services\n`,
    );
    const running = proxyMode(/^mode=(\w+)$/m.exec(result.stdout)?.[1]);
    if (result.exitCode === 0 && running !== null) return { running: true, mode: running };
    if (result.exitCode !== 1) throw new Error(`kube-proxy could not program the kernel: ${result.stderr}`);
    started = null;
    return { running: false, reason: result.stderr.trim() };
  };

  /** kube-proxy follows the cluster's Services: before anybody looks at the node, it has caught up. */
  const follow = async (): Promise<VirtualMachine> => {
    if (started !== null && started.table !== serviceTable(started.cluster.services))
      await start(started.mode, started.scheduler, started.cluster, 'follows');
    return booted;
  };

  return {
    kind: 'kernel',
    runDocument: async ({ script }) => (await follow()).run(script),
    startKubeProxy: ({ mode, scheduler }, cluster) => start(mode, scheduler, cluster),
    report: async () => parseReport((await (await follow()).run('#!/bin/sh\nexec report\n')).stdout),
    stop: async () => {
      const machine = await booted.catch(() => null);
      await machine?.stop();
    },
    setPackageMirror: async (state) => setPackageMirror(await booted, state),
    setForeignVirtualServers: async (servers) => {
      await replaceForeign(await booted, foreign, servers);
      foreign = servers;
    },
    keepNftTables: async (times) => succeed(await booted, `echo ${times} >/run/keep-nft-tables`),
    removeModule: async (module) => removeModules(await booted, [module]),
    shell: async (script) => (await booted).run(`#!/bin/sh\n${script}\n`),
  };
}

async function boot(options: KernelMachineOptions): Promise<VirtualMachine> {
  const machine = await VirtualMachine.boot(options.name);
  if (options.packageMirror === 'down') await setPackageMirror(machine, 'down');
  if (options.missingModules?.length) await removeModules(machine, options.missingModules);
  if (options.ipvsadmInstalled) await succeed(machine, 'dpkg-deb -x /var/cache/mirror/ipvsadm_*.deb /');
  if (options.foreignVirtualServers?.length) await replaceForeign(machine, [], options.foreignVirtualServers);
  return machine;
}

const OPTIONS: Readonly<Record<string, string>> = { tcp: '-t', udp: '-u', sctp: '--sctp-service', fwm: '-f' };

interface ForeignServer {
  /** As ipvsadm takes it: `-t 10.0.0.5:80`. */
  service: string;
  /** With its length, or null for a firewall mark. */
  address: string | null;
}

function foreignServer(server: string): ForeignServer {
  const [, protocol = '', service = ''] = /^(tcp|udp|sctp|fwm)\/([0-9a-f.:[\]]+)$/.exec(server) ?? [];
  const option = OPTIONS[protocol];
  if (option === undefined) throw new Error(`not a virtual server: ${server}. Write tcp/10.0.0.5:80 or fwm/7.`);
  const address = service.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const bound = address.includes(':') ? `${address}/128` : `${address}/32`;
  return { service: `${option} ${service}`, address: protocol === 'fwm' ? null : bound };
}

/** Their addresses are on an interface of their own, as keepalived's are. */
function replaceForeign(machine: VirtualMachine, former: readonly string[], servers: readonly string[]): Promise<void> {
  const ipvsadm = '/usr/local/lib/kube-proxy/ipvsadm';
  const found = servers.map(foreignServer);
  const addresses = [...new Set(found.flatMap(({ address }) => address ?? []))];
  return succeed(
    machine,
    [
      'set -e',
      'modprobe ip_vs',
      // kube-proxy may have deleted it meanwhile.
      ...former.map((server) => `${ipvsadm} -D ${foreignServer(server).service} 2>/dev/null || true`),
      '[ -d /sys/class/net/vrrp ] || ip link add vrrp type dummy',
      'ip link set vrrp up',
      'ip address flush dev vrrp',
      ...addresses.map((address) => `ip address add ${address} dev vrrp${address.includes(':') ? ' nodad' : ''}`),
      ...found.map(({ service }) => `${ipvsadm} -A ${service} -s rr`),
    ].join('\n'),
  );
}

const setPackageMirror = (machine: VirtualMachine, state: 'up' | 'down'): Promise<void> =>
  succeed(machine, state === 'down' ? 'touch /run/mirror-down' : 'rm -f /run/mirror-down');

function removeModules(machine: VirtualMachine, modules: readonly string[]): Promise<void> {
  const files = modules.map((module) => `-name ${module}.ko -o -name '${module}.ko.*'`).join(' -o ');
  return succeed(machine, `find /lib/modules \\( ${files} \\) -exec rm {} + && depmod -a`);
}

async function succeed(machine: VirtualMachine, command: string): Promise<void> {
  const result = await machine.run(`#!/bin/sh\n${command}\n`);
  if (result.exitCode !== 0) throw new Error(`${command}: exit ${result.exitCode}: ${result.stderr}`);
}

const proxyMode = (text: string | undefined): ProxyMode | null =>
  text === 'ipvs' || text === 'iptables' || text === 'nftables' ? text : null;

function parseReport(text: string): NodeReport {
  const values = new Map(
    text.split('\n').map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)] as const;
    }),
  );
  const runningMode = proxyMode(values.get('mode'));
  const loaded = new Set((values.get('modules') ?? '').split(','));
  return {
    runningMode,
    scheduler: runningMode === 'ipvs' ? values.get('scheduler') || null : null,
    modules: IPVS_KERNEL_MODULES.filter((module) => loaded.has(module)),
    ipvsadmInstalled: Boolean(values.get('ipvsadm')),
    leftovers: {
      virtualServers: runningMode === 'ipvs' ? 0 : Number(values.get('virtualServers')),
      rejectRules: runningMode === 'iptables' ? 0 : Number(values.get('rejectRules')),
      nftTables: runningMode === 'nftables' ? 0 : Number(values.get('nftTables')),
    },
  };
}
