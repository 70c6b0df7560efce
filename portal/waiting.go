package portal

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"parvis/sessions"
)

// wait is the page that is shown at the desk. It leads on by itself once internet is open.
func (p *Portal) wait(c *gin.Context) {
	v := p.view(c, "waiting")
	d, s, err := v.who()
	switch {
	case err == nil && passes(s, d):
		v.redirect("/ouvert")
	case err != nil:
		v.refused(err)
	case s.State == sessions.Open && s.Suspended != "":
		v.paused(http.StatusOK, s)
	case v.shut(s):
	default:
		v.waiting()
	}
}

func (v *view) waiting() {
	v.use("waiting")
	v.show()
	v.turn("/attendre", waitEvery)
	v.render(http.StatusOK)
}
