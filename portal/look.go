package portal

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"parvis/internal/look"
)

// logoPath is the logo's. Its address has a mark of its content: what a browser has kept is never another town's.
const logoPath = "/logo"

var style = func() string {
	b, err := assets.ReadFile("templates/style.css")
	if err != nil {
		panic(err) // it is embedded
	}
	return strings.TrimSpace(string(b))
}()

// wear gives the pages the town's look, and makes the Content-Security-Policy that allows their one style sheet, their logo and forms to
// ourselves. Browsers that know hashes (CSP 2) ignore 'unsafe-inline' beside one; those of Android 5 know only the latter.
func (p *Portal) wear(l look.Style) {
	css := l.Paint(style)
	p.style, p.scene = template.CSS(css), template.HTML(l.Paint(scene)) //nolint:gosec // our own, with checked colours
	sum := sha256.Sum256([]byte(css))
	p.policy = "default-src 'none'; style-src 'unsafe-inline' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	if l.Logo.There() {
		p.policy += "; img-src 'self'"
	}
}

// logo answers with the image, where there is one.
func (p *Portal) logo(c *gin.Context) {
	l := p.cfg.Look.Logo
	if !l.There() {
		p.problem(http.StatusNotFound)(c)
		return
	}
	c.Header("Cache-Control", "public, max-age=86400")
	c.Header("Content-Length", strconv.Itoa(len(l.Image)))
	c.Header("X-Content-Type-Options", "nosniff")
	c.Data(http.StatusOK, l.Kind, l.Image)
}

// Style is the whole style sheet.
func (v *view) Style() template.CSS { return v.p.style }

// Town is the town's name; "" none is shown.
func (v *view) Town() string { return v.p.cfg.Look.Town }

// LogoImage is the town's logo where there is one. Beside the town's name it says nothing more; alone it says who publishes.
func (v *view) LogoImage() template.HTML {
	l := v.p.cfg.Look.Logo
	if !l.There() {
		return ""
	}
	alt := ""
	if v.Town() == "" {
		alt = v.p.cfg.Site.Publisher
	}
	return l.Tag(logoPath+"?v="+l.Mark(), alt)
}

// Scene is the picture of the first page: an open door, and the light that comes out of it.
func (v *view) Scene() template.HTML { return v.p.scene }
