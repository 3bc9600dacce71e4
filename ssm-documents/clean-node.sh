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

# One nightshift command at a time on a node. Where /run is read-only, its directory itself is the lock.
lock=/run/nightshift-node.lock
if has flock && { (exec 9>>"$lock") 2>/dev/null || { lock=/run && [ -d "$lock" ]; }; }; then
  if [ -d "$lock" ]; then exec 9<"$lock"; else exec 9>>"$lock"; fi
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

proxy_mode() {
  for host in 127.0.0.1 '[::1]'; do
    running=$(http_get "http://$host:10249/proxyMode" | sed 's/[^a-z]//g' | cut -c 1-16)
    [ -z "$running" ] || break
  done
}

proxy_mode
if [ "$running" != "$mode" ]; then
  echo "refused: kube-proxy on this node reports ${running:-nothing}, not $mode: what would be removed may be in use" >&2
  exit 1
fi

# >>> tools: the same lines stand in prepare-node.sh, validate-node.sh and clean-node.sh, so that each script also runs
# alone. A tool that is not installed has nothing to report; one that fails is a failure with a name.
# printable: what a program printed, as one line of at most 200 harmless characters.
printable() { tr -s '[:space:]' ' ' | tr -cd 'A-Za-z0-9 .,:;()/+_~-' | cut -c 1-200 | sed 's/ *$//'; }

# backends FAMILY TABLE: the iptables programs whose rules this node can have. kube-proxy's image brings its own iptables
# and may use another backend than the host. Legacy tables are asked for only where they exist: asking would load them.
backends() {
  found=''
  for backend in -legacy -nft ''; do
    [ -n "$backend" ] || [ -z "$found" ] || continue
    command -v "$1$backend-save" >/dev/null || continue
    found=$backend
    # The program without a backend in its name reports which it has. One that reports nothing is legacy, and so is one
    # that does not know -V, which exits with 1. One that fails otherwise is asked for its rules, to show why.
    version=$backend
    [ -n "$version" ] || version=$("$1-save" -V 2>/dev/null) || [ $? -eq 1 ] || version=nft
    case $version in
      *nft* | *nf_tables*) ;;
      *) grep -qx "$2" "/proc/net/${1%tables}_tables_names" 2>/dev/null || continue ;;
    esac
    echo "$1$backend"
  done
}

# saved PROGRAM TABLE: the rules of a table. If they could not be read, the last line begins with `!` and has the reason;
# no line of rules begins so.
saved() {
  { "$1-save" -t "$2" 2>/dev/null || not_saved "$1-save" "$2" $?; } |
    sed "s/^# Table .* is incompatible.*/!$1-save -t $2: the table is incompatible with iptables/"
}
not_saved() {
  problem=$("$1" -t "$2" 2>&1 >/dev/null | printable)
  case $problem in
    # A kernel without nf_tables has no rules in it.
    *'Protocol not supported'* | *'rule set generation id: Invalid argument'*)
      [ -e /sys/module/nf_tables ] || return 0
      ;;
  esac
  echo "!$1 -t $2 failed ($3): ${problem:-it printed nothing}"
}

# ip_sets ARGUMENT...: what ipset prints. A kernel without ip_set has no ipsets.
ip_sets() {
  ipset "$@" 2>/dev/null && return 0
  code=$?
  problem=$(ipset "$@" 2>&1 >/dev/null | printable)
  [ -e /sys/module/ip_set ] || grep -q '^ip_set ' /proc/modules 2>/dev/null || return 0
  echo "ipset $* failed ($code): ${problem:-it printed nothing}" >&2
  return 1
}
# <<<

# >>> ipsets: the same lines stand in validate-node.sh and clean-node.sh, so that each script also runs alone.
# All ipsets that kube-proxy makes in IPVS mode, without KUBE- (IPv4) or KUBE-6- (IPv6). Names: `ipsetInfo` in
# https://github.com/kubernetes/kubernetes/blob/master/pkg/proxy/ipvs/proxier.go. kube-router has KUBE-SRC-* and KUBE-DST-*.
sets='LOOP-BACK CLUSTER-IP EXTERNAL-IP EXTERNAL-IP-LOCAL LOAD-BALANCER LOAD-BALANCER-LOCAL LOAD-BALANCER-FW
LOAD-BALANCER-SOURCE-IP LOAD-BALANCER-SOURCE-CIDR NODE-PORT-TCP NODE-PORT-LOCAL-TCP NODE-PORT-UDP NODE-PORT-LOCAL-UDP
NODE-PORT-SCTP-HASH NODE-PORT-LOCAL-SCTP-HASH HEALTH-CHECK-NODE-PORT IPVS-IPS'
# The names as kube-proxy uses them: the kernel takes 31 characters, kube-proxy cuts the rest.
own_sets() { for set in $sets; do printf 'KUBE-%s\n%.31s\n' "$set" "KUBE-6-$set"; done; }
# <<<

# >>> virtual servers: the same lines stand in prepare-node.sh, validate-node.sh and clean-node.sh, so that each script
# also runs alone.
# virtual_servers: the IPVS table of this node, a line for each virtual server: `own tcp/10.0.0.1:443`, `foreign fwm/7`.
# kube-proxy has those
# - on an address and port that its ipsets name. KUBE-CLUSTER-IP is never empty after kube-proxy's first sync: without an
#   entry in it the addresses of kube-ipvs0 decide, where kube-proxy puts the addresses of Services;
# - on an address of the node and a port that its ipsets name as a node port. Where no ipset can be read: a port from
#   30000 to 32767 which the node's main address has, too. kube-proxy opens a node port on every address of the node;
#   keepalived opens a port on its own address only;
# - on 198.51.100.0, where kube-proxy and prepare-node.sh try whether a scheduler works.
# A firewall mark is never kube-proxy's.
virtual_servers() {
  [ -e /proc/net/ip_vs ] || return 0
  # The table first: kube-proxy adds a virtual server, then its address, and its entries of ipsets last.
  table=$(cat /proc/net/ip_vs) || return 1
  printf '%s\n' "$table" | grep -qE '^(TCP|UDP|SCTP|FWM) ' || return 0
  addresses=$(ip -o address show 2>&1) || {
    echo "ip address show failed: $(printf '%s\n' "$addresses" | printable)" >&2
    return 1
  }
  ipsets=''
  if command -v ipset >/dev/null; then ipsets=$(ip_sets save) || return 1; fi
  {
    printf '%s\n' "$addresses"
    ip -4 route get 192.0.2.1
    ip -6 route get 2001:db8::1
    printf '%s\n' "$ipsets" "$table"
  } 2>/dev/null | awk '
    function number(hex, i, v) {
      v = 0
      for (i = 1; i <= length(hex); i++) v = v * 16 + index("0123456789abcdef", tolower(substr(hex, i, 1))) - 1
      return v
    }
    # The address as 8 or 32 hex digits.
    function digits(address, gap, left, right, l, r, i, out, a, b) {
      if (address !~ /:/) {
        split(address, a, ".")
        return sprintf("%02x%02x%02x%02x", a[1], a[2], a[3], a[4])
      }
      gap = index(address, "::")
      left = gap ? substr(address, 1, gap - 1) : address
      right = gap ? substr(address, gap + 2) : ""
      l = left == "" ? 0 : split(left, a, ":")
      r = right == "" ? 0 : split(right, b, ":")
      for (i = 1; i <= 8; i++) out = out sprintf("%04x", number(i <= l ? a[i] : i > 8 - r ? b[i - 8 + r] : "0"))
      return out
    }
    # The address from its digits as people write it; the longest run of zeros becomes "::".
    function written(d, i, run, best, at, g, out) {
      if (length(d) == 8)
        return number(substr(d, 1, 2)) "." number(substr(d, 3, 2)) "." number(substr(d, 5, 2)) "." number(substr(d, 7, 2))
      for (i = 1; i <= 8; i++) {
        g[i] = sprintf("%x", number(substr(d, i * 4 - 3, 4)))
        run = g[i] == "0" ? run + 1 : 0
        if (run > 1 && run > best) { best = run; at = i - run + 1 }
      }
      for (i = 1; i <= 8; i++) {
        if (best && i == at) { out = out "::"; i += best - 1; continue }
        out = out (out == "" || out ~ /:$/ ? "" : ":") g[i]
      }
      return "[" out "]"
    }
    function family(d) { return length(d) == 8 ? 4 : 6 }
    $1 ~ /^[0-9]+:$/ && ($3 == "inet" || $3 == "inet6") {
      address = $4
      sub(/\/.*/, "", address)
      address = digits(address)
      if ($2 == "kube-ipvs0") bound[address] = 1
      else if ($2 != "lo") local[address] = 1
      next
    }
    $2 == "via" || $2 == "dev" || $2 == "from" {
      for (i = 2; i < NF; i++) if ($i == "src") { address = digits($(i + 1)); main[family(address)] = address }
      next
    }
    $1 == "create" || $1 == "add" {
      set = $2
      version = sub(/^KUBE-6-/, "", set) ? 6 : sub(/^KUBE-/, "", set) ? 4 : 0
      if (!version) next
      # The IPv6 name of the SCTP sets can be cut.
      if (set ~ /^NODE-PORT-(LOCAL-)?(TCP|UDP|SCTP-HASH?)$/) {
        protocol = set ~ /TCP$/ && set !~ /SCTP/ ? "tcp" : set ~ /UDP$/ ? "udp" : "sctp"
        known[version, protocol] = 1
        if ($1 == "add" && $3 ~ /^[0-9]+$/) node_port[version, protocol, $3] = 1
      }
      if ($1 == "add" && set ~ /^((CLUSTER-IP|(EXTERNAL-IP|LOAD-BALANCER)(-LOCAL)?)|NODE-PORT-(LOCAL-)?SCTP-HASH?)$/) {
        split($3, entry, ",")
        split(entry[2], service, ":")
        made[digits(entry[1]), service[1], service[2]] = 1
        if (set == "CLUSTER-IP") synced[version] = 1
      }
      next
    }
    $1 == "FWM" { print "foreign fwm/" number($2); next }
    $1 == "TCP" || $1 == "UDP" || $1 == "SCTP" {
      port = number(substr($2, length($2) - 3))
      address = tolower(substr($2, 1, length($2) - 5))
      gsub(/[^0-9a-f]/, "", address)
      protocol = tolower($1)
      at[++n] = address SUBSEP protocol SUBSEP port
      there[at[n]] = 1
    }
    END {
      for (address in bound) in_ipvs[family(address)] = 1
      for (i = 1; i <= n; i++) {
        split(at[i], part, SUBSEP)
        address = part[1]
        version = family(address)
        protocol = part[2]
        port = part[3]
        own = at[i] in made || address == "c6336400" || (address in bound && !(version in synced))
        if (!own && address in local) {
          if ((version, protocol) in known) own = (version, protocol, port) in node_port
          else own = version in in_ipvs && port >= 30000 && port <= 32767 && (main[version], protocol, port) in there
        }
        print (own ? "own " : "foreign ") protocol "/" written(address) ":" port
      }
    }'
}
# <<<

# `chains` has only the other mode of kube-proxy. `rules` are its rules in `shared` chains, which both modes have.
# Names: pkg/proxy/{iptables,ipvs}/proxier.go of Kubernetes. All else that begins with KUBE- belongs to others, for example
# KUBE-NWPLCY-*, KUBE-POD-FW-* and KUBE-ROUTER-* to kube-router, KUBE-KUBELET-CANARY and KUBE-FIREWALL to kubelet.
# `jumps` are all rules by which kube-proxy leads from a built-in chain to one of `chains` (`iptablesJumpChain` there).
# Those of iptables mode lead to shared chains only.
if [ "$mode" = ipvs ]; then
  chains='KUBE-(SVC|SEP|SVL|EXT|FW|XLB)-[A-Z0-9]+'
  shared='KUBE-(SERVICES|EXTERNAL-SERVICES|NODEPORTS)'
  # A Service without endpoints, refused or dropped: stale in IPVS mode, whatever the Service has now.
  rules='has no (local )?endpoints.* -j (REJECT|DROP)'
  jumps=''
else
  chains='KUBE-(LOAD-BALANCER|NODE-PORT|IPVS-FILTER|IPVS-OUT-FILTER|SOURCE-RANGES-FIREWALL)'
  # Until 1.25 IPVS mode has a chain KUBE-FIREWALL of its own, in table nat.
  shared='KUBE-(SERVICES|POSTROUTING|FORWARD|FIREWALL|PROXY-FIREWALL)'
  rules="--match-set ($(own_sets | paste -s -d '|' -)) "
  jumps='-A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
-A OUTPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-OUT-FILTER
-A INPUT -m comment --comment "kubernetes health check rules" -j KUBE-NODE-PORT'
fi

# plan TABLE: reads iptables-save, prints what iptables-restore needs to remove the leftovers in one transaction: rules
# by their own text, so that none that kube-proxy wrote meanwhile goes with them; chains emptied, then deleted. A chain
# to which a rule of someone else leads stays as it is, and so does every chain to which its own rules lead: that rule
# does what it did. `# stays N (CHAIN to CHAIN, ...)`: how many chains stay, and up to three such rules.
plan() {
  awk -v table="$1" -v chains="^($chains)\$" -v shared="^($shared)\$" -v rules="$rules" -v jumps="$jumps" '
    BEGIN { for (i = split(jumps, jump, "\n"); i > 0; i--) made[jump[i]] = 1 }
    /^!/ { print; failed = 1; exit }
    /^:/ { name = substr($1, 2); if (name ~ chains) owned[++n] = name }
    /^-A / {
      target = ""
      text = $0
      # What stands in quotes, a comment or the prefix of a log, is no target.
      gsub(/\\./, "", text)
      gsub(/"[^"]*"/, "\"\"", text)
      words = split(text, word, " ")
      for (i = 3; i < words; i++) if (word[i] == "-j" || word[i] == "-g") target = word[i + 1]
      leads = target ~ chains
      if ($2 ~ chains) {
        if (leads) { from[++edges] = $2; to[edges] = target }
      } else if ($0 in made || (leads && $2 ~ shared) || ($2 ~ shared && $0 ~ rules)) {
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

# clean_table PROGRAM TABLE: kube-proxy may change the table between reading and writing; then nothing is done, and the
# table is read again.
clean_table() {
  for _ in 1 2 3; do
    transaction=$(saved "$1" "$2" | plan "$2") || {
      fail "the rules in table $2 of $1 could not be understood"
      return 0
    }
    case $transaction in
      '!'*)
        fail "${transaction#!}"
        return 0
        ;;
      *COMMIT)
        # The alarm behind -w is never called off (iptables 1.8.9, xtables_lock): it must not ring while rules are read.
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

# own_servers: sets `own`. Where the table cannot be read, nothing is known to be gone.
own_servers() {
  own=$(virtual_servers) || {
    fail 'the IPVS table of this node could not be read'
    return 1
  }
  own=$(printf '%s\n' "$own" | sed -n 's/^own //p')
}
count_lines() { if [ -n "$1" ]; then printf '%s\n' "$1" | wc -l | tr -d ' '; else echo 0; fi; }

# One by one and not `ipvsadm -C`: keepalived, kube-vip and others have virtual servers in the same table.
remove_virtual_servers() {
  own_servers || return 1
  [ -n "$own" ] || return 0
  if ! has ipvsadm; then
    fail "$(count_lines "$own") virtual servers stay: ipvsadm is not installed"
    return 1
  fi
  proxy_mode
  if [ "$running" != "$mode" ]; then
    fail "kube-proxy now reports ${running:-nothing}, not $mode: its virtual servers stay"
    return 1
  fi
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
        # kube-proxy's own rules are gone by now.
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

for family in iptables ip6tables; do
  for table in filter nat; do
    for program in $(backends "$family" "$table"); do clean_table "$program" "$table"; done
  done
done
if [ "$mode" = iptables ]; then
  # The addresses of kube-ipvs0 and the ipsets tell whose the virtual servers are: they go last.
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
${warnings}end=nightshift-clean
RESULT
[ -z "$why" ] && exit 0
echo "$why" >&2
exit 1
