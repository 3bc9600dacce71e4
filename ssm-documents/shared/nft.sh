# shellcheck shell=sh
# The directory of kube-proxy's process in /proc; empty if it does not run.
process=$(grep -lx kube-proxy /proc/[0-9]*/comm 2>/dev/null | sed -n '1s#/comm$##p')
# kube-proxy's image has an nft of its own: it reads what kube-proxy wrote if the node has no nft, or an older one.
image=${process:+$process/root}

# nft_run FILTER ARGUMENT...: what a function leaves of the output of the node's nft, or of kube-proxy's if that fails. The
# filter keeps the last line, `exit CODE`. 1: it failed; the reason is on stderr. 2: what the arguments name does not exist.
# 3: there is no nft. A shell reads long output slowly, so filters come first.
# `nft list tables`, `list table`, `list chain` and `get element` read all rules of a node, which takes seconds.
nft_run() {
  filter=$1
  shift
  problem=''
  for program in nft "chroot $image nft"; do
    case $program in
      nft) has nft || continue ;;
      *) [ -n "$image" ] || continue ;;
    esac
    # shellcheck disable=SC2086
    output=$({ $program "$@" 2>/dev/null; echo "exit $?"; } | "$filter")
    code=${output##*exit }
    if [ "$code" = 0 ]; then
      printf '%s' "${output%exit 0}"
      return
    fi
    # shellcheck disable=SC2086
    output=$($program "$@" 2>&1 >/dev/null | printable)
    case $output in
      'Error: No such file or directory'* | 'Error: Could not process rule: No such file or directory'*) return 2 ;;
      # There is no such program in the image.
      chroot:*) continue ;;
    esac
    problem=${problem:-"$program $* failed ($code): ${output:-it printed nothing}"}
  done
  echo "${problem:-there is no nft, neither on this node nor in the image of kube-proxy}" >&2
  [ -n "$problem" ] || return 3
  return 1
}

# nft_names: what is in nftables, without its rules: a line `table FAMILY NAME` for each table; `chain FAMILY TABLE NAME HOOK
# POLICY` for each chain that has a hook or is one of the named chains of kube-proxy; and `services N`, the number of
# chains of iptables mode for Services.
nft_names() { nft_run names_of_chains list chains; }
names_of_chains() {
  awk '
    $1 == "exit" { code = $0; next }
    $1 == "table" { family = $2; table = $3; print "table", family, table; next }
    $1 == "chain" { chain = $2; hook = "-"; policy = "-"; next }
    $1 == "type" {
      for (i = 3; i < NF; i++) {
        if ($i == "hook") hook = $(i + 1)
        if ($i == "policy") { policy = $(i + 1); sub(/;$/, "", policy) }
      }
      next
    }
    $1 != "}" || chain == "" { next }
    {
      if (chain ~ /^KUBE-(SVC|SVL)-/ && table == "nat" && family ~ /^ip6?$/) services++
      if (hook != "-" || chain ~ /^KUBE-(IPVS-|EXTERNAL-)?[A-Z]*$/) print "chain", family, table, chain, hook, policy
      chain = ""
    }
    END { print "services", services + 0; print code }'
}
