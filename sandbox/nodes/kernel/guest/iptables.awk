# The chains of iptables mode in table nat, from the table of Services that kube-proxy.sh reads. A name is 16 letters
# and digits made from what the chain is for, as in kube-proxy; two sums are enough to tell a node's Services apart.
# `known` names the chains that are there: those that are not wanted any more are deleted.
function name(text,   i, a, b, out) {
  a = 7
  b = 11
  for (i = 1; i <= length(text); i++) {
    a = (a * 131 + index(characters, substr(text, i, 1))) % 1099511627689
    b = (b * 137 + index(characters, substr(text, i, 1))) % 1099511627609
  }
  out = ""
  for (i = 0; i < 8; i++) {
    out = out substr(letters, a % 32 + 1, 1) substr(letters, b % 32 + 1, 1)
    a = int(a / 32)
    b = int(b / 32)
  }
  return out
}
BEGIN {
  letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
  characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:/[] "
}
NF > 4 {
  protocol = tolower($1)
  service = "KUBE-SVC-" name($4 " " $1 " " $3)
  wanted[service] = 1
  print ":" service " - [0:0]"
  rules[++count] = sprintf("-A KUBE-SERVICES -d %s/%s -p %s -m comment --comment \"%s cluster IP\" -m %s --dport %s -j %s", $2, bits, protocol, $4, protocol, $3, service)
  for (i = 5; i <= NF; i++) {
    endpoint = "KUBE-SEP-" name($4 " " $1 " " $i)
    address = $i
    sub(/:[0-9]+$/, "", address)
    gsub(/[][]/, "", address)
    wanted[endpoint] = 1
    print ":" endpoint " - [0:0]"
    chance = i == NF ? "" : sprintf(" -m statistic --mode random --probability %.10f", 1 / (NF - i + 1))
    rules[++count] = sprintf("-A %s -m comment --comment \"%s -> %s\"%s -j %s", service, $4, $i, chance, endpoint)
    rules[++count] = sprintf("-A %s -s %s/%s -m comment --comment \"%s\" -j KUBE-MARK-MASQ", endpoint, address, bits, $4)
    rules[++count] = sprintf("-A %s -p %s -m comment --comment \"%s\" -m %s -j DNAT --to-destination %s", endpoint, protocol, $4, protocol, $i)
  }
}
END {
  while ((getline chain < known) > 0) if (!(chain in wanted)) {
    print ":" chain " - [0:0]"
    gone[++n] = chain
  }
  for (i = 1; i <= count; i++) print rules[i]
  for (i = 1; i <= n; i++) print "-X " gone[i]
}
