package staff

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/internal/order"
	"parvis/internal/secrets"
	"parvis/sessions"
)

// presence is an enrolled device on the public network. It is held in memory only: no MAC of a colleague is kept.
type presence struct {
	device sessions.Device
	id     string     // of Device
	proved clock.Boot // when its cookie was last seen
	until  clock.Boot // end of its admission
	tries  int        // admissions since it last reached the console
}

// provenFor is how long after its cookie was last seen a device stays in at most.
const provenFor = 12 * time.Hour

// Device is the enrolled device that a request comes from.
func (s *Staff) Device(r *http.Request) (Device, bool) {
	secret := cookieOf(r, deviceCookie)
	if secret == "" {
		return Device{}, false
	}
	hash := secrets.HashOf(secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.devices {
		if d.Hash == hash && (d.Desk || s.active(s.accounts[d.Owner]) || s.invited(d.Owner)) {
			return *d, true
		}
	}
	return Device{}, false
}

// invited reports whether a link is open for the person. Called with mu held.
func (s *Staff) invited(person string) bool {
	for _, t := range s.tokens {
		if t.Kind == ForAccount && t.Person == person && !s.over(t.Until) {
			return true
		}
	}
	return false
}

// Enrol uses a link up and makes the browser that shows it an enrolled device. It fails with ErrToken.
func (s *Staff) Enrol(w http.ResponseWriter, r *http.Request, secret string) (Device, error) {
	cookie, hash := secrets.New()
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.token(secret, ForDevice)
	if err != nil {
		if t, err = s.token(secret, ForAccount); err != nil || t.Device != "" {
			return Device{}, ErrToken
		}
	}
	if len(s.devices) >= maxDevices {
		return Device{}, ErrFull
	}
	now := s.o.Clock.Wall().Time.Round(0)
	d := Device{ID: secrets.NewID(), Label: t.Label, Desk: t.Desk, Owner: t.Person, Hash: hash, Made: now, Seen: now}
	who := Person{ID: t.Person, Name: t.Label}
	if a := s.accounts[cmp.Or(t.Person, t.By)]; a != nil {
		who = a.Person()
	}
	c := Change{Devices: []Device{d}, Log: []Entry{entry(who, "enrol", d.ID)}}
	if t.Kind == ForDevice {
		c.ForgetTokens = []string{t.Hash}
	} else { // the link goes on to the account, on this device alone
		used := *t
		used.Device = d.ID
		c.Tokens = []Token{used}
	}
	if err := s.change(r.Context(), c); err != nil {
		return Device{}, err
	}
	http.SetCookie(w, &http.Cookie{
		Name: deviceCookie, Value: cookie, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		MaxAge: 400 * 24 * 3600, // the longest that browsers keep
	})
	return d, nil
}

// Devices lists those that the person may forget: the own ones; for who manages, the desk's machines and, where the role may,
// everybody's.
func (s *Staff) Devices(by Person) []Device {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Device
	for _, d := range s.devices {
		if s.mayForget(by, d) {
			all = append(all, *d)
		}
	}
	order.Func(all, func(a, b Device) int { return cmp.Or(strings.Compare(a.Label, b.Label), strings.Compare(a.ID, b.ID)) })
	return all
}

func (s *Staff) mayForget(by Person, d *Device) bool {
	return by.Role.May(ManageAll) || d.Desk && by.Role.May(Manage) || !d.Desk && d.Owner == by.ID && by.ID != ""
}

// Forget ends an enrolment: the device is a resident's again at once.
func (s *Staff) Forget(ctx context.Context, by Person, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[id]
	if d == nil {
		return ErrNotFound
	}
	if !s.mayForget(by, d) {
		return ErrForbidden
	}
	if err := s.change(ctx, Change{ForgetDevices: []string{id}, Log: []Entry{entry(by, "forget", id)}}); err != nil {
		return err
	}
	return s.expel(ctx, id)
}

// expel puts devices out that are enrolled no more. After a restart nobody remembers at which address one is; then all of
// them are put out, and those that are still enrolled come back by themselves. Called with mu held.
func (s *Staff) expel(ctx context.Context, ids ...string) error {
	var errs []error
	for _, id := range ids {
		var at *mac.Addr
		for m, p := range s.present {
			if p.id == id {
				at = &m
				delete(s.present, m)
				errs = append(errs, s.o.Expel(ctx, m))
			}
		}
		if at == nil {
			clear(s.present)
			errs = append(errs, s.o.Expel(ctx, mac.Addr{}))
		}
	}
	return errors.Join(errs...)
}

// guest reports whether an address is of the public network, where devices are let through one by one.
func (s *Staff) guest(a netip.Addr) bool { return s.o.Guests.Masked().Contains(a) }

// admit lets a device in that has shown its cookie, at the address where it is now. tries says how often that was done
// without the console having been reached in between.
func (s *Staff) admit(ctx context.Context, addr netip.Addr, d Device) (tries int, err error) {
	dev, err := s.o.Identify(addr)
	if err != nil {
		return 0, err
	}
	if err := s.o.Admit(ctx, dev, s.o.Lease); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.devices[d.ID] == nil { // forgotten in the meantime
		return 0, s.o.Expel(ctx, dev.MAC)
	}
	now := s.o.Clock.Boot()
	next := presence{device: dev, id: d.ID, proved: now, until: now.Add(s.o.Lease), tries: 1}
	for m, p := range s.present {
		switch {
		case p.id == d.ID && p.device == dev:
			next.tries += p.tries
		case p.id == d.ID && m != dev.MAC: // it has another MAC now, as phones do
			delete(s.present, m)
			if err := s.o.Expel(ctx, m); err != nil {
				return 0, err
			}
		}
	}
	s.present[dev.MAC] = &next
	return next.tries, s.seen(ctx, d.ID)
}

// seen notes the day at which a device was there. Called with mu held.
func (s *Staff) seen(ctx context.Context, id string) error {
	d := s.devices[id]
	wall := s.o.Clock.Wall()
	if d == nil || wall.Quality != clock.Synchronised || wall.Time.Sub(d.Seen) < 24*time.Hour {
		return nil
	}
	changed := *d
	changed.Seen = wall.Time.Round(0)
	return s.change(ctx, Change{Devices: []Device{changed}})
}

// notice renews the admission of a device that uses the console.
func (s *Staff) notice(r *http.Request) {
	addr := remote(r)
	if !s.guest(addr) {
		return
	}
	d, ok := s.Device(r)
	if !ok || s.stays(addr, d) {
		return
	}
	if _, err := s.admit(r.Context(), addr, d); err != nil {
		s.o.Log.Warn("staff: renew a device", "cause", err)
	}
	s.stays(addr, d)
}

// stays reports whether a device that has reached the console is in for a good while yet.
func (s *Staff) stays(addr netip.Addr, d Device) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Clock.Boot()
	for _, p := range s.present {
		if p.device.IPv4 == addr && p.id == d.ID {
			p.proved, p.tries = now, 0
			return p.until.Sub(now) > s.o.Lease/2
		}
	}
	return false
}

// renew lets those stay in who are still there under the address that they were let in with.
func (s *Staff) renew(ctx context.Context) {
	now := s.o.Clock.Boot()
	s.mu.Lock()
	var there []presence
	for m, p := range s.present {
		if now.Sub(p.proved) >= provenFor || now >= p.until {
			delete(s.present, m)
			continue
		}
		there = append(there, *p)
	}
	s.mu.Unlock()
	for _, p := range there {
		dev, err := s.o.Identify(p.device.IPv4)
		if err != nil || dev != p.device {
			continue // its entry ends by itself
		}
		if err := s.o.Admit(ctx, dev, s.o.Lease); err != nil {
			s.o.Log.Warn("staff: renew a device", "cause", err)
			continue
		}
		s.mu.Lock()
		if q := s.present[dev.MAC]; q != nil && q.device == dev {
			q.until = s.o.Clock.Boot().Add(s.o.Lease)
		}
		gone := s.devices[p.id] == nil
		s.mu.Unlock()
		if gone {
			if err := s.o.Expel(ctx, dev.MAC); err != nil {
				s.o.Log.Warn("staff: put a device out", "cause", err)
			}
		}
	}
}
