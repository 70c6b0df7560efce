package control_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/mac"
	"parvis/sessions"
)

// daemon serves d on a socket of its own and returns a client of it.
func daemon(t *testing.T, d control.Daemon) (*control.Client, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "parvis.sock")
	ln, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- control.Serve(ctx, ln, d, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return control.NewClient(path), path
}

func TestRequestsArriveAsTheyWereAsked(t *testing.T) {
	ctx := context.Background()
	var got any
	answer := sessions.Session{ID: "a", Device: sessions.Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 1}}, Left: time.Minute}
	c, _ := daemon(t, control.Daemon{
		Open: func(_ context.Context, r control.OpenRequest) (sessions.Session, error) {
			got = r
			return answer, nil
		},
		End: func(_ context.Context, r control.EndRequest) ([]sessions.Session, error) {
			got = r
			return []sessions.Session{answer}, nil
		},
		Change: func(_ context.Context, r control.ChangeRequest) ([]sessions.Session, error) {
			got = r
			return []sessions.Session{answer}, nil
		},
		Shift: func(r control.ShiftRequest) error { got = r; return nil },
	})
	nine := time.Date(2026, 11, 10, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		ask  func() error
		want any
	}{
		{"open", func() error {
			_, err := c.Open(ctx, control.OpenRequest{IPv4: netip.MustParseAddr("10.77.0.9"), For: time.Hour})
			return err
		}, control.OpenRequest{IPv4: netip.MustParseAddr("10.77.0.9"), For: time.Hour}},
		{"end", func() error {
			_, err := c.End(ctx, control.EndRequest{Which: "a", Reason: sessions.ByOperator})
			return err
		}, control.EndRequest{Which: "a", Reason: sessions.ByOperator}},
		{"change", func() error {
			_, err := c.Change(ctx, control.ChangeRequest{Which: "a", Down: new(uint64)})
			return err
		}, control.ChangeRequest{Which: "a", Down: new(uint64)}},
		{"clock", func() error { return c.Shift(ctx, time.Hour) }, control.ShiftRequest{Forward: time.Hour}},
		{"set civil time", func() error { return c.SetClock(ctx, nine) }, control.ShiftRequest{Set: nine}},
		{"civil time", func() error { return c.ShiftWall(ctx, -time.Hour) }, control.ShiftRequest{Wall: -time.Hour}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.ask(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRefusalKeepsItsKindAndBothLanguages(t *testing.T) {
	c, _ := daemon(t, control.Daemon{End: func(context.Context, control.EndRequest) ([]sessions.Session, error) {
		return nil, control.Refuse(control.NotFound, lang.Text{EN: "no %s", FR: "pas de %s"}, "x")
	}})
	_, err := c.End(context.Background(), control.EndRequest{Which: "x"})
	var ref *control.Refusal
	if !errors.As(err, &ref) {
		t.Fatalf("got %v", err)
	}
	if ref.Kind != control.NotFound || ref.In(lang.FR) != "pas de x" || ref.In(lang.EN) != "no x" {
		t.Errorf("got %+v", ref)
	}
}

func TestClockIsRefusedOutsideTheLab(t *testing.T) {
	c, _ := daemon(t, control.Daemon{})
	if err := c.Shift(context.Background(), time.Hour); err == nil {
		t.Error("the clock was moved")
	}
}

func TestNoDaemonIsSaid(t *testing.T) {
	c := control.NewClient(filepath.Join(t.TempDir(), "none.sock"))
	if _, err := c.Status(context.Background()); !errors.Is(err, control.ErrNoDaemon) {
		t.Errorf("got %v", err)
	}
}

func TestSocketIsRootsAlone(t *testing.T) {
	_, path := daemon(t, control.Daemon{})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode %v", got)
	}
}

func TestListenReplacesADeadSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parvis.sock")
	for range 2 { // the first is never closed, as after kill -9
		if _, err := control.Listen(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEmptyListIsAList(t *testing.T) {
	c, _ := daemon(t, control.Daemon{Sessions: func() []sessions.Session { return nil }})
	list, err := c.Sessions(context.Background())
	if err != nil || list == nil || len(list) != 0 {
		t.Errorf("got %#v, %v", list, err)
	}
}
