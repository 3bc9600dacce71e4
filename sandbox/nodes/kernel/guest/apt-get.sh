#!/bin/sh
# Stands in for apt-get, which would need Debian's whole package database and a network in every virtual machine. What
# it unpacks is Debian's own package of ipvsadm; its lock, its exit codes and the messages that prepare-node.sh looks
# at are apt-get's. The mirror is down while /run/mirror-down exists.
mirror=/var/cache/mirror
exec 7>/var/lib/dpkg/lock-frontend
if ! flock -n 7; then
  echo 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (apt-get)' >&2
  exit 100
fi
verb=''
package=''
while [ $# -gt 0 ]; do
  case $1 in
    -o) shift ;;
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$1; else package=$1; fi ;;
  esac
  shift
done
case $verb in
  update)
    [ -e /run/mirror-down ] || exit 0
    echo 'W: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  Temporary failure resolving' >&2
    ;;
  install)
    deb=$(ls "$mirror/${package}"_*.deb 2>/dev/null)
    if [ -e /run/mirror-down ] || [ -z "$deb" ]; then
      echo "E: Unable to locate package $package" >&2
      exit 100
    fi
    dpkg-deb -x "$deb" / && echo "Setting up $package ..."
    ;;
  *)
    echo "E: Invalid operation $verb" >&2
    exit 100
    ;;
esac
