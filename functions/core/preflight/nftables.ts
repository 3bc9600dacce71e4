import type { Checks } from './check.ts';

const entry = (source: string, acknowledgeable: boolean) => ({
  source,
  acknowledgeable,
  changeOnly: true,
  find: () => null,
});
const AWS = 'https://docs.aws.amazon.com/eks/latest/best-practices/nftables.html';
const VIRTUAL_IPS = 'https://kubernetes.io/docs/reference/networking/virtual-ips/';

export const NFTABLES_CHECKS = {
  'kube-proxy-version': entry(AWS, false),
  scheduler: entry(AWS, true),
  'localhost-node-ports': entry(VIRTUAL_IPS, true),
  'host-firewall': entry(VIRTUAL_IPS, true),
  'node-kernels': entry(AWS, false),
  bottlerocket: entry('https://github.com/kubernetes/kubernetes/issues/140898', true),
  'rollout-possible': entry('https://kubernetes.io/docs/tasks/manage-daemon/update-daemon-set/', true),
  'vpc-cni': entry('https://github.com/aws/amazon-vpc-cni-k8s/issues/3563', true),
  'network-policy-agent': entry('https://github.com/aws/amazon-vpc-cni-k8s/releases', true),
  calico: entry('https://docs.tigera.io/calico/latest/getting-started/kubernetes/nftables', true),
  'node-port-addresses': entry(VIRTUAL_IPS, true),
  'cluster-size': entry('https://github.com/kubernetes/kubernetes/issues/135639', true),
} satisfies Checks;
