#!/bin/sh
# Prints how a worker node's kernel really handles Services, for the rules in functions/core: key=value lines, the
# virtual servers of the API server and of DNS, a trailer. Changes nothing and loads no module of IPVS.
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
  ipvs/* | iptables/*) ;;
  *)
    echo "this document cannot validate mode $mode" >&2
    exit 1
    ;;
esac

. shared/probes.sh

# http_get URL: prints the body, with a client that the node has.
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

. shared/tools.sh

. shared/ipsets.sh

. shared/virtual-servers.sh

# count_lines TABLE PATTERN: counts in both families and every backend. If a table cannot be read, prints why, and
# fails.
count_lines() {
  for family in iptables ip6tables; do
    for program in $(backends "$family" "$1"); do saved "$program" "$1"; done
  done | awk -v pattern="$2" '
    /^!/ { print substr($0, 2); failed = 1; exit }
    $0 ~ pattern { n++ }
    END { if (failed) exit 1; print n + 0 }'
}

# Iptables mode makes a REJECT (or DROP) for a Service without endpoints; in IPVS mode the rule is stale and refuses the
# Service's traffic after it has endpoints again (https://github.com/kubernetes/kubernetes/issues/102314). IPVS mode
# itself has one REJECT, in KUBE-IPVS-FILTER. Other chains that begin with KUBE- may belong to others.
count_reject_rules() {
  case $mode in
    ipvs) count_lines filter '^-A KUBE-(EXTERNAL-)?SERVICES .* has no (local )?endpoints.* -j (REJECT|DROP)' ;;
    iptables) count_lines filter '^-A KUBE-IPVS-(OUT-)?FILTER .*-j REJECT' ;;
  esac
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

# Without the module the table is empty, and ipvsadm would load the module.
tables() {
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
      case $1 in *:*) url="https://[$1]:$2/" ;; *) url="https://$1:$2/" ;; esac
      connected=$(curl -sk -m 5 --noproxy '*' -o /dev/null -w '%{time_connect}' "$url" 2>/dev/null)
      case $connected in '' | 0.000 | 0.000000) false ;; esac
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

# If ipvsadm does not work (a library is missing), the script reads the kernel's own table, which shows the same.
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
