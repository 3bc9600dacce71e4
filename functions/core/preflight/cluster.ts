import { MODES } from '../modes/index.ts';
import { block, type Checks, type Finding, pass, refuse, type Subject } from './check.ts';

function clusterStatus({ snapshot }: Subject): Finding {
  if (snapshot.status === 'ACTIVE') return pass('the cluster is ACTIVE');
  return block(`the cluster is ${snapshot.status}`, 'Start again when it is ACTIVE.');
}

function autoMode({ snapshot }: Subject): Finding {
  if (!snapshot.autoMode) return pass('the cluster does not run EKS Auto Mode');
  const fix = 'There is nothing to migrate here: EKS Auto Mode manages its nodes and their kube-proxy itself.';
  return block('the cluster runs EKS Auto Mode', fix);
}

function updateInFlight({ snapshot }: Subject): Finding {
  if (!snapshot.updateInFlight) return pass('no update of the cluster or the add-on is in progress');
  return block('an update of the cluster or the add-on is in progress', 'Wait until it has ended.');
}

const NFTABLES = 'Migrate to nftables mode instead, the recommended successor.';

export function minorOf({ snapshot }: { snapshot: { version: string } }): number | null {
  const match = /^1\.(\d{1,3})$/.exec(snapshot.version);
  return match === null ? null : Number(match[1]);
}

function version(subject: Subject): Finding {
  const text = `Kubernetes ${subject.snapshot.version}`;
  const minor = minorOf(subject);
  if (minor === null) return refuse(`${text} is not a known version`, 'Update nightshift.');
  const { mode } = subject.request.target;
  const { removedIn } = MODES[mode];
  if (removedIn !== null && minor >= removedIn)
    return refuse(`kube-proxy of ${text} has no ${mode} mode any more`, NFTABLES);
  return removedIn === null
    ? pass(`${text} is known, and no version removes ${mode} mode`)
    : pass(`kube-proxy of ${text} has ${mode} mode`);
}

function ipvsDeprecated(subject: Subject): Finding | null {
  const minor = minorOf(subject);
  if (minor === null || minor >= 40) return null;
  const text = `Kubernetes ${subject.snapshot.version}`;
  if (minor <= 32) return pass(`ipvs mode is not deprecated in ${text}`);
  if (minor <= 34) {
    const why = `ipvs mode is not deprecated in ${text}; nftables, its recommended successor, is there too`;
    return pass(why, 'Consider nftables mode, stable since 1.33.');
  }
  const fix = `${NFTABLES} Or accept the risk: acknowledge ipvs-deprecated.`;
  return block(`ipvs mode is deprecated in ${text} and will be removed`, fix);
}

function ipvsDisabled(subject: Subject): Finding | null {
  const minor = minorOf(subject);
  if (minor === null || minor < 40 || minor >= 43) return null;
  const why = `kube-proxy of Kubernetes ${subject.snapshot.version} exits in ipvs mode`;
  return block(`${why} unless its feature gate was switched on`, NFTABLES);
}

const EKS = 'https://docs.aws.amazon.com/eks/latest';
const KEP_5495 = 'https://github.com/kubernetes/enhancements/issues/5495';

export const CLUSTER_CHECKS = {
  'cluster-status': {
    source: `${EKS}/APIReference/API_Cluster.html`,
    acknowledgeable: false,
    changeOnly: false,
    find: clusterStatus,
  },
  'auto-mode': {
    source: `${EKS}/userguide/automode.html`,
    acknowledgeable: false,
    changeOnly: false,
    find: autoMode,
  },
  'update-in-flight': {
    source: `${EKS}/APIReference/API_DescribeUpdate.html`,
    acknowledgeable: false,
    changeOnly: false,
    find: updateInFlight,
  },
} satisfies Checks;

export const VERSION_CHECKS = {
  version: { source: KEP_5495, acknowledgeable: false, changeOnly: true, find: version },
  'ipvs-deprecated': { source: KEP_5495, acknowledgeable: true, changeOnly: true, find: ipvsDeprecated },
  'ipvs-disabled': { source: KEP_5495, acknowledgeable: true, changeOnly: true, find: ipvsDisabled },
} satisfies Checks;
