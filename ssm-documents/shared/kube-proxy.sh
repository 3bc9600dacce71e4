# shellcheck shell=sh
# http_get URL: prints the body, with a client that the node has.
http_get() {
  if has curl; then
    curl -sf -m 5 --noproxy '*' "$1"
  elif has wget; then
    wget -q -T 5 -O - "$1"
  elif has python3; then
    python3 -c 'import sys, urllib.request as u
print(u.build_opener(u.ProxyHandler({})).open(sys.argv[1], timeout=5).read().decode())' "$1"
  else
    return 1
  fi 2>/dev/null
}

# kube_proxy PORT/PATH: what the node's kube-proxy answers there; nothing if it does not answer. On a node with IPv6 alone
# it listens on ::1.
kube_proxy() {
  for host in 127.0.0.1 '[::1]'; do
    answer=$(http_get "http://$host:$1")
    [ -z "$answer" ] || break
  done
  printf '%s\n' "$answer"
}

proxy_mode() { kube_proxy 10249/proxyMode | sed 's/[^a-z]//g' | cut -c 1-16; }

# proxy_metrics: a line `NAME VALUE` for each of kube-proxy's metrics that a document reports; none if kube-proxy does not
# answer. A metric that is missing is unknown, except that a counter of failures with labels has no sample before the first
# failure. Samples of one metric differ in their labels, such as ip_family.
# https://kubernetes.io/docs/reference/instrumentation/metrics/
proxy_metrics() {
  kube_proxy 10249/metrics | awk '
    # The sum of all samples of two metrics.
    function both(one, other) { return one in sum || other in sum ? sprintf("%.0f", sum[one] + sum[other]) : "unknown" }
    /^(process_start_time_seconds|kubeproxy_(sync|iptables))/ && $NF ~ /^[0-9.]+([eE][-+]?[0-9]+)?$/ {
      name = $1
      sub(/[{].*/, "", name)
      answered = 1
      sum[name] += $NF
      if (!(name in least) || $NF + 0 < least[name]) least[name] = $NF + 0
    }
    function oldest(name) { return name in least ? sprintf("%.6f", least[name]) : "unknown" }
    END {
      if (!answered) exit
      sync = "kubeproxy_sync_proxy_rules_"
      failures = both(sync "iptables_restore_failures_total", sync "nftables_sync_failures_total")
      if (failures == "unknown" && (sync "duration_seconds_count") in sum) failures = 0
      n = sum[sync "duration_seconds_count"]
      print "startedAt", oldest("process_start_time_seconds")
      print "syncedAt", oldest(sync "last_timestamp_seconds")
      print "syncFailures", failures
      print "syncMicros", (n > 0 ? sprintf("%.0f", sum[sync "duration_seconds_sum"] / n * 1000000) : "unknown")
      print "localhostNodePorts", both("kubeproxy_iptables_localhost_nodeports_accepted_packets_total", "")
      print "invalidPackets", both("kubeproxy_iptables_ct_state_invalid_dropped_packets_total", "")
    }'
}
# metric METRICS NAME: one value of what proxy_metrics printed.
metric() { printf '%s\n' "$1" | awk -v name="$2" '$1 == name { found = $2 } END { print found == "" ? "unknown" : found }'; }

# connect_micros ADDRESS PORT: how long a TCP connection takes from this node to be made, in microseconds. Only curl
# measures that. It speaks HTTP, which every server answers at once; with HTTPS it measures nothing if TLS fails.
connect_micros() {
  has curl || { echo unknown && return; }
  case $1 in *:*) url="http://[$1]:$2/" ;; *) url="http://$1:$2/" ;; esac
  curl -s -m 5 --noproxy '*' -o /dev/null -w '%{time_connect}\n' "$url" 2>/dev/null |
    awk '/^[0-9]+\.[0-9]+$/ && $1 > 0 { micros = sprintf("%.0f", $1 * 1000000) } END { print micros == "" ? "unknown" : micros }'
}
