import type { CommandResult } from '@nightshift/sandbox';
import {
  askKubeProxy,
  count,
  endpointsOf,
  isThere,
  load,
  type ModelDocument,
  type ModelDocuments,
  type ModelState,
  NFT_TABLES,
} from '@nightshift/sandbox/nodes';
import { isProxyMode } from '../functions/core/modes/index.ts';
import { NFTABLES_KERNEL_MODULES } from '../functions/core/modes/nftables-preparation.ts';
import { IPVS_KERNEL_MODULES } from '../functions/core/modes/proxy-mode.ts';
import type { DocumentName } from './documents.ts';
import { connectMicros, metricsOf } from './model-figures.ts';
import { mapElements, type ServicePort } from './model-maps.ts';
import { showVirtualServer } from './model-virtual-servers.ts';

/** Sets that a kube-proxy since 1.26 makes for one address family: pkg/proxy/ipvs/proxier.go, `ipsetInfo`. */
const IPSETS = 17;
/** Chains that only IPVS mode has, over tables filter and nat, and rules in INPUT that lead to them. */
const IPVS_CHAINS = 5;
const IPVS_RULES = 2;

const MIRROR_ERRORS: Record<ModelState['packageManager'], string> = {
  dnf: "Error: Failed to download metadata for repo 'amazonlinux': Cannot prepare internal mirrorlist",
  yum: 'Cannot find a valid baseurl for repo: amzn2-core/2/x86_64',
  'apt-get': 'E: Unable to locate package ipvsadm',
  none: 'none of dnf, yum, apt-get is on this node',
};

const lines = (all: readonly string[]): string => `${all.join('\n')}\n`;

/** What prepare-node.sh prints for nftables mode: nothing is loaded, and a node that has kube-proxy's own nft gets no other. */
function prepareForNftables(state: ModelState): CommandResult {
  const { modules, kernel, kubeProxy, packageMirror, packageManager } = state;
  const mirror = packageMirror === 'up' && packageManager !== 'none';
  const nft = kubeProxy !== null ? 'kube-proxy' : mirror ? 'installed' : 'failed';
  const missing = NFTABLES_KERNEL_MODULES.filter((module) => !isThere(modules, module)).join(',');
  const metrics = metricsOf(state);
  const stdout = lines([
    'nightshift-prepare=1',
    'mode=nftables',
    `kernel=${kernel}`,
    `nft=${nft}`,
    `missing=${missing}`,
    'probes=ok',
    `foreign-virtual-servers=${named(state.foreignVirtualServers)}`,
    `localhostNodePorts=${metrics.localhostNodePorts}`,
    `invalidPackets=${metrics.invalidPackets}`,
    `dropChains=${state.dropChains.join(',')}`,
    `syncMicros=${metrics.syncMicros}`,
    `connectMicros=${connectMicros(state)}`,
    ...(nft === 'failed'
      ? [`warning=nftables could not be installed: ${MIRROR_ERRORS[packageManager].replace('ipvsadm', 'nftables')}`]
      : []),
    'end=nightshift-prepare',
  ]);
  const stderr =
    missing !== ''
      ? `kernel ${kernel} lacks modules that kube-proxy needs in nftables mode: ${missing}\n`
      : nft === 'failed'
        ? 'this node has no nft that reads the rules of kube-proxy, as its proof needs\n'
        : '';
  return { exitCode: stderr === '' ? 0 : 1, stdout, stderr };
}

/** What prepare-node.sh does and prints for IPVS mode. */
function prepareForIpvs(state: ModelState, scheduler: string): CommandResult {
  const { modules, kernel } = state;
  const warnings: string[] = [];
  const ipvsadm = state.ipvsadmInstalled
    ? 'already'
    : state.packageMirror === 'up' && state.packageManager !== 'none'
      ? 'installed'
      : 'failed';
  if (ipvsadm === 'failed')
    warnings.push(`warning=ipvsadm could not be installed: ${MIRROR_ERRORS[state.packageManager]}`);
  state.ipvsadmInstalled = ipvsadm !== 'failed';
  const before = new Set(modules.loaded);
  const missing = IPVS_KERNEL_MODULES.filter((module) => !load(modules, module));
  for (const module of missing)
    if (!['ip_vs', `ip_vs_${scheduler}`, 'nf_conntrack'].includes(module))
      warnings.push(`warning=scheduler ${module.slice('ip_vs_'.length)} is not in this kernel`);
  const needed = missing.find((module) => ['ip_vs', `ip_vs_${scheduler}`, 'nf_conntrack'].includes(module));
  const stdout = lines([
    'nightshift-prepare=1',
    'mode=ipvs',
    `kernel=${kernel}`,
    `ipvsadm=${ipvsadm}`,
    `loaded=${IPVS_KERNEL_MODULES.filter((module) => modules.loaded.has(module) && !before.has(module)).join(',')}`,
    `builtin=${IPVS_KERNEL_MODULES.filter((module) => modules.builtin.has(module)).join(',')}`,
    `missing=${missing.join(',')}`,
    `scheduler=${needed === undefined ? 'ok' : 'missing'}`,
    'persisted=ok',
    'probes=ok',
    `foreign-virtual-servers=${named(state.foreignVirtualServers)}`,
    `syncMicros=${metricsOf(state).syncMicros}`,
    `connectMicros=${connectMicros(state)}`,
    ...warnings,
    'end=nightshift-prepare',
  ]);
  if (needed === undefined) return { exitCode: 0, stdout, stderr: '' };
  const why = `modprobe: FATAL: Module ${needed} not found in directory /lib/modules/${kernel}`;
  return { exitCode: 1, stdout, stderr: `kernel ${kernel} has no module ${needed}: ${why}\n` };
}

/** At most this many foreign virtual servers are named. */
const NAMED = 20;

function named(servers: readonly string[]): string {
  const sorted = [...new Set(servers)].sort();
  const rest = sorted.length > NAMED ? [`+${sorted.length - NAMED}`] : [];
  return [...sorted.slice(0, NAMED), ...rest].join(',');
}

/** The ports that a proof asks for, with the names that they have in every cluster. */
const wantedPorts = (apiServer: string, dns: string): ServicePort[] => {
  const ofDns = { namespace: 'kube-system', name: 'kube-dns', address: dns, port: 53 };
  return [
    { namespace: 'default', name: 'kubernetes', portName: 'https', protocol: 'TCP', address: apiServer, port: 443 },
    { ...ofDns, portName: 'dns-tcp', protocol: 'TCP' },
    { ...ofDns, portName: 'dns', protocol: 'UDP' },
  ];
};

/** The script reads the metrics again after so long. */
const LATER_MS = 2_000;

interface Validation {
  apiServer: string;
  dns: string;
  mode: string;
  scheduler: string;
}

/** What validate-node.sh prints. */
function validateNode(state: ModelState, parameters: Validation): CommandResult {
  const { apiServer, dns, mode } = parameters;
  if (!isProxyMode(mode)) return failure(`this document cannot validate mode ${mode}`);
  if (mode === 'ipvs' && parameters.scheduler === 'none')
    return failure('mode ipvs is validated with its scheduler: Scheduler is none');
  const iptables = count(state.iptables);
  const ofIptables = iptables.total - iptables.withEndpoints;
  const ofIpvs = state.ipvs ? 1 : 0;
  const stale = { ipvs: ofIptables, iptables: ofIpvs, nftables: ofIptables + ofIpvs }[mode];
  const source = mode === 'nftables' ? 'nft' : state.ipvsadmInstalled ? 'ipvsadm' : 'proc';
  const wanted = wantedPorts(apiServer, dns);
  const emptyDns =
    (state.kubeProxy === 'ipvs' || state.kubeProxy === 'nftables') &&
    state.dnsWithoutBackends.take(() => true) !== undefined;
  const lost = state.kubeProxy === 'iptables' && state.apiServerLost.take(() => true) !== undefined;
  const isEmpty = ({ address }: ServicePort): boolean => emptyDns && address === dns;
  const before = askKubeProxy(state);
  const first = metricsOf(state);
  const later = metricsOf(state, LATER_MS);
  const apiServerProbe = lost ? 'failed' : probe(state, wanted[0]);
  const stdout = lines([
    'nightshift-validate=1',
    `kernel=${state.kernel}`,
    `proxyMode=${before.proxyMode ?? 'unreachable'}`,
    `kubeIpvs0=${state.ipvs ? 'present' : 'absent'}`,
    `virtualServers=${count(state.ipvs).total}`,
    `ipsets=${state.ipsets ? IPSETS : 0}`,
    `rejectRules=${stale}`,
    `iptablesServices=${iptables.withEndpoints}`,
    `foreignVirtualServers=${state.foreignVirtualServers.length}`,
    `nftTables=${state.nftables ? NFT_TABLES : 0}`,
    `healthz=${before.healthz ?? 'unreachable'}`,
    `startedAt=${later.startedAt}`,
    `syncedAt=${later.syncedAt}`,
    `syncFailures=${first.syncFailures}`,
    `syncFailuresLater=${later.syncFailures}`,
    `syncMicros=${later.syncMicros}`,
    `source=${source}`,
    `apiServerProbe=${apiServerProbe}`,
    `dnsProbe=${emptyDns ? 'failed' : probe(state, wanted[2])}`,
    `connectMicros=${apiServerProbe === 'ok' ? connectMicros(state) : 'unknown'}`,
    'tables<<',
    ...(source === 'nft' ? mapElements(state, wanted, isEmpty) : virtualServers(state, { source, wanted, isEmpty })),
    '>>',
    'end=nightshift-validate',
  ]);
  if (stdout.length > 2_000)
    return failure(
      `the proof of this node is ${stdout.length - 1} characters long: more than 2,000 would be cut by SSM`,
    );
  return { exitCode: 0, stdout, stderr: '' };
}

function virtualServers(
  state: ModelState,
  shown: {
    source: 'ipvsadm' | 'proc';
    wanted: readonly ServicePort[];
    isEmpty: (port: ServicePort) => boolean;
  },
): string[] {
  return shown.wanted.flatMap((port) => {
    const found = endpointsOf(state.ipvs, port);
    if (found === null || state.ipvsScheduler === null) return [];
    const endpoints = shown.isEmpty(port) ? [] : found;
    return showVirtualServer(shown.source, { ...port, scheduler: state.ipvsScheduler }, endpoints);
  });
}

/**
 * A packet from the node itself meets the nat rules of iptables and nftables first and IPVS next, all before table filter
 * has a say (priorities -100, -98 and 0 of the OUTPUT hook). Every endpoint of a sandbox answers.
 */
function probe(state: ModelState, service: ServicePort | undefined): string {
  if (service === undefined) return 'failed';
  const ways = [state.natLeadsToIptables ? state.iptables : null, state.nftables, state.ipvs];
  return ways.some((rules) => endpointsOf(rules, service)?.length) ? 'ok' : 'failed';
}

/** What clean-node.sh does and prints. */
function cleanNode(state: ModelState, mode: string): CommandResult {
  const { proxyMode } = askKubeProxy(state);
  if (proxyMode !== mode)
    return failure(
      `refused: kube-proxy on this node reports ${proxyMode ?? 'nothing'}, not ${mode}: what would be removed may be in use`,
    );
  const removed = { rules: 0, chains: 0, virtualServers: 0, ipsets: 0, kubeIpvs0: 'no', nftTables: 0 };
  if (mode !== 'iptables') {
    const { total, withEndpoints, endpoints } = count(state.iptables);
    removed.rules = total - withEndpoints;
    // A KUBE-SVC chain for a port of a Service and a KUBE-SEP chain for each of its endpoints.
    removed.chains = withEndpoints + endpoints;
    state.iptables = null;
  }
  if (mode !== 'ipvs' && state.ipvs) {
    removed.rules += IPVS_RULES;
    removed.chains += IPVS_CHAINS;
    removed.virtualServers = count(state.ipvs).total;
    removed.kubeIpvs0 = 'yes';
    state.ipvs = null;
    state.ipvsScheduler = null;
  }
  if (mode !== 'ipvs' && state.ipsets) {
    removed.ipsets = IPSETS;
    state.ipsets = false;
  }
  if (mode !== 'nftables' && state.nftables) {
    removed.nftTables = NFT_TABLES;
    state.nftables = null;
  }
  const stdout = lines([
    'nightshift-clean=1',
    `mode=${mode}`,
    `removedRules=${removed.rules}`,
    `removedChains=${removed.chains}`,
    `removedVirtualServers=${removed.virtualServers}`,
    `removedIpsets=${removed.ipsets}`,
    `removedKubeIpvs0=${removed.kubeIpvs0}`,
    `removedNftTables=${removed.nftTables}`,
    'end=nightshift-clean',
  ]);
  return { exitCode: 0, stdout, stderr: '' };
}

const failure = (why: string): CommandResult => ({ exitCode: 1, stdout: '', stderr: `${why}\n` });

const MODELS = {
  'prepare-node': {
    installs: true,
    run: (state, parameter) =>
      parameter('Mode') === 'nftables' ? prepareForNftables(state) : prepareForIpvs(state, parameter('Scheduler')),
  },
  'validate-node': {
    run: (state, parameter) =>
      validateNode(state, {
        apiServer: parameter('ApiServer'),
        dns: parameter('Dns'),
        mode: parameter('Mode'),
        scheduler: parameter('Scheduler'),
      }),
  },
  'clean-node': { run: (state, parameter) => cleanNode(state, parameter('Mode')) },
} satisfies Record<DocumentName, ModelDocument>;

/**
 * What nightshift's documents do on a model node, which has no shell: exactly what their scripts would print. A sandbox
 * plays any product's documents on nodes with a kernel; on a model node it plays those that it was given a model of. One
 * table of histories (test/ssm-documents/nodes/node-histories.ts) holds these and the scripts on a kernel together.
 */
export const modelDocuments: ModelDocuments = new Map(Object.entries(MODELS));
