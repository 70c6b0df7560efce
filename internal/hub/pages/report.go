package pages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"

	"parvis/internal/hub/report"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/words"
)

// months are how many H13 offers.
const months = 24

// monthOf is the month that a request is about: the last that is over, unless it names one.
func (p *Pages) monthOf(r *http.Request) report.Month {
	last := report.MonthOf(p.now().In(p.Zone)).Add(-1)
	m, err := report.ParseMonth(r.FormValue("mois"))
	if err != nil || m.Start(p.Zone).After(last.Start(p.Zone)) {
		return last
	}
	return m
}

// reportOf makes the report of the commune, or of the site that the request names; sites are those that have one.
func (p *Pages) reportOf(r *http.Request, who staff.Person, m report.Month) (rep report.Report, sites []report.Site, err error) {
	err = p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		in, err := report.Read(ctx, t, m, p.now())
		if err != nil {
			return err
		}
		sites = in.Sites
		if site := r.FormValue("lieu"); site != "" {
			if rep, err = in.SiteReport(site); errors.Is(err, report.ErrNoSite) {
				return store.ErrUnknown
			}
			return err
		}
		rep, err = in.CommuneReport()
		return err
	})
	return rep, sites, err
}

func (p *Pages) report(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	type month struct{ Value, Name string }
	var v struct {
		Month, Site string
		Months      []month
		Sites       []report.Site
		HTML        template.HTML
		State       string
		None        bool
		Drop        bool
		Formats     []string
	}
	v.Formats = []string{"pdf", "ods", "csv"}
	m := p.monthOf(r)
	rep, sites, err := p.reportOf(r, who, m)
	switch {
	case err == nil:
		if v.HTML, err = rep.HTML(); err != nil {
			return err
		}
		v.State = rep.State()
	case errors.Is(err, report.ErrEmpty), errors.Is(err, report.ErrNotOver):
		v.None = true
	default:
		return err
	}
	v.Month, v.Site, v.Sites, v.Drop = m.String(), r.FormValue("lieu"), sites, p.Drop != nil && who.Role.May(staff.Operate)
	last := report.MonthOf(p.now().In(p.Zone)).Add(-1)
	for i := range months {
		x := last.Add(-i)
		v.Months = append(v.Months, month{x.String(), words.Month(x.Year, x.Month)})
	}
	return p.show(w, r, page{template: "report", Title: "report.title", Here: "/rapport"}, v)
}

// reportFile is the report as a file: PDF, CSV or ODS.
func (p *Pages) reportFile(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	rep, _, err := p.reportOf(r, who, p.monthOf(r))
	if errors.Is(err, report.ErrEmpty) || errors.Is(err, report.ErrNotOver) {
		return store.ErrUnknown
	}
	if err != nil {
		return err
	}
	all, err := rep.Files()
	if err != nil {
		return err
	}
	for _, f := range all {
		if ending := "." + r.FormValue("format"); len(f.Name) > len(ending) && f.Name[len(f.Name)-len(ending):] == ending {
			w.Header().Set("Content-Type", f.Type)
			w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", f.Name))
			_, _ = w.Write(f.Data) // the client may have gone
			return nil
		}
	}
	return store.ErrUnknown
}

func (p *Pages) dropReport(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	if p.Drop == nil {
		return store.ErrUnknown
	}
	m := p.monthOf(r)
	if err := p.Drop(r.Context(), who.Tenant, m.String()); err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "report", m.String())
	return done(w, "/rapport", "envoye")
}

// export is everything of the commune, for who leaves or wants a copy.
func (p *Pages) export(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	var b bytes.Buffer
	if err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error { return t.Export(ctx, &b) }); err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "export", who.Tenant)
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "parvis-"+who.Tenant+".zip"))
	_, _ = w.Write(b.Bytes()) // the client may have gone
	return nil
}
