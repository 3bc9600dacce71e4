import { Countdown } from '../faults/countdown.ts';
import type { CommandResult, KubeProxyStart, NodeMachine, NodeOs, ProxyMode } from '../region.ts';
import { IPVS_KERNEL_MODULES } from './kernel-modules.ts';
import { loadedModules, type ModuleTree, startIpvs } from './kube-proxy-start.ts';
import { type Listening, listening } from './metrics-address.ts';
import { count, leave, type Programmed } from './model-rules.ts';

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
  iptables: Programmed | null;
  ipvs: Programmed | null;
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
  /** Modules of the manual's twelve that this kernel does not have. Default: none. */
  missingModules?: readonly string[];
  /** Modules of the manual's twelve that are part of this kernel itself. Default: none. */
  builtinModules?: readonly string[];
  /** Whether the package manager reaches its mirror. Default: up. */
  packageMirror?: 'up' | 'down';
  /** Whether the image came with ipvsadm. Default: it did not. */
  ipvsadmInstalled?: boolean;
  /** Virtual servers that something else than kube-proxy made: `tcp/10.0.0.5:80`, `fwm/7`. Default: none. */
  foreignVirtualServers?: readonly string[];
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
}

const KERNELS: Record<ModelMachineOptions['os'], string> = {
  al2023: '6.1.158-180.294.amzn2023.x86_64',
  al2: '5.10.245-243.979.amzn2.x86_64',
  ubuntu: '6.8.0-1042-aws',
  rhel: '5.14.0-570.12.1.el9_6.x86_64',
  rocky: '5.14.0-570.12.1.el9_6.x86_64',
  almalinux: '4.18.0-553.58.1.el8_10.x86_64',
  oracle: '5.15.0-309.180.4.el9uek.x86_64',
  sles: '6.4.0-150600.23.50-default',
  bottlerocket: '6.1.155',
};

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
  const available = new Set(IPVS_KERNEL_MODULES.filter((module) => !missing.has(module) && !builtin.has(module)));
  const state: ModelState = {
    kernel: KERNELS[options.os],
    packageManager: PACKAGE_MANAGERS[options.os] ?? 'dnf',
    packageMirror: options.packageMirror ?? 'up',
    ipvsadmInstalled: options.ipvsadmInstalled ?? false,
    modules: { available, builtin, loaded: new Set() },
    kubeProxy: null,
    metrics: listening('0.0.0.0:10249'),
    iptables: null,
    ipvs: null,
    ipvsScheduler: null,
    foreignVirtualServers: options.foreignVirtualServers ?? [],
    natLeadsToIptables: false,
    crashes: new Countdown(),
    dnsWithoutBackends: new Countdown(),
    apiServerLost: new Countdown(),
  };
  return {
    kind: 'model',
    async runDocument({ document, parameters }) {
      return runDocument(options, state, document, parameters);
    },
    async startKubeProxy(config, cluster) {
      return startKubeProxy(state, config, cluster);
    },
    async report() {
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
        },
        foreignVirtualServers: state.foreignVirtualServers,
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

/** On a switch nothing is cleaned up: what the other mode programmed stays as it was at that moment. */
function startKubeProxy(
  state: ModelState,
  config: { mode: ProxyMode; scheduler: string; metricsBindAddress?: string },
  cluster: Parameters<NodeMachine['startKubeProxy']>[1],
): KubeProxyStart {
  if (state.crashes.take((mode) => mode === 'any' || mode === config.mode)) {
    stopKubeProxy(state);
    return { running: false, reason: 'kube-proxy exited with status 1: a scripted fault of the sandbox' };
  }
  state.metrics = listening(config.metricsBindAddress ?? '0.0.0.0:10249');
  const followed = { kind: 'followed', services: cluster.services } as const;
  if (config.mode === 'ipvs') {
    // An empty scheduler is kube-proxy's default, rr.
    const scheduler = config.scheduler || 'rr';
    const start = startIpvs(state.modules, cluster.version, scheduler);
    if (start.can) {
      state.iptables = leave(state.iptables);
      state.ipvs = followed;
      // What it does not know as a Service's: pkg/proxy/ipvs/proxier.go, cleanLegacyService.
      state.foreignVirtualServers = [];
      state.ipvsScheduler = scheduler;
      // Both modes write KUBE-SERVICES in table nat anew: the way to the other's KUBE-SVC chains is gone.
      state.natLeadsToIptables = false;
      state.kubeProxy = 'ipvs';
      state.modules.loaded.add('nf_conntrack');
      return { running: true, mode: 'ipvs' };
    }
    if (start.then === 'exit') {
      stopKubeProxy(state);
      return { running: false, reason: start.reason };
    }
  }
  state.ipvs = leave(state.ipvs);
  state.iptables = followed;
  state.natLeadsToIptables = true;
  state.kubeProxy = 'iptables';
  // Its rules match on connection states.
  if (!state.modules.builtin.has('nf_conntrack')) state.modules.loaded.add('nf_conntrack');
  return { running: true, mode: 'iptables' };
}

/** What it programmed stays in the kernel. */
function stopKubeProxy(state: ModelState): void {
  state.iptables = leave(state.iptables);
  state.ipvs = leave(state.ipvs);
  state.kubeProxy = null;
}
