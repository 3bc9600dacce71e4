# shellcheck shell=sh
has() { command -v "$1" >/dev/null; }

# A bash without support for /dev/tcp looks for a file of that name. Nothing listens on port 0.
bash_connects() {
  has bash && has timeout || return 1
  case $(timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/0' 2>&1) in *'No such file'*) return 1 ;; esac
}

# The program that makes a TCP connection for a proof; nothing if this node has none.
tcp_client() {
  if bash_connects; then echo bash; elif has python3; then echo python3; elif has nc; then echo nc; elif has curl; then echo curl; fi
}

# The program that asks a question over UDP for a proof; nothing if this node has none.
udp_client() {
  if ! has od; then return; fi
  if bash_connects; then echo bash; elif has python3; then echo python3; elif nc_has_udp; then echo nc; fi
}

nc_has_udp() { has nc && nc -h 2>&1 | grep -qE '(^|[^a-zA-Z])-[a-zA-Z]*u'; }
