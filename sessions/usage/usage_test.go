package usage_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/usage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is a place whose sessions are a list in memory.
type place struct {
	t     *testing.T
	clock *clock.Fake
	paris *time.Location
	path  string
	all   []sessions.Session
	next  int
	posts map[mac.Addr]string
	*usage.Usage
}

// at raises a place at a civil time of Paris, which is known for sure.
func at(t *testing.T, civil string) *place {
	t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, clock: clock.NewFake(), paris: paris, path: filepath.Join(t.TempDir(), "usage.db")}
	p.set(civil, clock.Synchronised)
	p.restart()
	t.Cleanup(func() { p.Close() })
	return p
}

func (p *place) set(civil string, q clock.Quality) {
	p.t.Helper()
	now, err := time.ParseInLocation("2006-01-02 15:04", civil, p.paris)
	if err != nil {
		p.t.Fatal(err)
	}
	p.clock.SetWall(clock.Wall{Time: now, Quality: q})
}

// restart is what a stop and a start of the daemon are.
func (p *place) restart() { p.off(0) }

// off is a stop and, after some time, a start.
func (p *place) off(d time.Duration) {
	p.t.Helper()
	if p.Usage != nil {
		p.write()
		if err := p.Close(); err != nil {
			p.t.Fatal(err)
		}
	}
	p.clock.Advance(d)
	u, err := usage.Open(p.t.Context(), p.path, usage.Options{
		Clock: p.clock, Location: p.paris, Sessions: func() []sessions.Session { return p.all },
		Terminal: func(a mac.Addr) string { return p.posts[a] },
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.Usage = u
	u.Begin()
}

// write brings everything to the disk.
func (p *place) write() {
	p.t.Helper()
	p.Sample()
	if err := p.Write(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// pass lets time pass as Run does.
func (p *place) pass(d time.Duration) {
	for ; d > 0; d -= time.Minute {
		p.clock.Advance(min(d, time.Minute))
		p.Sample()
	}
}

func device(n int) sessions.Device {
	return sessions.Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, byte(n >> 8), byte(n)}, IPv4: netip.AddrFrom4([4]byte{10, 77, byte(n >> 8), byte(n)})}
}

func (p *place) opens(n int, profile string) *sessions.Session {
	p.next++
	s := sessions.Session{ID: fmt.Sprint(p.next), Device: device(n), Profile: profile, State: sessions.Open, OpenedBy: sessions.FromResident}
	p.all = append(p.all, s)
	p.Note(sessions.Notice{Kind: sessions.NoticeOpened, Session: s})
	return &p.all[len(p.all)-1]
}

func (p *place) ends(id string) {
	for i := range p.all {
		if p.all[i].ID == id {
			p.all[i].State = sessions.Ended
			p.Note(sessions.Notice{Kind: sessions.NoticeEnded, Session: p.all[i], Why: "time"})
		}
	}
}

// visits lets so many devices come for so long, one after the other.
func (p *place) visits(from, n int, profile string, long time.Duration) {
	for i := range n {
		id := p.opens(from+i, profile).ID
		p.pass(long)
		p.ends(id)
	}
}

// month is the report of the month of a day, read when it is over.
func (p *place) month(day string) usage.Report {
	p.t.Helper()
	p.write()
	d, err := time.ParseInLocation("2006-01-02", day, p.paris)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := p.Month(p.t.Context(), d)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

func TestWhatIsCountedIsReported(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	p.Visited(device(1).MAC, "phone", "ar")
	s := p.opens(1, "visite")
	p.pass(30 * time.Minute)
	s.Down, s.Up = 900, 100
	p.pass(time.Minute)
	p.ends("1")
	p.visits(2, 7, "visite", 10*time.Minute)
	p.visits(20, 5, "atelier", 5*time.Minute)
	for range 6 {
		p.Note(sessions.Notice{Kind: sessions.NoticeRefused, Why: "day"})
	}
	p.Printed(9)
	p.Printed(3)
	p.off(20 * 24 * time.Hour)
	r := p.month("2026-11-24")
	for name, got := range map[string]any{
		"13 sessions":                            r.Sessions,
		"126 minutes":                            r.Minutes, // 31 + 7 × 10 + 5 × 5
		"1000 bytes":                             r.Bytes,
		"6 refusals":                             r.Refusals,
		"12 pages":                               r.Pages,
		"moins de 5 peak":                        r.Peak,
		"13 sessions, the day":                   r.Rows[23].Sessions,
		"13 devices":                             r.Rows[23].Devices,
		"pas de mesure, before":                  r.Rows[22].Sessions,
		"partly":                                 r.Rows[23].Measured,
		"[{day 6}]":                              r.Refused,
		"[{resident 13}]":                        r.Openers,
		"[{ar masqué} {unknown masqué}]":         r.Languages,
		"[{atelier 5 25 0} {visite 8 101 1000}]": r.Profiles,
	} {
		if want, _, _ := strings.Cut(name, ","); !strings.HasPrefix(want, fmt.Sprint(got)) {
			t.Errorf("%v, want %s", got, name)
		}
	}
}

func TestTheStaffsDevicesAreNotThePublics(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	s := sessions.Session{ID: "x", Device: device(1), Profile: "visite", State: sessions.Open, OpenedBy: sessions.FromStaff}
	p.all = append(p.all, s)
	p.Note(sessions.Notice{Kind: sessions.NoticeOpened, Session: s})
	p.pass(time.Hour)
	p.off(20 * 24 * time.Hour)
	if r := p.month("2026-11-24"); r.Sessions.String() != "0" || r.Minutes.String() != "0" {
		t.Errorf("%v sessions, %v minutes", r.Sessions, r.Minutes)
	}
}

func TestTimeWithoutInternetIsNoUse(t *testing.T) {
	for name, pause := range map[string]func(*sessions.Session){
		"suspended": func(s *sessions.Session) { s.Suspended = "two-ports" },
		"line down": func(s *sessions.Session) { s.LineDown = true },
	} {
		t.Run(name, func(t *testing.T) {
			p := at(t, "2026-11-24 09:00")
			for i := range 6 {
				p.opens(i, "visite")
			}
			p.pass(10 * time.Minute)
			for i := range p.all {
				pause(&p.all[i])
			}
			p.pass(time.Minute) // it is seen at the end of a minute
			p.pass(time.Hour)
			p.off(20 * 24 * time.Hour)
			if r := p.month("2026-11-24"); r.Minutes.String() != "66" {
				t.Errorf("%v minutes", r.Minutes)
			}
		})
	}
}

// A restart counts neither sessions nor bytes twice, and says of devices only what it knows.
func TestARestartIsNotCountedTwice(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	for i := range 8 {
		s := p.opens(i, "visite")
		s.Down = 1000
	}
	p.pass(10 * time.Minute)
	p.restart()
	p.pass(10 * time.Minute)
	for i := range 6 {
		p.opens(100+i, "visite")
	}
	p.pass(time.Minute)
	p.off(20 * 24 * time.Hour)
	r := p.month("2026-11-24")
	if got := fmt.Sprint(r.Sessions, r.Bytes, r.Minutes); got != "14 8000 174" {
		t.Errorf("sessions, bytes, minutes: %s", got)
	}
	if day := r.Rows[23]; day.Devices.String() != "14" || !day.AtLeast { // 8 before; 8 and 6 after
		t.Errorf("%+v", day)
	}
}

func TestHoursWithoutTheDaemonAreMissing(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	p.visits(1, 6, "visite", 10*time.Minute)
	p.off(2 * time.Hour) // off from 10 to 12
	p.visits(20, 6, "visite", 10*time.Minute)
	p.off(20 * 24 * time.Hour)
	day, err := p.Day(t.Context(), time.Date(2026, 11, 24, 12, 0, 0, 0, p.paris))
	if err != nil {
		t.Fatal(err)
	}
	for hour, want := range map[int]string{8: "never pas de mesure", 9: "whole 6", 10: "never pas de mesure", 11: "never pas de mesure", 12: "whole 6", 13: "never pas de mesure"} {
		if got := fmt.Sprint(day.Rows[hour].Measured, " ", day.Rows[hour].Sessions); got != want {
			t.Errorf("%d h: %s, want %s", hour, got, want)
		}
	}
	if day.Hours != 2 || day.Measured != usage.Partly {
		t.Errorf("%d hours, %s", day.Hours, day.Measured)
	}
}

func TestWithoutACivilTimeNothingIsMeasured(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	p.clock.Reboot("boot-2")
	p.set("1970-01-01 00:00", clock.Unknown)
	p.restart()
	id := p.opens(1, "visite").ID
	p.pass(time.Hour)
	p.set("2026-11-24 10:00", clock.Synchronised) // it is known from now on
	p.visits(10, 6, "visite", time.Minute)
	p.ends(id)
	p.off(20 * 24 * time.Hour)
	if r := p.month("2026-11-24"); r.Sessions.String() != "6" || r.Hours != 0 || r.Measured != usage.Partly {
		t.Errorf("%v sessions in %d hours, %s", r.Sessions, r.Hours, r.Measured)
	}
}

// After some hours without the internet the kernel calls its clock uncertain: it is still right.
func TestTheCivilTimeOfThisBootGoesOn(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	p.write()
	p.visits(10, 6, "visite", time.Minute)
	p.set("1999-01-01 00:00", clock.Unknown)
	p.restart()
	p.visits(20, 6, "visite", time.Minute)
	p.set("2026-12-20 09:00", clock.Synchronised)
	if r := p.month("2026-11-24"); r.Sessions.String() != "12" {
		t.Errorf("%v sessions", r.Sessions)
	}
}

func TestAMonthIsShownOnceItIsOver(t *testing.T) {
	p := at(t, "2026-11-30 23:58")
	p.visits(10, 1, "visite", time.Minute)
	p.write()
	if _, err := p.Month(t.Context(), time.Date(2026, 11, 2, 0, 0, 0, 0, p.paris)); !errors.Is(err, usage.ErrNotOver) {
		t.Errorf("in the month: %v", err)
	}
	p.pass(2 * time.Minute)
	if r := p.month("2026-11-02"); len(r.Rows) != 30 {
		t.Errorf("%d days", len(r.Rows))
	}
}

// What the month hides is not said by the day, nor by what goes with it.
// The mediator reads the draft while the half-day runs: neither the hour that has begun nor what is not yet on the disk is missing.
func TestAHalfDayThatRunsIsMeasuredUntilNow(t *testing.T) {
	for name, tc := range map[string]struct {
		began string
		after time.Duration
		want  usage.Measure
	}{
		"in its first hour":           {"2026-11-24 13:00", 40 * time.Minute, usage.Whole},
		"in its third":                {"2026-11-24 13:00", 2*time.Hour + 10*time.Minute, usage.Whole},
		"of which the start was lost": {"2026-11-24 13:30", 2 * time.Hour, usage.Partly},
	} {
		t.Run(name, func(t *testing.T) {
			p := at(t, tc.began)
			p.pass(tc.after / 2)
			p.write()
			p.pass(tc.after / 2) // waits in memory
			h, err := p.HalfDay(t.Context(), p.clock.Wall().Time, usage.Afternoon, "La Maison", nil)
			if err != nil || h.Measured != tc.want {
				t.Errorf("measured %q, %v; want %q", h.Measured, err, tc.want)
			}
		})
	}
}

func TestAHiddenDayIsHiddenEverywhere(t *testing.T) {
	p := at(t, "2026-11-02 09:00")
	for day, n := range []int{9, 3, 12, 14} {
		p.set(fmt.Sprintf("2026-11-%02d 09:00", day+2), clock.Synchronised)
		p.restart()
		p.visits(day*100, n, "visite", time.Minute)
	}
	p.off(30 * 24 * time.Hour)
	r := p.month("2026-11-02")
	var got []string
	for _, d := range r.Rows[1:5] {
		got = append(got, fmt.Sprint(d.Sessions, " ", d.Devices, " ", d.Peak))
	}
	want := []string{"masqué masqué masqué", "moins de 5 masqué masqué", "12 12 moins de 5", "14 14 moins de 5"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	day, err := p.Day(t.Context(), r.Rows[1].From)
	if err != nil {
		t.Fatal(err)
	}
	if day.Sessions.String() != "masqué" || day.Rows[9].Sessions.String() != "masqué" || day.Minutes.String() != "masqué" {
		t.Errorf("%v, at 9 h %v, %v minutes", day.Sessions, day.Rows[9].Sessions, day.Minutes)
	}
}

func TestTheSaltOfADayIsGoneAfterMidnight(t *testing.T) {
	p := at(t, "2026-11-24 23:58")
	p.opens(1, "visite")
	salt := p.Salt()
	if bytes.Equal(salt, make([]byte, 32)) {
		t.Fatal("no salt")
	}
	p.pass(2 * time.Minute)
	if !bytes.Equal(salt, make([]byte, 32)) {
		t.Error("the salt is still there")
	}
}

// Neither the file nor its log holds an address, a hash of one, a name, a code or a token.
func TestTheFileKnowsNobody(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	d := device(7)
	p.Visited(d.MAC, "phone", "fr")
	p.Note(sessions.Notice{Kind: sessions.NoticeOpened, Session: sessions.Session{
		ID: "idididididididididididididid", Device: d, Profile: "visite", OpenedBy: sessions.FromResident, State: sessions.Open,
		Code: "K7-42", Token: "tokentokentokentokentokent",
	}})
	p.pass(time.Minute)
	hash := p.Hash(d.MAC)
	p.write()
	for _, f := range []string{p.path, p.path + "-wal"} {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for name, secret := range map[string][]byte{
			"MAC": d.MAC[:], "written MAC": []byte(d.MAC.String()), "MAC in hex": []byte(hex.EncodeToString(d.MAC[:])),
			"address": d.IPv4.AsSlice(), "written address": []byte(d.IPv4.String()),
			"hash": hash, "hash in hex": []byte(hex.EncodeToString(hash)), "id": []byte("ididid"), "code": []byte("K7-42"), "token": []byte("token"),
		} {
			if bytes.Contains(b, secret) {
				t.Errorf("%s: the %s is there", filepath.Base(f), name)
			}
		}
	}
}

func TestADiskThatCannotBeWrittenLosesNothing(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	p.visits(1, 6, "visite", time.Minute)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Write(gone); err == nil {
		t.Fatal("written without a disk")
	}
	p.visits(20, 6, "visite", time.Minute)
	p.off(20 * 24 * time.Hour)
	if r := p.month("2026-11-24"); r.Sessions.String() != "12" || r.Minutes.String() != "12" || r.Rows[23].Devices.String() != "12" {
		t.Errorf("%v sessions, %v minutes, %v devices", r.Sessions, r.Minutes, r.Rows[23].Devices)
	}
}

// A year of a busy place: what the disk holds is bounded.
func TestAYearFitsOnTheDisk(t *testing.T) {
	p := at(t, "2026-01-01 08:00")
	for range 365 {
		for range 12 {
			for i, profile := range []string{"visite", "atelier", "jeunes", "demarches"} {
				p.Visited(device(i).MAC, []string{"phone", "computer"}[i%2], []string{"fr", "ar", "en"}[i%3])
				s := p.opens(i, profile)
				s.Down = 1 << 30
				p.Note(sessions.Notice{Kind: sessions.NoticeRefused, Why: []string{"day", "full"}[i%2]})
			}
			p.clock.Advance(time.Minute)
			p.Sample()
			for _, s := range p.all {
				p.ends(s.ID)
			}
			p.all = nil
			p.clock.Advance(59 * time.Minute)
			p.Sample()
		}
		p.write()
		p.clock.Advance(12 * time.Hour)
	}
	p.restart()
	info, err := os.Stat(p.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes for a year of 12 hours a day, 4 profiles", info.Size())
	if info.Size() > 8<<20 {
		t.Errorf("%d bytes", info.Size())
	}
}

func TestRunWritesWhatItCountedWhenItEnds(t *testing.T) {
	p := at(t, "2026-11-24 09:00")
	for i := range 6 {
		p.opens(i, "visite")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	p.clock.Advance(time.Minute)
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
	p.off(20 * 24 * time.Hour)
	if r := p.month("2026-11-24"); r.Sessions.String() != "6" {
		t.Errorf("%v sessions", r.Sessions)
	}
}
