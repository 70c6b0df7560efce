package portal

import (
	"fmt"
	"html/template"

	"parvis/portal/locale"
)

// link is a page of ours with the key of its name.
type link struct{ Path, Key string }

var (
	foot = []link{
		{"/aide", "nav.help"},
		{"/regles", "nav.rules"},
		{"/vos-donnees", "nav.data"},
		{"/accessibilite", "nav.access"},
		{"/plan", "nav.plan"},
		{"/mentions-legales", "nav.legal"},
	}
	plan = append([]link{{"/", "nav.home"}, {"/ma-connexion", "nav.mine"}, {"/attendre", "home.show"}, {"/code", "home.code"}, {"/reprendre", "again.go"}, {"/langues", "nav.languages"}}, foot...)
)

// Foot is the links under every page, Map is every page.
func (v *view) Foot() []link { return foot }
func (v *view) Map() []link  { return plan }

// Title names the page and the place.
func (v *view) Title() string { return v.Text(v.Page+".title") + " – " + v.Site() }

// Site is the place's name as a title.
func (v *view) Site() string { return locale.Capital(v.p.cfg.Site.Name) }

// Metered reports whether a click opens internet for a limited volume.
func (v *view) Metered() bool { return v.p.profile.Volume > 0 }

// Slow reports whether it goes on more slowly then, Daily and DailyMetered whether a device's day is limited.
func (v *view) Slow() bool         { return v.Metered() && v.p.profile.Slow > 0 }
func (v *view) Daily() bool        { return v.p.profile.Daily > 0 }
func (v *view) DailyMetered() bool { return v.p.profile.DailyVolume > 0 }

const scene = `<svg class="he" width="176" height="112" viewBox="0 0 176 112" aria-hidden="true" focusable="false">` +
	`<circle cx="132" cy="34" r="16" fill="#f0c46c"/>` +
	`<path d="M0 96h176" stroke="#d9c6a5" stroke-width="3"/>` +
	`<path d="M44 96V46l44-30 44 30v50z" fill="#ecd9b8"/>` +
	`<path d="M36 50 88 14l52 36" fill="none" stroke="#a4501f" stroke-width="6" stroke-linecap="round" stroke-linejoin="round"/>` +
	`<path d="M70 96V68a18 18 0 0 1 36 0v28z" fill="#fff3cf"/>` +
	`<path d="M70 96 54 112h68l-16-16z" fill="#fbe6a8"/>` +
	`<path d="M70 96V68a18 18 0 0 1 12-17v45z" fill="#17564b"/>` +
	`<circle cx="78" cy="76" r="2" fill="#f0c46c"/>` +
	`<path d="M20 96V78m0 0a11 13 0 1 1 .1 0z" fill="#4f7d5a" stroke="#4f7d5a" stroke-width="3"/>` +
	`<path d="M156 96V84m0 0a9 10 0 1 1 .1 0z" fill="#6c946b" stroke="#6c946b" stroke-width="3"/></svg>`

// Dial is the time that is left, as a disc that empties. The sentence beside it says the same in words.
func (v *view) Dial() template.HTML {
	const around = 62.83                                 // of a circle with radius 10
	return template.HTML(v.p.cfg.Look.Paint(fmt.Sprintf( //nolint:gosec // a number
		`<svg class="di" width="160" height="160" viewBox="0 0 48 48" aria-hidden="true" focusable="false">`+
			`<circle cx="24" cy="24" r="22" fill="#fff" stroke="#d9c6a5" stroke-width="2"/>`+
			`<circle cx="24" cy="24" r="10" fill="none" stroke="#17564b" stroke-width="20" stroke-dasharray="%.2f %.2f" transform="rotate(-90 24 24)"/>`+
			`<circle cx="24" cy="24" r="2.5" fill="#f0c46c"/></svg>`, around*float64(v.Share)/100, 2*around)))
}
