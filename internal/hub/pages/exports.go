package pages

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"parvis/internal/hub/opendata"
	"parvis/internal/hub/report"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/words"
)

// placeRow is a site of H14.
type placeRow struct {
	ID, Name                   string
	Published, Aside, Unchosen []string // where it is said; where it was chosen to be, and cannot; where nobody has chosen to say it
	Why                        []string // it is left aside: sentences
}

func rowOf(of opendata.Place) placeRow {
	row := placeRow{ID: of.ID, Name: of.Name}
	one := []opendata.Place{of}
	_, offMap := opendata.Mediation(one)
	_, offList := opendata.Points(one)
	for _, where := range []struct {
		key    string
		chosen bool
		wrong  error
	}{{"map", of.Mediation, offMap}, {"list", of.WiFi, offList}, {"live", of.Live, nil}} {
		to := &row.Published
		switch {
		case !where.chosen:
			to = &row.Unchosen
		case where.wrong != nil:
			to = &row.Aside
		}
		*to = append(*to, text("exports.where."+where.key))
	}
	if len(row.Aside) > 0 {
		for _, f := range of.Refused() {
			row.Why = append(row.Why, wanted(f))
		}
	}
	return row
}

// exportsView is H14.
type exportsView struct {
	Places                []placeRow
	Mediation, WiFi, Live bool   // some place is published there
	At                    string // address of what the commune publishes, without a slash at its end; "" not known
	Month, MonthName      string // of the last report; "" there is none
	May, Archive          bool   // change a card; have the commune's archive
}

func (p *Pages) exports(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v := exportsView{May: who.Role.May(staff.Operate), Archive: who.Role.May(staff.ManageTeam)}
	if p.Published != "" {
		v.At = p.Published + "/" + who.Tenant
	}
	var places []opendata.Place
	m := p.monthOf(r)
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		if places, err = opendata.Read(ctx, t, p.now()); err != nil {
			return err
		}
		in, err := report.Outline(ctx, t, m, p.now())
		if err == nil {
			_, err = in.CommuneReport()
		}
		switch {
		case errors.Is(err, report.ErrEmpty), errors.Is(err, report.ErrNotOver):
			return nil
		case err == nil:
			v.Month, v.MonthName = m.String(), words.Month(m.Year, m.Month)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, of := range places {
		v.Mediation, v.WiFi, v.Live = v.Mediation || of.Mediation, v.WiFi || of.WiFi, v.Live || of.Live
		v.Places = append(v.Places, rowOf(of))
	}
	slices.SortStableFunc(v.Places, func(a, b placeRow) int { return min(len(b.Aside), 1) - min(len(a.Aside), 1) }) // those that need a hand first
	return p.show(w, r, page{template: "exports", Title: "exports.title", Here: "/exports"}, v)
}

// cardView is the form of a site's public card.
type cardView struct {
	card
	Of     opendata.Place // in force
	Wrong  string
	Faults map[string]string // by field
	Read   string            // mark of the card in force: who saves on top of another one is told
	All    []string          // services of the vocabulary, but the one that every place has
}

// Has tells whether a service is ticked.
func (v cardView) Has(service string) bool { return slices.Contains(v.Ticked, service) }

func (p *Pages) publicCard(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	var of opendata.Place
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		of, err = p.placeOf(ctx, t, r.PathValue("site"))
		return err
	})
	if err != nil {
		return err
	}
	return p.showCard(w, r, cardView{Of: of, card: written(of)}, 0)
}

// placeOf is a site of the commune as the public may know it.
func (p *Pages) placeOf(ctx context.Context, t *store.Tenant, site string) (opendata.Place, error) {
	all, err := opendata.Read(ctx, t, p.now())
	if err != nil {
		return opendata.Place{}, err
	}
	i := slices.IndexFunc(all, func(of opendata.Place) bool { return of.ID == site })
	if i < 0 {
		return opendata.Place{}, store.ErrUnknown
	}
	return all[i], nil
}

func (p *Pages) showCard(w http.ResponseWriter, r *http.Request, v cardView, status int) error {
	v.Read = mark(v.Of)
	for _, s := range opendata.Services {
		if s != opendata.Access {
			v.All = append(v.All, s)
		}
	}
	return p.show(w, r, page{template: "card", Name: say.Text("exports.of", words.V{"Name": v.Of.Name}), Here: "/exports", status: status}, v)
}

// saveCard writes a site's public card. What was typed is shown again when it does not go.
func (p *Pages) saveCard(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	long := r.ParseForm() != nil
	v, status := cardView{Faults: map[string]string{}}, 0
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		if v.Of, err = p.placeOf(ctx, t, r.PathValue("site")); err != nil {
			return err
		}
		if long { // nothing of it is here to be shown again
			v.card, v.Wrong, status = written(v.Of), "exports.long", http.StatusRequestEntityTooLarge
			return nil
		}
		if !r.PostForm.Has("lu") { // an empty card is only what somebody has emptied
			return store.ErrUnknown
		}
		v.card = typedCard(r)
		of, faults := v.card.place(v.Of)
		for _, f := range append(faults, of.Refused()...) {
			if _, had := v.Faults[f.Field]; !had {
				v.Faults[f.Field] = wanted(f)
			}
		}
		switch {
		case len(v.Faults) > 0:
			v.Wrong, status = "exports.wrong", http.StatusUnprocessableEntity
		case r.PostForm.Get("lu") != mark(v.Of):
			v.Wrong, status = "exports.meanwhile", http.StatusConflict
		default:
			return opendata.Save(ctx, t, of)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if status != 0 {
		return p.showCard(w, r, v, status)
	}
	p.Staff.Record(r.Context(), who, "card", v.Of.ID)
	return done(w, "/exports", "fiche")
}
