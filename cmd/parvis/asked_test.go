package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/clock"
	"parvis/internal/hublink/wire"
	"parvis/internal/lab"
	"parvis/internal/mac"
	"parvis/kiosk/gate"
)

var errNo = errors.New("no")

// One no may be a printer that wakes up; two are told, and one yes takes it back.
func TestANoIsToldOnceItIsSure(t *testing.T) {
	matters, answer := true, errNo
	q := question{every: 5 * time.Minute, matter: func() bool { return matters }, ask: func(context.Context) error { return answer }}
	for i, step := range []struct {
		matters bool
		answer  error
		no      bool
		again   time.Duration
	}{
		{true, nil, false, 5 * time.Minute},
		{true, errNo, false, time.Minute},
		{true, errNo, true, time.Minute},
		{true, errNo, true, time.Minute},
		{true, nil, false, 5 * time.Minute},
		{true, errNo, false, time.Minute},
		{true, nil, false, 5 * time.Minute},
		{true, errNo, false, time.Minute},
		{false, errNo, false, time.Minute}, // the place is closed: nobody is asked
		{true, errNo, false, time.Minute},
		{true, errNo, true, time.Minute},
		{false, errNo, false, time.Minute},
	} {
		matters, answer = step.matters, step.answer
		if again := q.turn(t.Context()); again != step.again || q.No() != step.no {
			t.Errorf("step %d: no %v, again after %v; want %+v", i, q.No(), again, step)
		}
	}
	if (*question)(nil).No() {
		t.Error("a question that there is not is answered with no")
	}
}

func TestNothingIsAskedWhileNobodyMinds(t *testing.T) {
	q := question{every: time.Minute, matter: func() bool { return false }, ask: func(context.Context) error { panic("asked") }}
	q.turn(t.Context())
}

// A daemon that ends in the middle of a question has learnt nothing.
func TestAnEndIsNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	q := question{every: time.Minute, ask: func(context.Context) error { cancel(); return errNo }}
	if q.turn(ctx); q.noes != 0 {
		t.Error("it counts")
	}
	if err := q.run(ctx, clock.NewFake()); err != nil {
		t.Error(err)
	}
}

func loopback(t *testing.T) (net.Listener, netip.AddrPort) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln, ln.Addr().(*net.TCPAddr).AddrPort()
}

// Each listener of the gate answers somebody whom it does not know, without a refusal that anybody would see.
func TestAGateThatServesAnswers(t *testing.T) {
	g := gate.New(gate.Options{
		Clock: clock.NewFake(), Who: func(netip.Addr) (mac.Addr, bool) { return mac.Addr{}, false },
		Refused: func(r gate.Refusal) { t.Errorf("a refusal is told: %+v", r) },
	})
	defer g.Close()
	for name, serve := range map[string]func(context.Context, net.Listener) error{"proxy": g.ServeProxy, "relay": g.ServeRelay, "relay of HTTP": g.ServeRelayHTTP} {
		t.Run(name, func(t *testing.T) {
			ln, at := loopback(t)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- serve(ctx, ln) }()
			if err := takesCalls(t.Context(), at); err != nil {
				t.Error(err)
			}
			cancel()
			<-ended
			if err := takesCalls(t.Context(), at); !errors.Is(err, unix.ECONNREFUSED) {
				t.Errorf("of one that has ended: %v", err)
			}
		})
	}
}

// The kernel takes connections for a program that no longer looks after them.
func TestAGateThatHangsDoesNotAnswer(t *testing.T) {
	_, at := loopback(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // nobody will ever answer
	defer cancel()
	if err := takesCalls(ctx, at); !errors.Is(err, errNoWord) {
		t.Error(err)
	}
}

func TestAnAddressThatHasGoneIsNotLookedForBeyondTheLine(t *testing.T) {
	if err := takesCalls(t.Context(), netip.MustParseAddrPort("192.0.2.1:3128")); !errors.Is(err, unix.EADDRNOTAVAIL) {
		t.Error(err)
	}
}

// The printer is switched off, then on; the terminals' network loses its address, and gets it back.
func TestPrinterAndGateAreToldAsProblems(t *testing.T) {
	p := withTerminals(t, `printer = "`+printerURI+`"`)
	tells := func(code string) bool {
		t.Helper()
		if err := p.client.Shift(ctx(t), time.Minute); err != nil {
			t.Fatal(err)
		}
		s, err := p.client.Status(ctx(t))
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(s.Condition.Problems, func(p wire.Problem) bool { return p.Code == code })
	}
	p.minute(t, "tells that the printer is off", func() bool { return tells("printer") })
	p.printer()
	p.minute(t, "tells no longer that the printer is off", func() bool { return !tells("printer") })
	if tells("gate") {
		t.Error("the gate does not answer")
	}
	const address = "10.30.0.1/24"
	run := func(args ...string) {
		t.Helper()
		if out, err := p.RouterOutput(ctx(t), "ip", args...); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	run("addr", "del", address, "dev", lab.PostBridge)
	p.minute(t, "tells that the gate does not answer", func() bool { return tells("gate") })
	run("addr", "add", address, "dev", lab.PostBridge)
	p.minute(t, "tells no longer that it does not", func() bool { return !tells("gate") })
}
