#!/bin/sh
# Says what a worker node's kernel really does with Services, for the judge in functions/core: key=value lines, the
# virtual servers of the API server and of DNS, a trailer. Changes nothing and loads no module of IPVS.
# SSM keeps 2,500 characters of a command's output: more than 2,000 is an error here, never a cut.
api_server='{{ ApiServer }}'
dns='{{ Dns }}'
mode='{{ Mode }}'
scheduler='{{ Scheduler }}'

set -u
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
LC_ALL=C
export PATH LC_ALL

if [ "$mode" = ipvs ] && [ "$scheduler" = none ]; then
  echo 'mode ipvs is validated with its scheduler: Scheduler is none' >&2
  exit 1
fi

# >>> probes: the same lines stand in prepare-node.sh and validate-node.sh, so that each script also runs alone.
has() { command -v "$1" >/dev/null; }

# A bash built without /dev/tcp looks for a file. Nothing listens on port 0.
bash_connects() {
  has bash && has timeout || return 1
  case $(timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/0' 2>&1) in *'No such file'*) return 1 ;; esac
}

# The program that makes a TCP connection for a proof; nothing if this node has none.
tcp_client() {
  if bash_connects; then echo bash; elif has python3; then echo python3; elif has nc; then echo nc; elif has curl; then echo curl; fi
}

# The program that asks a question over UDP for a proof; nothing if this node has none.
udp_client() {
  if ! has od; then return; fi
  if bash_connects; then echo bash; elif has python3; then echo python3; elif nc_has_udp; then echo nc; fi
}

nc_has_udp() { has nc && nc -h 2>&1 | grep -qE '(^|[^a-zA-Z])-[a-zA-Z]*u'; }
# <<<

# http_get URL: the body, by whichever client the node has.
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
    answer=$(http_get "http://$host:10249/proxyMode" | sed 's/[^a-z]//g' | cut -c 1-16)
    [ -z "$answer" ] || break
  done
  echo "${answer:-unreachable}"
}

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

# count_lines TABLE PATTERN: of both families and every backend. If a table could not be read, prints why, and fails.
count_lines() {
  for family in iptables ip6tables; do
    for program in $(backends "$family" "$1"); do saved "$program" "$1"; done
  done | awk -v pattern="$2" '
    /^!/ { print substr($0, 2); failed = 1; exit }
    $0 ~ pattern { n++ }
    END { if (failed) exit 1; print n + 0 }'
}

# A REJECT (or DROP) for a Service without endpoints is iptables mode's; in IPVS mode it is stale and refuses the
# Service's traffic when it has endpoints again (https://github.com/kubernetes/kubernetes/issues/102314). IPVS mode has
# one REJECT of its own, in KUBE-IPVS-FILTER. Other chains that begin with KUBE- may be those of others.
count_reject_rules() {
  if [ "$mode" = ipvs ]; then
    count_lines filter '^-A KUBE-(EXTERNAL-)?SERVICES .* has no (local )?endpoints.* -j (REJECT|DROP)'
  else
    count_lines filter '^-A KUBE-IPVS-(OUT-)?FILTER .*-j REJECT'
  fi
}

count_ipsets() {
  if has ipset; then
    there=$(ip_sets list -n) || return 1
    names=$(own_sets)
    printf '%s\n' "$there" | grep -cxF -e "$names" || :
  elif grep -q '^ip_set ' /proc/modules 2>/dev/null; then
    echo unknown
  else
    echo 0
  fi
}

# Keeps the service line and its first four real servers.
shorten() {
  awk '
    function rest() { if (n > 4) printf "  ... %d more\n", n - 4; n = 0 }
    /^(TCP|UDP|SCTP|FWM) / { rest(); sub(/[ \t]+$/, ""); print; next }
    /^  -> Remote/ { next }
    /^  -> / { n++; if (n <= 4) { sub(/[ \t]+$/, ""); print } }
    END { rest() }'
}

# hex ADDRESS PORT: as /proc/net/ip_vs writes it.
hex() {
  printf '%s %s\n' "$1" "$2" | awk '
    function value(digits, i, v) {
      v = 0
      for (i = 1; i <= length(digits); i++) v = v * 16 + index("0123456789abcdef", tolower(substr(digits, i, 1))) - 1
      return v
    }
    index($1, ":") == 0 { split($1, b, "."); printf "%02X%02X%02X%02X:%04X\n", b[1], b[2], b[3], b[4], $2; next }
    {
      gap = index($1, "::")
      left = gap ? substr($1, 1, gap - 1) : $1
      right = gap ? substr($1, gap + 2) : ""
      l = left == "" ? 0 : split(left, a, ":")
      r = right == "" ? 0 : split(right, c, ":")
      for (i = 1; i <= 8; i++) {
        g = i <= l ? value(a[i]) : (i > 8 - r ? value(c[i - 8 + r]) : 0)
        out = out (i > 1 ? ":" : "") sprintf("%04x", g)
      }
      printf "[%s]:%04X\n", out, $2
    }'
}

# virtual_server PROTOCOL OPTION ADDRESS PORT
virtual_server() {
  if [ "$source" = ipvsadm ]; then
    case $3 in *:*) service="[$3]:$4" ;; *) service="$3:$4" ;; esac
    ipvsadm -Ln "$2" "$service" 2>/dev/null
  else
    awk -v protocol="$1" -v service="$(hex "$3" "$4")" '
      /^[A-Z]/ { wanted = ($1 == protocol && $2 == service) }
      wanted' /proc/net/ip_vs
  fi | shorten
}

# Without the module there is nothing to read, and ipvsadm would load it.
tables() {
  [ -r /proc/net/ip_vs ] || return 0
  virtual_server TCP -t "$api_server" 443
  virtual_server TCP -t "$dns" 53
  virtual_server UDP -u "$dns" 53
}

# probe_tcp ADDRESS PORT: can a connection be made from this node?
probe_tcp() {
  case $(tcp_client) in
    bash)
      # $0 and $1 are bash's own.
      # shellcheck disable=SC2016
      timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null
      ;;
    python3)
      python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)' "$1" "$2" 2>/dev/null
      ;;
    nc) nc -w 5 "$1" "$2" </dev/null >/dev/null 2>&1 ;;
    curl)
      case $1 in *:*) url="https://[$1]:$2/" ;; *) url="https://$1:$2/" ;; esac
      connected=$(curl -sk -m 5 --noproxy '*' -o /dev/null -w '%{time_connect}' "$url" 2>/dev/null)
      case $connected in '' | 0.000 | 0.000000) false ;; esac
      ;;
    *) echo skipped && return ;;
  esac && echo ok || echo failed
}

# The question: kube-dns.kube-system.svc.cluster.local, type A, id "NS". No byte of it is a newline, on which a shell
# would cut the datagram in two.
question='NS\001\000\000\001\000\000\000\000\000\000\010kube-dns\013kube-system\003svc\007cluster\005local\000\000\001\000\001'

# ask_dns CLIENT: sends the question and prints the answer's first three bytes in hex.
ask_dns() {
  case $1 in
    bash)
      # shellcheck disable=SC2016
      timeout 3 bash -c 'exec 3<>"/dev/udp/$0/53" && printf "$1" >&3 && head -c 3 <&3' "$dns" "$question"
      ;;
    python3)
      # shellcheck disable=SC2059
      printf "$question" | python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)
s.connect((sys.argv[1], 53)); s.send(sys.stdin.buffer.read()); sys.stdout.buffer.write(s.recv(512)[:3])' "$dns"
      ;;
    nc)
      # shellcheck disable=SC2059
      { printf "$question" && sleep 2; } | nc -u -w 3 "$dns" 53 | head -c 3
      ;;
  esac 2>/dev/null | od -An -tx1 | tr -d ' \n'
}

# Any answer to the question will do, whatever its code. UDP may lose one: three tries.
probe_dns() {
  client=$(udp_client)
  [ -n "$client" ] || { echo skipped && return; }
  for _ in 1 2 3; do
    case $(ask_dns "$client") in 4e53[89a-f]?) echo ok && return ;; esac
  done
  echo failed
}

# An ipvsadm that does not work (a library is missing) shows nothing; the kernel's own table is as good.
source=proc
if has ipvsadm && { [ ! -r /proc/net/ip_vs ] || ipvsadm -L --timeout >/dev/null 2>&1; }; then source=ipvsadm; fi
fail() {
  echo "$1" >&2
  exit 1
}
servers=$(virtual_servers) || fail 'the IPVS table of this node could not be read'
ipsets=$(count_ipsets) || fail 'the ipsets of this node could not be read'
reject_rules=$(count_reject_rules) || fail "$reject_rules"
services=$(count_lines nat '^:KUBE-(SVC|SVL)-') || fail "$services"
if [ -d /sys/class/net/kube-ipvs0 ]; then kube_ipvs0=present; else kube_ipvs0=absent; fi

result=$(
  cat <<RESULT
nightshift-validate=1
kernel=$(uname -r)
proxyMode=$(proxy_mode)
kubeIpvs0=$kube_ipvs0
virtualServers=$(printf '%s\n' "$servers" | grep -c '^own ')
ipsets=$ipsets
rejectRules=$reject_rules
iptablesServices=$services
foreignVirtualServers=$(printf '%s\n' "$servers" | grep -c '^foreign ')
source=$source
apiServerProbe=$(probe_tcp "$api_server" 443)
dnsProbe=$(probe_dns)
tables<<
RESULT
  tables
  echo '>>'
  echo 'end=nightshift-validate'
)
if [ "${#result}" -gt 1999 ]; then
  echo "the proof of this node is ${#result} characters long: more than 2,000 would be cut by SSM" >&2
  exit 1
fi
printf '%s\n' "$result"
