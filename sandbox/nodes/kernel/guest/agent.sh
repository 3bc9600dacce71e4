#!/bin/sh
# Runs what the sandbox sends through the virtual serial port, as the SSM agent runs what SSM sends. The sandbox's side
# is ../vm.ts. A request is a line and as many bytes as it says:
#   <id> put <bytes> <path>     writes a file
#   <id> run <bytes>            runs a script, several at once if asked
# and an answer is a line and two lots of bytes: <id> <exit code> <bytes of stdout> <bytes of stderr>
work=/run/agent
mkdir -p "$work"
port=''
for name in /sys/class/virtio-ports/*/name; do
  [ "$(cat "$name")" = nightshift ] && port=$(basename "$(dirname "$name")")
done
exec 3<>"/dev/$port"

answer() { # ID EXIT: two answers must not mix
  {
    flock 8
    printf '%s %s %s %s\n' "$1" "$2" "$(stat -c %s "$work/$1.out")" "$(stat -c %s "$work/$1.err")" >&3
    cat "$work/$1.out" "$work/$1.err" >&3
  } 8>"$work/lock"
  rm -f "$work/$1".*
}

run() {
  chmod +x "$work/$1.script"
  (cd / && exec "$work/$1.script") >"$work/$1.out" 2>"$work/$1.err" </dev/null 3>&-
  answer "$1" $?
}

: >"$work/0.out"
: >"$work/0.err"
answer 0 0 # booted
while IFS=' ' read -r id kind bytes path <&3; do
  target=$work/$id.script
  [ "$kind" = run ] || target=$path
  mkdir -p "${target%/*}"
  : >"$target"
  [ "$bytes" -eq 0 ] || dd bs="$bytes" count=1 iflag=fullblock <&3 >"$target" 2>/dev/null
  if [ "$kind" = run ]; then
    run "$id" &
  else
    : >"$work/$id.out"
    : >"$work/$id.err"
    answer "$id" 0
  fi
done
