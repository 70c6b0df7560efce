package sessions_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

func TestOpeningPutsTheGrantAndKeepsTheRow(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	want := []sessions.Grant{{
		Slot: 0x10, MAC: phone.MAC, IPv4: phone.IPv4, End: w.clock.Boot().Add(time.Hour),
		Down: 600_000, Up: 400_000, Parent: 1,
	}}
	if diff := cmp.Diff(want, w.kernel.Grants(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Error("kernel (-want +got):\n", diff)
	}
	rows := w.store.Rows()
	if len(rows) != 1 || rows[0].ID != s.ID || rows[0].State != sessions.Open || rows[0].Device != phone {
		t.Errorf("disk: %+v", rows)
	}
	if got, ok := w.Of(phone.MAC); !ok || got != s {
		t.Errorf("Of: %+v, %v; want %+v", got, ok, s)
	}
	if len(s.ID) != 26 || s.Left != time.Hour || s.Label != "Visiteur" {
		t.Errorf("session: %+v", s)
	}
}

func TestARefusalOpensNothing(t *testing.T) {
	full, deaf := errors.New("disk full"), errors.New("kernel is deaf")
	for _, tc := range []struct {
		name   string
		breaks func(*world)
		want   error
	}{
		{"store refuses", func(w *world) { w.store.Fail(sessionstest.Save, full) }, sessions.ErrStore},
		{"store writes and then fails", func(w *world) { w.store.FailAfter(sessionstest.Save, full) }, sessions.ErrStore},
		{"kernel refuses", func(w *world) { w.kernel.Fail(sessionstest.Put, deaf) }, sessions.ErrEnforce},
		{"kernel admits and then fails", func(w *world) { w.kernel.FailAfter(sessionstest.Put, deaf) }, sessions.ErrEnforce},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			tc.breaks(w)
			_, err := w.Open(t.Context(), request(phone, visitor))
			if !errors.Is(err, tc.want) {
				t.Fatalf("Open: %v, want %v", err, tc.want)
			}
			if s, ok := w.Of(phone.MAC); ok {
				t.Errorf("a session is there: %+v", s)
			}
			for _, f := range []string{sessionstest.Save, sessionstest.Put} {
				w.store.Fail(f, nil)
				w.store.FailAfter(f, nil)
				w.kernel.Fail(f, nil)
				w.kernel.FailAfter(f, nil)
			}
			w.pass(time.Second)
			if g, r := w.kernel.Grants(), w.store.Rows(); len(g) != 0 || len(r) != 0 {
				t.Errorf("a second after the fault: kernel %v, disk %v", g, r)
			}
			if st := w.Status(); !st.Store.OK || !st.Enforcer.OK {
				t.Errorf("not healed: %+v", st)
			}
			w.open(phone, visitor)
		})
	}
}
