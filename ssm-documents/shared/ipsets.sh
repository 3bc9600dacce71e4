# shellcheck shell=sh
# All ipsets that kube-proxy makes in IPVS mode, without the prefix KUBE- (IPv4) or KUBE-6- (IPv6). Names: `ipsetInfo` in
# https://github.com/kubernetes/kubernetes/blob/master/pkg/proxy/ipvs/proxier.go. kube-router has KUBE-SRC-* and KUBE-DST-*.
sets='LOOP-BACK CLUSTER-IP EXTERNAL-IP EXTERNAL-IP-LOCAL LOAD-BALANCER LOAD-BALANCER-LOCAL LOAD-BALANCER-FW
LOAD-BALANCER-SOURCE-IP LOAD-BALANCER-SOURCE-CIDR NODE-PORT-TCP NODE-PORT-LOCAL-TCP NODE-PORT-UDP NODE-PORT-LOCAL-UDP
NODE-PORT-SCTP-HASH NODE-PORT-LOCAL-SCTP-HASH HEALTH-CHECK-NODE-PORT IPVS-IPS'
# The full names. The kernel allows 31 characters, so kube-proxy truncates longer ones.
own_sets() { for set in $sets; do printf 'KUBE-%s\n%.31s\n' "$set" "KUBE-6-$set"; done; }
