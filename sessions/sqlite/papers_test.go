package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/clock"
	"parvis/sessions"
)

func papers() sessions.Papers {
	return sessions.Papers{
		Batches: []sessions.BatchRow{
			{ID: "aaaaaaaa", Label: "Atelier d'été", Profile: "visitor", For: time.Hour, Devices: 2, Made: opened, From: opened, Until: opened.Add(time.Hour), Revoked: true, Over: opened},
			{ID: "bbbbbbbb", Profile: "visitor", Devices: 1, Made: opened},
		},
		Tickets: []sessions.TicketRow{
			{Key: sessions.TicketKey{1}, Batch: "aaaaaaaa", Sheet: 1, Spent: 2},
			{Key: sessions.TicketKey{2}, Batch: "aaaaaaaa", Sheet: 2, Dead: true},
			{Key: sessions.TicketKey{3}, Batch: "bbbbbbbb", Sheet: 1},
		},
		Workshops: []sessions.WorkshopRow{{
			ID: "cccccccc", Title: "Tableur", Profile: "visitor", Places: 12, Reserve: 24e6, State: sessions.Running, Made: opened,
			Start: opened, Length: time.Hour, End: clock.Boot(time.Hour), Begun: opened, Floor: 2e6, Heads: -1, Spent: 3,
		}},
	}
}

func wantPapers(t *testing.T, path string, want sessions.Papers) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	got, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Papers); diff != "" {
		t.Error("papers (-want +got):\n", diff)
	}
}

func TestTicketsAndWorkshopsAreThereAfterReopening(t *testing.T) {
	path := closed(t)
	s := open(t, path)
	row := openRow()
	row.Ticket, row.Voucher, row.Workshop = sessions.TicketKey{1, 31: 9}, "aaaaaaaa", "cccccccc"
	save(t, s, sessions.Change{Mark: mark, Put: []sessions.Row{row}, Papers: papers()})
	save(t, s, sessions.Change{Mark: mark, Papers: papers()}) // in the place of what is there
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantPapers(t, path, papers())
	s = open(t, path)
	defer s.Close()
	wantRows(t, s, row, endedRow())
}

func TestABatchTakesItsTicketsWithIt(t *testing.T) {
	path := closed(t)
	s := open(t, path)
	save(t, s, sessions.Change{Mark: mark, Papers: papers()})
	save(t, s, sessions.Change{Mark: mark, Torn: sessions.Torn{Batches: []string{"aaaaaaaa", "never"}, Workshops: []string{"cccccccc"}}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want := papers()
	wantPapers(t, path, sessions.Papers{Batches: want.Batches[1:], Tickets: want.Tickets[2:]})
	for _, f := range files(t, path) { // secure_delete: nothing of it is left in the file either
		if filepath.Ext(f) == ".db" {
			if b, err := os.ReadFile(f); err != nil || bytes.Contains(b, []byte("Atelier d'été")) {
				t.Errorf("%s still has its label, or %v", f, err)
			}
		}
	}
}
