package terminal

import (
	"html/template"
	"strings"

	"parvis/kiosk/catalogue"
	"parvis/portal/drawings"
)

// link is a page of ours with the key of its name.
type link struct{ Path, Key string }

var foot = []link{
	{help, "nav.help"},
	{"/kiosk/regles", "nav.rules"},
	{"/kiosk/donnees", "nav.data"},
	{"/kiosk/accessibilite", "nav.access"},
	{"/kiosk/plan", "nav.plan"},
	{"/kiosk/mentions", "nav.legal"},
}

// Foot is the links under every page.
func (v *view) Foot() []link { return foot }

// AlertIcon is the icon of the tab in the last minutes.
func (v *view) AlertIcon() string { return alert.path }

// tile is a service as its tile shows it.
type tile struct {
	catalogue.Service
	URL     string
	Tab     string // that it opens in another tab, for who does not see it
	Drawing template.HTML
}

// Tile is that of a service.
func (v *view) Tile(s catalogue.Service) tile {
	return tile{s, v.URL(service + "/" + s.ID), v.Text("needs.tab"), drawings.Line(s.Drawing)}
}

// Extra is the sites that the desk has opened for this person, without the dot of a rule for a whole domain.
func (v *view) Extra() []string {
	hosts := make([]string, len(v.use.Names))
	for i, n := range v.use.Names {
		hosts[i] = strings.TrimPrefix(n, ".")
	}
	return hosts
}
