import type { ClusterService, KubeProxyStart, NodeMachine, ProxyMode } from '../region.ts';
import { NFTABLES_KERNEL_MODULES } from './kernel-modules.ts';
import { isThere, startIpvs, startNftables } from './kube-proxy-start.ts';
import { listening } from './metrics-address.ts';
import { leave } from './model-rules.ts';
import type { ModelState } from './model-state.ts';
import { hasSynced, startSyncs } from './syncs.ts';

/** What a container of kube-proxy does that starts on the node, on top of what the last one left in the kernel. */
export function startKubeProxy(
  state: ModelState,
  config: { mode: ProxyMode; scheduler: string; metricsBindAddress?: string },
  cluster: Parameters<NodeMachine['startKubeProxy']>[1],
): KubeProxyStart {
  write(state);
  if (state.crashes.take((mode) => mode === 'any' || mode === config.mode)) {
    stopKubeProxy(state);
    return { running: false, reason: 'kube-proxy exited with status 1: a scripted fault of the sandbox' };
  }
  // An empty scheduler is kube-proxy's default, rr.
  const scheduler = config.scheduler || 'rr';
  const start = startIn(state, config.mode, { version: cluster.version, scheduler });
  if (!start.can && start.otherwise === 'exit') {
    stopKubeProxy(state);
    return { running: false, reason: start.reason };
  }
  const mode = start.can ? config.mode : 'iptables';
  // Before this one has written its rules, those of the last one do not change any more.
  freeze(state);
  cleanUp(state, mode, cluster);
  state.metrics = listening(config.metricsBindAddress ?? '0.0.0.0:10249');
  state.kubeProxy = mode;
  const { version, services } = cluster;
  const trouble = state.syncTroubles.take((item) => item.mode === mode)?.trouble;
  const lacksModules = mode === 'nftables' && !NFTABLES_KERNEL_MODULES.every((each) => isThere(state.modules, each));
  state.syncs = {
    ...startSyncs({ mode, version, services: services.length }, state.now(), lacksModules ? 'fail' : trouble),
    writes: { kind: 'followed', services },
    scheduler,
  };
  // The rules of every mode match on connection states.
  if (mode === 'ipvs' || !state.modules.builtin.has('nf_conntrack')) state.modules.loaded.add('nf_conntrack');
  write(state);
  return { running: true, mode };
}

function startIn(state: ModelState, mode: ProxyMode, { version, scheduler }: { version: string; scheduler: string }) {
  switch (mode) {
    case 'iptables':
      return { can: true } as const;
    case 'ipvs':
      return startIpvs(state.modules, version, scheduler);
    case 'nftables':
      return startNftables(state.kernel, version);
  }
}

/**
 * What kube-proxy removes before it writes anything. One that enters nftables mode removes what the other modes left,
 * and every virtual server, those of others too; one in another mode removes the tables of nftables. Between iptables and
 * IPVS nothing is cleaned up: what the other mode programmed stays as it was. The ipsets of IPv6 stay, too: kube-proxy
 * tries only the names of those of IPv4.
 * https://github.com/kubernetes/kubernetes/blob/master/cmd/kube-proxy/app/server_linux.go, platformCleanup
 */
function cleanUp(state: ModelState, mode: ProxyMode, { services }: { services: readonly ClusterService[] }): void {
  if (mode !== 'nftables') {
    if (state.nftables && !state.nftLeftovers.take(() => true)) state.nftables = null;
    return;
  }
  state.iptables = null;
  state.natLeadsToIptables = false;
  state.ipvs = null;
  state.ipsets &&= services.some(({ clusterIp }) => clusterIp.includes(':'));
  state.ipvsScheduler = null;
  state.foreignVirtualServers = [];
}

/** Writes the rules of the running kube-proxy once its first sync has ended. */
export function write(state: ModelState): void {
  const { syncs } = state;
  if (syncs === null || syncs.failingSince !== null || state[syncs.mode]?.kind === 'followed') return;
  if (!hasSynced(syncs, state.now())) return;
  state[syncs.mode] = syncs.writes;
  if (syncs.mode === 'ipvs') {
    // What it does not know as a Service's: pkg/proxy/ipvs/proxier.go, cleanLegacyService.
    state.foreignVirtualServers = [];
    state.ipsets = true;
    state.ipvsScheduler = syncs.scheduler;
  }
  // Iptables and IPVS mode both write KUBE-SERVICES in table nat anew: the way to the other's KUBE-SVC chains is gone.
  state.natLeadsToIptables = syncs.mode === 'iptables';
}

/** What is programmed does not change any more. */
export function freeze(state: ModelState): void {
  state.iptables = leave(state.iptables);
  state.ipvs = leave(state.ipvs);
  state.nftables = leave(state.nftables);
}

/** What it programmed stays in the kernel. */
function stopKubeProxy(state: ModelState): void {
  freeze(state);
  state.kubeProxy = null;
  state.syncs = null;
}
