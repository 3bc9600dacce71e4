#!/bin/sh
# Removes what a switch of kube-proxy's mode leaves on a worker node: leftovers of the mode that the node is NOT in.
# Refuses unless the running kube-proxy itself reports the mode that the node should be in. Safe to run twice.
# Mode is the mode that the node should be in.
mode='{{ Mode }}'

set -u
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
LC_ALL=C
export PATH LC_ALL

has() { command -v "$1" >/dev/null; }

if has flock && exec 9>/run/nightshift-node.lock; then
  flock -w 600 9 || {
    echo 'another nightshift command has held this node for 10 minutes' >&2
    exit 1
  }
fi

http_get() {
  if has curl; then
    curl -sf -m 5 --noproxy '*' "$1"
  elif has wget; then
    wget -q -T 5 -O - "$1"
  elif has python3; then
    python3 -c 'import sys, urllib.request as u
print(u.build_opener(u.ProxyHandler({})).open(sys.argv[1], timeout=5).read().decode())' "$1"
  else
    return 1
  fi 2>/dev/null
}

for host in 127.0.0.1 '[::1]'; do
  running=$(http_get "http://$host:10249/proxyMode" | sed 's/[^a-z]//g' | cut -c 1-16)
  [ -z "$running" ] || break
done
if [ "$running" != "$mode" ]; then
  echo "refused: kube-proxy on this node reports ${running:-nothing}, not $mode: what would be removed may be in use" >&2
  exit 1
fi

# backends FAMILY TABLE: the iptables programs whose rules this node can have. See validate-node.sh.
backends() {
  found=''
  for backend in -legacy -nft ''; do
    [ -n "$backend" ] || [ -z "$found" ] || continue
    has "$1$backend-save" || continue
    found=$backend
    # The program without a backend in its name says which it has; one that says nothing is legacy.
    case ${backend:-$("$1-save" -V 2>/dev/null)} in
      *nft* | *nf_tables*) ;;
      *) grep -qx "$2" "/proc/net/${1%tables}_tables_names" 2>/dev/null || continue ;;
    esac
    echo "$1$backend"
  done
}

# Chains that only the other mode has. KUBE-SERVICES, KUBE-MARK-MASQ, KUBE-POSTROUTING, KUBE-FORWARD, KUBE-FIREWALL and
# KUBE-PROXY-FIREWALL belong to both modes or to kubelet, and stay. Names: pkg/proxy/{iptables,ipvs}/proxier.go.
if [ "$mode" = ipvs ]; then
  chains='KUBE-(SVC|SEP|SVL|EXT|FW|XLB)-[A-Z0-9]+'
  # A Service without endpoints, refused or dropped: stale in IPVS mode, whatever the Service has now.
  rules='has no (local )?endpoints.* -j (REJECT|DROP)'
else
  chains='KUBE-(LOAD-BALANCER|NODE-PORT|IPVS-FILTER|IPVS-OUT-FILTER|SOURCE-RANGES-FIREWALL)'
  rules='--match-set KUBE-'
fi

# plan TABLE: reads iptables-save, prints what iptables-restore needs to remove the leftovers in one transaction: rules
# by their own text, so that none that kube-proxy wrote meanwhile goes with them; chains emptied, then deleted.
plan() {
  awk -v table="$1" -v chains="^($chains)\$" -v rules="$rules" '
    /^:/ { name = substr($1, 2); if (name ~ chains) owned[++n] = name }
    /^-A / {
      if ($2 ~ chains) next
      target = ""
      for (i = 3; i < NF; i++) if ($i == "-j" || $i == "-g") target = $(i + 1)
      if (target ~ chains || ($2 ~ /^KUBE-/ && $0 ~ rules)) { sub(/^-A/, "-D"); doomed[++m] = $0 }
    }
    END {
      if (n + m == 0) exit
      print "*" table
      for (i = 1; i <= n; i++) print ":" owned[i] " - [0:0]"
      for (i = 1; i <= m; i++) print doomed[i]
      for (i = 1; i <= n; i++) print "-X " owned[i]
      print "COMMIT"
    }'
}

# clean_table PROGRAM TABLE: kube-proxy may change the table between reading and writing; then nothing is done, and the
# table is read again.
clean_table() {
  for _ in 1 2 3; do
    transaction=$("$1-save" -t "$2" 2>/dev/null | plan "$2")
    [ -n "$transaction" ] || return 0
    # The alarm behind -w is never called off (iptables 1.8.9, xtables_lock): it must not ring while rules are read.
    problem=$(printf '%s\n' "$transaction" | "$1-restore" -w 120 --noflush 2>&1) && {
      removed_rules=$((removed_rules + $(printf '%s\n' "$transaction" | grep -c '^-D ')))
      removed_chains=$((removed_chains + $(printf '%s\n' "$transaction" | grep -c '^-X ')))
      return 0
    }
    sleep 1
  done
  fail "leftovers in table $2 of $1 could not be removed: $(printf '%s\n' "$problem" | head -n 1 | cut -c 1-200)"
}

remove_virtual_servers() {
  [ -r /proc/net/ip_vs ] || return 0
  count=$(grep -cE '^(TCP|UDP|SCTP|FWM) ' /proc/net/ip_vs)
  [ "$count" -gt 0 ] || return 0
  # All of them: in IPVS mode the table is kube-proxy's, and its own --cleanup flushes it too.
  if ! has ipvsadm; then
    fail "$count virtual servers stay: ipvsadm is not installed"
  elif ipvsadm -C; then
    removed_virtual_servers=$count
  else
    fail "ipvsadm could not remove $count virtual servers"
  fi
}

remove_ipsets() {
  if ! has ipset; then
    if grep -q '^ip_set ' /proc/modules; then
      warnings="${warnings}warning=ipset is not installed: KUBE-* ipsets, which nothing matches any more, may stay
"
    fi
    return 0
  fi
  for set in $(ipset list -n 2>/dev/null | grep '^KUBE-'); do
    if ipset destroy "$set" 2>/dev/null; then
      removed_ipsets=$((removed_ipsets + 1))
    else
      fail "ipset $set could not be removed"
    fi
  done
}

remove_interface() {
  [ -d /sys/class/net/kube-ipvs0 ] || return 0
  if ip link delete kube-ipvs0; then removed_interface=yes; else fail 'kube-ipvs0 could not be removed'; fi
}

why=''
fail() { why=${why:-$1}; }
warnings=''
removed_rules=0
removed_chains=0
removed_ipsets=0
removed_virtual_servers=0
removed_interface=no

for family in iptables ip6tables; do
  for table in filter nat; do
    for program in $(backends "$family" "$table"); do clean_table "$program" "$table"; done
  done
done
if [ "$mode" = iptables ]; then
  remove_virtual_servers
  remove_ipsets
  remove_interface
fi

cat <<RESULT
nightshift-clean=1
mode=$mode
removedRules=$removed_rules
removedChains=$removed_chains
removedVirtualServers=$removed_virtual_servers
removedIpsets=$removed_ipsets
removedKubeIpvs0=$removed_interface
${warnings}end=nightshift-clean
RESULT
[ -z "$why" ] && exit 0
echo "$why" >&2
exit 1
