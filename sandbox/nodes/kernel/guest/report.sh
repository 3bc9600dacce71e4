#!/bin/sh
# What the sandbox shows of a node in /_sandbox/state, read from the kernel.
echo "mode=$(curl -s -m 5 http://127.0.0.1:10249/proxyMode 2>/dev/null)"
echo "scheduler=$(awk '/^(TCP|UDP|SCTP) / { print $3; exit }' /proc/net/ip_vs 2>/dev/null)"
echo "modules=$(cut -d ' ' -f 1 /proc/modules | tr '\n' ',')"
echo "ipvsadm=$(command -v ipvsadm)"
echo "virtualServers=$(grep -cE '^(TCP|UDP|SCTP|FWM) ' /proc/net/ip_vs 2>/dev/null)"
for family in ip ip6; do
  grep -qx filter "/proc/net/${family}_tables_names" 2>/dev/null && "${family}tables-legacy-save" -t filter
done | grep -cE '^-A KUBE-.* has no (local )?endpoints' | sed 's/^/rejectRules=/'
