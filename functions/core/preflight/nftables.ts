import { named } from '../values/named.ts';
import { isSince, releaseText } from '../values/release.ts';
import { block, type Checks, type Finding, notYet, pass, refuse, type Subject, unknown, warn } from './check.ts';
import { kubeProxyMinor } from './daemon-set.ts';
import { formerProxying } from './former-mode.ts';
import { eligible, nodeLabel } from './nodes.ts';
import { RECOMMENDED_MINOR } from './services.ts';
import { FIRST_CNI, vpcCni } from './vpc-cni.ts';

/** The first kube-proxy whose nftables mode is stable, and supported by EKS. */
export const STABLE_MINOR = 33;

function kubeProxyVersion(subject: Subject): Finding {
  const minor = kubeProxyMinor(subject);
  const fix = `Update the cluster to Kubernetes 1.${RECOMMENDED_MINOR} first, and kube-proxy with it.`;
  if (minor === null)
    return subject.workloads === null && subject.strategy === 'kubernetes-api'
      ? notYet('the version of kube-proxy', 'Nothing to do: it is checked before anything is changed.')
      : block(
          "unknown: the version of kube-proxy, whose nftables mode is stable since 1.33: its image's tag is not EKS's",
          'Give kube-proxy an image of EKS, or acknowledge kube-proxy-version if it is 1.33 or newer.',
        );
  if (minor < STABLE_MINOR)
    return refuse(`kube-proxy is 1.${minor}: nftables mode is stable, and supported by EKS, since 1.33`, fix);
  if (minor < RECOMMENDED_MINOR)
    return warn(
      `kube-proxy is 1.${minor}, and AWS recommends nftables mode from 1.${RECOMMENDED_MINOR} on: before, a sync writes more than what changed, and takes minutes in large clusters`,
      fix,
    );
  return pass(`kube-proxy is 1.${minor}`);
}

/** nftables mode has no scheduler: a cluster with another scheduler than rr loses it. */
function scheduler(subject: Subject): Finding {
  const former = formerProxying(subject);
  if (former === null || !('scheduler' in former) || former.scheduler === 'rr')
    return pass('no scheduler other than rr is configured, and nftables mode has none: it chooses a backend at random');
  return warn(
    `the IPVS scheduler ${former.scheduler} is lost: nftables mode has none, and chooses a backend at random`,
    'If clients rely on one backend, set sessionAffinity: ClientIP in their Services. A rollback restores the scheduler.',
  );
}

/** Only the nodes can report this: preparation asks each node that runs scripts, and blocks the change. */
function askedOnNodes(subject: Subject, about: string, yourself: string): Finding | null {
  const nodes = eligible(subject).map(({ node }) => node);
  const silent = nodes.filter(({ handling }) => handling.by === 'proxy-mode');
  if (nodes.length === 0) return null;
  if (silent.length > 0)
    return unknown(
      `${about} on nodes that run no scripts: ${named(silent.map(nodeLabel))}`,
      `${yourself} Preparation checks the other nodes before anything is changed.`,
    );
  return notYet(about, 'Nothing to do: preparation checks every node before anything is changed.');
}

const localhostNodePorts = (subject: Subject): Finding | null =>
  askedOnNodes(
    subject,
    'use of node ports on 127.0.0.1, which do not answer there in nftables mode',
    'See whether programs on the nodes use them: kubeproxy_iptables_localhost_nodeports_accepted_packets_total in the metrics of kube-proxy is more than 0 then.',
  );

const hostFirewall = (subject: Subject): Finding | null =>
  askedOnNodes(
    subject,
    'firewalls on nodes that drop what they do not know: kube-proxy opens nothing in nftables mode',
    'See whether such a firewall runs there.',
  );

/** The version of Bottlerocket's Kubernetes that loses packets with an older CNI, and the first whose nft has crashed. */
const LOSES_PACKETS = 34;
const CRASHES = 36;

function bottlerocket(subject: Subject): Finding | null {
  const nodes = eligible(subject).flatMap(({ node }) => (node.kind === 'bottlerocket' ? [node] : []));
  if (nodes.length === 0) return null;
  const minor = kubeProxyMinor(subject);
  const lost = lostPackets(subject, minor);
  if (lost?.verdict === 'BLOCK') return lost;
  if (minor === null || minor >= CRASHES) return crashes(subject, named(nodes.map(nodeLabel)));
  return lost ?? pass('nothing is known against nftables mode on these Bottlerocket nodes');
}

function lostPackets({ workloads, strategy }: Subject, minor: number | null): Finding | null {
  if (minor !== null && minor < LOSES_PACKETS) return null;
  const about = 'the Amazon VPC CNI, with which Bottlerocket nodes lose packets after hours if it is older than 1.23.0';
  if (workloads === null && strategy === 'kubernetes-api')
    return notYet(about, 'Nothing to do: it is checked before anything is changed.');
  const read = workloads === null ? null : vpcCni(workloads);
  const release = read?.kind === 'read' ? (read.value?.release ?? null) : null;
  if (release === null) return unknown(about, 'See the check vpc-cni.');
  if (isSince(release, FIRST_CNI)) return null;
  return block(
    `Bottlerocket nodes with the Amazon VPC CNI ${releaseText(release)} have lost packets after hours in nftables mode`,
    `Update the Amazon VPC CNI to ${releaseText(FIRST_CNI)} or newer first.`,
  );
}

function crashes({ strategy }: Subject, nodes: string): Finding {
  const why = `on Bottlerocket the nft of kube-proxy 1.${CRASHES} has crashed at every sync while /proxyMode answered nftables: ${nodes}`;
  return strategy === 'kubernetes-api'
    ? warn(
        why,
        'Nothing to do: one of these nodes goes first, and its kube-proxy must report syncs without failures before others are restarted.',
      )
    : block(
        `${why}; without the Kubernetes API no canary proves that it does not`,
        'Give nightshift access to the Kubernetes API.',
      );
}

const AWS = 'https://docs.aws.amazon.com/eks/latest/best-practices/nftables.html';
const MIGRATING =
  'https://kubernetes.io/docs/reference/networking/virtual-ips/#migrating-from-iptables-mode-to-nftables';

export const NFTABLES_CHECKS = {
  'kube-proxy-version': { source: AWS, acknowledgeable: true, changeOnly: true, find: kubeProxyVersion },
  scheduler: { source: AWS, acknowledgeable: true, changeOnly: true, find: scheduler },
  'localhost-node-ports': { source: MIGRATING, acknowledgeable: true, changeOnly: true, find: localhostNodePorts },
  'host-firewall': { source: MIGRATING, acknowledgeable: true, changeOnly: true, find: hostFirewall },
  bottlerocket: {
    source: 'https://github.com/kubernetes/kubernetes/issues/140898',
    acknowledgeable: true,
    changeOnly: true,
    find: bottlerocket,
  },
} satisfies Checks;
