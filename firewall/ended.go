package firewall

import "parvis/firewall/ipset"

// setEnded4 holds the addresses whose upload entry was closed: it opens nothing, but it is there until it is counted, and nat
// leads only who has no entry to the portal. Without this set, somebody who reloads a page at the moment in which their
// time ends would see their browser's own error until the next Usage. It is asked by the first packet of a connection to port 80
// alone. An address goes from it when it is admitted, and by itself when its closed entry would. IPv6 has none, since the
// portal has no address there.
const setEnded4 = "parvis-ended4"

// toPortal leads new connections of the closed entries' addresses to the portal.
func (f *Firewall) toPortal(closed []ipset.Entry) error {
	return f.sets.Add(setEnded4, ended(closed)...)
}

// fromPortal takes that back for entries that are about to be opened.
func (f *Firewall) fromPortal(opened []ipset.Entry) error {
	return f.sets.Del(setEnded4, ended(opened)...)
}

func ended(list []ipset.Entry) []ipset.Entry {
	var out []ipset.Entry
	for _, e := range list {
		if e.IP.Is4() {
			out = append(out, ipset.Entry{IP: e.IP, Timeout: closedFor})
		}
	}
	return out
}
