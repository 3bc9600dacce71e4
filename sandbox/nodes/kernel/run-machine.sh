#!/bin/sh
# usage: run-machine.sh NAME KERNEL INITRD CONSOLE [OPTION OF QEMU]...
# Becomes QEMU with one kernel node: software emulation (never KVM: a laptop or a CI machine may not have it), 512 MiB, no
# network, no disk. guest/agent.sh speaks on standard input and output. CONSOLE is QEMU's chardev with the id `console`.
#
# The kernel's self-tests of its ciphers take two fifths of a boot under software emulation, and its check of the timer
# fails (a panic) on a machine that is busy with other things. Where addresses are random, every start of a program is
# other code to QEMU, to be translated anew: that is four fifths of what a short program takes. Without ERMS the kernel
# clears and copies pages by eight bytes at a time, and not by one; with init_on_alloc it would clear each page twice.
name=$1 kernel=$2 initrd=$3 console=$4
shift 4
fast='console=ttyS0 quiet panic=-1 random.trust_cpu=on mitigations=off cryptomgr.notests=1 no_timer_check norandmaps'
fast="$fast init_on_alloc=0 cgroup_disable=memory nosmap nosmep transparent_hugepage=never"
exec qemu-system-x86_64 -accel tcg -cpu max,-erms -m 512 -smp 1 -display none -monitor none \
  -nodefaults -no-user-config -no-reboot -nic none \
  -kernel "$kernel" -initrd "$initrd" -append "$fast nightshift.name=$name" \
  -chardev "$console" -serial chardev:console \
  -chardev stdio,id=agent,signal=off -device virtio-serial-pci -device virtserialport,chardev=agent,name=nightshift "$@"
