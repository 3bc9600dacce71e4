import { Countdown } from '../faults/countdown.ts';
import type {
  ClusterService,
  CommandResult,
  KubeProxyAnswer,
  KubeProxyStart,
  NodeMachine,
  NodeOs,
  ProxyMode,
} from '../region.ts';
import { KERNEL_MODULES, NFTABLES_KERNEL_MODULES } from './kernel-modules.ts';
import { kernelRelease } from './kernel-release.ts';
import { isThere, loadedModules, type ModuleTree, startIpvs, startNftables } from './kube-proxy-start.ts';
import { hears, type Listening, listening } from './metrics-address.ts';
import { count, leave, type Programmed } from './model-rules.ts';
import { failSyncs, hasSynced, metricsText, reportSyncs, type Syncs, type SyncTrouble, startSyncs } from './syncs.ts';

/** Everything that a model node remembers. */
export interface ModelState {
  readonly kernel: string;
  /** `none`: a node with a different package manager. */
  readonly packageManager: 'dnf' | 'yum' | 'apt-get' | 'none';
  packageMirror: 'up' | 'down';
  ipvsadmInstalled: boolean;
  readonly modules: ModuleTree;
  /** The mode that `/proxyMode` answers; null if kube-proxy does not answer. */
  kubeProxy: ProxyMode | null;
  /** Where it answers. */
  metrics: Listening;
  /** How its syncs go, and what they write; null if it does not run. */
  syncs: (Syncs & { readonly writes: Followed; readonly scheduler: string }) | null;
  iptables: Programmed | null;
  ipvs: Programmed | null;
  /** The maps of kube-proxy's two tables. */
  nftables: Programmed | null;
  /** Whether the ipsets of IPVS mode are there: on an IPv6 node they may be there without the rest of that mode. */
  ipsets: boolean;
  /** Of the virtual servers that are there. */
  ipvsScheduler: string | null;
  /** Virtual servers that kube-proxy did not make, as `tcp/10.0.0.5:80` or `fwm/7`. kube-proxy in IPVS mode deletes them. */
  foreignVirtualServers: readonly string[];
  /** Whether KUBE-SERVICES in table nat leads to the chains of iptables mode. */
  natLeadsToIptables: boolean;
  /** Starts of kube-proxy that are to fail, by the mode that they are for. */
  readonly crashes: Countdown<ProxyMode | 'any'>;
  /** Proofs that are to show cluster DNS without a real server. */
  readonly dnsWithoutBackends: Countdown<'dns'>;
  /**
   * Proofs of iptables mode that shall not reach the API server's ClusterIP, as pods on the host network may after
   * IPVS mode: https://github.com/aws/containers-roadmap/issues/2826
   */
  readonly apiServerLost: Countdown<'api-server'>;
  /** Starts of kube-proxy in a mode after which all its syncs fail, or take very long. */
  readonly syncTroubles: Countdown<{ trouble: SyncTrouble; mode: ProxyMode }>;
  /** Starts of kube-proxy that shall leave the tables of nftables mode where they are. */
  readonly nftLeftovers: Countdown<'tables'>;
  /** Base chains of others that drop what they do not know, as `inet/filter/input`. */
  readonly dropChains: readonly string[];
  readonly now: () => Date;
}

type Followed = Extract<Programmed, { kind: 'followed' }>;

/** What kube-proxy answers on the node itself at this moment; null where nobody listens. */
export interface KubeProxyAnswers {
  /** Port 10249. */
  proxyMode: ProxyMode | null;
  /** Port 10249. Each answer of a kube-proxy whose syncs fail counts one more failure. */
  metrics: string | null;
  /** Port 10256. */
  healthz: 'ok' | 'failed' | null;
}

/** What the scripts of a node's documents get from its kube-proxy; `later`: milliseconds from now. */
export function askKubeProxy(state: ModelState, later = 0): KubeProxyAnswers {
  const { kubeProxy, syncs, metrics } = state;
  if (kubeProxy === null || syncs === null) return { proxyMode: null, metrics: null, healthz: null };
  const now = new Date(state.now().getTime() + later);
  const heard = hears(metrics, 'node', '10249');
  return {
    proxyMode: heard ? kubeProxy : null,
    metrics: heard ? metricsText(syncs, now) : null,
    healthz: reportSyncs(syncs, now).healthy ? 'ok' : 'failed',
  };
}

/** What a document does on a model node and prints, out of its parameters. */
export interface ModelDocument {
  /** Whether it installs packages, which takes longer. */
  readonly installs?: true;
  /** `parameter` throws for one that the document ran without. */
  run(state: ModelState, parameter: (name: string) => string): CommandResult;
}

/** By the document's name without the stack's prefix. */
export type ModelDocuments = ReadonlyMap<string, ModelDocument>;

export interface ModelMachineOptions {
  os: Exclude<NodeOs, 'windows' | 'fargate'>;
  name: string;
  address: string;
  /** Modules of IPVS and nftables that this kernel does not have. Default: none. */
  missingModules?: readonly string[];
  /** Modules of IPVS and nftables that are part of this kernel itself. Default: none. */
  builtinModules?: readonly string[];
  /** Whether the package manager reaches its mirror. Default: up. */
  packageMirror?: 'up' | 'down';
  /** What `uname -r` prints. Default: that of an image for Kubernetes 1.32. */
  kernel?: string;
  /** Default: the time of this machine. */
  now?: () => Date;
  /** Whether the image came with ipvsadm. Default: it did not. */
  ipvsadmInstalled?: boolean;
  /** Virtual servers that something else than kube-proxy made: `tcp/10.0.0.5:80`, `fwm/7`. Default: none. */
  foreignVirtualServers?: readonly string[];
  /** Base chains of a firewall on the node that drop what they do not know, as `inet/filter/input`. Default: none. */
  dropChains?: readonly string[];
  /** The documents that it can run. */
  documents: ModelDocuments;
}

/** A model node also lets its surroundings be changed while it runs: faults. */
export interface ModelMachine extends NodeMachine {
  readonly kind: 'model';
  setPackageMirror(state: 'up' | 'down'): void;
  /** What keepalived or kube-vip does on the node: from now on these virtual servers of theirs are there. */
  setForeignVirtualServers(servers: readonly string[]): void;
  /** Takes a module's file away; a module that is loaded stays loaded. */
  removeModule(module: string): void;
  /** Lets the next `times` starts of kube-proxy end at once; with `mode` only those in that mode count. */
  crashKubeProxy(times: number, mode?: ProxyMode): void;
  /** Lets the next `times` proofs of IPVS show cluster DNS without a real server. */
  hideDnsBackends(times: number): void;
  /** Lets the next `times` proofs of iptables mode fail to reach the API server's ClusterIP. */
  loseApiServer(times: number): void;
  /**
   * Lets every sync of the next `times` kube-proxies in this mode fail, or take very long. The first of those whose syncs
   * fail is the one that runs, if it is in this mode.
   */
  troubleSyncs(trouble: SyncTrouble, mode: ProxyMode, times: number): void;
  /** Lets kube-proxy leave its tables in nftables where they are, the next `times` times that it leaves the mode. */
  keepNftTables(times: number): void;
}

/** All other systems have dnf. */
const PACKAGE_MANAGERS: Partial<Record<NodeOs, ModelState['packageManager']>> = {
  al2: 'yum',
  ubuntu: 'apt-get',
  sles: 'none',
};

/**
 * A worker node as a model: it keeps a few numbers, so that thousands are cheap, and runs no script: what a document
 * does to it stands in the documents' models.
 */
export function modelMachine(options: ModelMachineOptions): ModelMachine {
  const builtin = new Set(options.builtinModules ?? []);
  const missing = new Set(options.missingModules ?? []);
  const available = new Set(KERNEL_MODULES.filter((module) => !missing.has(module) && !builtin.has(module)));
  const state: ModelState = {
    kernel: options.kernel ?? kernelRelease(options.os, '1.32'),
    packageManager: PACKAGE_MANAGERS[options.os] ?? 'dnf',
    packageMirror: options.packageMirror ?? 'up',
    ipvsadmInstalled: options.ipvsadmInstalled ?? false,
    modules: { available, builtin, loaded: new Set() },
    kubeProxy: null,
    metrics: listening('0.0.0.0:10249'),
    syncs: null,
    iptables: null,
    ipvs: null,
    nftables: null,
    ipsets: false,
    ipvsScheduler: null,
    foreignVirtualServers: options.foreignVirtualServers ?? [],
    natLeadsToIptables: false,
    crashes: new Countdown(),
    dnsWithoutBackends: new Countdown(),
    apiServerLost: new Countdown(),
    syncTroubles: new Countdown(),
    nftLeftovers: new Countdown(),
    dropChains: options.dropChains ?? [],
    now: options.now ?? (() => new Date()),
  };
  return {
    kind: 'model',
    async runDocument({ document, parameters }) {
      write(state);
      return runDocument(options, state, document, parameters);
    },
    async startKubeProxy(config, cluster) {
      return startKubeProxy(state, config, cluster);
    },
    async askKubeProxy(path) {
      write(state);
      if (state.syncs === null) return null;
      const now = state.now();
      if (path === 'metrics') return { status: 200, text: metricsText(state.syncs, now) };
      return healthAnswer(reportSyncs(state.syncs, now), now);
    },
    async report() {
      write(state);
      const { kubeProxy } = state;
      const iptables = count(state.iptables);
      return {
        runningMode: kubeProxy,
        scheduler: kubeProxy === 'ipvs' ? state.ipvsScheduler : null,
        modules: loadedModules(state.modules),
        ipvsadmInstalled: state.ipvsadmInstalled,
        leftovers: {
          virtualServers: kubeProxy === 'ipvs' ? 0 : count(state.ipvs).total,
          rejectRules: kubeProxy === 'iptables' ? 0 : iptables.total - iptables.withEndpoints,
          nftTables: kubeProxy !== 'nftables' && state.nftables ? NFT_TABLES : 0,
        },
        foreignVirtualServers: state.foreignVirtualServers,
        ...(state.syncs && { synced: hasSynced(state.syncs, state.now()) }),
      };
    },
    async stop() {},
    setPackageMirror(mirror) {
      state.packageMirror = mirror;
    },
    setForeignVirtualServers(servers) {
      state.foreignVirtualServers = servers;
    },
    removeModule(module) {
      available.delete(module);
    },
    crashKubeProxy(times, mode) {
      state.crashes.arm(mode ?? 'any', times);
    },
    hideDnsBackends(times) {
      state.dnsWithoutBackends.arm('dns', times);
    },
    loseApiServer(times) {
      state.apiServerLost.arm('api-server', times);
    },
    troubleSyncs(trouble, mode, times) {
      state.syncTroubles.arm({ trouble, mode }, times);
      if (trouble === 'fail' && state.syncs?.mode === mode) {
        write(state);
        freeze(state);
        failSyncs(state.syncs, state.now());
        state.syncTroubles.take((item) => item.trouble === trouble && item.mode === mode);
      }
    },
    keepNftTables(times) {
      state.nftLeftovers.arm('tables', times);
    },
  };
}

function runDocument(
  { os, name, documents }: ModelMachineOptions,
  state: ModelState,
  document: string,
  parameters: Record<string, string>,
): CommandResult {
  if (os === 'bottlerocket')
    return { exitCode: 127, stdout: '', stderr: `${name}: Bottlerocket has no shell and no package manager\n` };
  const parameter = (key: string): string => {
    const value = parameters[key];
    if (value === undefined) throw new Error(`${document} ran without its parameter ${key}`);
    return value;
  };
  const model = documents.get(document);
  if (model) return model.run(state, parameter);
  const modelled = [...documents.keys()].join(', ') || 'none';
  const stderr = `${name} is a model node: of documents it runs ${modelled}, not ${document}. Use --node-kind kernel.\n`;
  return { exitCode: 1, stdout: '', stderr };
}

/** kube-proxy writes its rules for both families of addresses, whatever the cluster has. */
export const NFT_TABLES = 2;

/** The answer of kube-proxy's health server, of /healthz and of /livez. */
function healthAnswer({ healthy, syncedAt }: ReturnType<typeof reportSyncs>, now: Date): KubeProxyAnswer {
  const text = JSON.stringify({ lastUpdated: (syncedAt ?? now).toISOString(), currentTime: now.toISOString() });
  return { status: healthy ? 200 : 503, text };
}

function startKubeProxy(
  state: ModelState,
  config: { mode: ProxyMode; scheduler: string; metricsBindAddress?: string },
  cluster: Parameters<NodeMachine['startKubeProxy']>[1],
): KubeProxyStart {
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
 * and every virtual server, whoever made it; one in another mode removes the tables of nftables. Between iptables and
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
function write(state: ModelState): void {
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

function freeze(state: ModelState): void {
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
