#!/bin/sh
# Prints how a worker node's kernel really handles Services, for the rules in functions/core: key=value lines, the
# virtual servers of the API server and of DNS (in nftables mode the elements of kube-proxy's maps), a trailer. Changes
# nothing and loads no module of IPVS. Of 5,000 Services it may take 0.3 s of processor time.
# SSM truncates a command's output at 2,500 characters, so an output over 2,000 is an error here.
api_server='{{ ApiServer }}'
dns='{{ Dns }}'
mode='{{ Mode }}'
scheduler='{{ Scheduler }}'

set -u
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
LC_ALL=C
export PATH LC_ALL

case $mode/$scheduler in
  ipvs/none)
    echo 'mode ipvs is validated with its scheduler: Scheduler is none' >&2
    exit 1
    ;;
  ipvs/* | iptables/* | nftables/*) ;;
  *)
    echo "this document cannot validate mode $mode" >&2
    exit 1
    ;;
esac

. shared/probes.sh

. shared/kube-proxy.sh

# http_status URL: the code of the answer; 000 or nothing without an answer.
http_status() {
  if has curl; then
    curl -s -m 5 --noproxy '*' -o /dev/null -w '%{http_code}' "$1" 2>/dev/null
  elif has wget; then
    wget -q -S -T 5 -O /dev/null "$1" 2>&1 | awk '$1 ~ /^HTTP\// { code = $2 } END { print code }'
  elif has python3; then
    python3 -c 'import sys, urllib.request as u, urllib.error as e
try: print(u.build_opener(u.ProxyHandler({})).open(sys.argv[1], timeout=5).status)
except e.HTTPError as answer: print(answer.code)' "$1" 2>/dev/null
  fi
}
# proxy_status PATH: of kube-proxy's health server.
proxy_status() {
  for host in 127.0.0.1 '[::1]'; do
    status=$(http_status "http://$host:10256/$1")
    case $status in [1-9]*) echo "$status" && return ;; esac
  done
}

# On a node that is to be removed, a healthy kube-proxy answers 503 on /healthz, so that load balancers leave the node.
healthz() {
  case $(proxy_status healthz) in
    200) echo ok ;;
    '') echo unreachable ;;
    *) if [ "$(proxy_status livez)" = 200 ]; then echo ok; else echo failed; fi ;;
  esac
}

metrics=$(proxy_metrics)

. shared/tools.sh

. shared/nft.sh

. shared/ipsets.sh

. shared/virtual-servers.sh

# Without an nft that works, iptables reads the tables, and what is in nftables is unknown.
names=$(nft_names 2>/dev/null) || names=unknown
if [ "$names" = unknown ]; then nft_tables=unknown; else nft_tables=$(printf '%s\n' "$names" | grep -cE '^table ip6? kube-proxy$'); fi

# rules PROGRAM TABLE: as saved does. If the names of the chains are known, only the rules of kube-proxy's own chains are
# read, since iptables-nft takes seconds for a table with thousands of chains.
rules() {
  if [ "$names" = unknown ] || ! uses_nft "$1"; then
    saved "$1" "$2"
    return
  fi
  case $1 in ip6*) family=ip6 ;; *) family=ip ;; esac
  for chain in KUBE-SERVICES KUBE-EXTERNAL-SERVICES KUBE-IPVS-FILTER KUBE-IPVS-OUT-FILTER; do
    printf '%s\n' "$names" | grep -q "^chain $family $2 $chain " || continue
    "$1" -t "$2" -S "$chain" 2>/dev/null ||
      echo "!$1 -t $2 -S $chain failed ($?): $("$1" -t "$2" -S "$chain" 2>&1 >/dev/null | printable)"
  done
}

# count_lines READER TABLE PATTERN: counts in both families and every backend. If a table cannot be read, prints why, and
# fails.
count_lines() {
  for tool in iptables ip6tables; do
    for program in $(backends "$tool" "$2"); do "$1" "$program" "$2"; done
  done | awk -v pattern="$3" '
    /^!/ { print substr($0, 2); failed = 1; exit }
    $0 ~ pattern { n++ }
    END { if (failed) exit 1; print n + 0 }'
}

# Iptables mode makes a REJECT (or DROP) for a Service without endpoints; in other modes the rule is stale and refuses
# the Service's traffic after it has endpoints again (https://github.com/kubernetes/kubernetes/issues/102314). IPVS mode
# itself has one REJECT, in KUBE-IPVS-FILTER. Other chains that begin with KUBE- may belong to others.
of_iptables='^-A KUBE-(EXTERNAL-)?SERVICES .* has no (local )?endpoints.* -j (REJECT|DROP)'
of_ipvs='^-A KUBE-IPVS-(OUT-)?FILTER .*-j REJECT'
count_reject_rules() {
  case $mode in
    ipvs) count_lines rules filter "$of_iptables" ;;
    iptables) count_lines rules filter "$of_ipvs" ;;
    nftables) count_lines rules filter "$of_iptables|$of_ipvs" ;;
  esac
}

# service_chains PROGRAM TABLE: the chains of iptables mode that are not among the names, also those to which no rule leads
# any more. Without names, iptables-nft would take a second to find them among thousands; in iptables mode those to which
# KUBE-SERVICES leads are enough.
service_chains() {
  if uses_nft "$1"; then
    [ "$names" = unknown ] || return 0
    if [ "$mode" = iptables ] && chain=$("$1" -t "$2" -S KUBE-SERVICES 2>/dev/null); then
      printf '%s\n' "$chain" | sed -n 's/^-A .* -j KUBE-/:KUBE-/p'
      return
    fi
  fi
  saved "$@"
}
count_services() {
  count=$(count_lines service_chains nat '^:KUBE-(SVC|SVL)-') || { echo "$count" && return 1; }
  named=$(printf '%s\n' "$names" | sed -n 's/^services //p')
  echo $((count + ${named:-0}))
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

# Prints the service line and its first four real servers.
shorten() {
  awk '
    function rest() { if (n > 4) printf "  ... %d more\n", n - 4; n = 0 }
    /^(TCP|UDP|SCTP|FWM) / { rest(); sub(/[ \t]+$/, ""); print; next }
    /^  -> Remote/ { next }
    /^  -> / { n++; if (n <= 4) { sub(/[ \t]+$/, ""); print } }
    END { rest() }'
}

# hex ADDRESS PORT: the notation of /proc/net/ip_vs.
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

# elements MAP: kube-proxy's elements in a map for the API server and DNS, each behind the map's name.
elements() {
  map=$1
  case $api_server in *:*) family=ip6 ;; *) family=ip ;; esac
  nft_run elements_of_services list map "$family" kube-proxy "$map" || [ $? -eq 2 ]
}
elements_of_services() {
  awk -v map="$map" -v api_server="$api_server" -v dns="$dns" '
    $1 == "exit" { print; next }
    { sub(/^[ \t]*(elements = [{])?[ \t]*/, ""); sub(/[ \t},]*$/, "") }
    # Where there is no /etc/protocols, nft prints numbers.
    $3 == 6 { sub(/ [.] 6 [.] /, " . tcp . ") }
    $3 == 17 { sub(/ [.] 17 [.] /, " . udp . ") }
    $2 != "." || $4 != "." { next }
    ($1 == api_server && $3 == "tcp" && $5 == 443) || ($1 == dns && $3 ~ /^(tcp|udp)$/ && $5 == 53) { print map, $0 }'
}

# Without the module the table is empty, and ipvsadm would load the module.
virtual_server_tables() {
  [ -r /proc/net/ip_vs ] || return 0
  virtual_server TCP -t "$api_server" 443
  virtual_server TCP -t "$dns" 53
  virtual_server UDP -u "$dns" 53
}

# probe_tcp ADDRESS PORT: tests a connection from this node.
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
      [ "$(connect_micros "$1" "$2")" != unknown ]
      ;;
    *) echo skipped && return ;;
  esac && echo ok || echo failed
}

# The question: kube-dns.kube-system.svc.cluster.local, type A, id "NS". It contains no newline byte, at which a shell
# would split the datagram.
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

# Any answer to the question passes, whatever its code. UDP may lose an answer, so the script tries three times.
probe_dns() {
  client=$(udp_client)
  [ -n "$client" ] || { echo skipped && return; }
  for _ in 1 2 3; do
    case $(ask_dns "$client") in 4e53[89a-f]?) echo ok && return ;; esac
  done
  echo failed
}

fail() {
  echo "$1" >&2
  exit 1
}
if [ "$mode" = nftables ]; then
  source=nft
  tables=$(elements service-ips && elements no-endpoint-services) || exit 1
else
  # If ipvsadm does not work (a library is missing), the script reads the kernel's own table, which shows the same.
  source=proc
  if has ipvsadm && { [ ! -r /proc/net/ip_vs ] || ipvsadm -L --timeout >/dev/null 2>&1; }; then source=ipvsadm; fi
  tables=$(virtual_server_tables)
fi
servers=$(virtual_servers) || fail 'the IPVS table of this node could not be read'
ipsets=$(count_ipsets) || fail 'the ipsets of this node could not be read'
reject_rules=$(count_reject_rules) || fail "$reject_rules"
services=$(count_services) || fail "$services"
if [ -d /sys/class/net/kube-ipvs0 ]; then kube_ipvs0=present; else kube_ipvs0=absent; fi
running=$(proxy_mode)
health=$(healthz)
api_server_probe=$(probe_tcp "$api_server" 443)
dns_probe=$(probe_dns)
# A kube-proxy that fails to write its rules tries again about every second.
sleep 2
later=$(proxy_metrics)

result=$(
  cat <<RESULT
nightshift-validate=1
kernel=$(uname -r)
proxyMode=${running:-unreachable}
kubeIpvs0=$kube_ipvs0
virtualServers=$(printf '%s\n' "$servers" | grep -c '^own ')
ipsets=$ipsets
rejectRules=$reject_rules
iptablesServices=$services
foreignVirtualServers=$(printf '%s\n' "$servers" | grep -c '^foreign ')
nftTables=$nft_tables
healthz=$health
startedAt=$(metric "${later:-$metrics}" startedAt)
syncedAt=$(metric "${later:-$metrics}" syncedAt)
syncFailures=$(metric "$metrics" syncFailures)
syncFailuresLater=$(metric "$later" syncFailures)
syncMicros=$(metric "${later:-$metrics}" syncMicros)
source=$source
apiServerProbe=$api_server_probe
dnsProbe=$dns_probe
connectMicros=$(connect_micros "$api_server" 443)
tables<<
RESULT
  [ -z "$tables" ] || printf '%s\n' "$tables"
  echo '>>'
  echo 'end=nightshift-validate'
)
if [ "${#result}" -gt 1999 ]; then
  echo "the proof of this node is ${#result} characters long: more than 2,000 would be cut by SSM" >&2
  exit 1
fi
printf '%s\n' "$result"
