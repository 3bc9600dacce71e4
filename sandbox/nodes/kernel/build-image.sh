#!/usr/bin/env bash
# usage: build-image.sh CACHE OUTPUT
# Makes the initramfs of a kernel node: Debian's kernel modules from CACHE/linux, this machine's own programs with their
# libraries, Debian's package of ipvsadm for the stand-in of apt-get, and the files in guest/. Needs no root.
set -euo pipefail
cache=$1 output=$2
guest=$(cd "$(dirname "$0")/guest" && pwd)
root=$(mktemp -d "$output.XXXXXX")
trap 'rm -rf "$root" "$root.cpio"' EXIT
PATH=$PATH:/usr/sbin:/sbin
version=$(ls "$cache/linux/lib/modules")

mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,usr/local/bin,usr/local/lib/kube-proxy,proc,sys,dev,etc,tmp,run,var/cache/mirror}
chmod 1777 "$root/tmp"

copy() { # a file, where it is here
  [ -e "$root$1" ] || install -D "$(readlink -f "$1")" "$root$1"
}
libraries() { # what a program needs; a static one needs nothing
  local found missing
  found=$(ldd "$1" 2>/dev/null || true)
  missing=$(awk '/=> not found/ { print $1 }' <<<"$found")
  if [ -n "$missing" ]; then
    echo "$(basename "$1") needs $(paste -s -d ' ' <<<"$missing"), which this machine does not have" >&2
    exit 1
  fi
  awk '/=> \// { print $3 } $1 ~ /^\/lib.*ld-/ { print $1 }' <<<"$found" |
    while read -r library; do copy "$library"; done
}
program() { # NAME [WHERE IN THE NODE]
  local file
  file=$(readlink -f "$(command -v "$1")")
  install -D "$file" "$root${2:-/usr/bin/$1}"
  libraries "$file"
}

program busybox /bin/busybox
program dash /bin/dash
program kmod /bin/kmod
program bash
program curl
program timeout
program flock
program ip /sbin/ip
program ipset /usr/sbin/ipset
program socat
program xtables-legacy-multi /usr/sbin/xtables-legacy-multi
program xtables-nft-multi /usr/sbin/xtables-nft-multi
for family in iptables ip6tables; do
  for verb in '' -save -restore; do
    ln -s xtables-legacy-multi "$root/usr/sbin/$family-legacy$verb"
    ln -s xtables-nft-multi "$root/usr/sbin/$family-nft$verb"
    # Debian's own choice for the name without a backend.
    ln -s xtables-nft-multi "$root/usr/sbin/$family$verb"
  done
done
extensions=$(ls -d /usr/lib/*/xtables)
for extension in "$extensions"/lib*; do copy "$extension" && libraries "$extension"; done

# kube-proxy's image has a library of its own that talks to IPVS; the node has ipvsadm only once it is installed. What
# the package itself needs is there from the start.
mkdir "$root/unpacked"
dpkg -x "$cache"/ipvsadm_*.deb "$root/unpacked"
libraries "$root/unpacked/sbin/ipvsadm"
mv "$root/unpacked/sbin/ipvsadm" "$root/usr/local/lib/kube-proxy/ipvsadm"
rm -r "$root/unpacked"
# kube-proxy's process runs in a root of its own, as in a container; guest/init.sh mounts libraries and programs there. The
# image has an nft, the node has none.
image=/usr/local/lib/kube-proxy/image
program nft "$image/usr/sbin/nft"
mkdir -p "$root$image"/{bin,dev,etc,lib,lib64,proc,usr/lib,usr/local/bin,answers/10249,answers/10256}
install "$guest/proxy-process.sh" "$root$image/usr/local/bin/kube-proxy"
mkdir -p "$root"/{lib64,usr/lib}
cp "$cache"/ipvsadm_*.deb "$root/var/cache/mirror/"

printf 'ipv6-icmp 58\ntcp 6\nudp 17\nsctp 132\n' | tee "$root$image/etc/protocols" >"$root/etc/protocols"

install "$guest/init.sh" "$root/init"
for script in agent pods dns-answer report kube-proxy; do install "$guest/$script.sh" "$root/usr/local/bin/$script"; done
install "$guest/apt-get.sh" "$root/usr/bin/apt-get"
cp "$guest"/{iptables,nftables,cleanup}.awk "$root/usr/local/lib/kube-proxy/"

modules=$root/lib/modules/$version
mkdir -p "$modules"
cp "$cache/linux/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$modules/"
for part in kernel/net/netfilter kernel/net/ipv4/netfilter kernel/net/ipv6/netfilter kernel/lib kernel/crypto \
  kernel/arch/x86/crypto kernel/drivers/virtio kernel/drivers/char kernel/drivers/net/dummy.ko kernel/drivers/net/veth.ko; do
  for source in "$cache/linux/lib/modules/$version/$part"*; do
    [ -e "$source" ] || continue
    mkdir -p "$modules/$(dirname "$part")"
    cp -r "$source" "$modules/$(dirname "$part")/"
  done
done
depmod -b "$root" "$version"

(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$root.cpio"
mv -f "$root.cpio" "$output"
