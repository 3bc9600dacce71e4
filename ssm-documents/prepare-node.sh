#!/bin/sh
# Makes a worker node able to run kube-proxy in another mode. IPVS: ipvsadm installed, the kernel modules loaded now and at
# every boot. The EKS Best Practices Guide describes the same steps by hand:
# https://docs.aws.amazon.com/eks/latest/best-practices/ipvs.html
# nftables: a check. The kernel loads its modules by itself, and only for the proof the node needs a program, nft.
# Safe to run twice, and by two commands at once. Prints key=value lines; the last is end=nightshift-prepare.
mode='{{ Mode }}'
scheduler='{{ Scheduler }}'

set -u
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
LC_ALL=C
export PATH LC_ALL
umask 022

case $mode/$scheduler in
  ipvs/none)
    echo 'mode ipvs is prepared with its scheduler: Scheduler is none' >&2
    exit 1
    ;;
  ipvs/* | nftables/*) ;;
  *)
    echo "this document cannot prepare mode $mode" >&2
    exit 1
    ;;
esac

# nightshift's own file. /etc/modules-load.d/ipvs.conf is often the user's, and lists modules that are not for IPVS.
boot_file=/etc/modules-load.d/nightshift-ipvs.conf
modules='ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_lblc ip_vs_lblcr ip_vs_sh ip_vs_dh ip_vs_sed ip_vs_nq nf_conntrack'
nft_modules='nf_tables nft_ct nft_nat nft_masq nft_chain_nat nft_numgen nft_fib_ipv4 nft_fib_ipv6 nft_reject_ipv4 nft_reject_ipv6'
kernel=$(uname -r)
# If an install takes longer than this, the mirror does not answer, or the install waits for a lock: dnf and yum wait
# without an error.
install_seconds=300
# If another package manager has the lock, the script retries the install until it has run for this many seconds.
lock_seconds=240
started=$(date +%s)
# The address of TEST-NET-2 that kube-proxy's own check uses, on another port. No Service has this address.
trial=198.51.100.0:20249

# Allows one run at a time per node, so that a second run finds the work finished, not half done. Without flock each
# step is still safe on its own: package managers lock themselves, the file is replaced atomically, modprobe can be
# repeated. If /run is read-only, its directory itself is the lock.
lock=/run/nightshift-node.lock
if command -v flock >/dev/null && { (exec 9>>"$lock") 2>/dev/null || { lock=/run && [ -d "$lock" ]; }; }; then
  if [ -d "$lock" ]; then exec 9<"$lock"; else exec 9>>"$lock"; fi
  flock -w 600 9 || {
    echo 'another nightshift command has held this node for 10 minutes' >&2
    exit 1
  }
fi

. shared/probes.sh

. shared/tools.sh

. shared/kube-proxy.sh

. shared/nft.sh

. shared/virtual-servers.sh

# The system's own name, `Rocky Linux 9.4 (Blue Onyx)`, and its family: amazon, rhel, debian or other.
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

# try_scheduler NAME: makes a virtual server with the scheduler, because a loaded module does not show that the
# scheduler works. 0: it works. 1: the kernel refuses it. 2: ipvsadm is missing or does not work, which shows nothing
# about the kernel. `tried` is ipvsadm's output.
try_scheduler() {
  command -v ipvsadm >/dev/null || return 2
  trap 'ipvsadm -D -t "$trial" 2>/dev/null' EXIT
  trap 'exit 1' HUP INT TERM
  ipvsadm -D -t "$trial" 2>/dev/null
  tried=$(limited 30 ipvsadm -A -t "$trial" -s "$1" 2>&1) && ipvsadm -D -t "$trial" && return 0
  case $tried in
    # ipvsadm's messages for ENOENT.
    *cheduler*'not found'* | *'No such file or directory'*)
      limited 30 ipvsadm -L --timeout >/dev/null 2>&1 && return 1
      ;;
    # ENOPROTOOPT: the kernel has no IPVS.
    *"Can't initialize ipvs: Protocol not available"*) return 1 ;;
  esac
  return 2
}

is_loaded() { [ -e "/sys/module/$1/initstate" ] || grep -q "^$1 " /proc/modules 2>/dev/null; }
# Whether a module is part of the kernel. The kernel's package names it, or modprobe has nothing to load for it (a line
# `install NAME /bin/true` of its configuration would also succeed, but modprobe shows it), or its scheduler works.
is_builtin() {
  grep -q "/$1\.ko" "/lib/modules/$kernel/modules.builtin" 2>/dev/null && return 0
  case $1 in
    ip_vs) [ ! -e /proc/net/ip_vs ] || return 0 ;;
    nf_conntrack) [ ! -e /proc/sys/net/netfilter/nf_conntrack_max ] || return 0 ;;
    # A kernel that cannot load modules has no list of them.
    *) [ -e /proc/modules ] || ! try_scheduler "${1#ip_vs_}" || return 0 ;;
  esac
  dry=$(modprobe -n -v "$1" 2>/dev/null) || return 1
  case $dry in '' | builtin*) ;; *) return 1 ;; esac
}
last_line() { printf '%s\n' "$1" | sed '/^[[:space:]]*$/d' | tail -n 1 | cut -c 1-200; }

one_line() { printf '%s' "$1" | tr -s '[:space:]' ' ' | cut -c 1-200; }

# install_once PACKAGE
install_once() {
  # Without `-q`, because with it dnf does not report that it waits for a lock.
  if command -v dnf >/dev/null; then
    limited "$install_seconds" dnf install -y "$1"
  elif command -v yum >/dev/null; then
    limited "$install_seconds" yum install -y "$1"
  elif command -v apt-get >/dev/null; then
    # A fresh image has no package lists. If the update fails, it may still leave lists with the package.
    DEBIAN_FRONTEND=noninteractive limited "$install_seconds" apt-get -q -o DPkg::Lock::Timeout=240 update
    DEBIAN_FRONTEND=noninteractive limited "$install_seconds" apt-get -q -y -o DPkg::Lock::Timeout=240 \
      install --no-install-recommends "$1"
  else
    echo "$os_name has none of dnf, yum, apt-get"
    return 1
  fi
}

# install_package NAME: retries an install that failed because another package manager had a lock. The messages are
# those of apt (for dpkg's lock and for the lists' lock), of yum, of dnf 4 and 5, and of rpm itself.
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

# Replaces the file atomically: a node that reboots now has the old file or the new one. The file names only modules
# that this kernel has, because systemd-modules-load fails for others.
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

# Before Linux 4.19 conntrack had separate modules for IPv4 and IPv6 (Amazon Linux 2 with kernel 4.14).
release=${kernel%%-*}
major=${release%%.*}
minor=${release#*.}
minor=${minor%%.*}
legacy=''
if [ "$major" -lt 4 ] || { [ "$major" -eq 4 ] && [ "$minor" -lt 19 ]; }; then
  legacy='nf_conntrack_ipv4 nf_conntrack_ipv6'
fi

why=''
warnings=''
warn() { warnings="${warnings}warning=$1
"; }

# What the proof of this node will need, which is tried before anything is changed. Sets `probes` and `servers`.
check_proof() {
  # Without these programs the node could not prove that it reaches Services, neither after the change nor after a
  # rollback.
  probes=ok
  if [ -z "$(tcp_client)" ] || [ -z "$(udp_client)" ]; then
    probes=missing
    why=${why:-'this node cannot ask the API server and DNS, as its proof needs: install bash and coreutils, or python3'}
  fi
  servers=$(virtual_servers) || why=${why:-'the IPVS table of this node could not be read'}
  for family in iptables ip6tables; do
    for table in filter nat; do
      for program in $(backends "$family" "$table"); do
        problem=$(saved "$program" "$table" | sed -n 's/^!//p')
        [ -z "$problem" ] || why=${why:-$problem}
      done
    done
  done
}

# The figures of this node before the change. kubelet puts the API server's ClusterIP into the environment of pods.
metrics=$(proxy_metrics)
api_server=$(tr '\0' '\n' 2>/dev/null <"$process/environ" | sed -n 's/^KUBERNETES_SERVICE_HOST=\([0-9A-Fa-f:.]*\)$/\1/p')
if [ -n "$api_server" ]; then connect_micros=$(connect_micros "$api_server" 443); else connect_micros=unknown; fi

finish() {
  [ -z "$why" ] && exit 0
  echo "$why" >&2
  exit 1
}

[ "$os_family" != other ] || warn "$os_name is not a system that nightshift knows"

# can_load MODULE: whether the kernel has the module, in itself or as a file. A line `install NAME /bin/true` of modprobe's
# configuration keeps the kernel from loading it.
can_load() {
  if is_loaded "$1" || grep -q "/$1\.ko" "/lib/modules/$kernel/modules.builtin" 2>/dev/null; then return 0; fi
  dry=$(modprobe -n -v "$1" 2>/dev/null) || return 1
  case "
$dry" in *'
install '*) return 1 ;; esac
}

# The base chains of others that drop what none of their rules accepts.
drop_chains() {
  {
    printf '%s\n' "$names" | awk '$1 == "chain" && $3 != "kube-proxy" && $6 == "drop" { print $2, $3, $4, $5 }'
    for family in iptables ip6tables; do
      for program in $(backends "$family" filter); do
        uses_nft "$program" || saved "$program" filter | awk -v family="${family%tables}" '
          $1 ~ /^:/ && $2 == "DROP" { print (family == "ip6" ? "ip6" : "ip"), "filter", substr($1, 2), tolower(substr($1, 2)) }'
      done
    done
  } | sort -u | awk '
    $1 ~ /^(ip|ip6|inet)$/ && $4 ~ /^(input|forward|output)$/ {
      chain = $1 "/" $2 "/" $3
      gsub(/[^A-Za-z0-9_.\/-]/, "", chain)
      if (length(found) + length(chain) < 400) found = found (found == "" ? "" : ",") chain
    }
    END { print found }'
}

# kube-proxy in IPVS mode deletes virtual servers of others, and so does one that enters nftables mode. At most 20 are
# printed.
foreign_servers() {
  printf '%s\n' "$servers" | sed -n 's/^foreign //p' | sort -u | awk '
    NR <= 20 { printf "%s%s", (NR == 1 ? "" : ","), $0 }
    END { if (NR > 20) printf ",+%d", NR - 20 }'
}

if [ "$mode" = nftables ]; then
  missing=''
  for module in $nft_modules; do
    can_load "$module" || missing=${missing:+$missing,}$module
  done
  nft=failed
  if has nft && nft list chains >/dev/null 2>&1; then
    nft=already
  elif [ -n "$image" ] && chroot "$image" nft list chains >/dev/null 2>&1; then
    nft=kube-proxy
  elif ! install_package nftables; then
    warn "nftables could not be installed: $(last_line "$install_log")"
  elif problem=$(nft list chains 2>&1 >/dev/null); then
    nft=installed
  else
    warn "nft does not work on this node: $(one_line "$problem")"
  fi
  names=$(nft_names 2>/dev/null)
  [ "$nft" != failed ] || why='this node has no nft that reads the rules of kube-proxy, as its proof needs'
  [ -z "$missing" ] || why="kernel $kernel lacks modules that kube-proxy needs in nftables mode: $missing"
  check_proof
  cat <<RESULT
nightshift-prepare=1
mode=nftables
kernel=$kernel
nft=$nft
missing=$missing
probes=$probes
foreign-virtual-servers=$(foreign_servers)
localhostNodePorts=$(metric "$metrics" localhostNodePorts)
invalidPackets=$(metric "$metrics" invalidPackets)
dropChains=$(drop_chains)
syncMicros=$(metric "$metrics" syncMicros)
connectMicros=$connect_micros
${warnings}end=nightshift-prepare
RESULT
  finish
fi

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

before=''
for module in $modules; do if is_loaded "$module"; then before="$before $module"; fi; done
loaded=''
builtin=''
missing=''
present=''
for module in $legacy; do modprobe "$module" 2>/dev/null && present="$present $module"; done
for module in $modules; do
  problem=$(modprobe "$module" 2>&1)
  if is_loaded "$module"; then
    present="$present $module"
    case "$before " in *" $module "*) ;; *) loaded=${loaded:+$loaded,}$module ;; esac
  elif is_builtin "$module"; then
    present="$present $module"
    builtin=${builtin:+$builtin,}$module
  elif [ "$module" = nf_conntrack ] && is_loaded nf_conntrack_ipv4; then
    continue
  else
    missing=${missing:+$missing,}$module
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

check_proof

cat <<RESULT
nightshift-prepare=1
mode=ipvs
kernel=$kernel
ipvsadm=$ipvsadm
loaded=$loaded
builtin=$builtin
missing=$missing
scheduler=$state
persisted=$persisted
probes=$probes
foreign-virtual-servers=$(foreign_servers)
syncMicros=$(metric "$metrics" syncMicros)
connectMicros=$connect_micros
${warnings}end=nightshift-prepare
RESULT
finish
