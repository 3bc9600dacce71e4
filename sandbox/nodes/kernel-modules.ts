/**
 * The kernel modules that IPVS mode uses, one for each scheduler that EKS documents, in the order of EKS's page.
 * https://docs.aws.amazon.com/eks/latest/best-practices/ipvs.html
 */
export const IPVS_KERNEL_MODULES: readonly string[] = [
  'ip_vs',
  'ip_vs_rr',
  'ip_vs_wrr',
  'ip_vs_lc',
  'ip_vs_wlc',
  'ip_vs_lblc',
  'ip_vs_lblcr',
  'ip_vs_sh',
  'ip_vs_dh',
  'ip_vs_sed',
  'ip_vs_nq',
  'nf_conntrack',
];

/**
 * The kernel modules without which kube-proxy's transactions in nftables mode fail.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/proxy/nftables/proxier.go
 */
export const NFTABLES_KERNEL_MODULES: readonly string[] = [
  'nf_tables',
  'nft_ct',
  'nft_nat',
  'nft_masq',
  'nft_chain_nat',
  'nft_numgen',
  'nft_fib_ipv4',
  'nft_fib_ipv6',
  'nft_reject_ipv4',
  'nft_reject_ipv6',
];

/** Every module that a node of a world may lack. */
export const KERNEL_MODULES: readonly string[] = [...IPVS_KERNEL_MODULES, ...NFTABLES_KERNEL_MODULES];
