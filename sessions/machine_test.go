package sessions_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

// machine drives a manager at random and keeps its own account of what people were given and have used. Its time is
// that of a watch which runs on while the machine restarts.
type machine struct {
	*world
	watch    time.Duration            // passed since the test began
	bootAt   map[string]time.Duration // what the watch said when a boot's clock said 0
	boots    int
	faulty   bool // something has been told to fail since the last heal
	diskAway bool // the disk has been told to fail since the last heal
	touched  bool // the kernel has begun to count anew: what a killed daemon had not written is lost
	guests   map[string]*guest
	restedAt map[uint16]time.Duration // when a slot's last holder left
	holder   map[uint16]string        // who has a slot
	owner    map[uint16]string        // who had it last: a kernel that does not follow lets the last one pass on
	contests map[mac.Addr]bool        // whom the enforcer has called contested
	lineDown bool
}

// guest is what is known of one session from outside.
type guest struct {
	given, used, gained time.Duration
	openedAt            time.Duration // FromOpening: when its time began to run
	lastSeen            time.Duration // when it last carried anything or came in
	came                time.Duration
	carried, refused    uint64
	total               uint64
	last                sessions.Session
}

func TestTheManagerKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.opts.LastSlot = 0x15
		w.opts.Hours = machineHours(t)
		w.opts.Profiles[0].Extend, w.opts.Profiles[0].Extensions = 20*time.Minute, 3
		for i := range w.opts.Profiles {
			w.opts.Profiles[i].LineStops = i != 3
		}
		w.opts.Profiles, w.opts.Terminal = append(w.opts.Profiles, post), isPost
		w.restart()
		m := &machine{
			world: w, boots: 1, guests: map[string]*guest{}, restedAt: map[uint16]time.Duration{}, holder: map[uint16]string{},
			owner: map[uint16]string{}, contests: map[mac.Addr]bool{},
		}
		m.bootAt = map[string]time.Duration{w.clock.BootID(): -time.Duration(w.clock.Boot())}
		t.Repeat(map[string]func(*rapid.T){
			"open": m.Open, "end": m.End, "endAll": m.EndAll, "pass": m.Pass, "carry": m.Carry,
			"restart": m.Restart, "reboot": m.Reboot, "fail": m.Fail, "heal": m.Heal, "": m.Check,
			"contest": m.Contest, "settle": m.Settle, "change": m.Change, "touch": m.Touch, "jump": m.Jump,
			"adjust": m.Adjust, "takeBack": m.TakeBack, "line": m.Line, "gesture": m.Gesture, "sync": m.Sync,
		})
	})
}

func (m *machine) Open(t *rapid.T) {
	d := sessions.Device{
		MAC:  mac.Addr{2, 0, 0, 0, 0, rapid.ByteRange(1, 5).Draw(t, "mac")},
		IPv4: netip.AddrFrom4([4]byte{10, 20, 0, rapid.ByteRange(1, 5).Draw(t, "ipv4")}),
	}
	req := request(d, m.opts.Profiles[rapid.IntRange(0, len(m.opts.Profiles)-1).Draw(t, "profile")])
	if rapid.IntRange(0, 4).Draw(t, "operator") == 0 {
		req.By = sessions.FromOperator
		req.For = time.Duration(rapid.IntRange(0, 180).Draw(t, "minutes")) * time.Minute
	}
	free := m.Status().Slots.Free
	before, _ := m.Of(d.MAC)
	wasContested := m.contests[d.MAC] || before.Suspended != ""
	s, err := m.Manager.Open(context.Background(), req)
	m.observe(t)
	switch {
	case err == nil:
		if of, ok := m.Of(d.MAC); !ok || of != s || s.Device != d || s.Profile != req.Profile || s.State != sessions.Open {
			t.Fatalf("opened %+v, Of says %+v", s, of)
		}
		if req.For > 0 {
			g := m.guests[s.ID]
			g.given, g.openedAt = g.used+req.For, m.watch-g.used
			if s.Left != req.For && !(s.Closing && s.Left < req.For) {
				t.Fatalf("given %v, left %v", req.For, s.Left)
			}
		} else if s.ID == before.ID && s.Left != before.Left && s.Profile != daily.Name && !s.Closing && !before.Closing {
			t.Fatalf("the same session had %v left and has %v", before.Left, s.Left)
		}
	case errors.Is(err, sessions.ErrContested):
		if !wasContested {
			t.Fatal("refused as contested, and nobody contests it")
		}
	case errors.Is(err, sessions.ErrClosed):
		if m.Site().Open {
			t.Fatalf("refused as closed, and %+v", m.Site())
		}
	case errors.Is(err, sessions.ErrTerminal):
		if isPost(d.MAC) == (req.Profile == post.Name) && (!isPost(d.MAC) || req.By == sessions.FromOperator) {
			t.Fatalf("refused, and it is where it belongs: %+v", req)
		}
	case errors.Is(err, sessions.ErrDay):
		if req.Profile != daily.Name || req.By == sessions.FromOperator {
			t.Fatalf("refused by a day that does not bind it: %+v", req)
		}
	case errors.Is(err, sessions.ErrFull):
		if free > 0 {
			t.Fatalf("full with %d free", free)
		}
	case errors.Is(err, sessions.ErrStore) && m.diskAway, errors.Is(err, sessions.ErrEnforce) && m.faulty:
		// Whether a change that was refused reached the disk is not known until it has been written over.
		for _, g := range m.guests {
			if req.For > 0 && g.last.Device.MAC == d.MAC && g.last.Profile == req.Profile {
				g.given = max(g.given, g.used+req.For)
			}
		}
	default:
		t.Fatalf("Open: %v", err)
	}
}

func (m *machine) End(t *rapid.T) {
	list := m.List()
	if len(list) == 0 {
		t.Skip("nobody")
	}
	// Ids are random: what is drawn must not hang on their order.
	slices.SortFunc(list, func(a, b sessions.Session) int {
		return cmp.Or(bytes.Compare(a.Device.MAC[:], b.Device.MAC[:]), cmp.Compare(a.State, b.State), cmp.Compare(a.Profile, b.Profile))
	})
	s := list[rapid.IntRange(0, len(list)-1).Draw(t, "session")]
	r := rapid.SampledFrom([]sessions.Reason{sessions.ByResident, sessions.ByOperator, sessions.ByClosing}).Draw(t, "reason")
	got, err := m.Manager.End(context.Background(), s.ID, r)
	if got.State != sessions.Ended || err != nil && !(errors.Is(err, sessions.ErrEnforce) && m.faulty) {
		t.Fatalf("End: %+v, %v", got, err)
	}
	m.observe(t)
}

func (m *machine) EndAll(t *rapid.T) {
	if _, err := m.Manager.EndAll(context.Background(), sessions.ByClosing); err != nil && !m.faulty {
		t.Fatal(err)
	}
	m.observe(t)
	if n := m.Status().Open; n != 0 {
		t.Fatalf("%d open after all have ended", n)
	}
}

// Pass lets time pass, deadline by deadline.
func (m *machine) Pass(t *rapid.T) {
	m.passFor(t, rapid.SampledFrom([]time.Duration{
		time.Millisecond, time.Second, 59 * time.Second, time.Minute, 7 * time.Minute, 20 * time.Minute, 5 * time.Hour,
	}).Draw(t, "for"))
}

func (m *machine) passFor(t *rapid.T, d time.Duration) {
	end := m.clock.Boot().Add(d)
	for {
		next, ok := m.Step(context.Background())
		m.observe(t)
		m.hold(t)
		now := m.clock.Boot()
		if ok && next <= now {
			t.Fatalf("Step at %v wants to be called at %v: it would spin", time.Duration(now), time.Duration(next))
		}
		if now == end {
			return
		}
		if !ok || next > end {
			next = end
		}
		m.tick(next.Sub(now))
	}
}

// tick moves the clock and counts the time of who is inside.
func (m *machine) tick(d time.Duration) {
	for _, s := range m.List() {
		g := m.guests[s.ID]
		switch {
		case s.State == sessions.Open && s.LineDown:
			g.openedAt += d
		case s.State == sessions.Open && (s.Suspended == "" || s.Profile == morning.Name):
			g.used += min(d, s.Left)
		}
	}
	m.watch += d
	m.clock.Advance(d)
}

func (m *machine) Carry(t *rapid.T) {
	grants := m.kernel.Grants()
	if len(grants) == 0 {
		t.Skip("nobody")
	}
	grant := grants[rapid.IntRange(0, len(grants)-1).Draw(t, "grant")]
	slot := grant.Slot
	n := rapid.Uint64Range(1, 4_000_000).Draw(t, "bytes")
	m.kernel.Carry(slot, n, n/2)
	g := m.guests[m.owner[slot]]
	switch {
	case g == nil:
	case grant.Suspended && g.last.Suspended != "": // what is refused is nobody's, unless the kernel does not follow
		g.refused += n + n/2
	default:
		g.carried += n + n/2
		g.lastSeen = m.watch
	}
}

// Restart kills the daemon and, after a while, starts it again.
func (m *machine) Restart(t *rapid.T) {
	before := m.List()
	kept := map[string]uint64{}
	for _, s := range before {
		i := slices.IndexFunc(m.kernel.Grants(), func(g sessions.Grant) bool { return g.Slot == s.Slot && g.MAC == s.Device.MAC })
		// The last count of a former slot is written within the minute.
		if s.State == sessions.Open && i >= 0 && m.watch-m.guests[s.ID].came > 2*time.Minute {
			kept[s.ID] = s.Down + s.Up
		}
	}
	m.tick(time.Duration(rapid.IntRange(0, 600).Draw(t, "dead for")) * time.Second)
	wasAway, touched := m.diskAway, m.touched
	if touched { // counters that have begun anew may by chance be what they were when last read: that is silence to who was not there
		for _, g := range m.guests {
			g.lastSeen = min(g.lastSeen, m.watch-15*time.Minute)
		}
	}
	m.again(t, m.world.restart, m.clock.BootID())
	if wasAway {
		return
	}
	for _, s := range m.List() {
		if s.State == sessions.Open {
			if b, ok := kept[s.ID]; ok && s.Down+s.Up < b && !m.faulty && !touched {
				t.Fatalf("a restart lost bytes: %d before, %+v after", b, s)
			}
		}
	}
	for _, b := range before {
		if b.State == sessions.Open && b.End > m.clock.Boot() && !slices.Contains([]sessions.Reason{
			sessions.ByIdle, sessions.ByVolume, sessions.ByDay, sessions.ByClosing,
		}, m.guests[b.ID].last.Reason) && !b.LineDown {
			if s, err := m.Get(b.ID); err != nil || s.State != sessions.Open || s.End != b.End && b.Suspended == "" && b.Profile != daily.Name && !s.Closing && !b.Closing {
				t.Fatalf("somebody has to open again after a restart: %+v, %v; before: %+v", s, err, b)
			}
		}
	}
}

// Reboot is a power cut.
func (m *machine) Reboot(t *rapid.T) {
	if lost := m.unwritten(); m.Status().Open > 0 && !m.diskAway && lost > time.Minute {
		t.Fatalf("a power cut gives back %v", lost)
	}
	m.boots++
	id := fmt.Sprintf("boot-%d", m.boots)
	m.bootAt[id] = m.watch
	m.again(t, func() { m.world.reboot(id) }, id)
}

// unwritten is how long ago the disk was last told the time.
func (m *machine) unwritten() time.Duration {
	mark := m.store.Mark()
	return m.watch - (m.bootAt[mark.BootID] + time.Duration(mark.Seen))
}

// again starts the manager on what the disk holds. When the disk knows of an older boot only, what has passed since it was
// last written is given back; that is a minute at most unless it takes no writes.
func (m *machine) again(t *rapid.T, start func(), boot string) {
	if mark := m.store.Mark(); mark.BootID != boot {
		for _, g := range m.guests {
			g.gained += m.unwritten()
			g.lastSeen = m.watch
		}
	}
	clear(m.contests)
	for _, g := range m.guests { // counters that cannot be read do not tell what was refused before the restart
		if m.faulty {
			g.carried += g.refused
		}
	}
	for _, r := range m.store.Rows() { // a disk that takes no writes does not learn that time runs again
		if r.Suspended != "" {
			m.contests[r.Device.MAC] = true // for as long as it takes to see it again
		}
		if g := m.guests[r.ID]; g != nil && m.diskAway && r.Suspended != "" && g.last.Suspended == "" {
			g.gained += m.unwritten()
		}
	}
	for _, s := range m.List() {
		if s.State == sessions.Open {
			m.restedAt[s.Slot] = m.watch
		}
	}
	m.touched, m.lineDown = false, false
	clear(m.holder)
	held := map[uint16]bool{}
	for _, r := range m.store.Rows() {
		if g := m.guests[r.ID]; g != nil {
			g.total, g.last = r.Down+r.Up, sessions.Session{
				State: r.State, End: r.End, Device: r.Device, Profile: r.Profile, Suspended: r.Suspended, Left: r.End.Sub(r.SuspendedAt),
			}
		}
		if r.State == sessions.Open {
			held[r.Slot] = true
		}
	}
	for slot := range held {
		delete(m.restedAt, slot) // whoever the disk says is inside goes on, without a rest
	}
	start()
	m.observe(t)
	m.Step(context.Background())
	m.observe(t)
}

func (m *machine) Fail(t *rapid.T) {
	m.faulty = true
	err := errors.New("told to fail")
	fail := rapid.Bool().Draw(t, "after having done it")
	switch call := rapid.SampledFrom([]string{
		sessionstest.Put, sessionstest.Drop, sessionstest.Sync, sessionstest.Usage, sessionstest.Save,
	}).Draw(t, "call"); {
	case call == sessionstest.Save && fail:
		m.diskAway = true
		m.store.FailAfter(call, err)
	case call == sessionstest.Save:
		m.diskAway = true
		m.store.Fail(call, err)
	case fail && call != sessionstest.Usage: // a reading that is lost after it was taken has lost the final counts
		m.kernel.FailAfter(call, err)
	default:
		m.kernel.Fail(call, err)
	}
}

// Heal ends all faults; within the longest wait between two tries everything is well again.
func (m *machine) Heal(t *rapid.T) {
	m.heal()
	m.passFor(t, 31*time.Second)
	m.faulty, m.diskAway = false, false
	if st := m.Status(); !st.Store.OK || !st.Enforcer.OK {
		t.Fatalf("not healed: %+v", st)
	}
}

func (m *machine) someone(t *rapid.T) mac.Addr {
	return mac.Addr{2, 0, 0, 0, 0, rapid.ByteRange(1, 5).Draw(t, "mac")}
}

// Contest makes a clone appear.
func (m *machine) Contest(t *rapid.T) {
	a := m.someone(t)
	m.contests[a] = true
	m.happens(sessions.Event{Kind: sessions.Contested, MAC: a, Contest: sessions.TwoPorts})
	m.observe(t)
	if s, ok := m.Of(a); ok && s.State == sessions.Open && s.Suspended == "" {
		t.Fatalf("contested and not suspended: %+v", s)
	}
}

// Settle makes it go.
func (m *machine) Settle(t *rapid.T) {
	a := m.someone(t)
	delete(m.contests, a)
	m.happens(sessions.Event{Kind: sessions.Settled, MAC: a})
	m.observe(t)
	if s, ok := m.Of(a); ok && s.Suspended != "" {
		t.Fatalf("settled and still suspended: %+v", s)
	}
}

// Change gives somebody other rates.
func (m *machine) Change(t *rapid.T) {
	s, ok := m.Of(m.someone(t))
	down := rapid.SampledFrom([]uint64{0, 64_000, 1_000_000, 50_000_000}).Draw(t, "down")
	got, err := m.Manager.Change(context.Background(), s.ID, sessions.Rates{Down: &down})
	m.observe(t)
	switch {
	case !ok || s.State != sessions.Open || m.guests[s.ID].last.State == sessions.Ended: // at this very moment
		if !errors.Is(err, sessions.ErrNotFound) {
			t.Fatalf("changed nobody: %v", err)
		}
	case err == nil:
		if !got.Slowed && got.DownRate != down || got.UpRate != s.UpRate || got.Left != s.Left {
			t.Fatalf("asked for %d down: %+v, before %+v", down, got, s)
		}
	case errors.Is(err, sessions.ErrStore) && m.diskAway, errors.Is(err, sessions.ErrEnforce) && m.faulty:
	default:
		t.Fatalf("Change: %v", err)
	}
	m.observe(t)
}

// Touch is another program that empties the kernel's sets, and the repair.
func (m *machine) Touch(t *rapid.T) {
	m.kernel.Flush()
	m.touched = true
	m.happens(sessions.Event{Kind: sessions.Touched, Detail: "a set"})
	m.observe(t)
}

// Jump makes the civil clock jump while nobody knows how good it is.
func (m *machine) Jump(t *rapid.T) {
	years := time.Duration(rapid.IntRange(-10, 10).Draw(t, "years")) * 365 * 24 * time.Hour
	m.clock.SetWall(clock.Wall{Time: m.clock.Wall().Time.Add(years)})
	m.observe(t)
}
