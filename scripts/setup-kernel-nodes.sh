#!/usr/bin/env bash
# Installs the requirements of the sandbox's kernel nodes: QEMU and the programs for their image, all of them Debian
# packages. Downloads Debian's cloud kernel and unpacks it into .nightshift/kernel, without installing it. Then boots a
# node once. Safe to repeat: it installs nothing twice. Also installs shellcheck for `npm test`, and perl, which
# plays kube-proxy in tests of nftables.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cache=$root/.nightshift/kernel
packages=(qemu-system-x86 busybox-static dash bash kmod cpio util-linux iproute2 ipset iptables nftables socat curl perl-base shellcheck)
programs=(qemu-system-x86_64 busybox dash bash kmod cpio flock ip ipset xtables-legacy-multi xtables-nft-multi nft socat curl perl shellcheck)
# A boot takes 3 to 5 s on an idle core, and minutes on a busy machine.
trial_seconds=600
PATH=$PATH:/usr/sbin:/sbin

if ! command -v apt-get >/dev/null; then
  echo 'kernel nodes are made of Debian packages: this machine has no apt-get' >&2
  exit 1
fi
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }
updated=no
update() {
  [ "$updated" = yes ] || as_root apt-get -qq -o DPkg::Lock::Timeout=300 update
  updated=yes
}
install() {
  update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends \
    "$@" >/dev/null
}

for program in "${programs[@]}"; do
  command -v "$program" >/dev/null && continue
  install "${packages[@]}"
  break
done

mkdir -p "$cache"
work=$(mktemp -d "$cache/setup.XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ ! -d "$cache/linux" ]; then
  update
  # This package only depends on the newest kernel; that dependency has the files.
  kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
  (cd "$work" && apt-get -qq download "$kernel" 2>/dev/null)
  dpkg -x "$work"/linux-image-*.deb "$work/linux"
  mv "$work/linux" "$cache/linux"
fi
if ! ls "$cache"/ipvsadm_*.deb >/dev/null 2>&1; then
  update
  (cd "$cache" && apt-get -qq download ipvsadm 2>/dev/null)
fi

# ipvsadm itself is not installed here, so that nodes can install it; its dependencies must be. Their names differ
# between releases of Debian and Ubuntu (libpopt0t64), so they are read from the package.
dpkg -x "$cache"/ipvsadm_*.deb "$work/ipvsadm"
if ldd "$work/ipvsadm/sbin/ipvsadm" | grep -q 'not found'; then
  depends=$(dpkg-deb -f "$cache"/ipvsadm_*.deb Depends | tr ',' '\n' | sed 's/[(|].*//; s/ //g')
  # shellcheck disable=SC2086
  install $depends
fi

# request SCRIPT: as guest/agent.sh reads it.
request() { printf '1 run %s\n%s' "${#1}" "$1"; }
# answered ID: whether the guest has answered or ended.
answered() { grep -aq "^$1 " "$work/answers" || ! kill -0 "$machine" 2>/dev/null; }

# Boots a node and lets it use each program as nodes do.
try_guest() {
  "$root/sandbox/nodes/kernel/build-image.sh" "$cache" "$work/node.cpio" || return 1
  mkfifo "$work/requests"
  : >"$work/answers"
  timeout "$trial_seconds" "$root/sandbox/nodes/kernel/run-machine.sh" trial "$cache"/linux/boot/vmlinuz-* "$work/node.cpio" \
    "file,id=console,path=$work/console" <"$work/requests" >"$work/answers" 2>"$work/complaints" &
  machine=$!
  exec 4>"$work/requests"
  until answered 0; do sleep 0.2; done
  # The guest expands the variables.
  # shellcheck disable=SC2016
  request '#!/bin/sh
exec 2>&1
set -ex
dpkg-deb -x /var/cache/mirror/ipvsadm_*.deb /
modprobe ip_vs
ipvsadm -A -t 10.100.0.1:443 -s rr
ipvsadm -Ln -t 10.100.0.1:443
ipset create KUBE-CLUSTER-IP hash:ip,port
for family in iptables ip6tables; do
  for backend in legacy nft; do
    $family-$backend -t nat -N KUBE-SERVICES
    $family-$backend-save -t nat
  done
done
iptables-legacy -A INPUT -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT
chroot /usr/local/lib/kube-proxy/image nft add table ip trial
chroot /usr/local/lib/kube-proxy/image nft list ruleset
' >&4 || true
  until answered 1; do sleep 0.2; done
  exec 4>&-
  wait "$machine" || true
  grep -aq '^1 0 ' "$work/answers"
}
trap '' PIPE
if ! try_guest; then
  echo 'a kernel node does not work here. The end of its console and of what it printed:' >&2
  tail -n 5 "$work/console" "$work/complaints" "$work/answers" >&2 2>/dev/null || true
  exit 1
fi
echo "kernel nodes are ready: $(qemu-system-x86_64 --version | head -n 1), Linux $(ls "$cache/linux/lib/modules")"
