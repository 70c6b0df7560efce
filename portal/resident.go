package portal

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"parvis/sessions"
)

// soon is how long before the end the page begins to warn, closing how long before the place closes.
const (
	soon    = 5 * time.Minute
	closing = 15 * time.Minute
)

// home is the first page. It offers internet, or says why internet ended or cannot be had now; whoever has it already is
// led to their time.
func (p *Portal) home(c *gin.Context) {
	v := p.view(c, "home")
	d, s, err := v.who()
	switch {
	case err == nil && passes(s, d):
		v.redirect("/ma-connexion")
	case err == nil && s.State == sessions.Open && s.Suspended != "":
		v.paused(http.StatusOK, s)
	case p.Line():
		v.down(http.StatusOK, s)
	case v.ended(s):
	case v.shut(s):
	default:
		v.welcome(s, err)
	}
}

// welcome is the first page of who has nothing that has ended just now.
func (v *view) welcome(s sessions.Session, err error) {
	_, found := v.found()
	v.HasLeft = resumable(s) || s.State == sessions.Open // the latter under the device's former address
	switch {
	case !v.HasLeft && found:
		v.offer()
	case v.p.cfg.AtDesk && err != nil:
		v.refused(err)
		return
	case v.p.cfg.AtDesk && !v.HasLeft:
		v.waiting()
		return
	case v.HasLeft:
		v.Action = "home.resume"
		v.set("Left", v.locale.Duration(s.Left))
	default:
		v.Action = "home.go"
	}
	v.render(http.StatusOK)
}

// ended answers with the page that says why the device's session has ended, where there is something to say.
func (v *view) ended(s sessions.Session) bool {
	switch s.Reason {
	case sessions.ByDay:
		v.Day = true
	case sessions.ByTime, sessions.ByVolume, sessions.ByOperator, sessions.ByClosing, sessions.ByResident,
		sessions.ByPause, sessions.ByWorkshop, sessions.ByMoved:
	default: // idle, replaced: the first page says what is left
		return false
	}
	site := v.p.Sessions.Site()
	if !site.Open && s.Reason != sessions.ByClosing && s.Reason != sessions.ByPause {
		return false // that it is closed is what there is to say
	}
	if _, found := v.found(); found {
		return false
	}
	v.use("over")
	v.Reason = "over." + string(s.Reason)
	v.set("Left", v.locale.Duration(s.Left))
	v.set("Volume", v.locale.Bytes(s.Volume))
	v.HasLeft, v.Share = resumable(s), share(s.Left, v.p.profileOf(s).Duration)
	v.Desk = v.p.cfg.AtDesk && !v.HasLeft
	v.Action = "over.ask"
	if v.HasLeft {
		v.Action = "home.resume"
	}
	if !site.Open {
		v.shuts(site)
		v.turn("/", 0)
	}
	v.render(http.StatusOK)
	return true
}

// resumable reports whether coming back goes on with the time that was left.
func resumable(s sessions.Session) bool {
	return s.State == sessions.Ended && s.Left > 0
}

// open makes internet open before it answers: the device's next probe must find it so.
func (p *Portal) open(c *gin.Context) {
	v := p.view(c, "refused")
	if !v.form() {
		return
	}
	d, s, err := v.who()
	switch {
	case err != nil:
		v.refused(err)
		return
	case passes(s, d):
		v.redirect("/ouvert")
		return
	case p.Line():
		v.down(http.StatusServiceUnavailable, s)
		return
	case p.cfg.AtDesk && s.State != sessions.Open && !resumable(s):
		v.redirect("/attendre")
		return
	}
	rules := p.profile
	if s.State == sessions.Open || resumable(s) {
		rules = p.profileOf(s) // whoever comes back goes on under the same rules
	}
	// Mini-browsers close the connection when they please; internet opens all the same.
	s, err = p.Sessions.Open(context.WithoutCancel(c.Request.Context()), sessions.OpenRequest{
		Device: d, Profile: rules.Name, By: sessions.FromResident,
	})
	if err != nil {
		v.session = s
		v.refused(err)
		return
	}
	v.redirect("/ouvert")
}

// refused says why internet was not opened.
func (v *view) refused(err error) {
	why := refusalOf(err)
	v.p.log.Warn("portal: internet was not opened", "reason", why.key)
	switch {
	case errors.Is(err, sessions.ErrContested):
		v.paused(why.status, v.session)
		return
	case errors.Is(err, sessions.ErrClosed):
		v.closed(why.status, v.p.Sessions.Site(), sessions.Session{})
		return
	}
	v.use("refused")
	v.Day = errors.Is(err, sessions.ErrDay)
	v.Reason, v.Action = "refused."+why.key, "refused.again"
	v.Desk = v.p.cfg.AtDesk
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
		{sessions.ErrContested, refusal{"contested", http.StatusConflict}},
		{sessions.ErrDay, refusal{"day", http.StatusForbidden}},
		{sessions.ErrClosed, refusal{"closed", http.StatusForbidden}},
	} {
		if errors.Is(err, known.err) {
			return known.refusal
		}
	}
	return refusal{"trouble", http.StatusServiceUnavailable} // the store, the kernel, or something new
}

// paused says that two devices use one identity, and accuses nobody: Parvis cannot know who was there first.
func (v *view) paused(status int, s sessions.Session) {
	v.use("paused")
	v.show()
	v.Wifi = s.Suspended == sessions.OtherAddress
	v.HasLeft = s.State == sessions.Open
	v.Keeps = v.HasLeft && v.p.profileOf(s).Runs == sessions.WhileUsed
	v.set("Left", v.locale.Duration(s.Left))
	v.render(status)
}
