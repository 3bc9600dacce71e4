import { Countdown } from '../faults/countdown.ts';
import type { CommandResult, KubeProxyAnswer, NodeMachine, NodeOs, ProxyMode } from '../region.ts';
import { KERNEL_MODULES } from './kernel-modules.ts';
import { kernelRelease } from './kernel-release.ts';
import { loadedModules } from './kube-proxy-start.ts';
import { listening } from './metrics-address.ts';
import { freeze, startKubeProxy, write } from './model-kube-proxy.ts';
import { count } from './model-rules.ts';
import { type ModelState, NFT_TABLES } from './model-state.ts';
import { failSyncs, hasSynced, metricsText, reportSyncs, type SyncTrouble } from './syncs.ts';

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
  /** Packets to node ports on 127.0.0.1 that kube-proxy counts in iptables mode. Default: none. */
  localhostNodePorts?: number;
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
  /** Lets the next `times` proofs of IPVS or nftables show cluster DNS without endpoints. */
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
    localhostNodePorts: options.localhostNodePorts ?? 0,
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
      if (path === 'metrics') return { status: 200, text: metricsText(state.syncs, now, state.localhostNodePorts) };
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

/** The answer of kube-proxy's health server, of /healthz and of /livez. */
function healthAnswer({ healthy, syncedAt }: ReturnType<typeof reportSyncs>, now: Date): KubeProxyAnswer {
  const text = JSON.stringify({ lastUpdated: (syncedAt ?? now).toISOString(), currentTime: now.toISOString() });
  return { status: healthy ? 200 : 503, text };
}
