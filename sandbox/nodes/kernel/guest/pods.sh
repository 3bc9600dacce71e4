#!/bin/busybox sh
# shellcheck shell=dash
# usage: pods NODE-ADDRESS < TABLE
# Runs what is behind the API server's and the cluster DNS's Services: a network namespace as a pod has one, with their
# endpoints' addresses, and in it listeners that answer on TCP 443, TCP 53 and UDP 53.
node=$1
pid_file=/run/pods.pid
sed -nE 's#^(TCP|UDP) [^ ]+ [^ ]+ (default/kubernetes|kube-system/kube-dns) ##p' | tr ' ' '\n' |
  sed 's/:[0-9]*$//; s/^\[//; s/\]$//' | sort -u >/run/pods.wanted
touch /run/pods.served
# What is wanted and not yet served.
new=$(cat /run/pods.served /run/pods.served /run/pods.wanted | sort | uniq -u)
[ -n "$new" ] || exit 0
case $node in *:*) bits=128 nodad=' nodad' family=-6 ;; *) bits=32 nodad='' family=-4 ;; esac
inside() { nsenter -t "$(cat "$pid_file")" -n "$@"; }

first=no
if [ ! -e "$pid_file" ]; then
  first=yes
  unshare -n sh -c "echo \$\$ >$pid_file.new; exec sleep 2147483647" >/dev/null 2>&1 &
  tries=0
  until [ -s "$pid_file.new" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 500 ] || exit 1
    usleep 20000
  done
  mv "$pid_file.new" "$pid_file"
  /sbin/ip link add pods type veth peer name eth0 netns "$(cat "$pid_file")"
  # Duplicate address detection would keep IPv6 addresses unusable for a second.
  sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.pods.accept_dad=0
  # A packet to a ClusterIP is routed before kube-proxy's rules see it: without a default route it would not start.
  /sbin/ip "$family" -batch - <<SETUP
addr add $node/$bits dev pods$nodad
link set pods up
route add default dev pods
SETUP
  inside /sbin/ip "$family" -batch - <<SETUP
link set lo up
link set eth0 up
route add $node/$bits dev eth0
route add default via $node dev eth0
SETUP
  for port in 443 53; do
    inside socat "TCP6-LISTEN:$port,ipv6only=0,fork,reuseaddr" EXEC:/bin/true </dev/null >/dev/null 2>&1 &
  done
fi
for address in $new; do echo "addr add $address/$bits dev eth0$nodad"; done | inside /sbin/ip -batch -
for address in $new; do echo "route replace $address/$bits dev pods"; done | /sbin/ip "$family" -batch -
for address in $new; do
  # An answer must come from the address that was asked, so every address has a listener of its own.
  case $address in
    *:*) listen="UDP6-RECVFROM:53,bind=[$address],fork" ;;
    *) listen="UDP4-RECVFROM:53,bind=$address,fork" ;;
  esac
  inside socat "$listen" EXEC:/usr/local/bin/dns-answer </dev/null >/dev/null 2>&1 &
done
cat /run/pods.wanted >>/run/pods.served
sort -u -o /run/pods.served /run/pods.served
# kube-proxy starts when somebody listens.
tries=0
until [ "$(inside netstat -lnu | grep -c ':53 ')" -ge "$(grep -c . /run/pods.served)" ] &&
  { [ "$first" = no ] || [ "$(inside netstat -lnt | grep -cE ':(443|53) ')" -ge 2 ]; }; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || exit 1
  usleep 50000
done
