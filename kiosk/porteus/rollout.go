package porteus

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// WindowLength is how long one terminal may reach Porteus' own hosts to make its image anew.
const WindowLength = 20 * time.Minute

// lookAgain is how often what nobody tells is looked at while a publication is under way: the place's hours.
const lookAgain = 30 * time.Second

// Member is a terminal that runs Porteus Kiosk, as the registry knows it.
type Member struct {
	Post
	ID      string
	MAC     mac.Addr
	Adopted bool
	FreshAt clock.Boot // when a browser that had just begun was last seen; 0 never
}

// Options is what a Rollout is made of. All are required.
type Options struct {
	Path     string   // of its file
	Settings Settings // of the place; its Terminals are the members
	Clock    clock.Clock
	Log      *slog.Logger
	// Members are the terminals that run Porteus Kiosk, new ones too.
	Members func() []Member
	// Window lets a terminal reach Porteus' own hosts, or no longer.
	Window func(m mac.Addr, open bool)
	// Closed says that the public is not in.
	Closed func() bool
}

// Errors of Publish.
var (
	ErrNothing  = errors.New("there is nothing to publish")
	ErrUnderWay = errors.New("a publication is under way")
	ErrTaken    = errors.New("a terminal has it already")
	ErrUnknown  = errors.New("no such terminal")
)

// Rollout hands configurations to terminals. What they are served is the published one; what settings and registry have become
// since is held back. Once it is published, one terminal after the other is served it, and may reach Porteus' own hosts
// meanwhile: until its browser has been seen to begin anew, or for WindowLength, after which its turn comes again. A
// terminal whose turn has not come is served what it has: it neither restarts nor asks for hosts that it cannot reach.
//
// Its state is one file, written durably before it counts: a restart goes on where it was.
type Rollout struct {
	o    Options
	kick chan struct{}
	sync func(*os.File) error // (*os.File).Sync outside of tests

	mu    sync.Mutex
	state state
	took  map[mac.Addr]clock.Boot // when it was served the next one
	turn  turn
	last  mac.Addr // whose turn was last
}

// turn is the one terminal whose window is open; the zero value is none.
type turn struct {
	mac   mac.Addr
	until clock.Boot
}

// NewRollout reads the file, if there is one. From then on File answers.
func NewRollout(o Options) (*Rollout, error) {
	r := &Rollout{o: o, kick: make(chan struct{}, 1), sync: (*os.File).Sync, took: map[mac.Addr]clock.Boot{}}
	s, err := readState(o.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("porteus: read %s: %w", o.Path, err)
	}
	r.state = s
	for m := range s.Taken {
		r.took[m] = o.Clock.Boot() // when exactly is not known: a browser seen from now on counts
	}
	return r, nil
}

// File returns what the terminal with this MAC is served; nil before anything was ever published. label is what it calls itself,
// which only counts where the registry does not know better. fetched says that it takes the file with it, and does not only
// ask whether there is one.
func (r *Rollout) File(m mac.Addr, label string, fetched bool) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	set := r.state.Published
	if set == nil {
		return nil, nil
	}
	if next := r.state.Next; next != nil && (r.turn.mac == m || r.state.Taken[m]) {
		set = next
		if fetched && !r.state.Taken[m] {
			s := r.state.clone()
			s.Taken[m] = true
			if err := r.put(s); err != nil {
				return nil, err
			}
		}
		if fetched && r.took[m] == 0 {
			r.took[m] = r.o.Clock.Boot()
		}
	}
	pcid, member := set.PCIDs[m]
	if !member {
		pcid = label
	}
	return Extract([]byte(set.Config), pcid), nil
}

// Publish lets the terminals have what is held back: while the place is closed, so from its next closing on when it is open.
// With now it begins although the place is open, one turn for each terminal. id, when given, is a terminal that gets a turn
// although nothing has changed for it: one that was just installed. Errors: ErrNothing, ErrUnderWay, ErrUnknown.
func (r *Rollout) Publish(now bool, id string) error {
	members := r.o.Members()
	want, err := r.want(members)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.state.Published == nil:
		return fmt.Errorf("porteus: publish: %w", ErrNothing)
	case r.state.Next != nil:
		return fmt.Errorf("porteus: publish: %w", ErrUnderWay)
	}
	s := r.state.clone()
	s.Next, s.Now = want, now
	if id != "" {
		i := slices.IndexFunc(members, func(m Member) bool { return m.ID == id })
		if i < 0 {
			return fmt.Errorf("porteus: publish: %w: %s", ErrUnknown, id)
		}
		s.Asked[members[i].MAC] = true
	} else if want.equal(s.Published) {
		return fmt.Errorf("porteus: publish: %w", ErrNothing)
	}
	if err := r.put(s); err != nil {
		return err
	}
	r.wake()
	return nil
}

// Withdraw takes back a publication that no terminal has fetched yet. Errors: ErrNothing, ErrTaken.
func (r *Rollout) Withdraw() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.state.Next == nil:
		return fmt.Errorf("porteus: withdraw: %w", ErrNothing)
	case len(r.state.Taken) > 0:
		return fmt.Errorf("porteus: withdraw: %w", ErrTaken)
	}
	r.endTurn()
	return r.put(state{Published: r.state.Published}.clone())
}

// want is what settings and registry are now.
func (r *Rollout) want(members []Member) (*set, error) {
	s := r.o.Settings
	s.Terminals = nil
	w := &set{PCIDs: map[mac.Addr]string{}}
	for _, m := range writable(members) {
		s.Terminals = append(s.Terminals, m.Post)
		w.PCIDs[m.MAC] = m.PCID
	}
	config, err := Render(s)
	w.Config = string(config)
	return w, err
}

// writable are the adopted members that can have a section of their own; of two whose PCIDs a terminal would mix up, the first.
func writable(members []Member) (can []Member) {
	sorted := slices.SortedFunc(slices.Values(members), func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	for _, m := range sorted {
		mixed := slices.ContainsFunc(can, func(c Member) bool {
			return strings.Contains(c.PCID, m.PCID) || strings.Contains(m.PCID, c.PCID)
		})
		if m.Adopted && ValidPCID(m.PCID) && hostForm.MatchString(m.Host) && !mixed {
			can = append(can, m)
		}
	}
	return can
}

// wake makes Run look at once.
func (r *Rollout) wake() {
	select {
	case r.kick <- struct{}{}:
	default: // already awake
	}
}

// queue are the adopted terminals that have yet to come back with what is being published, in the order of their ids.
func (r *Rollout) queue(members []Member) (waiting []Member) {
	for _, m := range slices.SortedFunc(slices.Values(members), func(a, b Member) int { return strings.Compare(a.ID, b.ID) }) {
		if r.state.Done[m.MAC] || r.state.Next == nil {
			continue
		}
		old, new := r.state.Published.part(m.MAC), r.state.Next.part(m.MAC)
		if r.state.Asked[m.MAC] || m.Adopted && !bytes.Equal(old, new) {
			waiting = append(waiting, m)
		}
	}
	return waiting
}

// put makes a state the one that counts, once it is on the disk.
func (r *Rollout) put(s state) error {
	if err := s.write(r.o.Path, r.sync); err != nil {
		return fmt.Errorf("porteus: write %s: %w", r.o.Path, err)
	}
	r.state = s
	return nil
}

// equal says whether every terminal would be served the same.
func (s *set) equal(o *set) bool { return s.Config == o.Config && maps.Equal(s.PCIDs, o.PCIDs) }

// part is what the terminal with this MAC is served.
func (s *set) part(m mac.Addr) []byte { return Extract([]byte(s.Config), s.PCIDs[m]) }
