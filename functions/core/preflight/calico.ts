import { MODES } from '../modes/index.ts';
import { block, type Checks, type Finding, pass, type Subject, workloadCheck } from './check.ts';
import { CALICO } from './replacement.ts';
import { findDaemonSet, type Workloads } from './workloads.ts';

const ENABLE =
  'Set `linuxDataplane: Nftables` in the Installation of the Tigera operator, or nftablesMode Enabled in the FelixConfiguration default, when kube-proxy changes; then acknowledge calico.';
const DISABLE =
  'Set `linuxDataplane: Iptables` in the Installation of the Tigera operator, or nftablesMode Disabled in the FelixConfiguration default, when kube-proxy changes; then acknowledge calico.';

/** `nftablesMode` of Calico's data plane, in lower case; null if it is not set; undefined if it cannot be read. */
function nftablesMode(
  env: Readonly<Record<string, string>>,
  { felixNftables }: Pick<Workloads, 'felixNftables'>,
): string | null | undefined {
  // A variable wins over the FelixConfiguration.
  const variable = env['FELIX_NFTABLESMODE'];
  if (variable !== undefined && variable !== '') return variable.toLowerCase();
  return felixNftables === undefined ? undefined : (felixNftables?.toLowerCase() ?? null);
}

/**
 * Calico's data plane and kube-proxy have to use nftables both, or neither. An unknown one blocks a change to nftables:
 * Calico's rules would be gone, and no proof on a node shows it.
 */
function calico(workloads: Workloads, { request }: Subject): Finding | null {
  const { daemonSets, felixBpf } = workloads;
  const toNftables = MODES[request.target.mode].felixNftables === 'enabled';
  if (daemonSets.kind === 'unreadable')
    return toNftables ? block(`unknown: whether Calico runs: ${daemonSets.why}`, ENABLE) : null;
  const found = findDaemonSet(daemonSets.value, CALICO);
  if (found === undefined) return toNftables ? pass('Calico does not run') : null;
  const mode = nftablesMode(found.env, workloads);
  if (mode === 'auto') return pass('Calico chooses its data plane by the mode of kube-proxy (nftablesMode Auto)');
  if (!toNftables)
    return mode === 'enabled'
      ? block(`Calico's data plane is nftables, and it needs kube-proxy in nftables mode too`, DISABLE)
      : pass("Calico's data plane is not nftables, or its configuration cannot be read");
  if (mode === 'enabled') return pass("Calico's data plane is nftables");
  if (mode === undefined)
    return block(
      `unknown: whether Calico's data plane is nftables: its FelixConfiguration cannot be read${felixBpf?.kind === 'unreadable' ? ` (${felixBpf.why})` : ''}`,
      `See \`kubectl get felixconfiguration default -o yaml\`. ${ENABLE}`,
    );
  return block(
    `Calico's data plane is not nftables (nftablesMode ${mode ?? 'is not set'}), and Calico does not work beside kube-proxy in nftables mode then`,
    ENABLE,
  );
}

export const CALICO_CHECKS = {
  calico: {
    source: 'https://docs.tigera.io/calico/latest/getting-started/kubernetes/nftables',
    acknowledgeable: true,
    changeOnly: true,
    find: workloadCheck("whether Calico's data plane fits kube-proxy's mode", calico),
  },
} satisfies Checks;
