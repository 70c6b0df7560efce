#!/bin/sh
# What a router does when its power comes: its disk, addresses and names, the daemon.
# start.sh DNSMASQ-CONFIGURATION STATE PARVIS-ARGUMENTS…
set -e
cat /proc/sys/kernel/random/boot_id
conf=$1 state=$2
shift 2
until [ -b /dev/vda ]; do usleep 5000; done
mkdir -p "$state" /run/parvis
mount -t ext4 /dev/vda "$state"
dnsmasq --log-facility=/dev/null --user=root --pid-file= --conf-file="$conf"
exec parvis --state "$state" "$@"
