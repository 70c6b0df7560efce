package portal

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"parvis/sessions/waiting"
)

// help is how to help oneself, and who helps.
func (p *Portal) help(c *gin.Context) {
	v := p.view(c, "help")
	v.show()
	v.helped("")
	v.render(http.StatusOK)
}

// call asks for help at the desk.
func (p *Portal) call(c *gin.Context) {
	v := p.view(c, "help")
	if !v.form() {
		return
	}
	v.show()
	if v.Code == "" {
		v.redirect("/aide") // nobody could be found by it
		return
	}
	_, err := p.Calls.Ask(v.Code, "")
	if errors.Is(err, waiting.ErrManyCalls) {
		v.helped("help.crowd")
		v.render(http.StatusServiceUnavailable)
		return
	}
	v.redirect("/aide")
}

// helped says what became of the device's call, or why there is none.
func (v *view) helped(key string) {
	v.Call = key
	v.Asks = key == "" && v.Code != ""
	if site := v.p.Sessions.Site(); site.Open && !site.Until.IsZero() && v.p.sure() {
		v.Until = true
		v.set("Until", v.locale.Hour(site.Until.In(v.p.cfg.Zone)))
	}
	call, ok := v.p.Calls.Of(v.Code)
	if !ok || v.Code == "" {
		return
	}
	v.turn("/aide", callEvery)
	v.Asks = false
	ago := v.p.Clock.Boot().Sub(call.Since)
	switch {
	case call.Coming:
		v.Call = "help.seen"
	case ago >= waiting.Unanswered:
		v.Call = "help.nobody"
	case v.p.sure():
		v.Call = "help.sent"
		v.set("Asked", v.locale.Hour(v.p.now().Add(-ago)))
	default:
		v.Call = "help.gone"
	}
}
