# The chains of iptables mode in table nat, from the table of Services that kube-proxy.sh reads. A name is 16 letters
# and digits made from what the chain is for, as in kube-proxy; two sums are enough to tell a node's Services apart.
# `known` names the chains that are there: those that are not wanted any more are deleted.
# `begin` reads what all names of a Service begin with, `name` the rest: a character takes its time under emulation.
function begin(text) {
  sum_a = 7
  sum_b = 11
  add(text)
}
function add(text,   i, n, code) {
  n = length(text)
  for (i = 1; i <= n; i++) {
    code = codes[substr(text, i, 1)]
    sum_a = (sum_a * 131 + code) % 1099511627689
    sum_b = (sum_b * 137 + code) % 1099511627609
  }
}
function name(rest,   i, a, b, begun_a, begun_b, out) {
  begun_a = sum_a
  begun_b = sum_b
  add(rest)
  a = sum_a
  b = sum_b
  sum_a = begun_a
  sum_b = begun_b
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
  for (i = 1; i <= length(characters); i++) codes[substr(characters, i, 1)] = i
}
NF > 4 {
  protocol = tolower($1)
  begin($4 " " $1 " ")
  service = "KUBE-SVC-" name($3)
  wanted[service] = 1
  print ":" service " - [0:0]"
  rules[++count] = sprintf("-A KUBE-SERVICES -d %s/%s -p %s -m comment --comment \"%s cluster IP\" -m %s --dport %s -j %s", $2, bits, protocol, $4, protocol, $3, service)
  for (i = 5; i <= NF; i++) {
    endpoint = "KUBE-SEP-" name($i)
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
