/**
 * What other programs have on a node beside kube-proxy, in their shape: kube-router's network policies (names:
 * https://github.com/cloudnativelabs/kube-router/blob/master/pkg/controllers/netpol/network_policy_controller.go) in both
 * backends of iptables, kubelet's chains, tables of nftables, one of them with kube-proxy's own names, and virtual servers
 * as keepalived and kube-vip make them.
 */
export const RULES_OF_OTHERS = `
ipset create KUBE-SRC-2FAAAV5XKHM46QPR hash:ip timeout 0
ipset add KUBE-SRC-2FAAAV5XKHM46QPR 192.168.9.77
ipset create KUBE-DST-3YNVZWWGX3UQQ4VQ hash:ip timeout 0
ipset create inet6:KUBE-SRC-2FAAAV5XKHM46Q hash:ip family inet6 timeout 0
ipset create office hash:net
ipset add office 203.0.113.0/24
for iptables in iptables-legacy iptables-nft ip6tables-legacy ip6tables-nft; do
  case $iptables in ip6*) set=inet6:KUBE-SRC-2FAAAV5XKHM46Q reject=icmp6-port-unreachable ;; *) set=KUBE-SRC-2FAAAV5XKHM46QPR reject=icmp-port-unreachable ;; esac
  $iptables-restore --noflush <<RULES
*mangle
:KUBE-KUBELET-CANARY - [0:0]
:KUBE-IPTABLES-HINT - [0:0]
COMMIT
*nat
:CNI-HOSTPORT-DNAT - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
COMMIT
*filter
:KUBE-KUBELET-CANARY - [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-ROUTER-INPUT - [0:0]
:KUBE-ROUTER-FORWARD - [0:0]
:KUBE-NWPLCY-DEFAULT - [0:0]
:KUBE-NWPLCY-OFIUXPBIMAQZ4RLX - [0:0]
:KUBE-POD-FW-UKQ6FKPVMMLQDSRJ - [0:0]
-A INPUT -m comment --comment "kube-router netpol" -j KUBE-ROUTER-INPUT
-A FORWARD -m comment --comment "kube-router netpol" -j KUBE-ROUTER-FORWARD
-A OUTPUT -j KUBE-FIREWALL
-A KUBE-FIREWALL -m comment --comment "kubernetes firewall for dropping marked packets" -m mark --mark 0x8000/0x8000 -j DROP
-A KUBE-ROUTER-FORWARD -m comment --comment "rule to jump traffic" -j KUBE-POD-FW-UKQ6FKPVMMLQDSRJ
-A KUBE-POD-FW-UKQ6FKPVMMLQDSRJ -m comment --comment "run through nw policy" -j KUBE-NWPLCY-OFIUXPBIMAQZ4RLX
-A KUBE-POD-FW-UKQ6FKPVMMLQDSRJ -m comment --comment "rule to REJECT traffic, pod has no endpoints" -m mark ! --mark 0x10000/0x10000 -j REJECT --reject-with $reject
-A KUBE-NWPLCY-OFIUXPBIMAQZ4RLX -m comment --comment "rule to ACCEPT traffic from source pods" -m set --match-set $set src -j MARK --set-xmark 0x10000/0x10000
COMMIT
RULES
done
/usr/local/lib/kube-proxy/image/usr/sbin/nft -f - <<TABLES
add table ip kube-proxy-lab
add map ip kube-proxy-lab service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }
add chain ip kube-proxy-lab services
add rule ip kube-proxy-lab services ip daddr . meta l4proto . th dport vmap @service-ips
add table inet kube-proxy
add set inet kube-proxy cluster-ips { type ipv4_addr ; elements = { 203.0.113.9 } ; }
add chain inet kube-proxy nat-output { type nat hook output priority 200 ; }
add rule inet kube-proxy nat-output ip daddr @cluster-ips accept
add table inet firewall
add chain inet firewall forward { type filter hook forward priority 10 ; policy drop ; }
add rule inet firewall forward accept
add table ip6 calico
add chain ip6 calico raw { type filter hook prerouting priority -300 ; policy accept ; }
TABLES
`;

/** A VIP of its own as keepalived has it, on an interface that is not kube-ipvs0. */
export const SERVERS_OF_OTHERS = `
[ -d /sys/class/net/vrrp ] || {
  ip link add vrrp type dummy
  ip link set vrrp up
  ip address add 10.0.0.5/32 dev vrrp
  ip address add fd00::5/128 dev vrrp nodad
}
/usr/local/lib/kube-proxy/ipvsadm -R <<SERVERS
-A -t 10.0.0.5:80 -s wlc -p 300
-a -t 10.0.0.5:80 -r 10.0.0.21:80 -g -w 3
-a -t 10.0.0.5:80 -r 10.0.0.22:80 -i -w 0
-A -t 10.0.0.5:31000 -s rr
-a -t 10.0.0.5:31000 -r 10.0.0.21:31000 -m -w 1
-A -u [fd00::5]:53 -s sh
-a -u [fd00::5]:53 -r [fd00::21]:53 -g -w 1
-A -f 7 -s rr
-a -f 7 -r 10.0.0.21:0 -g -w 1
SERVERS
`;
/**
 * A port of their own on the ClusterIP of the API server, which kube-ipvs0 has in IPVS mode: only kube-proxy's ipsets show
 * that it is not kube-proxy's.
 */
export const SERVERS_ON_CLUSTER_IPS = `
/usr/local/lib/kube-proxy/ipvsadm -R <<SERVERS
-A -t 10.100.0.1:8443 -s rr
-a -t 10.100.0.1:8443 -r 10.0.0.21:8443 -g -w 1
-A -t [fd30:1c53:5f8a::1]:8443 -s rr
-a -t [fd30:1c53:5f8a::1]:8443 -r [fd00::21]:8443 -g -w 1
SERVERS
`;
/** All these servers as prepare-node.sh names them. */
export const SERVERS_OF_OTHERS_NAMED = [
  'fwm/7',
  'tcp/10.0.0.5:31000',
  'tcp/10.0.0.5:80',
  'tcp/10.100.0.1:8443',
  'tcp/[fd30:1c53:5f8a::1]:8443',
  'udp/[fd00::5]:53',
];

/**
 * All rules of both backends, ipsets, virtual servers and addresses, one a line and sorted; no counters. Then the tables of
 * nftables that are neither iptables' nor kube-proxy's.
 */
export const EVERYTHING = `
for iptables in iptables-legacy iptables-nft ip6tables-legacy ip6tables-nft; do
  "$iptables-save" 2>/dev/null | grep -v '^#' | sed "s/ \\[[0-9:]*\\]$//; s/^/$iptables /"
done | sort
ipset save | sed 's/ timeout [0-9]*$//' | sort
/usr/local/lib/kube-proxy/ipvsadm -Sn
ip -o address show | sed 's/^[0-9]*: //; s/ *valid_lft.*//' | sort
nft=/usr/local/lib/kube-proxy/image/usr/sbin/nft
"$nft" list tables | grep -vE '^table ip6? (filter|nat|mangle|raw|security|kube-proxy)$' | while read -r table; do
  # The words are the arguments.
  "$nft" list $table
done
`;
