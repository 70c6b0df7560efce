package porteus

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/mac"
)

// Whatever happens in whatever order: at most one window, never in opening hours unless asked for, never longer than a turn; and a
// terminal is served the new file only in its turn or after it has taken it.
func TestRolloutKeepsItsPromises(t *testing.T) {
	dir := t.TempDir()
	try := 0
	rapid.Check(t, func(t *rapid.T) {
		try++
		sub := filepath.Join(dir, fmt.Sprint(try))
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		n := newNight(t, sub, 3)
		var (
			took = map[mac.Addr]bool{}
			any  = rapid.IntRange(0, 2)
		)
		t.Repeat(map[string]func(*rapid.T){
			"change":   func(t *rapid.T) { n.change(t, time.Duration(rapid.IntRange(1, 3).Draw(t, "idle"))*time.Minute) },
			"usb":      func(t *rapid.T) { i := any.Draw(t, "post"); n.members[i].USB = !n.members[i].USB },
			"publish":  func(t *rapid.T) { n.Publish(rapid.Bool().Draw(t, "now"), ""); n.step() },
			"withdraw": func(*rapid.T) { n.Withdraw() },
			"hours":    func(*rapid.T) { n.closed = !n.closed; n.step() },
			"wait": func(t *rapid.T) {
				n.clock.Advance(time.Duration(rapid.IntRange(1, 25).Draw(t, "min")) * time.Minute)
				n.step()
			},
			"home":    func(t *rapid.T) { n.home(any.Draw(t, "post")) },
			"restart": func(t *rapid.T) { n.start(t); n.step() },
			"boot": func(t *rapid.T) {
				i := any.Draw(t, "post")
				n.boot(t, i)
				if _, is := n.Updating(n.members[i].MAC); is {
					took[n.members[i].MAC] = true
				}
				n.step()
			},
			"": func(t *rapid.T) {
				st := n.Rollout.state
				open := 0
				for m, is := range n.windows {
					if !is {
						continue
					}
					open++
					if !n.closed && !st.Now {
						t.Fatal("a window in opening hours that nobody has asked for")
					}
					if n.clock.Boot().Sub(n.since[m]) >= WindowLength {
						t.Fatal("a window is open for longer than a turn")
					}
				}
				if open > 1 {
					t.Fatalf("%d windows", open)
				}
				if st.Next == nil {
					clear(took)
				}
				for i, m := range n.members {
					got, err := n.File(m.MAC, "", false)
					if err != nil {
						t.Fatal(err)
					}
					want := st.Published
					if st.Next != nil && (took[m.MAC] || n.windows[m.MAC]) {
						want = st.Next
					}
					if !bytes.Equal(got, want.part(m.MAC)) {
						t.Fatalf("terminal %d is served\n%s\nwant\n%s", i, got, want.part(m.MAC))
					}
				}
			},
		})
	})
}
