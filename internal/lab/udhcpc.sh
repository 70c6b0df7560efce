#!/bin/sh
# Called by udhcpc: the event is $1, the lease in the environment.
case "$1" in
deconfig)
	ip -4 addr flush dev "$interface"
	;;
bound | renew)
	[ "$1" = bound ] && ip -4 addr flush dev "$interface"
	ip -4 addr replace "$ip/$mask" dev "$interface"
	for r in $router; do
		ip -4 route replace default via "$r" dev "$interface"
		break
	done
	# Written in place: the file is mounted over /etc/resolv.conf.
	for d in $dns; do echo "nameserver $d"; done >"$PARVIS_RESOLV"
	echo "parvis-lease|$ip|$mask|$router|$dns|hex:$opt114|$lease"
	;;
esac
exit 0
