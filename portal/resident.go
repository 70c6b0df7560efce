package portal

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"parvis/sessions"
)

// soon is how long before the end the page begins to warn.
const soon = 5 * time.Minute

// home is the first page. It offers internet, or says why internet ended; whoever has it already is led to their time.
func (p *Portal) home(c *gin.Context) {
	v := p.view(c, "home")
	d, s, err := p.who(c.Request)
	if err == nil && passes(s, d) {
		v.redirect("/ma-connexion")
		return
	}
	v.Action = "home.go"
	if s.State != sessions.Ended {
		v.render(http.StatusOK)
		return
	}
	v.set("Left", v.locale.duration(s.Left))
	v.set("Volume", v.locale.bytes(s.Volume))
	v.HasLeft = resumable(s)
	if v.HasLeft {
		v.Action, v.Share = "home.resume", share(s.Left, p.profileOf(s).Duration)
	}
	switch s.Reason {
	case sessions.ByTime, sessions.ByVolume, sessions.ByOperator, sessions.ByClosing, sessions.ByResident:
		v.use("over")
		v.Reason = "over." + string(s.Reason)
		if !v.HasLeft {
			v.Action = "over.ask"
		}
	}
	v.render(http.StatusOK)
}

// resumable reports whether coming back goes on with the time that was left.
func resumable(s sessions.Session) bool {
	return s.State == sessions.Ended && s.Reason.Resumable() && s.Left > 0
}

// open makes internet open before it answers: the device's next probe must find it so.
func (p *Portal) open(c *gin.Context) {
	v := p.view(c, "refused")
	if !v.form() {
		return
	}
	d, s, err := p.who(c.Request)
	if err == nil && passes(s, d) {
		v.redirect("/ouvert")
		return
	}
	if err == nil {
		rules := p.profile
		if s.State == sessions.Open || resumable(s) {
			rules = p.profileOf(s) // whoever comes back goes on under the same rules
		}
		// Mini-browsers close the connection when they please; internet opens all the same.
		_, err = p.sessions.Open(context.WithoutCancel(c.Request.Context()), sessions.OpenRequest{
			Device: d, Profile: rules.Name, By: sessions.FromResident,
		})
	}
	if err == nil {
		v.redirect("/ouvert")
		return
	}
	why := refusalOf(err)
	p.log.Warn("portal: internet was not opened", "reason", why.key)
	v.Reason, v.Action = "refused."+why.key, "refused.again"
	v.Wifi, v.Trouble = why.status == http.StatusConflict, why.key == "trouble"
	v.render(why.status)
}

// refusal is why internet was not opened, and how HTTP calls it.
type refusal struct {
	key    string
	status int
}

func refusalOf(err error) refusal {
	for _, known := range []struct {
		err error
		refusal
	}{
		{ErrNoLease, refusal{"lease", http.StatusConflict}},
		{ErrOtherDevice, refusal{"taken", http.StatusConflict}},
		{ErrUnknownDevice, refusal{"device", http.StatusConflict}},
		{sessions.ErrFull, refusal{"full", http.StatusServiceUnavailable}},
	} {
		if errors.Is(err, known.err) {
			return known.refusal
		}
	}
	return refusal{"trouble", http.StatusServiceUnavailable} // the store, the kernel, or something new
}

// opened says that internet is open. It is a page of its own because mini-browsers look again after a navigation.
func (p *Portal) opened(c *gin.Context) { p.whileOpen(c, "opened") }

// mine is the resident's own page: what is left, and the way to stop.
func (p *Portal) mine(c *gin.Context) { p.whileOpen(c, "mine") }

func (p *Portal) whileOpen(c *gin.Context, page string) {
	v := p.view(c, page)
	d, s, err := p.who(c.Request)
	if err != nil || !passes(s, d) {
		v.redirect("/")
		return
	}
	rules := p.profileOf(s)
	v.set("Left", v.locale.duration(s.Left))
	v.end(s.Left)
	v.Fixed = c.Query("fixe") != ""
	v.Soon = s.Left <= soon
	v.Keeps = rules.Runs == sessions.WhileUsed
	v.Limited = s.Volume > 0
	v.set("BytesLeft", v.locale.bytes(s.BytesLeft))
	v.Share = share(s.Left, rules.Duration)
	v.render(http.StatusOK)
}

// share is left/of in hundredths, within 0 and 100.
func share(left, of time.Duration) int {
	return int(min(max(left*100/max(of, 1), 0), 100))
}

// stop ends the device's own session, at once.
func (p *Portal) stop(c *gin.Context) {
	v := p.view(c, "refused")
	if !v.form() {
		return
	}
	_, s, err := p.who(c.Request)
	if err == nil && s.State == sessions.Open {
		if _, err := p.sessions.End(context.WithoutCancel(c.Request.Context()), s.ID, sessions.ByResident); err != nil && !errors.Is(err, sessions.ErrNotFound) {
			p.log.Warn("portal: internet was not stopped", "reason", refusalOf(err).key)
			v.use("unstopped")
			v.render(http.StatusServiceUnavailable)
			return
		}
	}
	v.redirect("/")
}

// data says what is kept, computed from the rules in force and from what is kept of this very device.
func (p *Portal) data(c *gin.Context) {
	v := p.view(c, "data")
	rules := p.profile
	if _, s, err := p.who(c.Request); err == nil && s.State != "" {
		rules = p.profileOf(s)
		v.Known = true
		v.set("MAC", s.Device.MAC.String())
		v.set("IPv4", s.Device.IPv4.String())
		v.set("Used", v.locale.bytes(s.Down+s.Up))
		if p.sure() {
			v.Dated = true
			v.set("Began", v.locale.hour(s.OpenedAt))
			if s.EndedAt != nil {
				v.Ended = true
				v.set("Ended", v.locale.hour(*s.EndedAt))
				v.set("Erased", v.locale.date(s.EndedAt.Add(kept(rules))))
			}
		}
	}
	v.set("Keep", v.locale.duration(kept(rules)))
	v.render(http.StatusOK)
}

// kept is how long a session is remembered after its end; its slot rests as long at least.
func kept(rules sessions.Profile) time.Duration { return max(rules.Keep, sessions.SlotRest) }

// page is one whose content depends on nothing but the place.
func (p *Portal) page(name string) gin.HandlerFunc {
	return func(c *gin.Context) { p.view(c, name).render(http.StatusOK) }
}

// problem answers what is no page, in words.
func (p *Portal) problem(status int) gin.HandlerFunc {
	return func(c *gin.Context) {
		v := p.view(c, "problem")
		switch status {
		case http.StatusNotFound:
			v.use("missing")
		case http.StatusInternalServerError:
			v.use("broken")
		}
		if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			c.Header("Connection", "close") // what is left of the request is not read
		}
		v.render(status)
	}
}

// form reads a POST's form, for its language. It answers by itself when the form is too long or does not come.
func (v *view) form() bool {
	err := v.c.Request.ParseForm()
	var long *http.MaxBytesError
	var slow net.Error
	switch {
	case err == nil:
		v.choose(v.c.Request.Form.Get("l"))
		return true
	case errors.As(err, &long):
		v.p.problem(http.StatusRequestEntityTooLarge)(v.c)
	case errors.As(err, &slow) && slow.Timeout():
		v.p.problem(http.StatusRequestTimeout)(v.c)
	default:
		v.p.problem(http.StatusBadRequest)(v.c)
	}
	return false
}
