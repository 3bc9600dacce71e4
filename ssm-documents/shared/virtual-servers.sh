# shellcheck shell=sh
# virtual_servers: the IPVS table of this node, a line for each virtual server: `own tcp/10.0.0.1:443`, `foreign fwm/7`.
# kube-proxy owns the virtual servers
# - on an address and port that its ipsets name. KUBE-CLUSTER-IP is never empty after kube-proxy's first sync: without
#   an entry in it the addresses of kube-ipvs0 decide, to which kube-proxy adds the addresses of Services;
# - on an address of the node and a port that its ipsets name as a node port. If no ipset can be read: a port from 30000
#   to 32767 that the node's main address has, too. kube-proxy opens a node port on every address of the node;
#   keepalived opens a port only on its own address;
# - on 198.51.100.0, on which kube-proxy and prepare-node.sh test whether a scheduler works.
# A firewall mark is never kube-proxy's.
virtual_servers() {
  [ -e /proc/net/ip_vs ] || return 0
  # Reads the table first: kube-proxy adds a virtual server, then its address, and its entries of ipsets last.
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
    # Turns an address into 8 or 32 hex digits.
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
    # Turns hex digits into an address as people write it; the longest run of zeros becomes "::".
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
      # The IPv6 names of the SCTP sets can be truncated.
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
