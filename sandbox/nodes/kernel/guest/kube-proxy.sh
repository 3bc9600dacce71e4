#!/bin/busybox sh
# shellcheck shell=dash
# usage: kube-proxy MODE SCHEDULER VERSION starts|follows < TABLE
# Programs this node's kernel as kube-proxy does at its start, in its shape and with its names, and answers /proxyMode and
# /metrics on port 10249, /healthz on port 10256.
# `follows`: it runs in this mode already, and the Services have changed.
# A line of the table is a port of a Service: PROTOCOL CLUSTER-IP PORT NAMESPACE/NAME ENDPOINT...
# Like kube-proxy it removes what other modes left where it enters or leaves nftables mode, and nothing between iptables
# and IPVS. Prints `mode=MODE`, or exits 1 with the reason; any other exit is a defect.
# busybox runs its own programs without starting them anew, which counts under software emulation; where a node's real
# program is meant, the path says so.
# It has tools of its own, as kube-proxy's image has: the node's may not be installed.
# busybox knows EPOCHREALTIME, dash does not.
# shellcheck disable=SC3028
started=$EPOCHREALTIME
mode=$1
scheduler=${2:-rr}
version=$3
here=/usr/local/lib/kube-proxy
# The root of kube-proxy's process.
image=$here/image
nft=$image/usr/sbin/nft
# How many times it has failed to write its rules.
failures=0
state=/run/kube-proxy
table=$state/table
kernel=$(uname -r)
minor=${version#*.}
mkdir -p "$state"
cat >"$table"

stop_serving() {
  [ -e "$state/pid" ] && kill -TERM "-$(cat "$state/pid")" 2>/dev/null
  rm -f "$state/pid" "$image"/answers/*/*
}
# From 1.33 on each family of addresses is counted on its own. A counter with a label has no sample before it counts.
# https://kubernetes.io/docs/reference/instrumentation/metrics/
metrics() {
  awk -v mode="$mode" -v minor="$minor" -v started="$started" -v synced="$EPOCHREALTIME" -v failures="$failures" '
    function sample(name, value,   i) {
      for (i = 1; i <= n; i++) printf "%s%s %s\n", name, labels[i], value
    }
    BEGIN {
      n = 1
      if (minor >= 33) n = split("{ip_family=\"IPv4\"} {ip_family=\"IPv6\"}", labels, " ")
      sync = "kubeproxy_sync_proxy_rules_"
      sample(sync "duration_seconds_sum", sprintf("%.6f", synced - started))
      sample(sync "duration_seconds_count", 1)
      if (!failures) sample(sync "last_timestamp_seconds", sprintf("%.15e", synced))
      if (failures || minor < 33) sample(sync (mode == "nftables" ? "nftables_sync" : "iptables_restore") "_failures_total", failures)
      if (mode == "iptables" && minor >= 32) {
        print "kubeproxy_iptables_localhost_nodeports_accepted_packets_total 0"
        print "kubeproxy_iptables_ct_state_invalid_dropped_packets_total 0"
      }
      printf "process_start_time_seconds %.15e\n", started
    }'
}
serve() {
  echo "$mode" >"$image/answers/10249/proxyMode"
  metrics >"$image/answers/10249/metrics"
  echo '{}' >"$image/answers/10256/healthz"
  api_server=$(awk '$4 == "default/kubernetes" { print $2; exit }' "$table")
  KUBERNETES_SERVICE_HOST=$api_server setsid chroot "$image" kube-proxy </dev/null >/dev/null 2>&1 &
  echo $! >"$state/pid"
  tries=0
  # Ports 10249 and 10256 of 127.0.0.1, listening.
  until [ "$(grep -cE ' 0100007F:28(09|10) [0-9A-F]*:0000 0A ' /proc/net/tcp)" -eq 2 ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || exit 70
    usleep 50000
  done
  echo "mode=$mode"
}
has_module() { grep -q "^$1 " /proc/modules || grep -q "/$1\.ko" "/lib/modules/$kernel/modules.builtin"; }

# Until 1.26 kube-proxy loads the five modules that it requires and then wants these and the scheduler's own in
# /proc/modules; since 1.27 it makes a virtual server on trial, for which the kernel loads the scheduler by itself
# (https://github.com/kubernetes/kubernetes/pull/114669).
can_use_ipvs() {
  if [ "$minor" -ge 40 ]; then
    # KEP-5495.
    why='KubeProxyConfiguration.Mode: Invalid value: "ipvs"'
    return 1
  fi
  if [ "$minor" -ge 27 ]; then
    # As the library does with which kube-proxy talks to IPVS: github.com/moby/ipvs.
    /sbin/modprobe ip_vs 2>/dev/null
    "$here/ipvsadm" -A -t 198.51.100.0:20000 -s "$scheduler" 2>/dev/null &&
      "$here/ipvsadm" -D -t 198.51.100.0:20000 && return 0
    why="can't use the IPVS proxier: the kernel has no scheduler $scheduler"
    return 1
  fi
  missing=''
  for module in ip_vs ip_vs_rr ip_vs_wrr ip_vs_sh nf_conntrack; do /sbin/modprobe "$module" 2>/dev/null; done
  for module in ip_vs ip_vs_rr ip_vs_wrr ip_vs_sh nf_conntrack "ip_vs_$scheduler"; do
    has_module "$module" || missing="$missing $module"
  done
  [ -z "$missing" ] && return 0
  why="IPVS proxier will not be used because the following required kernel modules are not loaded: [${missing# }]"
  return 1
}

stop_serving
if [ "$mode" = ipvs ] && ! can_use_ipvs; then
  if [ "$minor" -le 25 ]; then
    # https://github.com/kubernetes/kubernetes/pull/111806: from 1.26 it exits instead.
    mode=iptables
  else
    echo "$why" >&2
    exit 1
  fi
fi
if [ "$mode" = nftables ] && [ "$minor" -lt 31 ]; then
  echo 'KubeProxyConfiguration.Mode: Invalid value: "nftables"' >&2
  exit 1
fi

read -r _ first _ <"$table"
case $first in
  *:*) family=inet6 ip=ip6 iptables=ip6tables-legacy bits=128 local=::1/128 prefix=KUBE-6- nodad=" nodad" ;;
  *) family=inet ip=ip iptables=iptables-legacy bits=32 local=127.0.0.0/8 prefix=KUBE- nodad= ;;
esac

# save TABLE: what `jumps` compares with.
save() { "$iptables-save" -t "$1" >"$state/$1"; }

# jumps TABLE: the rules on standard input, as iptables-save writes them, that the saved table does not have yet. They are
# rules of built-in chains, whose names are letters alone.
jumps() {
  saved=$(grep '^-A [A-Z]* ' "$state/$1") || true
  while read -r rule; do
    case $saved in *"$rule"*) ;; *) echo "-I ${rule#-A }" ;; esac
  done
}

# The rules are complete before they are restored: the alarm that iptables-restore sets for -w is never called off, and
# if it rings while more is read, the rest is taken for the end (iptables 1.8.9, xtables_lock).
restore() {
  cat >"$state/rules"
  "$iptables-restore" -w 600 --noflush <"$state/rules"
}

masquerade() {
  cat <<RULES
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
RULES
}

forward() {
  cat <<RULES
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
RULES
}

nat_jumps() {
  jumps nat <<RULES
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
RULES
}

program_iptables() {
  # Chains of Services that are gone are removed, as kube-proxy does in this mode.
  save filter
  save nat
  sed -n 's/^:\(KUBE-S[VE][CPL]-[A-Z0-9]*\) .*/\1/p' "$state/nat" >"$state/chains"
  {
    printf '%s\n' '*filter' ':KUBE-SERVICES - [0:0]' ':KUBE-EXTERNAL-SERVICES - [0:0]' ':KUBE-NODEPORTS - [0:0]' \
      ':KUBE-FORWARD - [0:0]' ':KUBE-PROXY-FIREWALL - [0:0]'
    awk -v bits="$bits" '
      NF == 4 {
        p = tolower($1)
        printf "-A KUBE-SERVICES -d %s/%s -p %s -m comment --comment \"%s has no endpoints\" -m %s --dport %s -j REJECT\n", $2, bits, p, $4, p, $3
      }' "$table"
    forward
    jumps filter <<RULES
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
RULES
    echo COMMIT
    printf '%s\n' '*nat' ':KUBE-SERVICES - [0:0]' ':KUBE-NODEPORTS - [0:0]' ':KUBE-POSTROUTING - [0:0]' \
      ':KUBE-MARK-MASQ - [0:0]'
    awk -v bits="$bits" -v known="$state/chains" -f "$here/iptables.awk" "$table"
    masquerade
    echo '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS'
    nat_jumps
    echo COMMIT
  } | restore
}

# set_kinds: the sets of pkg/proxy/ipvs/proxier.go (ipsetInfo), a line for each: NAME KIND.
set_kinds() {
  for set in CLUSTER-IP EXTERNAL-IP EXTERNAL-IP-LOCAL LOAD-BALANCER LOAD-BALANCER-LOCAL LOAD-BALANCER-FW \
    NODE-PORT-SCTP-HASH NODE-PORT-LOCAL-SCTP-HASH; do
    echo "$set hash:ip,port family $family maxelem 65536"
  done
  for set in NODE-PORT-TCP NODE-PORT-LOCAL-TCP NODE-PORT-UDP NODE-PORT-LOCAL-UDP HEALTH-CHECK-NODE-PORT; do
    echo "$set bitmap:port range 0-65535"
  done
  cat <<SETS
LOOP-BACK hash:ip,port,ip family $family maxelem 65536
LOAD-BALANCER-SOURCE-IP hash:ip,port,ip family $family maxelem 65536
LOAD-BALANCER-SOURCE-CIDR hash:ip,port,net family $family maxelem 65536
IPVS-IPS hash:ip family $family maxelem 65536
SETS
}

# What `ipset restore` reads. A set's name has 31 characters at most: kube-proxy cuts the longest ones of IPv6.
ipsets() {
  set_kinds | while read -r set kind; do printf 'create %.31s %s -exist\n' "$prefix$set" "$kind"; done
  echo "flush ${prefix}CLUSTER-IP"
  echo "flush ${prefix}IPVS-IPS"
  awk -v prefix="$prefix" '{
    printf "add %sCLUSTER-IP %s,%s:%s -exist\n", prefix, $2, tolower($1), $3
    printf "add %sIPVS-IPS %s -exist\n", prefix, $2
  }' "$table"
}

ipvs_filter_jumps() {
  jumps filter <<RULES
-A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
-A INPUT -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check rules" -j KUBE-NODE-PORT
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL
RULES
}

ipvs_rules() {
  cat <<RULES
*filter
:KUBE-FORWARD - [0:0]
:KUBE-NODE-PORT - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-SOURCE-RANGES-FIREWALL - [0:0]
:KUBE-IPVS-FILTER - [0:0]
$(forward)
-A KUBE-NODE-PORT -m comment --comment "Kubernetes health check node port" -m set --match-set ${prefix}HEALTH-CHECK-NODE-PORT dst -j ACCEPT
-A KUBE-PROXY-FIREWALL -m comment --comment "Kubernetes service load balancer ip + port for load balancer with source range" -m set --match-set ${prefix}LOAD-BALANCER-FW dst,dst -j KUBE-SOURCE-RANGES-FIREWALL
-A KUBE-SOURCE-RANGES-FIREWALL -j DROP
-A KUBE-IPVS-FILTER -m set --match-set ${prefix}LOAD-BALANCER dst,dst -j RETURN
-A KUBE-IPVS-FILTER -m set --match-set ${prefix}CLUSTER-IP dst,dst -j RETURN
-A KUBE-IPVS-FILTER -m set --match-set ${prefix}EXTERNAL-IP dst,dst -j RETURN
-A KUBE-IPVS-FILTER -m set --match-set ${prefix}HEALTH-CHECK-NODE-PORT dst -j RETURN
-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set ${prefix}IPVS-IPS dst -j REJECT
$(ipvs_filter_jumps)
COMMIT
*nat
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-NODE-PORT - [0:0]
:KUBE-LOAD-BALANCER - [0:0]
:KUBE-MARK-MASQ - [0:0]
-A KUBE-SERVICES -s $local -j RETURN
-A KUBE-SERVICES -m comment --comment "Kubernetes service cluster ip + port for masquerade purpose" -m set --match-set ${prefix}CLUSTER-IP src,dst -j KUBE-MARK-MASQ
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT
-A KUBE-SERVICES -m set --match-set ${prefix}CLUSTER-IP dst,dst -j ACCEPT
-A KUBE-LOAD-BALANCER -j KUBE-MARK-MASQ
-A KUBE-POSTROUTING -m comment --comment "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose" -m set --match-set ${prefix}LOOP-BACK dst,dst,src -j MASQUERADE
$(masquerade)
$(nat_jumps)
COMMIT
RULES
}

program_ipvs() {
  /sbin/modprobe ip_vs "ip_vs_$scheduler" 2>/dev/null
  sysctl -qw net.ipv4.vs.conntrack=1 net.ipv4.vs.conn_reuse_mode=0 net.ipv4.vs.expire_nodest_conn=1 net.ipv4.ip_forward=1
  [ -d /sys/class/net/kube-ipvs0 ] || /sbin/ip link add kube-ipvs0 type dummy
  /sbin/ip addr flush dev kube-ipvs0
  cut -d ' ' -f 2 "$table" | sort -u | sed "s|.*|addr add &/$bits dev kube-ipvs0$nodad|" | /sbin/ip -batch -
  # Ends where kube-proxy's own comparison of what is and what should be would end.
  "$here/ipvsadm" -C
  awk -v scheduler="$scheduler" '{
    option = $1 == "UDP" ? "-u" : "-t"
    address = index($2, ":") ? "[" $2 "]:" $3 : $2 ":" $3
    print "-A " option " " address " -s " scheduler
    for (i = 5; i <= NF; i++) print "-a " option " " address " -r " $i " -m -w 1"
  }' "$table" | "$here/ipvsadm" -R
  ipsets | ipset restore
  save filter
  save nat
  ipvs_rules | restore
}

# nft_rules OPTION...: what nftables.awk prints.
nft_rules() { awk -v old="$([ "$minor" -lt 36 ] && echo 1)" "$@" -f "$here/nftables.awk" "$table"; }
# kube-proxy makes the table of the other family, too.
nft_tables() {
  rm -rf "$state/names"
  mkdir "$state/names"
  nft_rules -v services=1 -v family="$ip" -v names="$state/names"
  [ ! -e "$state/names/000001" ] || sha256sum "$state/names"/* >"$state/hashes"
  nft_rules -v services=1 -v family="$ip" -v hashes="$state/hashes"
  [ "$ip" = ip ] || nft_rules -v family=ip
  [ "$ip" = ip6 ] || nft_rules -v family=ip6
}

program_nftables() {
  nft_tables >"$state/nft"
  /sbin/ip -o address show dev pods | awk -v ip="$ip" '
    ($3 == "inet6") == (ip == "ip6") && $4 !~ /^fe80/ {
      sub("/.*", "", $4)
      print "add element " ip " kube-proxy nodeport-ips { " $4 " }"
      exit
    }' >>"$state/nft"
  "$nft" -f "$state/nft" 2>"$state/refused" && return
  # A kernel that lacks a module refuses all rules, each time that kube-proxy writes them; kube-proxy keeps running.
  for module in nf_tables nft_ct nft_nat nft_masq nft_chain_nat nft_numgen nft_reject_ipv4 nft_reject_ipv6; do
    /sbin/modprobe -n -q "$module" || failures=1
  done
  [ "$failures" -gt 0 ] || cat "$state/refused" >&2
  [ "$failures" -gt 0 ]
}

# What kube-proxy removes before it writes: cmd/kube-proxy/app/server_linux.go, platformCleanup. It goes on if something
# cannot be removed.
clean_up() {
  if [ "$mode" != nftables ]; then
    [ -e /sys/module/nf_tables ] || return 0
    # How many times it is to leave them: a fault of the sandbox.
    kept=$(cat /run/keep-nft-tables 2>/dev/null || echo 0)
    if [ "$kept" -gt 0 ] && "$nft" list tables | grep -q '^table ip kube-proxy$'; then
      echo $((kept - 1)) >/run/keep-nft-tables
      return
    fi
    printf '%s\n' 'add table ip kube-proxy' 'delete table ip kube-proxy' \
      'add table ip6 kube-proxy' 'delete table ip6 kube-proxy' | "$nft" -f -
    return
  fi
  for cleaned in ip ip6; do
    for rules in filter nat; do
      grep -qx "$rules" "/proc/net/${cleaned}_tables_names" 2>/dev/null || continue
      "${cleaned}tables-legacy-save" -t "$rules" | awk -v table="$rules" -f "$here/cleanup.awk" >"$state/rules"
      [ ! -s "$state/rules" ] || "${cleaned}tables-legacy-restore" -w 600 --noflush <"$state/rules" || true
    done
  done
  # All virtual servers, those of others too.
  [ ! -e /proc/net/ip_vs ] || "$here/ipvsadm" -C
  [ ! -d /sys/class/net/kube-ipvs0 ] || /sbin/ip link delete kube-ipvs0
  # Those of IPv6 stay: kube-proxy tries only the names of IPv4.
  [ ! -e /sys/module/ip_set ] || set_kinds | while read -r set _; do ipset destroy "KUBE-$set" 2>/dev/null || true; done
}

# A kernel that refuses what kube-proxy writes is a defect of this program, not an answer.
set -e
trap '[ $? -eq 0 ] || exit 70' EXIT
[ "$4" = follows ] || clean_up
"program_$mode"
serve
