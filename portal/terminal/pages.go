package terminal

import (
	"net/http"
	"net/url"
	"slices"

	"parvis/kiosk"
	"parvis/kiosk/catalogue"
	"parvis/kiosk/names"
	"parvis/sessions"
)

// home is the first tab's page: whatever the post's state asks for.
func (v *view) home() {
	v.Live = true
	place := v.h.Place()
	switch {
	case v.Post.State == kiosk.Newcomer:
		v.set("Number", label(v.r))
		v.Data = label(v.r)
		v.render("newpost", http.StatusOK)
	case v.updating && !v.open:
		if v.Until = !v.until.IsZero() && v.h.sure(); v.Until {
			v.set("Until", v.locale.Hour(v.until.In(v.h.Zone)))
		}
		v.render("update", http.StatusOK)
	case v.Post.State == kiosk.Cleaning:
		v.render("done", http.StatusOK)
	case v.Post.State == kiosk.Waiting:
		v.render("cleaning", http.StatusOK)
	case v.h.Line():
		v.outage()
	case v.open && v.marked(begun, v.use.Session.ID):
		v.redirect(tiles)
	case v.open:
		v.inside()
		v.render("hello", http.StatusOK)
	case !place.Open:
		v.shut(place)
	default:
		v.called()
		v.render("locked", http.StatusOK)
	}
}

// begun is the cookie of who has gone on from the first page.
const begun = "debut"

// begin leads from the greeting to the services.
func (v *view) begin() {
	if !v.open {
		v.redirect(home)
		return
	}
	v.mark(begun, v.use.Session.ID)
	v.redirect(tiles)
}

// outage says that the line is at fault.
func (v *view) outage() {
	v.Down = true
	if v.open {
		v.inside()
	}
	v.render("outage", http.StatusOK)
}

// shut says when the place opens next.
func (v *view) shut(place sessions.SiteState) {
	if v.Opens = !place.Next.IsZero() && v.h.sure(); v.Opens {
		next := place.Next.In(v.h.Zone)
		v.set("Day", v.locale.Day(v.h.now(), next))
		v.set("At", v.locale.Hour(next))
	}
	v.render("shut", http.StatusOK)
}

// working is what every page for who sits at an open post begins with. It answers by itself when the post is not open, or the
// line is down.
func (v *view) working() bool {
	switch {
	case !v.open:
		v.redirect(home)
		return false
	case v.h.Line():
		v.Live = true
		v.outage()
		return false
	}
	v.Live = true
	v.inside()
	v.Notice = notices[v.r.URL.Query().Get("fait")]
	return true
}

// notices are what a page says after a gesture, by the word that travels in its address.
var notices = map[string]string{"montre": "site.shown", "beaucoup": "site.toomany", "temps": "soon.added", "fini": "soon.nomore"}

// few is how many services stand on one page without being grouped by need.
const few = 8

// tiles are the needs, or the services themselves where they are few.
func (v *view) tiles() {
	if !v.working() {
		return
	}
	if !v.marked(begun, v.use.Session.ID) {
		v.mark(begun, v.use.Session.ID)
	}
	needs, count := v.offered()
	v.Data = struct {
		Needs []catalogue.Need
		Flat  bool
	}{needs, count <= few}
	v.render("needs", http.StatusOK)
}

// need is the services that answer one need.
func (v *view) need() {
	if !v.working() {
		return
	}
	needs, _ := v.offered()
	i := slices.IndexFunc(needs, func(n catalogue.Need) bool { return n.ID == v.r.PathValue("need") })
	if i < 0 {
		v.redirect(tiles)
		return
	}
	v.Data = needs[i]
	v.render("need", http.StatusOK)
}

// offered is the services that are open on the post, by need, and how many.
func (v *view) offered() (needs []catalogue.Need, count int) {
	for _, n := range v.h.Catalogue.Needs() {
		n.Services = slices.DeleteFunc(slices.Clone(n.Services), func(s catalogue.Service) bool { return !v.offers(s) })
		if len(n.Services) > 0 {
			needs = append(needs, n)
			count += len(n.Services)
		}
	}
	return needs, count
}

// offers reports whether a service is open: by itself, in a bundle, or as one of all. Names alone do not say so: a name that one
// service needs may be another one's address.
func (v *view) offers(s catalogue.Service) bool {
	ids := slices.Clone(v.use.Bundles)
	if v.use.Mail {
		ids = append(ids, kiosk.Mail)
	}
	return slices.ContainsFunc(ids, func(id string) bool {
		b, _ := v.h.Catalogue.Bundle(id)
		return id == s.ID || slices.Contains(b.Services, s.ID) || id == catalogue.All && opens(v.h.Catalogue.Names([]string{id}), s)
	})
}

// opens reports whether a service's tile leads anywhere.
func opens(rules names.List, s catalogue.Service) bool {
	u, err := url.Parse(s.Address)
	if err != nil {
		return false
	}
	host, err := names.Host(u.Hostname())
	return err == nil && rules.Allows(host)
}

// leaving is what one service asks of a person.
type leaving struct {
	catalogue.Service
	Mailbox bool // it needs a mailbox, and none can be opened here
}

// service is the page before a service: in the second tab, which goes on from here.
func (v *view) service() {
	if !v.open {
		v.redirect(home)
		return
	}
	s, ok := v.h.Catalogue.Service(v.r.PathValue("id"))
	if !ok || !v.offers(s) {
		v.h.problem(v.w, v.r, http.StatusNotFound)
		return
	}
	v.inside()
	v.Data = leaving{s, slices.Contains(s.Needs, "mailbox") && !v.use.Mail}
	v.render("before", http.StatusOK)
}
