package scenes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"parvis/internal/control"
)

// firefoxPage is asked by no earlier scene: what was answered truly may be kept for a minute.
const firefoxPage = "http://detectportal.firefox.com/canonical.html"

// lineDown takes the line and the resolvers beyond it away for two hours. Nobody presses anything.
func lineDown(ctx context.Context, s *Stage) error {
	r := s.residents[0]
	before, err := s.session(ctx, r)
	if err != nil {
		return err
	}
	cut := func(down bool) error {
		if err := s.Town.CutLine(down); err != nil {
			return err
		}
		return s.Town.StopUpstream(down)
	}
	if err := cut(true); err != nil {
		return err
	}
	err = s.until(ctx, time.Minute, "la panne est vue, et le téléphone est mené à la page", func() bool {
		status, location, err := r.probe(ctx, firefoxPage)
		return err == nil && status == http.StatusFound && location == portalURL
	})
	if err != nil {
		return err
	}
	if a, err := r.api(ctx); err != nil || !a.Captive {
		return fmt.Errorf("l'API répond %v, %w", a, err)
	}
	if err := s.Control.Shift(ctx, 2*time.Hour); err != nil {
		return err
	}
	if err := r.Visit(ctx, firefoxPage, "Internet est en panne", "Nous gardons votre temps", "Cette page change quand internet revient."); err != nil {
		return err
	}
	if err := s.Screenshot(ctx, r, "jour-panne"); err != nil {
		return err
	}
	if err := cut(false); err != nil {
		return err
	}
	if err := s.until(ctx, time.Minute, "le retour de la ligne est vu", func() bool { return s.oneOutage(ctx) == nil }); err != nil {
		return errors.Join(err, s.oneOutage(ctx))
	}
	if err := r.Browser.See(ctx, "Il vous reste"); err != nil {
		return fmt.Errorf("la page ne change pas toute seule : %w", err)
	}
	if err := s.until(ctx, 20*time.Second, "internet est revenu", func() bool { return r.Online(ctx) == nil }); err != nil {
		return err
	}
	after, err := s.session(ctx, r)
	if err != nil {
		return err
	}
	if spent := before.Left - after.Left; spent > 5*time.Minute {
		return fmt.Errorf("la panne a coûté %v sur %v", spent, before.Left)
	}
	return nil
}

// oneOutage sees that the outage is over and told in one line.
func (s *Stage) oneOutage(ctx context.Context) error {
	var site control.Site
	site, err := s.Control.Site(ctx)
	if err != nil {
		return err
	}
	if len(site.Outages) != 1 || site.Outages[0].To.IsZero() || site.Outages[0].Devices != 1 || site.Outages[0].GivenBack < 110*time.Minute {
		return fmt.Errorf("scenes: outages %+v", site.Outages)
	}
	return nil
}
