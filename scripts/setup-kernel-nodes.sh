#!/usr/bin/env bash
# Brings what the sandbox's kernel nodes need: QEMU and the programs that go into their image, all of them Debian
# packages, and Debian's cloud kernel, which is downloaded and unpacked into .nightshift/kernel but not installed.
# Safe to repeat; does nothing when all is there. Also brings shellcheck for `npm test`.
set -euo pipefail
cache=$(cd "$(dirname "$0")/.." && pwd)/.nightshift/kernel
packages=(qemu-system-x86 busybox-static dash bash kmod cpio util-linux iproute2 ipset iptables socat curl shellcheck)
programs=(qemu-system-x86_64 busybox dash bash kmod cpio flock ip ipset xtables-legacy-multi xtables-nft-multi socat curl shellcheck)
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

for program in "${programs[@]}"; do
  command -v "$program" >/dev/null && continue
  update
  DEBIAN_FRONTEND=noninteractive as_root apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends \
    "${packages[@]}" >/dev/null
  break
done

mkdir -p "$cache"
if [ ! -d "$cache/linux" ]; then
  update
  # The package is a name for the newest kernel; what it depends on has the files.
  kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
  work=$(mktemp -d "$cache/download.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && apt-get -qq download "$kernel" 2>/dev/null)
  dpkg -x "$work"/linux-image-*.deb "$work/linux"
  mv "$work/linux" "$cache/linux"
fi
if ! ls "$cache"/ipvsadm_*.deb >/dev/null 2>&1; then
  update
  (cd "$cache" && apt-get -qq download ipvsadm 2>/dev/null)
fi
echo "kernel nodes are ready: $(qemu-system-x86_64 --version | head -n 1), Linux $(ls "$cache/linux/lib/modules")"
