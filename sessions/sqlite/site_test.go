package sqlite_test

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"parvis/internal/clock"
	"parvis/sessions"
	"parvis/sessions/hours"
)

func TestWhatTheDeskHasDoneIsThereAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parvis.db")
	row := openRow()
	row.OpenedBy, row.Code, row.Extensions, row.PastUntil = sessions.FromDesk, "K7-42", 2, clock.Boot(2*time.Hour)
	row.LineDown, row.LineAt = true, clock.Boot(85*time.Second)
	row.MessageText, row.MessageAt, row.MessageSeen = "Votre dossier est prêt.", clock.Boot(-time.Second), true
	row.Voucher, row.Workshop = "lot", "atelier"
	place := sessions.Site{
		Open: true, Until: opened.Add(time.Hour),
		Opened:     sessions.Gesture{Until: opened.Add(2 * time.Hour), At: clock.Boot(3 * time.Hour), Sure: true},
		Exceptions: []hours.Exception{{Date: hours.Date{Year: 2026, Month: 12, Day: 25}, Open: hours.Day{{From: 540, To: 720}}}},
		Outages:    []sessions.Outage{{From: opened, To: opened.Add(time.Hour), Sure: true, Devices: 3, GivenBack: 2 * time.Hour}},
	}
	s := open(t, path)
	save(t, s, sessions.Change{Mark: mark, Put: []sessions.Row{row}, Site: &place})
	save(t, s, sessions.Change{Mark: mark}) // which leaves the place as it is
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close()
	got, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]sessions.Row{row}, got.Rows, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Error("rows (-want +got):\n", diff)
	}
	if diff := cmp.Diff(place, got.Site); diff != "" {
		t.Error("place (-want +got):\n", diff)
	}
}

func TestAPlaceThatCannotBeReadIsDamage(t *testing.T) {
	path := closed(t)
	raw(t, path, "INSERT INTO site (one, state) VALUES (1, '{')")
	s := open(t, path)
	defer s.Close()
	if _, err := s.Load(t.Context()); err == nil {
		t.Error("it was read")
	}
}
