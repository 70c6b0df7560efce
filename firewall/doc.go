// Package firewall makes the Linux kernel follow what sessions decides: who passes between the guest network and the
// line, until when, how fast. It knows no session, no page and no database: it is given grants and gives back counts.
//
// # The idea
//
// The number of rules is constant. A guest is an entry in a set, and one number holds all that is his together: the slot.
//
//	slot = mark bits 31–16 = connmark bits 31–16 = minor of the HTB class = first public port >> shift
//
// Public ports below 4096 are the house's whatever the width of a block, so the first slot is 4096 >> shift.
//
// # Kernel objects, by name
//
//	ipset  parvis-up4   bitmap:ip,mac  who may send: address and MAC together      timeout, counters, skbinfo
//	       parvis-dn4   hash:ip        where answers may go                         the same
//	       parvis-up6   hash:ip,mac    inet6, where the kernel has the type; else hash:ip
//	       parvis-dn6   hash:ip        inet6; both are empty where IPv6 is closed
//	       parvis-ended4 hash:ip       whose upload entry is closed and not yet counted (see setEnded4)
//	neigh  permanent, protocol 80      each admitted address on the guest interface: answers go to nobody else
//
//	mangle PARVIS-MARK  first in FORWARD: sets bit 0 on every packet from or to a guest, then `SET --map-mark --map-prio`
//	                    writes the entry's mark and class, whose mask clears bit 0, and counts: one lookup
//	       PARVIS-STOP  first in POSTROUTING: drops what still has bit 0. This is the backstop: a flushed filter table or
//	                    a foreign ACCEPT in front of ours opens nothing
//	nat    PARVIS-PRE   first in PREROUTING: the portal's and the resolver's redirections
//	       PARVIS-POST  first in POSTROUTING, towards the line: saves the mark in the connection, then PARVIS-B<n> picks the
//	                    slot's own block of public ports. Met only by the first packet of a connection
//	filter PARVIS-IN    first in INPUT; PARVIS-IN-G (guests), PARVIS-IN-T (terminals): the router's services, nothing else
//	       PARVIS-FWD   first in FORWARD; PARVIS-FROM-G, PARVIS-TO-G: no inner network, then what has a slot's mark
//	       PARVIS-OTHER last in FORWARD, only where the policy was ACCEPT before us: other interfaces keep their traffic.
//	                    That the chain is there is how we remember to give ACCEPT back
//	tc     1: HTB on the guest interface (download) and on the line's (upload); 1:1 the line, 1:2 the house's and all
//	       unmarked traffic, 1:3 ended, 1:4 the favoured servers', 1:5 parent of terminals, 1:SLOT one session, each with
//	       its queue SLOT:. skb->priority, written by the set, picks the class: no tc filter. Classes stay when a session
//	       ends
//
// An entry's timeout is the session's remaining time: the kernel closes by itself when the daemon is dead. An ended
// session's entries are first overwritten with mark 0x1/0xffff0001 (slot 0 and the backstop's bit), so that their last
// counts can be read; the next Usage reports them and deletes them. A suspended session has no entries. What entries that are
// gone have carried is in parvis-dn4 too, at 127.1.0.0 + slot (see ledger).
//
// # Rules of the house
//
// Nothing is decided from memory that the kernel knows: Sync compares the desired state with what the kernel says (plan, a
// pure function) and applies the difference. Start, restart after kill -9, and repair are that one path. Put and Drop
// speak netlink only; programs (iptables-restore) run only when the skeleton is laid.
//
// A glance, twice a second and constant in cost, sees what other programs have touched (glance, tableMarks, notices): the
// event Touched asks for a Sync, and Status tells of the repair. Addresses of a device follow the neighbour watch (rebind).
//
// What remains open: somebody who flushes mangle and filter (`nft flush ruleset`) opens the door until that Sync.
package firewall
