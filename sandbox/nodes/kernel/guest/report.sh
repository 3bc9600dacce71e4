#!/bin/sh
# What the sandbox shows of a node in /_sandbox/state, read from the kernel.
echo "mode=$(curl -s -m 5 http://127.0.0.1:10249/proxyMode 2>/dev/null)"
echo "scheduler=$(awk '/^(TCP|UDP|SCTP) / { print $3; exit }' /proc/net/ip_vs 2>/dev/null)"
echo "modules=$(cut -d ' ' -f 1 /proc/modules | tr '\n' ',')"
echo "ipvsadm=$(command -v ipvsadm)"
# kube-proxy's are on addresses of kube-ipvs0; others may have some, too.
of_services=$(ip -o address show dev kube-ipvs0 2>/dev/null | awk '{ sub("/.*", "", $4); print $4 }')
echo "virtualServers=$([ -r /proc/net/ip_vs ] && /usr/local/lib/kube-proxy/ipvsadm -Ln | awk -v bound="$of_services" '
  BEGIN { n = split(bound, list, "\n"); for (i = 1; i <= n; i++) is[list[i]] = 1 }
  /^(TCP|UDP|SCTP) / { address = $2; sub(/:[0-9]+$/, "", address); gsub(/[^0-9a-f.:]/, "", address); count += address in is }
  END { print count + 0 }')"
for family in ip ip6; do
  grep -qx filter "/proc/net/${family}_tables_names" 2>/dev/null && "${family}tables-legacy-save" -t filter
done | grep -cE '^-A KUBE-.* has no (local )?endpoints' | sed 's/^/rejectRules=/'
echo "nftTables=$([ -e /sys/module/nf_tables ] && /usr/local/lib/kube-proxy/image/usr/sbin/nft list tables | grep -cE '^table ip6? kube-proxy$')"
