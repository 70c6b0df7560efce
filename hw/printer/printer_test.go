package printer_test

import (
	"context"
	"errors"
	"image"
	"iter"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"parvis/hw/escpos"
	"parvis/hw/escpos/escpostest"
	"parvis/hw/printer"
)

// tickets are n small ones.
func tickets(n int) iter.Seq2[image.Image, error] {
	return func(yield func(image.Image, error) bool) {
		for i := range n {
			if !yield(image.NewGray(image.Rect(0, 0, escpos.Dots58, 40+i)), nil) {
				return
			}
		}
	}
}

// patient waits for answers as long as a busy machine may take.
func patient(address string) *printer.Printer {
	return printer.New(printer.Options{Address: address, Cut: true, Answer: time.Minute, Ticket: time.Minute})
}

func stopped(t *testing.T, err error) *printer.Stopped {
	t.Helper()
	var s *printer.Stopped
	if !errors.As(err, &s) {
		t.Fatalf("%v", err)
	}
	return s
}

func TestTicketsComeOut(t *testing.T) {
	p := escpostest.Start(t)
	if n, err := patient(p.Addr).Print(t.Context(), tickets(3)); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	papers := p.Papers()
	if len(papers) != 3 || !papers[0].Cut || papers[2].Image.Bounds() != image.Rect(0, 0, escpos.Dots58, 42) {
		t.Errorf("%d", len(papers))
	}
}

func TestWithoutAKnifeTicketsAreTornOff(t *testing.T) {
	p := escpostest.Start(t)
	if _, err := printer.New(printer.Options{Address: p.Addr, Answer: time.Minute}).Print(t.Context(), tickets(1)); err != nil {
		t.Fatal(err)
	}
	if papers := p.Papers(); len(papers) != 1 || papers[0].Cut {
		t.Errorf("%d", len(papers))
	}
}

func TestHowAPrinterIs(t *testing.T) {
	for about, tc := range map[string]struct {
		say  map[int]byte
		want printer.State
	}{
		"ready":           {nil, printer.Ready},
		"out of paper":    {map[int]byte{1: 0x1a, 2: 0x32, 4: 0x72}, printer.NoPaper},
		"open":            {map[int]byte{1: 0x1a, 2: 0x16, 4: 0x72}, printer.Cover},
		"the roll's end":  {map[int]byte{4: 0x1e}, printer.LowPaper},
		"stuck":           {map[int]byte{1: 0x1a, 2: 0x52}, printer.Fault},
		"off, and no why": {map[int]byte{1: 0x1a}, printer.Fault},
	} {
		t.Run(about, func(t *testing.T) {
			p := escpostest.Start(t)
			for q, a := range tc.say {
				p.Say(q, a)
			}
			if s := patient(p.Addr).Look(t.Context()); s != tc.want {
				t.Errorf("%s; expected %s", s, tc.want)
			}
			n, err := patient(p.Addr).Print(t.Context(), tickets(2))
			if tc.want.Works() {
				if n != 2 || err != nil {
					t.Error(n, err)
				}
				return
			}
			if s := stopped(t, err); s.State != tc.want || s.Printed != 0 || n != 0 || len(p.Papers()) != 0 {
				t.Errorf("%d, %+v", n, s)
			}
		})
	}
}

func TestWhereTheRollEndsIsSaid(t *testing.T) {
	p := escpostest.Start(t)
	made := func(yield func(image.Image, error) bool) {
		for img, err := range tickets(5) {
			if img.Bounds().Dy() == 42 { // the third is being made when the roll ends
				p.Say(1, 0x1a)
				p.Say(4, 0x72)
			}
			if !yield(img, err) {
				return
			}
		}
	}
	n, err := patient(p.Addr).Print(t.Context(), made)
	if s := stopped(t, err); s.State != printer.NoPaper || s.Printed != 2 || n != 2 {
		t.Errorf("%d, %+v", n, s)
	}
}

func TestAPrinterThatSaysNothingPrints(t *testing.T) {
	p := escpostest.Start(t)
	p.Mute()
	to := printer.New(printer.Options{Address: p.Addr, Answer: time.Millisecond, Ticket: time.Minute})
	if s := to.Look(t.Context()); s != printer.Mute {
		t.Error(s)
	}
	if n, err := to.Print(t.Context(), tickets(2)); n != 2 || err != nil {
		t.Error(n, err)
	}
}

func TestWhatCannotBeReachedIsOff(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	file := filepath.Join(t.TempDir(), "lp0")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{ln.Addr().String(), filepath.Join(t.TempDir(), "missing"), file} {
		if s := patient(address).Look(t.Context()); s != printer.Off {
			t.Errorf("%s: %s", address, s)
		}
		if _, err := patient(address).Print(t.Context(), tickets(1)); stopped(t, err).State != printer.Off {
			t.Error(err)
		}
	}
	if b, err := os.ReadFile(file); len(b) != 0 || err != nil {
		t.Error("a file was written")
	}
}

func TestOneThatTakesNothingIsGivenUp(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	endless := func(yield func(image.Image, error) bool) { // more than every buffer on the way
		for yield(image.NewGray(image.Rect(0, 0, escpos.Dots80, 4000)), nil) {
		}
	}
	_, err = printer.New(printer.Options{Address: ln.Addr().String(), Answer: time.Millisecond, Ticket: 200 * time.Millisecond}).Print(t.Context(), endless)
	if s := stopped(t, err); s.State != printer.Fault || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%+v", s)
	}
}

func TestWhoGivesUpStopsTheJob(t *testing.T) {
	p := escpostest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := patient(p.Addr).Print(ctx, tickets(1)); err == nil || n != 0 {
		t.Error(n, err)
	}
}

func TestOneJobAtATime(t *testing.T) {
	p := escpostest.Start(t)
	to := patient(p.Addr)
	inside := func(yield func(image.Image, error) bool) {
		if s := to.Look(t.Context()); s != printer.Busy {
			t.Error(s)
		}
		if _, err := to.Print(t.Context(), tickets(1)); stopped(t, err).State != printer.Busy {
			t.Error(err)
		}
		tickets(1)(yield)
	}
	if n, err := to.Print(t.Context(), inside); n != 1 || err != nil {
		t.Error(n, err)
	}
}

func TestWhoPrintsWaitsForWhoLooks(t *testing.T) {
	p := escpostest.Start(t)
	to := patient(p.Addr)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { to.Look(t.Context()) })
	}
	for range 4 {
		if n, err := to.Print(t.Context(), tickets(1)); n != 1 || err != nil {
			t.Error(n, err)
		}
	}
	all.Wait()
}

func TestATicketThatCannotBeMadeEndsTheJob(t *testing.T) {
	p := escpostest.Start(t)
	fails := errors.New("no room")
	bad := func(yield func(image.Image, error) bool) {
		tickets(1)(yield)
		yield(nil, fails)
	}
	if n, err := patient(p.Addr).Print(t.Context(), bad); n != 1 || !errors.Is(err, fails) {
		t.Error(n, err)
	}
}
