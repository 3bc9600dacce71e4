import type { CommandResult } from '@nightshift/sandbox';
import {
  count,
  endpointsOf,
  hears,
  load,
  type ModelDocument,
  type ModelDocuments,
  type ModelState,
} from '@nightshift/sandbox/nodes';
import { IPVS_KERNEL_MODULES, type ProxyMode } from '../functions/core/modes/proxy-mode.ts';
import type { DocumentName } from './documents.ts';
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

/** What prepare-node.sh does and prints. */
function prepareNode(state: ModelState, scheduler: string): CommandResult {
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
    `kernel=${kernel}`,
    `ipvsadm=${ipvsadm}`,
    `loaded=${IPVS_KERNEL_MODULES.filter((module) => modules.loaded.has(module) && !before.has(module)).join(',')}`,
    `builtin=${IPVS_KERNEL_MODULES.filter((module) => modules.builtin.has(module)).join(',')}`,
    `missing=${missing.join(',')}`,
    `scheduler=${needed === undefined ? 'ok' : 'missing'}`,
    'persisted=ok',
    'probes=ok',
    `foreign-virtual-servers=${named(state.foreignVirtualServers)}`,
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

/** What kube-proxy answers where the scripts ask, which is port 10249 of the node itself. */
const answered = ({ kubeProxy, metrics }: ModelState): ProxyMode | null =>
  hears(metrics, 'node', '10249') ? kubeProxy : null;

interface Validation {
  apiServer: string;
  dns: string;
  mode: string;
  scheduler: string;
}

/** What validate-node.sh prints. */
function validateNode(state: ModelState, parameters: Validation): CommandResult {
  const { apiServer, dns, mode } = parameters;
  if (mode === 'ipvs' && parameters.scheduler === 'none')
    return failure('mode ipvs is validated with its scheduler: Scheduler is none');
  const iptables = count(state.iptables);
  const stale = mode === 'ipvs' ? iptables.total - iptables.withEndpoints : state.ipvs ? 1 : 0;
  const source = state.ipvsadmInstalled ? 'ipvsadm' : 'proc';
  const wanted = [
    { protocol: 'TCP', address: apiServer, port: 443 },
    { protocol: 'TCP', address: dns, port: 53 },
    { protocol: 'UDP', address: dns, port: 53 },
  ] as const;
  const emptyDns = state.kubeProxy === 'ipvs' && state.dnsWithoutBackends.take(() => true) !== undefined;
  const lost = state.kubeProxy === 'iptables' && state.apiServerLost.take(() => true) !== undefined;
  const tables = wanted.flatMap((server) => {
    const found = endpointsOf(state.ipvs, server);
    if (found === null || state.ipvsScheduler === null) return [];
    const endpoints = emptyDns && server.address === dns ? [] : found;
    return showVirtualServer(source, { ...server, scheduler: state.ipvsScheduler }, endpoints);
  });
  const stdout = lines([
    'nightshift-validate=1',
    `kernel=${state.kernel}`,
    `proxyMode=${answered(state) ?? 'unreachable'}`,
    `kubeIpvs0=${state.ipvs ? 'present' : 'absent'}`,
    `virtualServers=${count(state.ipvs).total}`,
    `ipsets=${state.ipvs ? IPSETS : 0}`,
    `rejectRules=${stale}`,
    `iptablesServices=${iptables.withEndpoints}`,
    `foreignVirtualServers=${state.foreignVirtualServers.length}`,
    `source=${source}`,
    `apiServerProbe=${lost ? 'failed' : probe(state, wanted[0])}`,
    `dnsProbe=${emptyDns ? 'failed' : probe(state, wanted[2])}`,
    'tables<<',
    ...tables,
    '>>',
    'end=nightshift-validate',
  ]);
  if (stdout.length > 2_000)
    return failure(
      `the proof of this node is ${stdout.length - 1} characters long: more than 2,000 would be cut by SSM`,
    );
  return { exitCode: 0, stdout, stderr: '' };
}

/**
 * A packet from the node itself meets iptables' nat rules first and IPVS next, both before table filter has a say
 * (priorities -100, -98 and 0 of the OUTPUT hook). Every endpoint of a sandbox answers.
 */
function probe(state: ModelState, service: { protocol: 'TCP' | 'UDP'; address: string; port: number }): string {
  const inNat = state.natLeadsToIptables ? endpointsOf(state.iptables, service) : null;
  const endpoints = inNat?.length ? inNat : endpointsOf(state.ipvs, service);
  return endpoints?.length ? 'ok' : 'failed';
}

/** What clean-node.sh does and prints. */
function cleanNode(state: ModelState, mode: string): CommandResult {
  if (answered(state) !== mode)
    return failure(
      `refused: kube-proxy on this node reports ${answered(state) ?? 'nothing'}, not ${mode}: what would be removed may be in use`,
    );
  const removed = { rules: 0, chains: 0, virtualServers: 0, ipsets: 0, kubeIpvs0: 'no' };
  if (mode === 'ipvs') {
    const { total, withEndpoints, endpoints } = count(state.iptables);
    removed.rules = total - withEndpoints;
    // A KUBE-SVC chain for a port of a Service and a KUBE-SEP chain for each of its endpoints.
    removed.chains = withEndpoints + endpoints;
    state.iptables = null;
  } else if (state.ipvs) {
    removed.rules = IPVS_RULES;
    removed.chains = IPVS_CHAINS;
    removed.virtualServers = count(state.ipvs).total;
    removed.ipsets = IPSETS;
    removed.kubeIpvs0 = 'yes';
    state.ipvs = null;
    state.ipvsScheduler = null;
  }
  const stdout = lines([
    'nightshift-clean=1',
    `mode=${mode}`,
    `removedRules=${removed.rules}`,
    `removedChains=${removed.chains}`,
    `removedVirtualServers=${removed.virtualServers}`,
    `removedIpsets=${removed.ipsets}`,
    `removedKubeIpvs0=${removed.kubeIpvs0}`,
    'end=nightshift-clean',
  ]);
  return { exitCode: 0, stdout, stderr: '' };
}

const failure = (why: string): CommandResult => ({ exitCode: 1, stdout: '', stderr: `${why}\n` });

const MODELS = {
  'prepare-node': { installs: true, run: (state, parameter) => prepareNode(state, parameter('Scheduler')) },
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
