# shellcheck shell=sh
# A tool that is not installed counts as empty output; a tool that fails is a failure with a name.
# printable: a program's output as one line of at most 200 harmless characters.
printable() { tr -s '[:space:]' ' ' | tr -cd 'A-Za-z0-9 .,:;()/+_~-' | cut -c 1-200 | sed 's/ *$//'; }

# backends FAMILY TABLE: the iptables programs whose rules this node can have. kube-proxy's image has its own iptables
# and may use another backend than the host. Legacy tables are read only if they exist, because reading would load them.
backends() {
  found=''
  for backend in -legacy -nft ''; do
    [ -n "$backend" ] || [ -z "$found" ] || continue
    command -v "$1$backend-save" >/dev/null || continue
    found=$backend
    uses_nft "$1$backend" || grep -qx "$2" "/proc/net/${1%tables}_tables_names" 2>/dev/null || continue
    echo "$1$backend"
  done
}

# uses_nft PROGRAM: whether a program of backends writes to nftables. A program without a backend in its name reports its
# backend. If it reports none, or exits with 1 because it does not know -V, it is legacy. If it fails otherwise, the
# script reads its rules, to show the reason.
uses_nft() {
  case $1 in
    *-nft) return 0 ;;
    *-legacy) return 1 ;;
  esac
  version=$("$1-save" -V 2>/dev/null) || [ $? -eq 1 ] || return 0
  case $version in *nf_tables*) ;; *) return 1 ;; esac
}

# saved PROGRAM TABLE: the rules of a table. If they could not be read, the last line is `!` and the reason; no line of
# rules begins with `!`.
saved() {
  { "$1-save" -t "$2" 2>/dev/null || not_saved "$1-save" "$2" $?; } |
    sed "s/^# Table .* is incompatible.*/!$1-save -t $2: the table is incompatible with iptables/"
}
not_saved() {
  problem=$("$1" -t "$2" 2>&1 >/dev/null | printable)
  case $problem in
    # A kernel without nf_tables has no rules in it.
    *'Protocol not supported'* | *'rule set generation id: Invalid argument'*)
      [ -e /sys/module/nf_tables ] || return 0
      ;;
  esac
  echo "!$1 -t $2 failed ($3): ${problem:-it printed nothing}"
}

# ip_sets ARGUMENT...: ipset's output. A kernel without ip_set has no ipsets.
ip_sets() {
  ipset "$@" 2>/dev/null && return 0
  code=$?
  problem=$(ipset "$@" 2>&1 >/dev/null | printable)
  [ -e /sys/module/ip_set ] || grep -q '^ip_set ' /proc/modules 2>/dev/null || return 0
  echo "ipset $* failed ($code): ${problem:-it printed nothing}" >&2
  return 1
}
