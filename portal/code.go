package portal

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"parvis/sessions"
)

// cookie is the name under which a browser keeps its session's token, and tokenLength how long one is.
const (
	cookie      = "parvis"
	tokenLength = 26
)

// remember gives the browser its session's token, until the session is forgotten. Scripts do not see it, and other sites' pages
// do not make the browser send it along with a form. Pages come over HTTP too, so it cannot be Secure; who reads it on
// the air is on this Wi-Fi, and it opens nothing but what its owner has here.
func (v *view) remember(s sessions.Session) {
	if s.Token == "" {
		return
	}
	http.SetCookie(v.c.Writer, &http.Cookie{
		Name: cookie, Value: s.Token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		MaxAge: int((s.Left + kept(v.p.profileOf(s))) / time.Second),
	})
}

// token is what the browser shows; "" nothing that could be one.
func (v *view) token() string {
	c, err := v.c.Request.Cookie(cookie)
	if err != nil || len(c.Value) != tokenLength {
		return ""
	}
	return c.Value
}

// found is the session that the browser had under another address, while it can be taken back.
func (v *view) found() (sessions.Session, bool) {
	token := v.token()
	if token == "" {
		return sessions.Session{}, false
	}
	d, _, err := v.who()
	if err != nil {
		return sessions.Session{}, false
	}
	s, ok := v.p.Sessions.ByToken(token)
	return s, ok && s.Device.MAC != d.MAC && (s.State == sessions.Open || s.Left > 0)
}

const maxCode = 40 // characters of a code as somebody types it; the longest has 15

// typed takes a code for a page: what no code has in it is left out, so that nothing else of a link or form is shown.
func (v *view) typed(code string) {
	v.Typed = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == ' ' {
			return r
		}
		return -1
	}, code[:min(len(code), maxCode)])
}

// code is the page for a ticket's or a workshop's code. A QR code fills it in; nothing is redeemed before the button is pressed.
func (p *Portal) code(c *gin.Context) {
	v := p.view(c, "code")
	if d, s, err := v.who(); err == nil && passes(s, d) && s.Voucher != "" {
		v.redirect("/ma-connexion")
		return
	}
	v.typed(c.Query("c"))
	v.render(http.StatusOK)
}

// redeem opens internet by a code. The short code of a former status page is understood here too.
func (p *Portal) redeem(c *gin.Context) {
	v := p.view(c, "code")
	d, ok := v.sender()
	if !ok {
		return
	}
	code := c.Request.PostForm.Get("c")
	if len(code) > maxCode {
		code = ""
	}
	v.typed(code)
	ctx := context.WithoutCancel(c.Request.Context())
	var err error
	if short, ok := sessions.ParseCode(code); ok {
		_, err = p.Sessions.TakeBack(ctx, sessions.TakeBack{Device: d, Code: short, By: sessions.FromResident})
	} else {
		_, err = p.Sessions.Redeem(ctx, sessions.Redemption{Device: d, Code: code, Token: v.token()})
	}
	v.entered(err)
}

// sender reads a form with a code, and who sends it; false when it has been answered by itself.
func (v *view) sender() (Device, bool) {
	if !v.form() {
		return Device{}, false
	}
	d, _, err := v.who()
	if err != nil {
		v.refused(err)
	}
	return d, err == nil
}

// again is the page on which somebody takes a session back whose device has changed its address.
func (p *Portal) again(c *gin.Context) {
	v := p.view(c, "again")
	if d, s, err := v.who(); err == nil && passes(s, d) {
		v.redirect("/ma-connexion")
		return
	}
	v.offer()
	v.render(http.StatusOK)
}

// offer shows what can be taken back: by one button, or by a code.
func (v *view) offer() {
	v.use("again")
	v.show()
	s, ok := v.found()
	if v.Found = ok; ok {
		v.set("Left", v.locale.Duration(s.Left))
	}
}

// takeBack moves a session to the device: the one of the code that was typed, or the one whose token the browser shows.
func (p *Portal) takeBack(c *gin.Context) {
	v := p.view(c, "again")
	d, ok := v.sender()
	if !ok {
		return
	}
	want := sessions.TakeBack{Device: d, By: sessions.FromResident}
	if code := c.Request.PostForm.Get("c"); code != "" {
		v.typed(code)
		want.Code, _ = sessions.ParseCode(code)
	} else {
		want.Token = v.token()
	}
	var err error
	if want.Code == "" && want.Token == "" {
		err = sessions.ErrNotFound
	} else {
		_, err = p.Sessions.TakeBack(context.WithoutCancel(c.Request.Context()), want)
	}
	v.entered(err)
}

// entered leads on after a code, or says what to do about it on the page it was typed on.
func (v *view) entered(err error) {
	if err == nil {
		v.redirect("/ouvert")
		return
	}
	var throttled *sessions.Throttled
	if errors.As(err, &throttled) {
		wait := max(throttled.Wait, time.Minute)
		v.set("Wait", v.locale.Duration(wait))
		v.c.Header("Retry-After", strconv.Itoa(int(math.Ceil(throttled.Wait.Seconds()))))
		v.wrong("code.wait", http.StatusTooManyRequests)
		return
	}
	for _, known := range []struct {
		err error
		key string
	}{
		{sessions.ErrCode, "code.no"},
		{sessions.ErrUsed, "code.used"},
		{sessions.ErrTooOld, "code.old"},
		{sessions.ErrTooEarly, "code.early"},
		{sessions.ErrRevoked, "code.revoked"},
		{sessions.ErrWorkshopFull, "code.full"},
		{sessions.ErrWorkshopNotStarted, "code.notyet"},
		{sessions.ErrWorkshopOver, "code.over"},
	} {
		if errors.Is(err, known.err) {
			v.wrong(known.key, http.StatusForbidden)
			return
		}
	}
	if errors.Is(err, sessions.ErrNotFound) {
		key := "code.no"
		if v.Typed == "" {
			key = "again.gone"
		}
		v.wrong(key, http.StatusForbidden)
		return
	}
	v.refused(err)
}

// wrong shows the page with the field again, and above it why the code does not work.
func (v *view) wrong(key string, status int) {
	v.p.log.Warn("portal: a code was refused", "reason", key)
	v.Reason = key
	if v.Page == "again" {
		v.show()
	}
	v.render(status)
}
