package pages

import (
	"context"
	"net/http"
	"time"

	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
)

// replaceFor is how long a code that replaces a box may be used: it also gives out the site's encrypted copy.
const replaceFor = 3 * 24 * time.Hour

// oldCopy is from when on a copy is worth a warning: wire's problem "copy" says the same of the site's own.
const oldCopy = 72 * time.Hour

// copyOf is how the newest copy of a site is, wherever it is.
type copyOf struct {
	At    time.Time // of the newest; zero: none
	None  bool      // none is made
	Never bool      // one should be, and none is there
	Old   bool
}

// newest takes the newer of what the hub keeps and what the site says, which may have its copies elsewhere.
func (p *Pages) newest(s store.Site, kept time.Time) copyOf {
	c := copyOf{At: kept}
	var said *int64
	if s.Contact != nil {
		said = s.Contact.Now.Copied
	}
	if said != nil && *said != 0 {
		if at := time.Unix(*said, 0); at.After(c.At) && !at.After(p.now().Add(time.Hour)) {
			c.At = at
		}
	}
	c.None = c.At.IsZero() && said == nil
	c.Never = c.At.IsZero() && said != nil
	c.Old = !c.At.IsZero() && p.now().Sub(c.At) > oldCopy
	return c
}

// replaceView is H10.
type replaceView struct {
	siteRow
	Newest copyOf
	Copies []store.Copy // at the hub, the newest first
	Boxes  store.Boxes

	Code  string // "": not asked for yet
	Until time.Time
	URL   string // of the hub
}

// Kilobytes is a copy's size for people.
func (v replaceView) Kilobytes(size int) int { return (size + 999) / 1000 }

func (p *Pages) replacement(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	return p.showReplacement(w, r, who, false)
}

// replaceBox makes the code. It is shown once and is on no other page.
func (p *Pages) replaceBox(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	return p.showReplacement(w, r, who, true)
}

func (p *Pages) showReplacement(w http.ResponseWriter, r *http.Request, who staff.Person, code bool) error {
	v := replaceView{URL: p.URL}
	site := r.PathValue("site")
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		s, err := t.Site(ctx, site)
		if err != nil {
			return err
		}
		v.siteRow = p.row(s)
		if v.Copies, err = t.Copies(ctx, site); err != nil {
			return err
		}
		var kept time.Time
		if len(v.Copies) > 0 {
			kept = v.Copies[0].Kept
		}
		v.Newest = p.newest(s, kept)
		if v.Boxes, err = t.Boxes(ctx, site); err != nil || !code {
			return err
		}
		v.Code, v.Until, err = t.Code(ctx, site, replaceFor)
		return err
	})
	if err != nil {
		return err
	}
	if code {
		p.Staff.Record(r.Context(), who, "replace", site)
	}
	return p.show(w, r, page{template: "replace", Title: "replace.title", Here: "/parc"}, v)
}
