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
