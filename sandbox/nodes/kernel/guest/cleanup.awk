# What kube-proxy that enters nftables mode removes from a table of iptables, as iptables-restore reads it: its own chains
# of iptables and IPVS mode and the rules of built-in chains that lead to them. One transaction: a rule of someone else
# that leads to a chain keeps all of them, as with kube-proxy.
# https://github.com/kubernetes/kubernetes/blob/master/pkg/proxy/iptables/proxier.go, CleanupLeftovers
BEGIN {
  named = "SERVICES|EXTERNAL-SERVICES|NODEPORTS|POSTROUTING|MARK-MASQ|FORWARD|PROXY-FIREWALL|PROXY-CANARY"
  ipvs = "NODE-PORT|LOAD-BALANCER|SOURCE-RANGES-FIREWALL|IPVS-FILTER|IPVS-OUT-FILTER"
  owned = "^KUBE-(" named "|" ipvs "|(SVC|SVL|SEP|FW|XLB|EXT)-[A-Z0-9]+)$"
}
/^:/ { if ((name = substr($1, 2)) ~ owned) chains[++n] = name }
/^-A [A-Z]+ .*--comment "kube(rnetes|-proxy) / { if ($NF ~ owned) rules[++m] = substr($0, 4) }
END {
  if (n + m == 0) exit
  print "*" table
  for (i = 1; i <= n; i++) print ":" chains[i] " - [0:0]"
  for (i = 1; i <= m; i++) print "-D " rules[i]
  for (i = 1; i <= n; i++) print "-X " chains[i]
  print "COMMIT"
}
