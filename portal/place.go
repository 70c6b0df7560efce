package portal

import (
	"net/http"

	"parvis/sessions"
)

const (
	// Seconds after which pages look again. The waiting page must have changed 3 s after the desk's tap.
	waitEvery = 2
	mineEvery = 60
	deskEvery = 4 // the own page, while somebody at the desk may write: a message is to be seen within 5 s
	downEvery = 10
	callEvery = 10
)

// shut answers instead of the page when nothing can be opened: the line is down, or the place is closed.
func (v *view) shut(s sessions.Session) bool {
	if v.p.Line() {
		v.down(http.StatusOK, s)
		return true
	}
	site := v.p.Sessions.Site()
	if site.Open {
		return false
	}
	v.closed(http.StatusOK, site, s)
	return true
}

// down says that the line is at fault, and not the device.
func (v *view) down(status int, s sessions.Session) {
	v.use("down")
	v.turn("/", downEvery)
	v.Stands = s.State == sessions.Open && s.LineDown || resumable(s)
	v.HasLeft = s.State == sessions.Open
	v.set("Left", v.locale.Duration(s.Left))
	v.render(status)
}

// closed says when the place opens next.
func (v *view) closed(status int, site sessions.SiteState, s sessions.Session) {
	v.use("closed")
	v.turn("/", mineEvery)
	v.shuts(site)
	v.HasLeft = resumable(s)
	v.set("Left", v.locale.Duration(s.Left))
	v.render(status)
}

// shuts gives the page what there is to say of a place that is closed.
func (v *view) shuts(site sessions.SiteState) {
	v.Shut = true
	v.Paused = site.Why == sessions.ByPaused
	if v.Opens = !site.Next.IsZero() && v.p.sure(); v.Opens {
		next := site.Next.In(v.p.cfg.Zone)
		v.set("Day", v.locale.Day(v.p.now(), next))
		v.set("At", v.locale.Hour(next))
	}
}
