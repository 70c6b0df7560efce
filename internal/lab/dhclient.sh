#!/bin/sh
# Called by dhclient: the event is $reason, the lease in the environment.
case "$reason" in
PREINIT)
	ip link set up dev "$interface"
	;;
EXPIRE | FAIL | RELEASE | STOP)
	ip -4 addr flush dev "$interface"
	;;
BOUND | RENEW | REBIND | REBOOT)
	[ "$reason" = BOUND ] && ip -4 addr flush dev "$interface"
	ip -4 addr replace "$new_ip_address/$new_subnet_mask" dev "$interface"
	for r in $new_routers; do
		ip -4 route replace default via "$r" dev "$interface"
		break
	done
	for d in $new_domain_name_servers; do echo "nameserver $d"; done >"$PARVIS_RESOLV"
	echo "parvis-lease|$new_ip_address|$new_subnet_mask|$new_routers|$new_domain_name_servers|$new_captive_portal|$new_dhcp_lease_time"
	;;
esac
exit 0
