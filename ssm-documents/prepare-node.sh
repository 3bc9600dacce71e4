#!/bin/sh
# Makes a worker node able to run kube-proxy in IPVS mode: ipvsadm installed, the kernel modules loaded now and at every
# boot. What the EKS Best Practices Guide has a person do by hand:
# https://docs.aws.amazon.com/eks/latest/best-practices/ipvs.html
# Safe to run twice, and by two commands at once. Prints key=value lines; the last is end=nightshift-prepare.
scheduler='{{ Scheduler }}'

set -u
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
LC_ALL=C
export PATH LC_ALL
umask 022

# A file of our own. /etc/modules-load.d/ipvs.conf is often the user's, and lists modules that are not for IPVS.
boot_file=/etc/modules-load.d/nightshift-ipvs.conf
modules='ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_lblc ip_vs_lblcr ip_vs_sh ip_vs_dh ip_vs_sed ip_vs_nq nf_conntrack'
kernel=$(uname -r)
# An install that takes longer than this is a mirror that does not answer, or waits for a lock: dnf and yum wait by
# themselves.
install_seconds=300
# As long as another package manager has the lock, the install is repeated, until the script has run for this many seconds.
lock_seconds=240
started=$(date +%s)
# TEST-NET-2 as kube-proxy's own check uses it, on a port of our own: never an address that a Service has.
trial=198.51.100.0:20249

# One run at a time per node, so that a second one finds the work done instead of half done. Without flock each step is
# still safe on its own: package managers lock themselves, the file is replaced atomically, modprobe may be repeated.
# Where /run is read-only, its directory itself is the lock.
lock=/run/nightshift-node.lock
if command -v flock >/dev/null && { (exec 9>>"$lock") 2>/dev/null || { lock=/run && [ -d "$lock" ]; }; }; then
  if [ -d "$lock" ]; then exec 9<"$lock"; else exec 9>>"$lock"; fi
  flock -w 600 9 || {
    echo 'another nightshift command has held this node for 10 minutes' >&2
    exit 1
  }
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

# The system's own name for itself, `Rocky Linux 9.4 (Blue Onyx)`, and its family: amazon, rhel, debian or other.
# https://www.freedesktop.org/software/systemd/man/latest/os-release.html
os_release() { cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null; }
os_value() { os_release | sed -n "s/^$1=//p" | tail -n 1 | sed "s/^[\"']//; s/[\"']\$//" | tr -cd '[:print:]' | cut -c 1-64; }
os_name=$(os_value PRETTY_NAME)
os_name=${os_name:-a system without os-release}
os_family=other
for id in $(os_value ID) $(os_value ID_LIKE); do
  case $id in
    amzn) os_family=amazon ;;
    rhel | rocky | almalinux | ol | centos | fedora) os_family=rhel ;;
    debian | ubuntu) os_family=debian ;;
    *) continue ;;
  esac
  break
done

limited() { if command -v timeout >/dev/null; then timeout "$@"; else shift && "$@"; fi; }

# try_scheduler NAME: that a module is loaded does not show that the scheduler can be used; a virtual server that uses it
# does. 0: it can. 1: the kernel refuses it. 2: there is no ipvsadm, or it does not work: that tells nothing about the
# kernel. `tried` is what ipvsadm printed.
try_scheduler() {
  command -v ipvsadm >/dev/null || return 2
  trap 'ipvsadm -D -t "$trial" 2>/dev/null' EXIT
  trap 'exit 1' HUP INT TERM
  ipvsadm -D -t "$trial" 2>/dev/null
  tried=$(limited 30 ipvsadm -A -t "$trial" -s "$1" 2>&1) && ipvsadm -D -t "$trial" && return 0
  case $tried in
    # ENOENT, as ipvsadm words it.
    *cheduler*'not found'* | *'No such file or directory'*)
      limited 30 ipvsadm -L --timeout >/dev/null 2>&1 && return 1
      ;;
    # ENOPROTOOPT: the kernel has no IPVS.
    *"Can't initialize ipvs: Protocol not available"*) return 1 ;;
  esac
  return 2
}

is_loaded() { grep -q "^$1 " /proc/modules 2>/dev/null || [ -e "/sys/module/$1/initstate" ]; }
# A module that is part of the kernel: named by the kernel's package, or by modprobe, which then has nothing to load (a
# line `install NAME /bin/true` of its configuration would also succeed, and is shown), or by what it does.
is_builtin() {
  grep -q "/$1\.ko" "/lib/modules/$kernel/modules.builtin" 2>/dev/null && return 0
  case $1 in
    ip_vs) [ ! -e /proc/net/ip_vs ] || return 0 ;;
    nf_conntrack) [ ! -e /proc/sys/net/netfilter/nf_conntrack_max ] || return 0 ;;
    # A kernel that loads no modules has no list of them either.
    *) [ -e /proc/modules ] || ! try_scheduler "${1#ip_vs_}" || return 0 ;;
  esac
  dry=$(modprobe -n -v "$1" 2>/dev/null) || return 1
  case $dry in '' | builtin*) ;; *) return 1 ;; esac
}
append() { if [ -n "$1" ]; then echo "$1,$2"; else echo "$2"; fi; }
last_line() { printf '%s\n' "$1" | sed '/^[[:space:]]*$/d' | tail -n 1 | cut -c 1-200; }

one_line() { printf '%s' "$1" | tr -s '[:space:]' ' ' | cut -c 1-200; }

# install_once PACKAGE
install_once() {
  # Not `-q`: with it dnf does not tell that it waits for a lock.
  if command -v dnf >/dev/null; then
    limited "$install_seconds" dnf install -y "$1"
  elif command -v yum >/dev/null; then
    limited "$install_seconds" yum install -y "$1"
  elif command -v apt-get >/dev/null; then
    # A fresh image has no package lists; an update that fails may still leave lists that have the package.
    DEBIAN_FRONTEND=noninteractive limited "$install_seconds" apt-get -q -o DPkg::Lock::Timeout=240 update
    DEBIAN_FRONTEND=noninteractive limited "$install_seconds" apt-get -q -y -o DPkg::Lock::Timeout=240 \
      install --no-install-recommends "$1"
  else
    echo "$os_name has none of dnf, yum, apt-get"
    return 1
  fi
}

# install_package NAME: an install that failed while another package manager had a lock is repeated. The messages are
# those of apt (of dpkg's lock and of the lists'), of yum, of dnf 4 and 5, and of rpm itself.
install_package() {
  while :; do
    install_log=$(install_once "$1" 2>&1 9>&-) && return 0
    case $install_log in
      *'Could not get lock'* | *'Unable to acquire'* | *'Unable to lock'* | *'is locked by'*) ;;
      *'holding the yum lock'* | *'another copy is running'*) ;;
      *'Waiting for process with pid'* | *'already locked by'* | *'transaction lock'* | *'.rpm.lock'*) ;;
      *) return 1 ;;
    esac
    [ $(($(date +%s) - started)) -lt "$lock_seconds" ] || return 1
    sleep 5
  done
}

# Replaces the file in one step: a node that reboots now has the old one or the new one. It names only modules that this
# kernel has: systemd-modules-load fails for others.
write_boot_file() {
  wanted=$(
    echo '# Written by nightshift, prepare-node.sh: what kube-proxy needs in IPVS mode. Put modules of your own elsewhere.'
    for module in $present; do echo "$module"; done
  )
  [ -f "$boot_file" ] && [ "$(cat "$boot_file")" = "$wanted" ] && return 0
  mkdir -p "${boot_file%/*}" || return 1
  # systemd-modules-load reads *.conf only, so it never sees the unfinished file.
  printf '%s\n' "$wanted" >"$boot_file.new.$$" && mv -f "$boot_file.new.$$" "$boot_file" && return 0
  rm -f "$boot_file.new.$$"
  return 1
}

# Until Linux 4.19 conntrack for IPv4 and IPv6 were modules of their own (Amazon Linux 2 with kernel 4.14).
release=${kernel%%-*}
major=${release%%.*}
minor=${release#*.}
minor=${minor%%.*}
legacy=''
if [ "$major" -lt 4 ] || { [ "$major" -eq 4 ] && [ "$minor" -lt 19 ]; }; then
  legacy='nf_conntrack_ipv4 nf_conntrack_ipv6'
fi

warnings=''
warn() { warnings="${warnings}warning=$1
"; }

[ "$os_family" != other ] || warn "$os_name is not a system that nightshift knows"

if command -v ipvsadm >/dev/null; then
  ipvsadm=already
elif install_package ipvsadm && command -v ipvsadm >/dev/null; then
  ipvsadm=installed
else
  ipvsadm=failed
  warn "ipvsadm could not be installed: $(last_line "$install_log")"
fi

# A minimal image of the RHEL family may lack the package of the kernel that has IPVS.
if [ "$os_family" = rhel ] && ! modprobe -n -q ip_vs 2>/dev/null && ! is_builtin ip_vs; then
  case $kernel in *uek*) package=kernel-uek-modules-$kernel ;; *) package=kernel-modules-$kernel ;; esac
  install_package "$package" || warn "$package could not be installed: $(last_line "$install_log")"
fi

before=$(for module in $modules; do if is_loaded "$module"; then echo "$module"; fi; done)
loaded=''
builtin=''
missing=''
present=''
why=''
for module in $legacy; do modprobe "$module" 2>/dev/null && present="$present $module"; done
for module in $modules; do
  problem=$(modprobe "$module" 2>&1)
  if is_loaded "$module"; then
    present="$present $module"
    printf '%s\n' "$before" | grep -qx "$module" || loaded=$(append "$loaded" "$module")
  elif is_builtin "$module"; then
    present="$present $module"
    builtin=$(append "$builtin" "$module")
  elif [ "$module" = nf_conntrack ] && is_loaded nf_conntrack_ipv4; then
    continue
  else
    missing=$(append "$missing" "$module")
    case $module in
      ip_vs | "ip_vs_$scheduler" | nf_conntrack)
        why=${why:-"kernel $kernel has no module $module: $(last_line "${problem:-modprobe loaded nothing}")"}
        ;;
      *) warn "scheduler ${module#ip_vs_} is not in this kernel" ;;
    esac
  fi
done

state=missing
if [ -z "$why" ]; then
  state=ok
  try_scheduler "$scheduler"
  case $? in
    1)
      state=missing
      why="kernel $kernel refuses the scheduler $scheduler although its module is there: $(one_line "$tried")"
      ;;
    2)
      if command -v ipvsadm >/dev/null; then
        warn "ipvsadm does not work on this node: $(one_line "${tried:-it printed nothing}")"
      fi
      ;;
  esac
fi

persisted=ok
if ! write_boot_file; then
  persisted=failed
  why=${why:-"$boot_file could not be written: the modules would be gone after a reboot"}
fi

# Without them nothing could prove that this node reaches Services, neither after the change nor after a rollback.
probes=ok
if [ -z "$(tcp_client)" ] || [ -z "$(udp_client)" ]; then
  probes=missing
  why=${why:-'this node cannot ask the API server and DNS, as its proof needs: install bash and coreutils, or python3'}
fi

# kube-proxy in IPVS mode deletes them. At most 20 are named.
servers=$(virtual_servers) || why=${why:-'the IPVS table of this node could not be read'}
foreign=$(printf '%s\n' "$servers" | sed -n 's/^foreign //p' | sort -u | awk '
  NR <= 20 { printf "%s%s", (NR == 1 ? "" : ","), $0 }
  END { if (NR > 20) printf ",+%d", NR - 20 }')

# The proof of this node will read its rules: that is tried before anything is changed.
for family in iptables ip6tables; do
  for table in filter nat; do
    for program in $(backends "$family" "$table"); do
      problem=$(saved "$program" "$table" | sed -n 's/^!//p')
      [ -z "$problem" ] || why=${why:-$problem}
    done
  done
done

cat <<RESULT
nightshift-prepare=1
kernel=$kernel
ipvsadm=$ipvsadm
loaded=$loaded
builtin=$builtin
missing=$missing
scheduler=$state
persisted=$persisted
probes=$probes
foreign-virtual-servers=$foreign
${warnings}end=nightshift-prepare
RESULT
[ -z "$why" ] && exit 0
echo "$why" >&2
exit 1
