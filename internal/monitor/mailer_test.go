package monitor

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/control"
	"parvis/internal/hublink/wire"
)

// desk is a mailer whose place, relay and clock a test holds.
type desk struct {
	*Mailer
	clock *clock.Fake
	now   control.Condition
	sent  []Letter
	fails error // what the relay says
	tries int
	file  File
}

func newDesk(t *testing.T) *desk {
	d := &desk{clock: clock.NewFake(), file: File(filepath.Join(t.TempDir(), "alerts.json"))}
	d.now.Line.Up = true
	d.start()
	return d
}

// start is the daemon's: what is remembered is in the file alone.
func (d *desk) start() {
	d.Mailer = NewMailer(MailerOptions{
		Clock: d.clock, Place: "Médiathèque", Location: time.UTC, Condition: func() control.Condition { return d.now }, Memory: d.file,
		Log: slog.New(slog.DiscardHandler),
		Send: func(_ context.Context, l Letter) error {
			if d.tries++; d.fails == nil {
				d.sent = append(d.sent, l)
			}
			return d.fails
		},
	})
}

// passes lets time pass, with a look each fifteen seconds.
func (d *desk) passes(t *testing.T, how time.Duration) {
	t.Helper()
	for ; how > 0; how -= lookEvery {
		d.clock.Advance(lookEvery)
		d.step(t.Context())
	}
}

func (d *desk) subjects() (all []string) {
	for _, l := range d.sent {
		all = append(all, l.Subject)
	}
	return all
}

func TestAProblemIsOneLetterWhenItBeginsAndOneWhenItHasEnded(t *testing.T) {
	d := newDesk(t)
	d.now.Problems = []wire.Problem{{Code: "disk"}}
	d.passes(t, time.Hour)
	d.now.Problems = nil
	d.passes(t, time.Hour)
	want := []string{"Médiathèque\u00a0: le disque est presque plein", "Médiathèque\u00a0: c'est réglé (le disque est presque plein)"}
	if got := d.subjects(); !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
	if body := d.sent[0].Body; !strings.Contains(body, "Depuis le 24/11/2026 à 14\u00a0h\u00a042.") || !strings.Contains(body, "Libérez de la place.") ||
		!strings.HasPrefix(body, "Le disque est presque plein.\n") {
		t.Errorf("%s", body)
	}
}

func TestTerminalsThatFallSilentTogetherAreOneLetter(t *testing.T) {
	d := newDesk(t)
	d.now.Problems = []wire.Problem{{Code: "clock"}, {Code: "terminal", What: "poste-2"}, {Code: "terminal", What: "poste-1"}}
	d.passes(t, 5*time.Minute)
	want := []string{"Médiathèque\u00a0: l'horloge n'est pas à l'heure", "Médiathèque\u00a0: poste muet (poste-1, poste-2)"}
	if got := d.subjects(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// The line that is down cannot carry the letter about itself: it waits, and goes at once when the line is back.
func TestALetterWaitsForTheLineAndOverARestart(t *testing.T) {
	d := newDesk(t)
	d.passes(t, time.Minute)
	d.now.Line.Up, d.fails = false, errors.New("no route to host")
	d.passes(t, time.Hour)
	if d.Waiting() != 1 || len(d.sent) != 0 {
		t.Fatalf("%d wait, sent %q", d.Waiting(), d.subjects())
	}
	if d.tries > 8 {
		t.Errorf("tried %d times in an hour", d.tries)
	}
	id := d.letters[0].ID
	d.clock.Reboot("boot-2")
	d.start()
	d.passes(t, 10*time.Minute)
	if d.Waiting() != 1 {
		t.Fatalf("after the restart %d wait", d.Waiting())
	}
	d.now.Line.Up, d.fails = true, nil
	d.passes(t, 30*time.Second)
	if len(d.sent) != 1 || d.sent[0].ID != id || !strings.Contains(d.sent[0].Subject, "panne de la ligne internet") {
		t.Errorf("once the line is back: %q", d.subjects())
	}
	d.passes(t, 10*time.Minute)
	if len(d.sent) != 2 || d.Waiting() != 0 {
		t.Errorf("the end: %q, %d wait", d.subjects(), d.Waiting())
	}
}

func TestARelayThatRefusesIsTriedLessAndLess(t *testing.T) {
	d := newDesk(t)
	d.fails = errors.New("550 no")
	d.now.Problems = []wire.Problem{{Code: "disk"}}
	d.passes(t, 24*time.Hour)
	if d.tries < 40 || d.tries > 60 { // 1, 2, 4, 8, 16 minutes, then each half hour
		t.Errorf("tried %d times in a day", d.tries)
	}
	d.fails = nil
	d.passes(t, 31*time.Minute)
	if len(d.sent) != 1 {
		t.Errorf("%q", d.subjects())
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	d := newDesk(t)
	d.fails = errors.New("no")
	for range mostLetters + 5 {
		d.write([]Open{{Problem: disk}}, false)
	}
	d.save()
	if d.Waiting() != mostLetters {
		t.Errorf("%d wait", d.Waiting())
	}
}

func TestADamagedMemoryIsBegunAnew(t *testing.T) {
	d := newDesk(t)
	if err := os.WriteFile(string(d.file), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.start()
	d.now.Problems = []wire.Problem{disk}
	d.passes(t, 3*time.Minute)
	if len(d.sent) != 1 {
		t.Errorf("%q", d.subjects())
	}
}

func TestEveryProblemHasItsWords(t *testing.T) {
	for _, code := range append(slices.Clone(wire.ProblemCodes), Own...) {
		if l := letters.Probleme[code]; l.Titre == "" || l.Faire == "" {
			t.Errorf("no letter about %s", code)
		}
		if _, known := words[code]; !known && !slices.Contains(counted, code) && code != LineDown {
			t.Errorf("no word for %s", code)
		}
	}
	for _, text := range []string{letterSource} {
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "#") && (strings.Contains(line, " :") || strings.Contains(line, " ?") || strings.Contains(line, "« ")) {
				t.Errorf("a breaking space: %s", line)
			}
		}
	}
}
