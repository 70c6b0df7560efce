package portal

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"parvis/sessions/waiting"
)

const captiveJSON = "application/captive+json"

// captive is the answer of the captive portal API (RFC 8908, section 5).
type captive struct {
	Captive          bool    `json:"captive"`
	UserPortalURL    string  `json:"user-portal-url"`
	VenueInfoURL     string  `json:"venue-info-url"`
	CanExtendSession bool    `json:"can-extend-session"`
	SecondsRemaining *int64  `json:"seconds-remaining,omitempty"` // both only where internet is open and limited
	BytesRemaining   *uint64 `json:"bytes-remaining,omitempty"`
}

// api answers /api/captive. Devices ask it over TLS only (section 4); a person's browser, and whoever comes over plain
// HTTP, is led to the first page.
func (p *Portal) api(c *gin.Context) {
	c.Header("Vary", "Accept")
	c.Header("Cache-Control", "private, no-store")
	if !p.cfg.Secure || c.Request.TLS == nil || prefersPage(c.Request.Header.Values("Accept")) {
		c.Header("Location", "/")
		c.Status(http.StatusFound)
		return
	}
	base := "https://" + p.cfg.Name
	// The venue's page is the one that is of use once internet is open: systems show it as a notification then.
	answer := captive{Captive: true, UserPortalURL: base + "/", VenueInfoURL: base + "/ma-connexion"}
	d, s, err := p.who(c.Request)
	switch {
	case err != nil:
	case !passes(s, d):
		p.Waiting.Visit(waiting.Visit{Device: d})
	case p.Line(): // so that the page comes, which says so
	default:
		answer.Captive, answer.CanExtendSession = false, s.Extend > 0
		left := int64(s.Left / time.Second)
		answer.SecondsRemaining = &left
		// Bytes after which internet goes on more slowly end nothing.
		if n, limited := bytesLeft(s, false); limited {
			answer.BytesRemaining = &n
		}
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // a struct of strings and numbers
	}
	c.Header("Content-Type", captiveJSON)
	c.Header("Content-Length", strconv.Itoa(len(body)))
	c.Status(http.StatusOK)
	_, _ = c.Writer.Write(body) // the client may have gone
}

// prefersPage reports whether an Accept header asks for a page rather than for the API: it names text/html, and not
// captive+json with the same weight or more. Whoever names neither is a device.
func prefersPage(accept []string) bool {
	var page, api float64
	for _, part := range strings.Split(strings.Join(accept, ","), ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if s, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(s, 64); err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		switch kind {
		case "text/html", "application/xhtml+xml":
			page = max(page, q)
		case captiveJSON, "application/json":
			api = max(api, q)
		}
	}
	return page > api
}
