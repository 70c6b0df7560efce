package main

import (
	"time"

	"parvis/firewall"
	"parvis/portal/console"
	"parvis/sessions"
)

// consoleHealth is what status calls problems, in the words of who is at the desk and can only look, wait and call.
func (d *daemon) consoleHealth() (all []console.Problem) {
	m := d.manager.Status()
	switch {
	case m.LinkLost != "":
		all = append(all, console.Problem{
			What: "Le boîtier a perdu un réseau.",
			Do:   "Regardez si ses câbles sont branchés. Tout reprend tout seul.",
		})
	case !m.Enforcer.OK:
		all = append(all, console.Problem{
			What: "Le boîtier n'arrive plus à ouvrir internet.",
			Do:   "Attendez une minute. Si cela continue, prévenez la personne responsable.",
		})
	}
	if !m.Store.OK {
		all = append(all, console.Problem{
			What: "Le boîtier n'arrive plus à écrire.",
			Do:   "Les personnes connectées le restent, et personne d'autre ne peut entrer. Prévenez la personne responsable.",
		})
	}
	if h := d.box.state(d); broken(h.Printer) {
		all = append(all, console.Problem{What: "L'imprimante à tickets est arrêtée.", Do: "Regardez si elle est allumée, fermée, et si elle a du papier."})
	}
	return all
}

// joined says how long ago a device asked for its address: a lease is always for guests.lease. Both ends are the machine's own
// civil time, whatever the lab does to ours.
func (d *daemon) joined(dev sessions.Device) (time.Duration, bool) {
	until, ok := d.firewall.LeasedUntil(firewall.Device{MAC: dev.MAC, IPv4: dev.IPv4})
	return max(time.Since(until)+d.cfg.Guests.Lease, 0), ok // a lease of before the last change of the configuration may be longer
}
