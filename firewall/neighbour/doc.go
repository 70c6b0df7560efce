// Package neighbour knows who is who on the guest link: which IPv6 addresses belong to a device, behind which port of the
// bridge it is, and whether somebody else uses its identity.
//
// # What it listens to
//
//	AF_PACKET, ETH_P_ARP on the guest interface    requests and answers of every guest
//	AF_PACKET, ETH_P_IPV6 on the guest interface   behind a classic BPF filter that keeps ICMPv6 133, 135 and 136
//	RTNLGRP_NEIGH                                  the bridge's forwarding table: a MAC was learnt behind a port, or moved
//	RTNLGRP_IPV6_IFADDR, RTNLGRP_LINK              the prefixes of the guest link; the interface that goes and comes back
//	AF_PACKET, ETH_P_ALL on single ports           only while a probe waits for its answer, behind a filter for ARP answers
//
// No IPv4 data packet meets any of them. DHCP is not listened to: the lease file says the same.
//
// # How it decides
//
// core is a pure state machine: observations with their time go in, changes and probes come out. Watch puts sockets around it.
//
// IPv6 addresses follow the first-come idea of FCFS SAVI (RFC 6620): an address belongs to the MAC that first spoke for it.
// Another MAC that speaks for it makes us ask the first one; if it answers, the claimant is refused and contested, if it is
// silent the address moves. Its first holder gets it back by speaking again.
//
// A clone is a MAC that is alive behind two ports at the same time. When the bridge learns that a MAC moved, one ARP
// request leaves through the old and the new port at the same instant. A device that roams answers behind one of them,
// two devices behind both. A clone that answers no ARP is found by what it cannot avoid: a port that a MAC speaks from again
// and again without ever answering there, while it answers behind the other one.
//
// IPv4 addresses belong to whom they were leased (or admitted). A device that speaks for another one is asked whether it
// really has it, and is contested when it says so; the owner never is.
package neighbour
