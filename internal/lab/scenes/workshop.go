package scenes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"parvis/internal/lab"
	"parvis/sessions"
)

const (
	workshopPlaces  = 12
	privateOnes     = 3 // of them have an address that their phone made up
	workshopReserve = 20_000_000
)

// workshop is a room of twelve: they begin together, one of them changes address and keeps the place, a thirteenth is told that it is
// full, and all end together.
func workshop(ctx context.Context, s *Stage) (err error) {
	before := len(s.residents)
	defer func() { // the day goes on with who was there
		for _, r := range s.residents[before:] {
			err = errors.Join(err, r.Browser.Close())
		}
		s.residents = s.residents[:before]
	}()
	mediator, err := s.desk(ctx)
	if err != nil {
		return err
	}
	w, err := s.makesWorkshop(ctx, mediator)
	if err != nil {
		return err
	}
	people, err := s.group(ctx, w.Code)
	if err != nil {
		return err
	}
	late, err := s.Join(ctx, "treizieme")
	if err != nil {
		return err
	}
	if err := late.Visit(ctx, portalURL+"code?c="+url.QueryEscape(w.Code), "Valider"); err != nil {
		return err
	}
	if err := late.Press(ctx, "Valider", "L'atelier est complet."); err != nil {
		return err
	}
	if err := errors.Join(s.Screenshot(ctx, late, "atelier-complet"), late.Offline(ctx)); err != nil {
		return err
	}
	back, err := s.changesAddress(ctx, people[0])
	if err != nil {
		return err
	}
	return s.endTogether(ctx, mediator, w.ID, append(people[1:], back))
}

// makesWorkshop: the mediator makes the workshop, shows the room its screen, and starts.
func (s *Stage) makesWorkshop(ctx context.Context, mediator *Resident) (w sessions.Workshop, err error) {
	if err := mediator.Visit(ctx, ConsoleURL+"ateliers/nouveau", "Nouvel atelier"); err != nil {
		return w, err
	}
	for _, field := range [][2]string{
		{"nom", "Premiers pas"}, {"places", fmt.Sprint(workshopPlaces)}, {"duree", "120"}, {"debit", fmt.Sprint(workshopReserve / 1_000_000)},
	} {
		if err := mediator.Browser.Fill(ctx, field[0], field[1]); err != nil {
			return w, err
		}
	}
	if err := errors.Join(s.Screenshot(ctx, mediator, "jour-atelier-nouveau"), mediator.Press(ctx, "Créer l'atelier", "L'atelier est prêt.", "0/12")); err != nil {
		return w, err
	}
	if w, err = s.onlyWorkshop(ctx); err != nil {
		return w, err
	}
	if err := mediator.Press(ctx, "Démarrer", "L'atelier a commencé.", w.Code); err != nil {
		return w, err
	}
	if err := mediator.Press(ctx, "Écran de salle", w.Code, "0/12"); err != nil {
		return w, err
	}
	return w, mediator.Browser.Screenshot(ctx, filepath.Join(s.Artefacts, "jour-atelier-ecran.png"), 1280, 800)
}

// onlyWorkshop is the workshop of the day.
func (s *Stage) onlyWorkshop(ctx context.Context) (w sessions.Workshop, err error) {
	all, err := s.Control.Workshops(ctx)
	if err == nil && len(all) != 1 {
		err = fmt.Errorf("scenes: %d workshops", len(all))
	}
	if err != nil {
		return w, err
	}
	return all[0], nil
}

// group lets twelve devices in by the room's code, the first of them with addresses that they made up.
func (s *Stage) group(ctx context.Context, code string) ([]*Resident, error) {
	people := make([]*Resident, workshopPlaces)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i := range people {
		group.Go(func() error {
			o := lab.GuestOptions{Name: fmt.Sprintf("atelier%d", i+1)}
			if i < privateOnes {
				o.MAC = net.HardwareAddr{0xda, 0xa1, 0x19, 0, 0, byte(i + 1)}
			}
			r, err := s.device(ctx, o)
			if err == nil {
				people[i], err = r, r.types(ctx, "code", code)
			}
			if err == nil {
				err = r.Online(ctx)
			}
			return err
		})
	}
	return people, group.Wait()
}

// device is somebody whose browser is not looked at.
func (s *Stage) device(ctx context.Context, o lab.GuestOptions) (*Resident, error) {
	g, err := s.Town.AddGuest(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	_, err = g.DHCP(ctx)
	return &Resident{Guest: g, town: s.Town}, err
}

// types enters a code on a page, and reports by an error that it is not taken. Nobody's fingers are as quick as this: dnsmasq
// writes a lease down a moment after it was given, and until then the portal does not know who asks.
func (r *Resident) types(ctx context.Context, page, code string) error {
	for try := 1; ; try++ {
		status, to, err := r.post(ctx, page, url.Values{"l": {"fr"}, "c": {code}})
		switch {
		case err != nil:
			return err
		case status == http.StatusSeeOther && strings.HasPrefix(to, "/ouvert"):
			return nil
		case status != http.StatusConflict || try == 100:
			return fmt.Errorf("scenes: %s types a code: %d to %q", r.Guest.Name, status, to)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// post sends a form, and returns the answer's status and where it leads.
func (r *Resident) post(ctx context.Context, page string, form url.Values) (status int, to string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, portalURL+page, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := r.Guest.Client().Do(req)
	if err != nil {
		return 0, "", err
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Location"), nil
}

// changesAddress is a phone that leaves and comes back with another address. By the short code of its page it has its place
// again.
func (s *Stage) changesAddress(ctx context.Context, old *Resident) (*Resident, error) {
	session, err := s.session(ctx, old)
	if err != nil {
		return nil, err
	}
	if err := old.Guest.Unplug(true); err != nil {
		return nil, err
	}
	r, err := s.Join(ctx, "revient")
	if err != nil {
		return nil, err
	}
	if err := r.Visit(ctx, portalURL+"reprendre", "Reprendre ma connexion"); err != nil {
		return nil, err
	}
	if err := r.Browser.Fill(ctx, "code", session.Code); err != nil {
		return nil, err
	}
	if err := r.Press(ctx, "Reprendre ma connexion", "Internet est ouvert."); err != nil {
		return nil, err
	}
	if err := r.Online(ctx); err != nil {
		return nil, err
	}
	now, err := s.session(ctx, r)
	if err == nil && (now.ID != session.ID || now.Workshop != session.Workshop) {
		err = fmt.Errorf("scenes: %s has another session than before", r.Guest.Name)
	}
	return r, err
}

// endTogether gives all of them a quarter of an hour more and ends the workshop: nobody passes any more, and the count is right.
func (s *Stage) endTogether(ctx context.Context, mediator *Resident, id string, people []*Resident) error {
	if err := mediator.Visit(ctx, ConsoleURL+"ateliers/"+id, "12/12", "L'atelier est complet.", "Qui est là"); err != nil {
		return err
	}
	before, err := s.onlyWorkshop(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(mediator.Press(ctx, "+ 15 minutes", "L'atelier dure 15 minutes de plus."), s.Screenshot(ctx, mediator, "jour-atelier-console")); err != nil {
		return err
	}
	w, err := s.onlyWorkshop(ctx)
	if err != nil {
		return err
	}
	if w.Taken != workshopPlaces || w.Devices != workshopPlaces || w.Floor != workshopReserve/workshopPlaces || w.Length != before.Length+15*time.Minute {
		return fmt.Errorf("scenes: the workshop is %+v", w)
	}
	if err := mediator.Press(ctx, "Terminer", "Terminer cet atelier ?", "Internet s'arrête pour 12 appareils."); err != nil {
		return err
	}
	// The head count stays open: the draft of the half-day then says so.
	if err := errors.Join(mediator.Press(ctx, "Terminer", "L'atelier est terminé.", "Combien de personnes"), s.Screenshot(ctx, mediator, "jour-atelier-bilan")); err != nil {
		return err
	}
	for _, r := range people {
		if err := s.endedBy(ctx, r, sessions.ByWorkshop); err != nil {
			return err
		}
	}
	back := people[len(people)-1]
	if err := back.Offline(ctx); err != nil {
		return err
	}
	if err := back.Visit(ctx, cafPage, "L'atelier est fini."); err != nil {
		return err
	}
	return s.Screenshot(ctx, back, "atelier-fini")
}
