package acceptance

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/internal/acceptance/link"
	"parvis/internal/echo"
	"parvis/internal/lang"
	"parvis/internal/mac"
)

func TestAStepIsAsGoodAsItsWorstFinding(t *testing.T) {
	tests := []struct {
		name     string
		findings []Verdict
		want     Verdict
	}{
		{"nothing was found", nil, Skipped},
		{"all is well", []Verdict{Passed, Passed}, Passed},
		{"one part could not be tried", []Verdict{Passed, Skipped}, Skipped},
		{"something to know", []Verdict{Passed, Noted, Skipped}, Noted},
		{"one fault", []Verdict{Failed, Noted, Passed}, Failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Result{}
			for _, v := range tt.findings {
				r.Findings = append(r.Findings, Finding{Verdict: v})
			}
			if got := r.Verdict(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestWhatIsInterruptedIsNoFinding(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	step := func(id string, look func()) Step {
		return Step{ID: id, Look: func(context.Context) []Finding { look(); return []Finding{Fail(Say("x", "x"), Say("x", "x"))} }}
	}
	var began []string
	all := Run(ctx, []Step{step("one", func() {}), step("two", cancel), step("three", func() {})},
		func(s Step) { began = append(began, s.ID) }, func(Result) {})
	if len(all) != 1 || all[0].ID != "one" || !slices.Equal(began, []string{"one", "two"}) {
		t.Error(all, began)
	}
}

// room is a place with one phone, and a technician in it who answers.
type room struct {
	visits  []Visit
	answers map[string]Answer // by a word of the question
	told    []string
	ended   []string
	revoked []string
	broken  error
	on      func(said string) // what happens in the room when something is said
}

func (r *room) Visits(context.Context) ([]Visit, error) { return slices.Clone(r.visits), r.broken }

func (r *room) End(_ context.Context, id string) error {
	for i, v := range r.visits {
		if v.ID == id && v.Open {
			r.visits[i].Open = false
			r.ended = append(r.ended, id)
			return nil
		}
	}
	return errors.New("no open session " + id)
}

func (r *room) Ticket(context.Context) (code, batch string, err error) {
	return "K7M2-R4XT-2222", "b1", nil
}

func (r *room) Revoke(_ context.Context, batch string) error {
	if batch != "b1" || len(r.revoked) > 0 {
		return errors.New("no batch " + batch)
	}
	r.revoked = append(r.revoked, batch)
	return nil
}

func (r *room) Tell(s Sentence) {
	said := s.In(lang.EN)
	r.told = append(r.told, said)
	if r.on != nil {
		r.on(said)
	}
}

func (r *room) Ask(s Sentence) Answer {
	q := s.In(lang.EN)
	for word, a := range r.answers {
		if strings.Contains(q, word) {
			return a
		}
	}
	return Silent
}

var handset = mac.Addr{2, 0, 0, 0, 0, 9}

// comes opens the phone's session when it is told how, and lets bytes come when a site is to be opened.
func (r *room) comes(said string) {
	switch {
	case strings.Contains(said, "Press the button"), strings.Contains(said, "Type this code"):
		r.visits = append(r.visits, Visit{ID: "s1", Open: true, MAC: handset})
	case strings.Contains(said, "Open any site"):
		r.visits[len(r.visits)-1].Down += 100_000
	}
}

func TestThePhonesSteps(t *testing.T) {
	yes := map[string]Answer{"by itself": Yes, "site show": Yes, "come back": Yes}
	tests := []struct {
		name   string
		byDesk bool
		ipv6   bool
		room   room
		seen   trace
		quiet  bool // the phone does nothing
		want   map[string]Verdict
		ended  int
		ticket bool
	}{
		{
			"all is well",
			false, false,
			room{answers: yes},
			trace{ttls: []uint8{64}},
			false,
			map[string]Verdict{"page": Passed, "online": Passed, "direct": Passed, "ipv6": Passed, "end": Passed},
			1, false,
		},
		{
			"only the desk opens",
			true, false,
			room{answers: yes},
			trace{ttls: []uint8{64}},
			false,
			map[string]Verdict{"page": Passed, "online": Passed, "end": Passed},
			1, true,
		},
		{
			"no phone comes",
			false, false,
			room{answers: yes},
			trace{},
			true,
			map[string]Verdict{"page": Failed, "online": Skipped, "direct": Skipped, "ipv6": Skipped, "end": Skipped},
			0, false,
		},
		{"no phone comes with the ticket", true, false, room{answers: yes}, trace{}, true, map[string]Verdict{"page": Failed}, 0, true},
		{
			"the page does not come by itself",
			false, false,
			room{answers: map[string]Answer{"by itself": No}},
			trace{ttls: []uint8{64}},
			false,
			map[string]Verdict{"page": Failed, "online": Noted, "end": Noted},
			1, false,
		},
		{
			"the page does not come back",
			false, false,
			room{answers: map[string]Answer{"come back": No}},
			trace{},
			false,
			map[string]Verdict{"end": Failed, "direct": Noted},
			1, false,
		},
		{"behind a router", false, false, room{answers: yes}, trace{ttls: []uint8{64, 63}}, false, map[string]Verdict{"direct": Failed}, 1, false},
		{"IPv6 from somebody else", false, false, room{answers: yes}, trace{ttls: []uint8{64}, global: true}, false, map[string]Verdict{"ipv6": Failed}, 1, false},
		{"IPv6 of ours", false, true, room{answers: yes}, trace{global: true}, false, map[string]Verdict{"ipv6": Passed}, 1, false},
		{"IPv6 of ours, unused", false, true, room{answers: yes}, trace{}, false, map[string]Verdict{"ipv6": Noted}, 1, false},
		{"the sessions cannot be read", false, false, room{broken: errors.New("gone")}, trace{}, false, map[string]Verdict{"page": Failed, "online": Skipped}, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, p := tt.room, Phone{ByDesk: tt.byDesk, IPv6: tt.ipv6, Wait: time.Minute}
			r.visits = []Visit{{ID: "s0", Open: true, MAC: mac.Addr{2, 1}}}
			if !tt.quiet {
				r.on = r.comes
			}
			tick := make(chan time.Time)
			close(tick)
			p.Place, p.Technician, p.Tick = &r, &r, tick
			if tt.quiet {
				p.Wait = time.Nanosecond
			}
			p.heard.devices = map[mac.Addr]*trace{handset: &tt.seen}
			got := map[string]Verdict{}
			for _, s := range Run(t.Context(), p.Steps(), func(Step) {}, func(Result) {}) {
				got[s.ID] = s.Verdict()
			}
			for id, want := range tt.want {
				if got[id] != want {
					t.Errorf("%s: %s, want %s", id, got[id], want)
				}
			}
			if err := p.Clear(t.Context()); err != nil {
				t.Error(err)
			}
			if len(r.ended) != tt.ended || len(r.revoked) != map[bool]int{true: 1}[tt.ticket] {
				t.Errorf("ended %v, revoked %v", r.ended, r.revoked)
			}
		})
	}
}

func TestAnAcceptanceThatIsInterruptedLeavesNothingOpen(t *testing.T) {
	r := room{answers: map[string]Answer{"by itself": Yes}}
	r.on = r.comes
	tick := make(chan time.Time)
	close(tick)
	p := Phone{Place: &r, Technician: &r, Tick: tick, Wait: time.Minute, ByDesk: true}
	p.heard.devices = map[mac.Addr]*trace{}
	Run(t.Context(), p.Steps()[:1], func(Step) {}, func(Result) {})
	if err := p.Clear(t.Context()); err != nil || len(r.ended) != 1 || len(r.revoked) != 1 {
		t.Error(err, r.ended, r.revoked)
	}
	if err := p.Clear(t.Context()); err != nil {
		t.Error("a second time:", err)
	}
}

func TestHearingIsBounded(t *testing.T) {
	h := heard{devices: map[mac.Addr]*trace{}}
	for i := range 2 * mostDevices {
		h.see(link.Sighting{Kind: link.Packet, From: mac.Addr{2, 0, 0, 0, byte(i >> 8), byte(i)}, IP: netip.MustParseAddr("10.77.0.9"), TTL: 64})
	}
	for i := range 256 {
		h.see(link.Sighting{Kind: link.Packet, From: mac.Addr{2}, IP: netip.MustParseAddr("10.77.0.9"), TTL: uint8(i)})
	}
	if tr, _ := h.of(mac.Addr{2}); len(h.devices) != mostDevices || len(tr.ttls) != mostTTLs {
		t.Error(len(h.devices), len(tr.ttls))
	}
}

// hall has one terminal.
type hall struct {
	state  string
	after  string // the end
	opened time.Duration
	broken error
}

func (h *hall) Posts(context.Context) ([]Post, error) {
	if h.state == "" {
		return nil, h.broken
	}
	return []Post{{"poste-1", "Poste 1", h.state}}, h.broken
}

func (h *hall) Open(_ context.Context, id string, d time.Duration) error {
	if id != "poste-1" || h.state != "locked" {
		return errors.New("not to be opened")
	}
	h.state, h.opened = "open", d
	return nil
}

func (h *hall) End(_ context.Context, id string) error {
	if id != "poste-1" || h.state != "open" {
		return errors.New("not open")
	}
	h.state = h.after
	return nil
}

func TestATerminalIsOpenedAndComesBackClean(t *testing.T) {
	all := map[string]Answer{"May it be opened": Yes, "show its services": Yes}
	tests := []struct {
		name    string
		hall    hall
		answers map[string]Answer
		want    Verdict
	}{
		{"good", hall{state: "locked", after: "locked"}, all, Passed},
		{"none is adopted", hall{}, all, Skipped},
		{"switched off", hall{state: "silent"}, all, Failed},
		{"nobody goes there", hall{state: "locked"}, nil, Noted},
		{"it opens nothing", hall{state: "locked", after: "locked"}, map[string]Answer{"May it be opened": Yes, "show its services": No}, Failed},
		{"it does not come back", hall{state: "locked", after: "cleaning"}, all, Failed},
		{"it cannot be read", hall{broken: errors.New("gone")}, all, Failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.hall
			terminals := Terminals{Hall: &h, Technician: &room{answers: tt.answers}, Wait: time.Nanosecond}
			r := Result{Findings: terminals.Step().Look(t.Context())}
			if got := r.Verdict(); got != tt.want {
				t.Errorf("%s, want %s: %+v", got, tt.want, r.Findings)
			}
			if h.state == "open" {
				t.Error("it was left open")
			}
		})
	}
}

func TestWhatIsSaidOfPorts(t *testing.T) {
	wan := netip.MustParseAddr("203.0.113.7")
	tests := []struct {
		name    string
		finding echo.Finding
		want    Verdict
	}{
		{"all arrives as it left", echo.Finding{Address: wan, SameAddress: true, SamePorts: true}, Passed},
		{"a box translates the address alone", echo.Finding{Address: wan, SamePorts: true}, Noted},
		{"ports are written anew", echo.Finding{Address: wan, SameAddress: true, Strange: []uint16{1}}, Failed},
		{"addresses are shared", echo.Finding{SamePorts: true}, Failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Result{Findings: judged(tt.finding, 8)}
			if got := r.Verdict(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestEveryFaultSaysWhatToDo(t *testing.T) {
	n := Nearby{Interface: "br-guest"}
	for _, f := range slices.Concat(n.told([]netip.Addr{netip.MustParseAddr("192.168.1.1")}, []netip.Addr{netip.MustParseAddr("fe80::1")}),
		judged(echo.Finding{Strange: []uint16{1}}, 8), []Finding{carries("down", "en réception", 1, 100, "wan.down")}) {
		for _, l := range []lang.Lang{lang.EN, lang.FR} {
			if what := f.What.In(l); what == "" || strings.Contains(what, "%!") {
				t.Errorf("%q", what)
			}
			if do := f.Do.In(l); f.Verdict != Passed && do == "" || strings.Contains(do, "%!") {
				t.Errorf("%q: %q", f.What.In(l), do)
			}
		}
	}
}
