#!/bin/sh
# Removes the leftovers of a switch of kube-proxy's mode from a worker node: those of the modes that the node is NOT in.
# Refuses unless the running kube-proxy itself reports the mode that the node should be in. Safe to run twice.
# Mode is the mode that the node should be in.
mode='{{ Mode }}'

set -u
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
LC_ALL=C
export PATH LC_ALL

has() { command -v "$1" >/dev/null; }

# Allows one nightshift command at a time on a node. If /run is read-only, its directory itself is the lock.
lock=/run/nightshift-node.lock
if has flock && { (exec 9>>"$lock") 2>/dev/null || { lock=/run && [ -d "$lock" ]; }; }; then
  if [ -d "$lock" ]; then exec 9<"$lock"; else exec 9>>"$lock"; fi
  flock -w 600 9 || {
    echo 'another nightshift command has held this node for 10 minutes' >&2
    exit 1
  }
fi

. shared/kube-proxy.sh

running=$(proxy_mode)
if [ "$running" != "$mode" ]; then
  echo "refused: kube-proxy on this node reports ${running:-nothing}, not $mode: what would be removed may be in use" >&2
  exit 1
fi

. shared/tools.sh

. shared/nft.sh

. shared/ipsets.sh

. shared/virtual-servers.sh

# `chains` are those that the mode does not have. `rules` are rules of other modes in `shared` chains, which the mode has,
# too. Names: pkg/proxy/{iptables,ipvs}/proxier.go of Kubernetes. Other names that begin with KUBE- belong to others, for
# example KUBE-NWPLCY-*, KUBE-POD-FW-* and KUBE-ROUTER-* to kube-router, KUBE-KUBELET-CANARY, KUBE-IPTABLES-HINT and
# KUBE-FIREWALL to kubelet. `jumps` are all rules of kube-proxy that lead from a built-in chain to one of `chains`, as
# iptables-save prints them (`iptablesJumpChain` there). Those of iptables mode lead to chains that IPVS mode has, too.
of_iptables='(SVC|SEP|SVL|EXT|FW|XLB)-[A-Z0-9]+'
of_ipvs='LOAD-BALANCER|NODE-PORT|IPVS-FILTER|IPVS-OUT-FILTER|SOURCE-RANGES-FIREWALL'
of_both='SERVICES|EXTERNAL-SERVICES|NODEPORTS|POSTROUTING|MARK-MASQ|FORWARD|PROXY-FIREWALL|PROXY-CANARY'
jumps_of_ipvs='kubernetes ipvs access filter|kubernetes health check rules'
jumps_of_both='kubernetes (service portals|externally-visible service portals|health check service ports|forwarding rules|load balancer firewall|postrouting rules)|kube-proxy firewall rules'
none='^$'
tables='filter nat'
case $mode in
  ipvs)
    chains=$of_iptables
    shared='KUBE-(SERVICES|EXTERNAL-SERVICES|NODEPORTS)'
    # Rules that refuse or drop a Service without endpoints: stale in IPVS mode, whatever endpoints the Service has now.
    rules='has no (local )?endpoints.* -j (REJECT|DROP)'
    jumps=$none
    ;;
  iptables)
    chains=$of_ipvs
    # Until 1.25 IPVS mode has its own chain KUBE-FIREWALL in table nat.
    shared='KUBE-(SERVICES|POSTROUTING|FORWARD|FIREWALL|PROXY-FIREWALL)'
    rules="--match-set ($(own_sets | paste -s -d '|' -)) "
    jumps=$jumps_of_ipvs
    ;;
  nftables)
    chains="$of_iptables|$of_ipvs|$of_both"
    shared=$none
    rules=$none
    jumps="$jumps_of_ipvs|$jumps_of_both"
    tables='filter nat mangle'
    ;;
  *)
    echo "this document cannot clean a node in mode $mode" >&2
    exit 1
    ;;
esac

# plan TABLE: reads iptables-save and prints a transaction for iptables-restore that removes the leftovers. It deletes
# rules by their own text, so that it does not delete rules that kube-proxy wrote meanwhile; it empties chains, then
# deletes them. If a rule of someone else leads to a chain, that chain stays as it is, and so does every chain to which
# its rules lead, so that the rule keeps working. `# stays N (CHAIN to CHAIN, ...)`: how many chains stay, and up to
# three such rules.
plan() {
  awk -v table="$1" -v chains="^KUBE-($chains)\$" -v shared="^($shared)\$" -v rules="$rules" -v jumps="($jumps)" '
    BEGIN { jumps = "^-A (INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING) (-m conntrack --ctstate NEW )?-m comment --comment \"" jumps "\" -j KUBE-[A-Z-]+$" }
    /^!/ { print; failed = 1; exit }
    /^:/ { name = substr($1, 2); if (name ~ chains) owned[++n] = name }
    /^-A / {
      target = ""
      text = $0
      # Text in quotes (a comment or the prefix of a log) is not a target.
      gsub(/\\./, "", text)
      gsub(/"[^"]*"/, "\"\"", text)
      words = split(text, word, " ")
      for (i = 3; i < words; i++) if (word[i] == "-j" || word[i] == "-g") target = word[i + 1]
      leads = target ~ chains
      if ($2 ~ chains) {
        if (leads) { from[++edges] = $2; to[edges] = target }
      } else if ((leads && $0 ~ jumps) || (leads && $2 ~ shared) || ($2 ~ shared && $0 ~ rules)) {
        sub(/^-A/, "-D")
        doomed[++m] = $0
      } else if (leads) {
        stays[target] = 1
        if (++refs <= 3) named = named (named == "" ? "" : ", ") $2 " to " target
      }
    }
    END {
      if (failed) exit
      do {
        more = 0
        for (i = 1; i <= edges; i++) if (from[i] in stays && !(to[i] in stays)) { stays[to[i]] = 1; more = 1 }
      } while (more)
      for (i = 1; i <= n; i++) if (owned[i] in stays) kept++
      if (kept) print "# stays " kept " (" named (refs > 3 ? " and " refs - 3 " more" : "") ")"
      if (n - kept + m == 0) exit
      print "*" table
      for (i = 1; i <= n; i++) if (!(owned[i] in stays)) print ":" owned[i] " - [0:0]"
      for (i = 1; i <= m; i++) print doomed[i]
      for (i = 1; i <= n; i++) if (!(owned[i] in stays)) print "-X " owned[i]
      print "COMMIT"
    }'
}

# clean_table PROGRAM TABLE: if kube-proxy changes the table between reading and writing, the transaction fails, and the
# script reads the table again.
clean_table() {
  for _ in 1 2 3; do
    transaction=$(saved "$1" "$2" | plan "$2") || {
      fail "the rules in table $2 of $1 could not be understood"
      return 0
    }
    case $transaction in
      '') return 0 ;;
      '!'*)
        fail "${transaction#!}"
        return 0
        ;;
      *COMMIT)
        # iptables 1.8.9 never cancels the alarm behind -w (xtables_lock); it must not go off while rules are read.
        problem=$(printf '%s\n' "$transaction" | "$1-restore" -w 120 --noflush 2>&1) || {
          sleep 1
          continue
        }
        ;;
    esac
    removed_rules=$((removed_rules + $(printf '%s\n' "$transaction" | grep -c '^-D ')))
    removed_chains=$((removed_chains + $(printf '%s\n' "$transaction" | grep -c '^-X ')))
    stays=$(printf '%s\n' "$transaction" | sed -n 's/^# stays //p' | printable)
    [ -z "$stays" ] || warn "chains that stay in table $2 of $1 for rules that kube-proxy did not make: $stays"
    return 0
  done
  fail "leftovers in table $2 of $1 could not be removed: $(printf '%s\n' "$problem" | printable)"
}

# own_servers: sets `own` to kube-proxy's virtual servers. Fails if the table cannot be read: it must not look empty.
own_servers() {
  own=$(virtual_servers) || {
    fail 'the IPVS table of this node could not be read'
    return 1
  }
  own=$(printf '%s\n' "$own" | sed -n 's/^own //p')
}
count_lines() { if [ -n "$1" ]; then printf '%s\n' "$1" | wc -l | tr -d ' '; else echo 0; fi; }

# still_running WHAT: whether kube-proxy still reports the mode.
still_running() {
  running=$(proxy_mode)
  [ "$running" != "$mode" ] || return 0
  fail "kube-proxy now reports ${running:-nothing}, not $mode: $1"
  return 1
}

# Deletes them one by one, not with `ipvsadm -C`: keepalived, kube-vip and others have virtual servers in the same
# table.
remove_virtual_servers() {
  own_servers || return 1
  [ -n "$own" ] || return 0
  if ! has ipvsadm; then
    fail "$(count_lines "$own") virtual servers stay: ipvsadm is not installed"
    return 1
  fi
  still_running 'its virtual servers stay' || return 1
  before=$(count_lines "$own")
  problem=$(printf '%s\n' "$own" | sed 's#^tcp/#-D -t #; s#^udp/#-D -u #; s#^sctp/#-D --sctp-service #' | ipvsadm -R 2>&1)
  own_servers || return 1
  left=$(count_lines "$own")
  removed_virtual_servers=$((before - left))
  [ "$left" -gt 0 ] || return 0
  fail "ipvsadm could not remove $left virtual servers: $(printf '%s\n' "$problem" | printable)"
  return 1
}

remove_ipsets() {
  if ! has ipset; then
    if grep -q '^ip_set ' /proc/modules 2>/dev/null; then
      warn 'ipset is not installed: ipsets of kube-proxy, which none of its rules matches any more, may stay'
    fi
    return 0
  fi
  there=$(ip_sets list -n) || {
    fail 'the ipsets of this node could not be read'
    return 1
  }
  for name in $(own_sets); do
    printf '%s\n' "$there" | grep -qxF -e "$name" || continue
    if problem=$(ipset destroy "$name" 2>&1); then
      removed_ipsets=$((removed_ipsets + 1))
    else
      case $problem in
        # kube-proxy's own rules are already deleted.
        *'in use'*) warn "ipset $name stays: something that kube-proxy did not make uses it" ;;
        *) fail "ipset $name could not be removed: $(printf '%s\n' "$problem" | printable)" ;;
      esac
    fi
  done
}

remove_interface() {
  [ -d /sys/class/net/kube-ipvs0 ] || return 0
  if ip link delete kube-ipvs0; then removed_interface=yes; else fail 'kube-ipvs0 could not be removed'; fi
}

remove_nft_tables() {
  for family in ip ip6; do
    still_running 'its nftables tables stay' || return
    problem=$(nft_run cat delete table "$family" kube-proxy 2>&1)
    case $? in
      0) removed_nft_tables=$((removed_nft_tables + 1)) ;;
      # It does not exist. On a node without any nft, kube-proxy cannot have made it.
      2 | 3) ;;
      *) fail "the table $family kube-proxy could not be removed: $(printf '%s\n' "$problem" | printable)" ;;
    esac
  done
}

why=''
fail() { why=${why:-$1}; }
warnings=''
warn() { warnings="${warnings}warning=$1
"; }
removed_rules=0
removed_chains=0
removed_ipsets=0
removed_virtual_servers=0
removed_interface=no
removed_nft_tables=0

for family in iptables ip6tables; do
  for table in $tables; do
    for program in $(backends "$family" "$table"); do clean_table "$program" "$table"; done
  done
done
[ "$mode" = nftables ] || remove_nft_tables
if [ "$mode" != ipvs ]; then
  # The addresses of kube-ipvs0 and the ipsets show who owns the virtual servers, so they are deleted last.
  if remove_virtual_servers; then
    remove_ipsets
    remove_interface
  fi
fi

cat <<RESULT
nightshift-clean=1
mode=$mode
removedRules=$removed_rules
removedChains=$removed_chains
removedVirtualServers=$removed_virtual_servers
removedIpsets=$removed_ipsets
removedKubeIpvs0=$removed_interface
removedNftTables=$removed_nft_tables
${warnings}end=nightshift-clean
RESULT
[ -z "$why" ] && exit 0
echo "$why" >&2
exit 1
