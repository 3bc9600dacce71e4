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

boot_file=/etc/modules-load.d/ipvs.conf
modules='ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_lblc ip_vs_lblcr ip_vs_sh ip_vs_dh ip_vs_sed ip_vs_nq nf_conntrack'
kernel=$(uname -r)
# An install that takes longer than this is a mirror that does not answer.
install_seconds=300
# TEST-NET-2 as kube-proxy's own check uses it, on a port of our own: never an address that a Service has.
trial=198.51.100.0:20249

# One run at a time per node, so that a second one finds the work done instead of half done. Without flock each step is
# still safe on its own: package managers lock themselves, the file is replaced atomically, modprobe may be repeated.
if command -v flock >/dev/null && exec 9>/run/nightshift-node.lock; then
  flock -w 600 9 || {
    echo 'another nightshift command has held this node for 10 minutes' >&2
    exit 1
  }
fi

is_loaded() { grep -q "^$1 " /proc/modules; }
is_builtin() { grep -q "/$1\.ko" "/lib/modules/$kernel/modules.builtin" 2>/dev/null; }
append() { if [ -n "$1" ]; then echo "$1,$2"; else echo "$2"; fi; }
last_line() { printf '%s\n' "$1" | sed '/^[[:space:]]*$/d' | tail -n 1 | cut -c 1-200; }
limited() { if command -v timeout >/dev/null; then timeout "$@"; else shift && "$@"; fi; }

install_once() {
  if command -v dnf >/dev/null; then
    limited "$install_seconds" dnf install -y -q ipvsadm
  elif command -v yum >/dev/null; then
    limited "$install_seconds" yum install -y -q ipvsadm
  elif command -v apt-get >/dev/null; then
    # A fresh image has no package lists; an update that fails may still leave lists that have the package.
    DEBIAN_FRONTEND=noninteractive limited "$install_seconds" apt-get -q -o DPkg::Lock::Timeout=240 update
    DEBIAN_FRONTEND=noninteractive limited "$install_seconds" apt-get -q -y -o DPkg::Lock::Timeout=240 \
      install --no-install-recommends ipvsadm
  else
    echo 'none of dnf, yum, apt-get is on this node'
    return 1
  fi
}

# dnf and yum wait for their lock by themselves; apt-get waits for dpkg's but not for that of the package lists, so a
# run that met a lock is repeated.
install_ipvsadm() {
  tries=0
  while :; do
    install_log=$(install_once 2>&1 9>&-) && command -v ipvsadm >/dev/null && return 0
    tries=$((tries + 1))
    case $install_log in
      *'Could not get lock'* | *'Unable to acquire'* | *'Unable to lock'* | *'is locked by'*) ;;
      *) return 1 ;;
    esac
    [ "$tries" -lt 60 ] || return 1
    sleep 5
  done
}

# Replaces the file in one step: a node that reboots now has the old one or the new one.
write_boot_file() {
  wanted=$(for module in $modules $legacy; do echo "$module"; done)
  [ -f "$boot_file" ] && [ "$(cat "$boot_file")" = "$wanted" ] && return 0
  mkdir -p "${boot_file%/*}" || return 1
  # systemd-modules-load reads *.conf only, so it never sees the unfinished file.
  printf '%s\n' "$wanted" >"$boot_file.new.$$" && mv -f "$boot_file.new.$$" "$boot_file" && return 0
  rm -f "$boot_file.new.$$"
  return 1
}

# That a module is loaded does not say that the scheduler can be used; a virtual server that uses it does.
scheduler_registered() {
  if ! command -v ipvsadm >/dev/null; then
    is_loaded "ip_vs_$scheduler" || is_builtin "ip_vs_$scheduler"
    return
  fi
  trap 'ipvsadm -D -t "$trial" 2>/dev/null' EXIT
  trap 'exit 1' HUP INT TERM
  ipvsadm -D -t "$trial" 2>/dev/null
  ipvsadm -A -t "$trial" -s "$scheduler" 2>/dev/null && ipvsadm -D -t "$trial"
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

if command -v ipvsadm >/dev/null; then
  ipvsadm=already
elif install_ipvsadm; then
  ipvsadm=installed
else
  ipvsadm=failed
  warn "ipvsadm could not be installed: $(last_line "$install_log")"
fi

before=$(cut -d ' ' -f 1 /proc/modules)
loaded=''
builtin=''
missing=''
why=''
for module in $legacy; do modprobe "$module" 2>/dev/null; done
for module in $modules; do
  problem=$(modprobe "$module" 2>&1)
  if is_loaded "$module"; then
    printf '%s\n' "$before" | grep -qx "$module" || loaded=$(append "$loaded" "$module")
  elif is_builtin "$module"; then
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
  if scheduler_registered; then
    state=ok
  else
    why="kernel $kernel refuses the scheduler $scheduler although its module is there"
  fi
fi

persisted=ok
if ! write_boot_file; then
  persisted=failed
  why=${why:-"$boot_file could not be written: the modules would be gone after a reboot"}
fi

cat <<RESULT
nightshift-prepare=1
kernel=$kernel
ipvsadm=$ipvsadm
loaded=$loaded
builtin=$builtin
missing=$missing
scheduler=$state
persisted=$persisted
${warnings}end=nightshift-prepare
RESULT
[ -z "$why" ] && exit 0
echo "$why" >&2
exit 1
