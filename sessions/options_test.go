package sessions_test

import (
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	good := func() sessions.Options {
		return sessions.Options{
			Clock: clock.NewFake(), Store: sessionstest.NewStore(), Enforcer: sessionstest.NewEnforcer(),
			Profiles: []sessions.Profile{visitor, morning}, FirstSlot: 0x10, LastSlot: 0xffff,
		}
	}
	m, err := sessions.New(good())
	if err != nil {
		t.Fatal(err)
	}
	if ps := m.Profiles(); len(ps) != 2 || ps[0] != visitor || ps[1] != morning {
		t.Errorf("profiles: %+v", ps)
	}
	profile := func(f func(*sessions.Profile)) func(*sessions.Options) {
		return func(o *sessions.Options) { f(&o.Profiles[1]) }
	}
	for name, spoil := range map[string]func(*sessions.Options){
		"no clock":              func(o *sessions.Options) { o.Clock = nil },
		"no store":              func(o *sessions.Options) { o.Store = nil },
		"no enforcer":           func(o *sessions.Options) { o.Enforcer = nil },
		"the house's slots":     func(o *sessions.Options) { o.FirstSlot = 0xf },
		"slots backwards":       func(o *sessions.Options) { o.LastSlot = 0xf },
		"no profile":            func(o *sessions.Options) { o.Profiles = nil },
		"a profile twice":       profile(func(p *sessions.Profile) { p.Name = visitor.Name }),
		"a profile nameless":    profile(func(p *sessions.Profile) { p.Name = "" }),
		"a profile of no time":  profile(func(p *sessions.Profile) { p.Duration = 0 }),
		"more than the kernel":  profile(func(p *sessions.Profile) { p.Duration = sessions.MaxTime + 1 }),
		"time runs nohow":       profile(func(p *sessions.Profile) { p.Runs = "" }),
		"negative idle":         profile(func(p *sessions.Profile) { p.Idle = -time.Second }),
		"remembered negatively": profile(func(p *sessions.Profile) { p.Keep = -time.Second }),
	} {
		o := good()
		spoil(&o)
		if _, err := sessions.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNothingIsOpenedBeforeTheStart(t *testing.T) {
	w := newWorld(t)
	m, err := sessions.New(w.opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Open(t.Context(), request(phone, visitor)); err == nil {
		t.Error("opened before Start")
	}
	if err := w.Start(t.Context()); err == nil {
		t.Error("started twice")
	}
}
