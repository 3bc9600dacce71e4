import ipaddr from 'ipaddr.js';
import { imageRelease, isSince, type Release, releaseText } from '../values/release.ts';
import { block, type Checks, type Finding, notYet, pass, type Subject, unknown, warn, workloadCheck } from './check.ts';
import { findDaemonSet, type Read, type Workloads } from './workloads.ts';

/** The first Amazon VPC CNI that works with kube-proxy in nftables mode. */
export const FIRST_CNI: Release = [1, 23, 0];
/** The network policy agent that belongs to it: their interface changed. */
const FIRST_AGENT: Release = [1, 4, 1];

interface VpcCni {
  /** Null if its image has no version. */
  release: Release | null;
  env: Readonly<Record<string, string>>;
  /** The image of the network policy agent; null if the DaemonSet has no such container. */
  agent: string | null;
}

/** `amazon-k8s-cni` of `registry/amazon-k8s-cni:v1.23.0`. */
const imageName = (image: string): string => image.split('/').at(-1)?.split(/[:@]/)[0] ?? '';

/** The Amazon VPC CNI, by its DaemonSet; null if the cluster does not have it. */
export function vpcCni({ daemonSets }: Workloads): Read<VpcCni | null> {
  if (daemonSets.kind === 'unreadable') return daemonSets;
  const inSystem = daemonSets.value.filter(({ namespace }) => namespace === 'kube-system');
  const set = findDaemonSet(inSystem, { name: 'aws-node', labels: { 'k8s-app': 'aws-node' } });
  if (set === undefined) return { kind: 'read', value: null };
  const image = (name: string) => set.images.find((each) => imageName(each) === name) ?? null;
  const own = image('amazon-k8s-cni');
  return {
    kind: 'read',
    value: {
      release: own === null ? null : imageRelease(own),
      env: set.env,
      agent: image('aws-network-policy-agent'),
    },
  };
}

/** True if the range is a part of one of these ranges. */
function isWithin(cidr: string, ranges: readonly string[]): boolean {
  const [address, prefix] = ipaddr.parseCIDR(cidr);
  return ranges.some((range) => {
    if (!ipaddr.isValidCIDR(range)) return false;
    const [network, length] = ipaddr.parseCIDR(range);
    return address.kind() === network.kind() && length <= prefix && address.match(network, length);
  });
}

/** The variable that keeps the CNI from sending traffic to Services out of the wrong interface; null if none does. */
function exemption({ env }: VpcCni, serviceCidr: string): string | null {
  if (env['AWS_VPC_K8S_CNI_EXTERNALSNAT']?.toLowerCase() === 'true') return 'AWS_VPC_K8S_CNI_EXTERNALSNAT is true';
  const excluded = (env['AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS'] ?? '').split(',').map((range) => range.trim());
  return isWithin(serviceCidr, excluded)
    ? `AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS has the service CIDR ${serviceCidr}`
    : null;
}

const UPDATE = `Update the Amazon VPC CNI to ${releaseText(FIRST_CNI)} or newer first`;
const acknowledge = (cluster: string): string =>
  `See \`aws eks describe-addon --cluster-name ${cluster} --addon-name vpc-cni\`, or the image of the DaemonSet aws-node. Acknowledge vpc-cni if it is ${releaseText(FIRST_CNI)} or newer.`;

/** An unknown version blocks: pods on secondary interfaces are cut off, and no proof on a node shows it. */
function checkCni(workloads: Workloads, { snapshot }: Subject): Finding {
  const read = vpcCni(workloads);
  if (read.kind === 'unreadable')
    return block(`unknown: the version of the Amazon VPC CNI: ${read.why}`, acknowledge(snapshot.name));
  const cni = read.value;
  if (cni === null)
    return unknown(
      'whether the network plugin works with nftables mode: there is no DaemonSet aws-node, so it is not the Amazon VPC CNI',
      'See in the documentation of your network plugin whether it supports kube-proxy in nftables mode.',
    );
  if (cni.release === null)
    return block(
      'unknown: the version of the Amazon VPC CNI: its image has no version in its tag',
      acknowledge(snapshot.name),
    );
  const version = `the Amazon VPC CNI is ${releaseText(cni.release)}`;
  if (isSince(cni.release, FIRST_CNI)) return pass(version);
  const exempt = exemption(cni, snapshot.serviceCidr);
  if (exempt !== null)
    return warn(
      `${version}, and AWS names ${releaseText(FIRST_CNI)} as the first that works with nftables mode; pods on secondary network interfaces reach Services, since ${exempt}`,
      `${UPDATE}, or keep that variable.`,
    );
  return block(
    `${version}: below ${releaseText(FIRST_CNI)} pods on secondary network interfaces reach no ClusterIP in nftables mode, and no proof on a node shows it`,
    `${UPDATE}; or set AWS_VPC_K8S_CNI_EXTERNALSNAT=true, or add ${snapshot.serviceCidr} to AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS, in its DaemonSet aws-node.`,
  );
}

function cniFinding(subject: Subject): Finding {
  if (subject.workloads !== null) return checkCni(subject.workloads, subject);
  if (subject.strategy === 'kubernetes-api')
    return notYet('the version of the Amazon VPC CNI', 'Nothing to do: it is checked before anything is changed.');
  return block(
    'unknown: the version of the Amazon VPC CNI, since with strategy pod-annotations nightshift does not reach the Kubernetes API',
    acknowledge(subject.snapshot.name),
  );
}

function policyAgent(workloads: Workloads): Finding | null {
  const read = vpcCni(workloads);
  const fix = `Update the Amazon VPC CNI and its network policy agent together: the add-on vpc-cni brings both.`;
  if (read.kind === 'unreadable') return unknown(`the network policy agent of the Amazon VPC CNI: ${read.why}`, fix);
  const cni = read.value;
  if (cni === null) return null;
  if (cni.agent === null) return pass('the Amazon VPC CNI runs without its network policy agent');
  const agent = imageRelease(cni.agent);
  if (agent === null || cni.release === null)
    return unknown('whether the network policy agent belongs to the Amazon VPC CNI: an image has no version', fix);
  const pair = `the network policy agent ${releaseText(agent)} with the Amazon VPC CNI ${releaseText(cni.release)}`;
  const [newCni, newAgent] = [isSince(cni.release, FIRST_CNI), isSince(agent, FIRST_AGENT)];
  if (!newCni || newAgent) return pass(pair);
  return block(
    `${pair}: from ${releaseText(FIRST_CNI)} on the CNI needs the agent ${releaseText(FIRST_AGENT)} or newer, since their interface changed; network policies may not be enforced`,
    fix,
  );
}

export const VPC_CNI_CHECKS = {
  'vpc-cni': {
    source: 'https://github.com/aws/amazon-vpc-cni-k8s/issues/3563',
    acknowledgeable: true,
    changeOnly: true,
    find: cniFinding,
  },
  'network-policy-agent': {
    source: 'https://github.com/aws/amazon-vpc-cni-k8s/releases/tag/v1.23.0',
    acknowledgeable: true,
    changeOnly: true,
    find: workloadCheck('the network policy agent of the Amazon VPC CNI', policyAgent),
  },
} satisfies Checks;
