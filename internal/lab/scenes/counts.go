package scenes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"parvis/sessions"
	"parvis/sessions/usage"
)

// theDay is the day of the scenes by the place's calendar: what is counted needs a date, whatever day it is on this machine.
var theDay = time.Date(2026, time.November, 10, 0, 0, 0, 0, paris())

func paris() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err) // the binary has its own time zones
	}
	return zone
}

// itIs makes the router's clock right, as a time daemon does once it hears from its servers.
func (s *Stage) itIs(ctx context.Context, hour, minute int) error {
	return s.Control.SetClock(ctx, theDay.Add(time.Duration(hour)*time.Hour+time.Duration(minute)*time.Minute))
}

// counted reads what the day has left: the draft of the afternoon on the console the same evening, and once the month is over its
// sums, masked. They agree with the sessions that there were.
func counted(ctx context.Context, s *Stage) (err error) {
	mediator, err := s.Join(ctx, "bilan")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.leaves(mediator)) }()
	if err := Enter(ctx, s.Parvis, mediator.Browser, "salome"); err != nil {
		return err
	}
	was, err := s.Control.Sessions(ctx)
	if err != nil {
		return err
	}
	was = append(slices.DeleteFunc(was, func(one sessions.Session) bool { return one.Terminal }), s.sat...)
	if err := s.Control.Shift(ctx, 5*time.Minute); err != nil { // so often counts reach the disk
		return err
	}
	page := ConsoleURL + "bilan?jour=" + theDay.Format(time.DateOnly) + "&partie=apres-midi"
	var said error
	if err := s.until(ctx, 30*time.Second, "the afternoon's draft", func() bool {
		said = errors.Join(mediator.Browser.Open(ctx, page), draftSays(ctx, mediator))
		return said == nil
	}); err != nil {
		return errors.Join(err, said)
	}
	if err := errors.Join(
		s.Screenshot(ctx, mediator, "jour-bilan"),
		mediator.Browser.Screenshot(ctx, filepath.Join(s.Artefacts, "jour-bilan-bureau.png"), 1280, 800),
	); err != nil {
		return err
	}
	if err := s.Control.Shift(ctx, theDay.AddDate(0, 1, 0).Sub(theDay)); err != nil {
		return err
	}
	out, err := s.Parvis.Output(ctx, "site", "report", "--month", theDay.Format("2006-01"), "--json")
	if err != nil {
		return fmt.Errorf("scenes: the month's report: %w: %s", err, out)
	}
	var month usage.Report
	if err := json.Unmarshal([]byte(out), &month); err != nil {
		return fmt.Errorf("scenes: the month's report: %w", err)
	}
	if is := (usage.Figure{How: usage.Plain, Value: uint64(s.pages)}); month.Pages != is {
		return fmt.Errorf("scenes: the month counts %v printed pages, the printer has %v", month.Pages, is)
	}
	if err := s.monthOnConsole(ctx, mediator); err != nil {
		return err
	}
	return agrees(month, was)
}

// monthOnConsole: whoever enters again after a month finds the pages that were printed.
func (s *Stage) monthOnConsole(ctx context.Context, r *Resident) error {
	if err := enterAgain(ctx, r.Browser, "salome"); err != nil {
		return err
	}
	return errors.Join(
		r.Visit(ctx, ConsoleURL+"bilan?mois="+theDay.Format("2006-01"), "Pages imprimées "+fmt.Sprint(s.pages)),
		r.Browser.Whole(ctx, filepath.Join(s.Artefacts, "jour-bilan-mois.png")),
	)
}

// draftSays: a range of devices, and the workshop with as many as it had places.
func draftSays(ctx context.Context, r *Resident) error {
	text, err := r.Browser.Value(ctx, "brouillon")
	if err != nil {
		return err
	}
	text = strings.Join(strings.Fields(text), " ")
	for _, want := range []string{
		"Appareils connectés au Wi-Fi : de ", "Titre de l’atelier : Premiers pas", "Nombre de participants : à compter",
		fmt.Sprint("Appareils comptés par le Wi-Fi : ", workshopPlaces),
	} {
		if !strings.Contains(text, want) {
			return fmt.Errorf("scenes: the draft does not say « %s »: %s", want, text)
		}
	}
	if strings.Contains(text, "Le comptage n'a pas marché") {
		return fmt.Errorf("scenes: the afternoon was counted, and the draft says: %s", text)
	}
	return nil
}

// agrees compares a month in which nothing but the day was with its sessions.
func agrees(month usage.Report, was []sessions.Session) error {
	n, openers := uint64(0), map[string]uint64{}
	for _, one := range was {
		if one.OpenedBy != sessions.FromStaff {
			n++
			openers[string(one.OpenedBy)]++
		}
	}
	plain := func(n uint64) usage.Figure { return usage.Figure{How: usage.Plain, Value: n} }
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("scenes: "+format, args...)) }
	if month.Sessions != plain(n) {
		wrong("the month counts %v sessions, there were %d", month.Sessions, n)
	}
	for _, row := range month.Rows {
		switch {
		case row.From.In(theDay.Location()).Day() != theDay.Day():
			if row.Sessions.How == usage.Plain && row.Sessions.Value > 0 {
				wrong("%v sessions on %v", row.Sessions, row.From)
			}
		case row.Sessions != plain(n):
			wrong("the day counts %v sessions, there were %d", row.Sessions, n)
		case row.Devices.How != usage.Plain || row.Devices.Value < workshopPlaces+1: // one of them came back as another
			wrong("the day counts %v devices", row.Devices)
		case row.Peak.How != usage.Plain || row.Peak.Value < workshopPlaces:
			wrong("the day had %v sessions at once at most", row.Peak)
		}
	}
	shown := uint64(0)
	for _, o := range month.Openers {
		switch is := openers[o.Word]; {
		case o.Count.How == usage.Plain && o.Count.Value != is:
			wrong("%s opened %v, there were %d", o.Word, o.Count, is)
		case o.Count.How == usage.Plain && is > 0 && is < usage.Least:
			wrong("%s opened %d, and that is shown", o.Word, is)
		case o.Count.How == usage.Plain:
			shown++
		}
	}
	if len(openers) < 3 || len(month.Openers) != len(openers) {
		wrong("there were %v, the month tells %v", openers, month.Openers)
	}
	return errors.Join(errs...)
}
