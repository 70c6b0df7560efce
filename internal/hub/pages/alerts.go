package pages

import (
	"context"
	"net/http"

	"parvis/internal/hub/alerts"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
)

// Alerts is what pages need of alerts.Manager.
type Alerts interface {
	Ways() []alerts.Way
	Try(ctx context.Context, way string) error
}

// wayRow is one way of H16.
type wayRow struct {
	alerts.Way
	// Own: it is the person's own side's, who may see its receivers and try it. A commune only learns that there are others.
	Own     bool
	Waiting *store.Waiting // of the person's commune; nil nothing
}

// alertsView is H16.
type alertsView struct {
	Ways  []wayRow
	Wrong string // name of the way along which a test has failed
	Why   string // as the other side or the network said it
}

func (p *Pages) alerts(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	return p.showAlerts(w, r, who, alertsView{}, 0)
}

func (p *Pages) showAlerts(w http.ResponseWriter, r *http.Request, who staff.Person, v alertsView, status int) error {
	waiting := map[string]*store.Waiting{}
	if who.Tenant != "" {
		err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
			all, err := t.WaitingMessages(ctx)
			for i := range all {
				waiting[all[i].Way] = &all[i]
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, way := range p.ways(who) {
		way.Waiting = waiting[way.Name]
		v.Ways = append(v.Ways, way)
	}
	return p.show(w, r, page{template: "alerts", Title: "alerts.title", Here: "/alertes", status: status}, v)
}

// ways are those along which incidents of the person's communes go.
func (p *Pages) ways(who staff.Person) (all []wayRow) {
	if p.Alerts == nil {
		return nil
	}
	for _, w := range p.Alerts.Ways() {
		if own := w.Tenant == who.Tenant; own || w.Tenant == "" {
			all = append(all, wayRow{Way: w, Own: own})
		}
	}
	return all
}

// tryAlert sends a test along one of the person's own ways, and waits for what comes of it.
func (p *Pages) tryAlert(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	for _, way := range p.ways(who) {
		if !way.Own || way.Name != r.PathValue("way") {
			continue
		}
		p.Staff.Record(r.Context(), who, "try-alert", way.Name)
		if err := p.Alerts.Try(r.Context(), way.Name); err != nil {
			p.Log.Warn("hub pages: a test of a way did not arrive", "way", way.Name, "cause", err)
			return p.showAlerts(w, r, who, alertsView{Wrong: way.Name, Why: err.Error()}, http.StatusUnprocessableEntity)
		}
		return done(w, "/alertes", "essai")
	}
	return store.ErrUnknown
}
