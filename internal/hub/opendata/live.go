package opendata

import (
	"bytes"
	"embed"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"time"

	"parvis/internal/hub/words"
)

//go:embed texts/fr.toml
var texts embed.FS

//go:embed templates/fragment.html
var files embed.FS

var (
	say  = words.Must(texts)
	page = template.Must(template.New("fragment.html").Funcs(template.FuncMap{"say": say.Say}).ParseFS(files, "templates/fragment.html"))
)

// Now is what is said of one place at the moment.
type Now struct {
	ID      string     `json:"id"`
	Name    string     `json:"nom"`
	Address string     `json:"adresse,omitempty"`
	Network string     `json:"wifi,omitempty"`
	Status  string     `json:"etat"`              // ouvert, complet, ferme, inconnu
	Until   *time.Time `json:"jusqu_a,omitempty"` // of ouvert and complet, by its hours
	Opens   *time.Time `json:"ouvre,omitempty"`   // of ferme, by its hours
	Since   time.Time  `json:"-"`
	zone    *time.Location
}

// Live is what is said of the places that say whether they are open, those that are first.
func Live(places []Place, at time.Time) []Now {
	all := []Now{}
	for _, p := range places {
		if !p.Live {
			continue
		}
		n := Now{ID: p.ID, Name: p.Name, Address: p.Address, Network: p.Network, Status: status(p.State), Since: p.State.Since, zone: p.Zone}
		if cal, err := p.calendar(); err == nil && !cal.Constant() {
			open, until, next := cal.At(at)
			switch {
			case open && (n.Status == "ouvert" || n.Status == "complet") && !until.IsZero():
				n.Until = &until
			case n.Status == "ferme" && !next.IsZero():
				n.Opens = &next
			}
		}
		all = append(all, n)
	}
	rank := map[string]int{"ouvert": 0, "complet": 1, "ferme": 2, "inconnu": 3}
	slices.SortStableFunc(all, func(a, b Now) int { return rank[a.Status] - rank[b.Status] })
	return all
}

func status(s State) string {
	switch {
	case !s.Known:
		return "inconnu"
	case !s.Open:
		return "ferme"
	case s.Full:
		return "complet"
	default:
		return "ouvert"
	}
}

// Said is the place's status in words.
func (n Now) Said() string {
	moment := func(t time.Time) string {
		t = t.In(n.zone)
		return strconv.Itoa(t.Hour()) + words.Space + "h" + map[bool]string{true: "", false: words.Space + fmt.Sprintf("%02d", t.Minute())}[t.Minute() == 0]
	}
	switch {
	case n.Until != nil:
		return say.Text("until."+n.Status, words.V{"Hour": moment(*n.Until)})
	case n.Opens != nil:
		t := n.Opens.In(n.zone)
		return say.Text("opens", words.V{"Day": words.Day(t.Day(), t.Month()), "Hour": moment(*n.Opens)})
	default:
		return say.Say("status." + n.Status)
	}
}

// LiveJSON is the list for programs.
func LiveJSON(places []Place, at time.Time) ([]byte, error) {
	return json.Marshal(map[string]any{"maj": at.UTC().Format(time.RFC3339), "lieux": Live(places, at)})
}

// Fragment is the list as a piece of a page of the town's web site: no script, no frame, no style but the site's own. level is that of
// its heading, 2 to 6.
func Fragment(commune string, places []Place, at time.Time, zone *time.Location, level int) ([]byte, error) {
	live := Live(places, at)
	open := 0
	for _, n := range live {
		if n.Status == "ouvert" || n.Status == "complet" {
			open++
		}
	}
	var b bytes.Buffer
	if err := page.Execute(&b, map[string]any{
		"Title": say.Text("title", words.V{"Commune": commune}), "Level": min(max(level, 2), 6), "Live": live,
		"Open": say.Count("open", uint64(open)), "At": say.Text("at", words.V{"Moment": words.Moment(at.In(zone))}), //nolint:gosec // a number of places
	}); err != nil {
		return nil, fmt.Errorf("opendata: show the fragment: %w", err)
	}
	return b.Bytes(), nil
}

// atom is a feed (RFC 4287).
type atom struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string   `xml:"xml:lang,attr"`
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Author  string   `xml:"author>name"`
	Links   []link   `xml:"link"`
	Entries []entry  `xml:"entry"`
}

type link struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type entry struct {
	ID      string `xml:"id"`
	Title   string `xml:"title"`
	Updated string `xml:"updated"`
	Summary string `xml:"summary"`
}

// Atom is the list as a feed at an address: an entry for the last opening or closing of each place, the newest first. A change of a
// place is a new entry, so that readers show it.
func Atom(self, commune string, places []Place, at time.Time) ([]byte, error) {
	feed := atom{
		Lang: "fr", ID: self, Title: say.Text("title", words.V{"Commune": commune}), Author: commune, Links: []link{{"self", self}},
	}
	live := Live(places, at)
	slices.SortStableFunc(live, func(a, b Now) int { return b.Since.Compare(a.Since) })
	updated := time.Unix(0, 0)
	for _, n := range live {
		if n.Status == "inconnu" || n.Since.IsZero() {
			continue
		}
		if n.Since.After(updated) {
			updated = n.Since
		}
		feed.Entries = append(feed.Entries, entry{
			ID: fmt.Sprintf("%s#%s-%d", self, n.ID, n.Since.Unix()), Title: say.Text("entry", words.V{"Name": n.Name, "Status": say.Say("status." + n.Status)}),
			Updated: n.Since.UTC().Format(time.RFC3339), Summary: n.Said(),
		})
	}
	feed.Updated = updated.UTC().Format(time.RFC3339)
	b, err := xml.MarshalIndent(feed, "", " ")
	if err != nil {
		return nil, fmt.Errorf("opendata: write the feed: %w", err)
	}
	return append([]byte(xml.Header), b...), nil
}
