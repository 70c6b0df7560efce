package portal

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"parvis/sessions"
)

// opened says that internet is open. It is a page of its own because mini-browsers look again after a navigation.
func (p *Portal) opened(c *gin.Context) { p.whileOpen(c, "opened") }

// mine is the resident's own page: what is left, and the way to stop.
func (p *Portal) mine(c *gin.Context) { p.whileOpen(c, "mine") }

func (p *Portal) whileOpen(c *gin.Context, page string) {
	v := p.view(c, page)
	d, s, err := v.who()
	switch {
	case err != nil || !passes(s, d):
		v.redirect("/")
		return
	case p.Line():
		v.remember(s)
		v.down(http.StatusOK, s)
		return
	}
	v.remember(s)
	v.show()
	rules := p.profileOf(s)
	v.set("Left", v.locale.Duration(s.Left))
	v.end(s.Left)
	v.Soon = s.Left <= soon
	v.Closes = s.Closing && s.Left <= closing
	v.Extends = s.Extend > 0
	v.set("Extend", v.locale.Duration(s.Extend))
	v.Keeps = rules.Runs == sessions.WhileUsed
	v.set("Volume", v.locale.Bytes(s.Volume))
	v.Slowed, v.Slows = s.Slowed, s.Slow > 0 && !s.Slowed
	left, limited := bytesLeft(s, true)
	v.Limited = limited
	v.set("BytesLeft", v.locale.Bytes(left))
	v.Share = share(s.Left, rules.Duration)
	if page == "mine" {
		v.turn("/ma-connexion", p.every(s))
		if s.Message != nil {
			v.Message = s.Message.Text
		}
	}
	v.render(http.StatusOK)
	if v.Message != "" && c.Request.Method == http.MethodGet {
		p.Sessions.MessageSeen(s.ID)
	}
}

// every is after how many seconds the own page looks again: in a minute; at once when something is to be said, or has ended;
// and soon while somebody at the desk may be writing.
func (p *Portal) every(s sessions.Session) int {
	if p.Desk() {
		return deskEvery
	}
	next := time.Duration(mineEvery) * time.Second
	for _, mark := range []time.Duration{closing, soon, time.Minute, 0} {
		if ahead := s.Left - mark; ahead > 0 {
			next = min(next, ahead)
		}
	}
	return int((next + time.Second - 1) / time.Second)
}

// extend adds time to the device's own session, as far as its profile allows; where it does not, the own page says whom to ask.
func (p *Portal) extend(c *gin.Context) {
	v := p.view(c, "mine")
	if !v.form() {
		return
	}
	d, s, err := v.who()
	if err != nil || !passes(s, d) {
		v.redirect("/")
		return
	}
	_, err = p.Sessions.Adjust(context.WithoutCancel(c.Request.Context()), s.ID, s.Extend, sessions.FromResident)
	if err != nil && !errors.Is(err, sessions.ErrNoMore) && !errors.Is(err, sessions.ErrNotFound) {
		v.refused(err)
		return
	}
	v.redirect("/ma-connexion")
}

// bytesLeft is how much a session may still carry before it ends or, when slow, goes on more slowly; limited is false when
// nothing bounds it.
func bytesLeft(s sessions.Session, slow bool) (n uint64, limited bool) {
	if s.Volume > 0 && (s.Slow == 0 || slow && !s.Slowed) {
		n, limited = s.BytesLeft, true
	}
	if s.DayVolume > 0 && (!limited || s.DayLeft < n) {
		n, limited = s.DayLeft, true
	}
	return n, limited
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
	_, s, err := v.who()
	if err == nil && s.State == sessions.Open {
		if _, err := p.Sessions.End(context.WithoutCancel(c.Request.Context()), s.ID, sessions.ByResident); err != nil && !errors.Is(err, sessions.ErrNotFound) {
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
	if _, s, err := v.who(); err == nil && s.State != "" {
		rules = p.profileOf(s)
		v.Known = true
		v.show()
		v.set("MAC", s.Device.MAC.String())
		v.set("IPv4", s.Device.IPv4.String())
		v.set("Used", v.locale.Bytes(s.Down+s.Up))
		if p.sure() {
			v.Dated = true
			v.set("Began", v.locale.Hour(s.OpenedAt.In(p.cfg.Zone)))
			if s.EndedAt != nil {
				v.Ended = true
				v.set("Ended", v.locale.Hour(s.EndedAt.In(p.cfg.Zone)))
				v.set("Erased", v.locale.Date(s.EndedAt.Add(kept(rules)).In(p.cfg.Zone)))
			}
		}
	}
	v.set("Keep", v.locale.Duration(kept(rules)))
	v.render(http.StatusOK)
}

// kept is how long a session is remembered after its end; its slot rests as long at least.
func kept(rules sessions.Profile) time.Duration { return max(rules.Keep, sessions.SlotRest) }
