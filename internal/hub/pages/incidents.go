package pages

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
)

// history is how far back H6 goes.
const history = 90 * 24 * time.Hour

// incident is one line of H6.
type incident struct {
	store.Incident
	Charge *store.Charge // nil: nobody
}

// Lasted is for how long an ended one was there.
func (i incident) Lasted() string { return ago(i.Ended.Sub(i.Began)) }

func (p *Pages) incidents(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	var v struct {
		Open, Ended []incident
		May         bool
	}
	v.May = who.Role.May(staff.Operate)
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		all, err := t.Incidents(ctx, p.now().Add(-history))
		if err != nil {
			return err
		}
		charges, err := t.Charges(ctx)
		if err != nil {
			return err
		}
		by := map[int64]*store.Charge{}
		for i := range charges {
			by[charges[i].Incident] = &charges[i]
		}
		for _, i := range all {
			if i.Ended.IsZero() {
				v.Open = append(v.Open, incident{i, by[i.ID]})
			} else {
				v.Ended = append(v.Ended, incident{i, by[i.ID]})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.show(w, r, page{template: "incidents", Title: "incidents.title", Here: "/incidents"}, v)
}

func (p *Pages) charge(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	id, err := strconv.ParseInt(r.PathValue("incident"), 10, 64)
	if err != nil {
		return store.ErrUnknown
	}
	if err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error { return t.TakeCharge(ctx, id, who.Name) }); err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "charge", r.PathValue("incident"))
	return done(w, "/incidents", "charge")
}
