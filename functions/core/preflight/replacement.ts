import { type Checks, type Finding, pass, refuse, unknown, warn, workloadCheck } from './check.ts';
import { type DaemonSetSummary, findDaemonSet, type Workloads } from './workloads.ts';

export const CILIUM = { name: 'cilium', labels: { 'k8s-app': 'cilium' } };
export const CALICO = { name: 'calico-node', labels: { 'k8s-app': 'calico-node' } };
const KUBE_ROUTER = { name: 'kube-router', labels: { 'k8s-app': 'kube-router' } };

const FIX = 'There is nothing to migrate here: kube-proxy does not handle the Services of this cluster.';
const LOOK = 'See what handles Services: `kubectl -n kube-system get daemonsets`.';

/** Cilium before 1.14 uses the values `strict`, `disabled`, `partial` and `probe`. */
function cilium(sets: readonly DaemonSetSummary[], { ciliumReplacement: setting }: Workloads): Finding | null {
  if (findDaemonSet(sets, CILIUM) === undefined) return null;
  if (setting === undefined || setting.kind === 'unreadable')
    return unknown(`whether Cilium replaces kube-proxy: its configuration cannot be read${reason(setting)}`, LOOK);
  const value = setting.value ?? 'false';
  if (value === 'true' || value === 'strict') return refuse('Cilium replaces kube-proxy', FIX);
  if (value === 'false' || value === 'disabled') return pass('Cilium runs and leaves Services to kube-proxy');
  return warn(`Cilium handles part of the Services itself (kube-proxy-replacement ${value})`, LOOK);
}

/** An environment variable wins over the FelixConfiguration. https://docs.tigera.io/calico/latest/reference/felix/configuration */
function calico(sets: readonly DaemonSetSummary[], { felixBpf: setting }: Workloads): Finding | null {
  const found = findDaemonSet(sets, CALICO);
  if (found === undefined) return null;
  const variable = found.env['FELIX_BPFENABLED']?.toLowerCase();
  const replaces = refuse('Calico replaces kube-proxy with its eBPF data plane', FIX);
  const leaves = pass('Calico runs and leaves Services to kube-proxy');
  if (variable !== undefined && variable !== '')
    return ['true', '1', 'yes', 'y', 't'].includes(variable) ? replaces : leaves;
  if (setting === undefined || setting.kind === 'unreadable')
    return unknown(
      `whether Calico's eBPF data plane is on: its FelixConfiguration cannot be read${reason(setting)}`,
      LOOK,
    );
  return setting.value === true ? replaces : leaves;
}

function kubeRouter(sets: readonly DaemonSetSummary[]): Finding | null {
  const found = findDaemonSet(sets, KUBE_ROUTER);
  if (found === undefined) return null;
  return found.args.includes('--run-service-proxy=false')
    ? pass('kube-router runs and leaves Services to kube-proxy')
    : refuse('kube-router handles Services with IPVS of its own', FIX);
}

const reason = (setting: Workloads['ciliumReplacement'] | Workloads['felixBpf']): string =>
  setting?.kind === 'unreadable' ? ` (${setting.why})` : '';

const RANK = { BLOCK: 0, WARN: 1, PASS: 2 };

function replacement(workloads: Workloads): Finding {
  const { daemonSets } = workloads;
  if (daemonSets.kind === 'unreadable') return unknown(`DaemonSets cannot be read: ${daemonSets.why}`, LOOK);
  const findings = [
    cilium(daemonSets.value, workloads),
    calico(daemonSets.value, workloads),
    kubeRouter(daemonSets.value),
  ];
  const [worst] = findings.filter((each) => each !== null).sort((a, b) => RANK[a.verdict] - RANK[b.verdict]);
  return worst ?? pass('neither Cilium, Calico nor kube-router is there to replace kube-proxy');
}

export const REPLACEMENT_CHECKS = {
  'kube-proxy-replacement': {
    source: 'https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/',
    acknowledgeable: false,
    changeOnly: true,
    find: workloadCheck("Cilium's, Calico's or kube-router's own handling of Services", replacement),
  },
} satisfies Checks;
