# One of kube-proxy's two tables in nftables, from the table of Services that kube-proxy.sh reads: what `nft -f` reads.
# https://github.com/kubernetes/kubernetes/blob/master/pkg/proxy/nftables/proxier.go
# With `names` it writes what the names of chains are hashed from, each to a file of its own in that folder, and nothing
# else; `hashes` is what sha256sum prints of these files. `old`: before 1.36, kube-proxy has a chain for each endpoint.
# `services`: whether the table of Services has this family.
function value(digit) { return index("0123456789abcdef", digit) - 1 }
# Eight characters of the hash in base 32, and the text: hashAndTruncate.
function chain(text,   digits, out, i, part) {
  if (names != "") {
    file = names "/" sprintf("%06d", ++written)
    printf "%s", text >file
    close(file)
    return
  }
  digits = hash[++read]
  for (i = 0; i < 2; i++) {
    part = 0
    for (j = 1; j <= 5; j++) part = part * 16 + value(substr(digits, i * 5 + j, 1))
    for (j = 32768; j >= 1; j /= 32) out = out substr(letters, int(part / j) % 32 + 1, 1)
  }
  return out "-" text
}
function line(text) { if (names == "") print text }
function add(what, text) { line("add " what " " table " " text) }
function base(name, type, hook, priority) {
  add("chain", name " { type " type " hook " hook " priority " priority " ; }")
}
function rule(text) { add("rule", text) }
BEGIN {
  letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
  # The table does not name the ports of Services, but those of these two are the same in every cluster.
  port_names["default/kubernetes", "tcp"] = "https"
  port_names["kube-system/kube-dns", "tcp"] = "dns-tcp"
  port_names["kube-system/kube-dns", "udp"] = "dns"
  if (hashes != "") while ((getline text < hashes) > 0) hash[++known] = substr(text, 1, 10)
  table = family " kube-proxy"
  type = family == "ip6" ? "ipv6_addr" : "ipv4_addr"
  key = type " . inet_proto . inet_service"
  # A table that is there is made anew, in the same transaction.
  line("add table " table)
  line("delete table " table)
  line("add table " table " { comment \"rules for kube-proxy\" ; }")
  add("set", "cluster-ips { type " type " ; comment \"Active ClusterIPs\" ; }")
  add("set", "nodeport-ips { type " type " ; comment \"IPs that accept NodePort traffic\" ; }")
  add("map", "firewall-ips { type " key " : verdict ; comment \"destinations that are subject to LoadBalancerSourceRanges\" ; }")
  add("map", "no-endpoint-nodeports { type inet_proto . inet_service : verdict ; comment \"vmap to drop or reject packets to service nodeports with no endpoints\" ; }")
  add("map", "no-endpoint-services { type " key " : verdict ; comment \"vmap to drop or reject packets to services with no endpoints\" ; }")
  add("map", "service-ips { type " key " : verdict ; comment \"ClusterIP, ExternalIP and LoadBalancer IP traffic\" ; }")
  add("map", "service-nodeports { type inet_proto . inet_service : verdict ; comment \"NodePort traffic\" ; }")
  if (!old) add("set", "hairpin-connections { type " type " . " type " . inet_proto . inet_service ; comment \"service hairpin connections\" ; }")
  count = split("services masquerading cluster-ips-check firewall-check service-endpoints-check nodeport-endpoints-check" (old ? " mark-for-masquerade" : ""), chains, " ")
  for (i = 1; i <= count; i++) add("chain", chains[i])
  add("chain", "reject-chain { comment \"helper for @no-endpoint-services / @no-endpoint-nodeports\" ; }")
  base("filter-prerouting-pre-dnat", "filter", "prerouting", -110)
  base("filter-output-pre-dnat", "filter", "output", -110)
  base("filter-input", "filter", "input", 0)
  base("filter-forward", "filter", "forward", 0)
  base("filter-output", "filter", "output", 0)
  base("nat-prerouting", "nat", "prerouting", -100)
  base("nat-output", "nat", "output", -100)
  base("nat-postrouting", "nat", "postrouting", 100)
  rule("filter-input ct state new jump nodeport-endpoints-check")
  count = split("filter-input filter-forward filter-output", chains, " ")
  for (i = 1; i <= count; i++) rule(chains[i] " ct state new jump service-endpoints-check")
  rule("filter-prerouting-pre-dnat ct state new jump firewall-check")
  rule("filter-output-pre-dnat ct state new jump firewall-check")
  rule("filter-forward ct state new jump cluster-ips-check")
  rule("filter-output ct state new jump cluster-ips-check")
  rule("nat-output jump services")
  rule("nat-prerouting jump services")
  rule("nat-postrouting jump masquerading")
  rule("reject-chain reject")
  rule("firewall-check " family " daddr . meta l4proto . th dport vmap @firewall-ips")
  rule("service-endpoints-check " family " daddr . meta l4proto . th dport vmap @no-endpoint-services")
  rule("nodeport-endpoints-check " family " daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports")
  rule("cluster-ips-check " family " daddr @cluster-ips reject comment \"Reject traffic to invalid ports of ClusterIPs\"")
  rule("services " family " daddr . meta l4proto . th dport vmap @service-ips")
  rule("services " family " daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports")
  if (old) {
    rule("mark-for-masquerade mark set mark or 0x4000")
    rule("masquerading mark and 0x4000 == 0 return")
    rule("masquerading mark set mark xor 0x4000")
    rule("masquerading masquerade fully-random")
  } else {
    rule("masquerading mark and 0x4000 != 0 mark set mark xor 0x4000 masquerade fully-random")
    rule("masquerading ct status dnat " family " saddr . " family " daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random")
  }
  if (!services) exit
}
NF >= 4 {
  protocol = tolower($1)
  port_name = port_names[$4, protocol]
  element = $2 " . " protocol " . " $3
  text = $4 "/" protocol "/" port_name
  if (!($2 in seen)) add("element", "cluster-ips { " $2 " }")
  seen[$2] = 1
  if (NF == 4) {
    add("element", "no-endpoint-services { " element " comment \"" $4 (port_name == "" ? "" : ":" port_name) "\" : goto reject-chain }")
    next
  }
  service = "service-" chain(text)
  add("chain", service)
  choices = ""
  for (i = 5; i <= NF; i++) {
    address = $i
    sub(/:[0-9]+$/, "", address)
    gsub(/[][]/, "", address)
    port = $i
    sub(/.*:/, "", port)
    if (old) {
      of_address = address
      gsub(/:/, ".", of_address)
      endpoint = "endpoint-" chain(text "__" of_address "/" port)
      add("chain", endpoint)
      rule(endpoint " " family " saddr " address " jump mark-for-masquerade")
      rule(endpoint " meta l4proto " protocol " dnat to " $i)
      choices = choices (i > 5 ? " , " : "") (i - 5) " : goto " endpoint
    } else {
      hairpin = address " . " address " . " protocol " . " port
      if (!(hairpin in seen)) add("element", "hairpin-connections { " hairpin " }")
      seen[hairpin] = 1
      choices = choices (i > 5 ? " , " : "") (i - 5) " : " address " . " port
    }
  }
  if (old) rule(service " numgen random mod " (NF - 4) " vmap { " choices " }")
  else rule(service " meta l4proto " protocol " dnat " family " addr . port to numgen random mod " (NF - 4) " map { " choices " }")
  add("element", "service-ips { " element " : goto " service " }")
}
