#!/bin/busybox sh
# shellcheck shell=dash
# The first process of a kernel node: brings up what a worker node has before anything of Kubernetes runs on it.
/bin/busybox --install -s /bin
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Programs that a worker node has in full, not as busybox has them: its static wget crashes where there is no name
# service, and its timeout leaves a process that keeps `$(timeout ...)` waiting. /bin/sh is dash, as on Debian and Ubuntu.
for program in modprobe lsmod depmod rmmod; do rm -f "/bin/$program" && ln -s /bin/kmod "/sbin/$program"; done
rm -f /bin/ip /bin/sh /bin/nc /bin/wget /bin/timeout && ln -s dash /bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
ln -s /proc/self/fd /dev/fd
mount -t tmpfs run /run
mkdir -p /var/lib/dpkg
for folder in bin dev lib lib64 proc usr/lib; do mount --bind "/$folder" "/usr/local/lib/kube-proxy/image/$folder"; done
ip link set lo up
hostname "$(sed -n 's/.*nightshift\.name=\([^ ]*\).*/\1/p' /proc/cmdline)"
modprobe virtio_pci
modprobe virtio_console
/usr/local/bin/agent
# The agent ends when the sandbox is gone: so does the node.
poweroff -f
