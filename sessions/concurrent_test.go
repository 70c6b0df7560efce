package sessions_test

import (
	"sync"
	"testing"

	"parvis/sessions"
)

func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	w.opts.LastSlot = 0x1ff
	w.restart()
	stop := w.run()
	var all sync.WaitGroup
	for n := range byte(8) {
		all.Go(func() {
			for i := range byte(20) {
				d := device(n*20 + i)
				for range 2 { // a double click
					s, err := w.Open(t.Context(), request(d, visitor))
					if err != nil {
						t.Error(err)
						return
					}
					if of, ok := w.Of(d.MAC); !ok || of.ID != s.ID {
						t.Errorf("Of: %+v, %v; opened %+v", of, ok, s)
					}
				}
				w.List()
				w.Status()
				if i%2 == 0 {
					s, _ := w.Of(d.MAC)
					if _, err := w.End(t.Context(), s.ID, sessions.ByResident); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if st := w.Status(); st.Open != 80 || st.Remembered != 80 || len(w.kernel.Grants()) != 80 {
		t.Errorf("status: %+v, kernel: %d", st, len(w.kernel.Grants()))
	}
	if _, err := w.EndAll(t.Context(), sessions.ByClosing); err != nil {
		t.Error(err)
	}
	if n := len(w.kernel.Grants()); n != 0 {
		t.Errorf("%d still pass", n)
	}
}
