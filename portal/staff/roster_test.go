package staff_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"parvis/portal/staff"
)

// of is an account of a place as the centre would have it.
func (p *place) of(who staff.Person, login string) staff.Colleague {
	p.t.Helper()
	saved, err := p.store.Load(p.t.Context())
	must(p.t, err)
	i := slices.IndexFunc(saved.Accounts, func(a staff.Account) bool { return a.ID == who.ID })
	if i < 0 {
		p.t.Fatalf("no account %s", who.ID)
	}
	return staff.Colleague{ID: who.ID, Login: login, Name: who.Name, Role: who.Role, Password: saved.Accounts[i].Password}
}

func (p *place) follow(all ...staff.Colleague) (taken []string) {
	p.t.Helper()
	taken, err := p.Follow(p.t.Context(), all)
	must(p.t, err)
	return taken
}

// somebody is a colleague that another place has made.
func somebody(t *testing.T, login string) staff.Colleague {
	other := newPlace(t)
	return other.of(other.person(login, staff.Mediator), login)
}

func TestAColleagueEntersWhereTheCentreSendsHer(t *testing.T) {
	p := newPlace(t)
	c := somebody(t, "mediatrice")
	p.follow(c)
	p.start()
	b := p.browser(office)
	if who, err := b.enter("mediatrice", password); err != nil || who.ID != c.ID || who.Role != staff.Mediator {
		t.Fatalf("%+v, %v", who, err)
	}
	c.Name = "Médiatrice"
	p.follow(c)
	if who, in := b.who(); !in || who.Name != "Médiatrice" {
		t.Errorf("another name puts her out: %+v", who)
	}
	c.Role = staff.Referent
	p.follow(c)
	if _, in := b.who(); in {
		t.Error("she goes on under her former role")
	}
	if who, err := b.enter("mediatrice", password); err != nil || who.Role != staff.Referent {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestFollowingTwiceWritesOnce(t *testing.T) {
	p := newPlace(t)
	c := somebody(t, "mediatrice")
	p.follow(c)
	log := func() int {
		all, err := p.store.Log(t.Context(), "", 100)
		must(t, err)
		return len(all)
	}
	before := log()
	p.follow(c)
	if n := log(); n != before {
		t.Errorf("%d lines of the log after %d", n, before)
	}
}

func TestAnAccountClosedAtTheCentreIsClosedHere(t *testing.T) {
	p := newPlace(t)
	c := somebody(t, "mediatrice")
	p.follow(c)
	b := p.browser(office)
	who, err := b.enter("mediatrice", password)
	must(t, err)
	link, err := p.InviteDevice(t.Context(), staff.Operator, who.ID, "téléphone")
	must(t, err)
	p.atDoor().do(http.MethodPost, staff.DevicePath, url.Values{"j": {secret(link)}})
	if p.admitted() != 1 {
		t.Fatalf("%d devices are let in", p.admitted())
	}
	pending, err := p.InviteDevice(t.Context(), staff.Operator, who.ID, "tablette")
	must(t, err)
	c.Closed = true
	p.follow(c)
	for range 2 {
		if _, in := b.who(); in {
			t.Error("she is still in")
		}
		if p.admitted() != 0 {
			t.Error("her phone still meets the console")
		}
		if _, err := p.browser(office).enter("mediatrice", password); err == nil {
			t.Error("her password still opens")
		}
		if _, err := p.Enrol(nil, p.browser(office).request(http.MethodPost, "/", nil), secret(pending)); err == nil {
			t.Error("her link still enrols")
		}
		p.start()
	}
	c.Closed = false
	p.follow(c)
	if _, err := p.browser(office).enter("mediatrice", password); err != nil {
		t.Errorf("opened again: %v", err)
	}
}

func TestWhatIsOfThePlaceStays(t *testing.T) {
	p := newPlace(t)
	local := p.person("referente", staff.Referent)
	namesake := somebody(t, "referente")
	if taken := p.follow(namesake, somebody(t, "mediatrice")); !slices.Equal(taken, []string{"referente"}) {
		t.Errorf("taken: %v", taken)
	}
	if who, err := p.browser(office).enter("referente", password); err != nil || who != local {
		t.Errorf("%+v, %v", who, err)
	}
	p.follow() // the centre names nobody
	for _, login := range []string{"referente", "mediatrice"} {
		if _, err := p.browser(office).enter(login, password); err != nil {
			t.Errorf("%s: %v", login, err)
		}
	}
	// Who leaves the town leaves with the account that a place made her under the same login.
	namesake.Closed = true
	p.follow(namesake)
	if _, err := p.browser(office).enter("referente", password); err == nil {
		t.Error("a leaver's login still opens")
	}
}

func TestAWordOfANewerCentreLetsNobodyIn(t *testing.T) {
	p := newPlace(t)
	c := somebody(t, "mediatrice")
	c.Role = "empress"
	p.follow(c)
	if _, err := p.browser(office).enter("mediatrice", password); err == nil {
		t.Error("she is in")
	}
}

func TestWhoLeftDoesNotComeBackByTheTownsProvider(t *testing.T) {
	issuer, _ := provider(t, "pkce", "")
	for name, before := range map[string]bool{"who has entered here": true, "who never did": false} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, withCity(issuer, true))
			b := p.browser(office)
			if before {
				b.enterByCity(t, "mediatrice")
				if _, in := b.who(); !in {
					t.Fatal("not in")
				}
			}
			p.follow(staff.Colleague{ID: "22222222222222222222222222", Name: "Médiatrice", Role: staff.Mediator, Subject: issuer + " mediatrice", Closed: true})
			if _, in := b.who(); in {
				t.Error("still in")
			}
			p.start()
			again := p.browser(office)
			again.enterByCity(t, "mediatrice")
			if _, in := again.who(); in {
				t.Error("in again")
			}
			other := p.browser(office)
			other.enterByCity(t, "informaticienne")
			if _, in := other.who(); !in {
				t.Error("somebody else is kept out")
			}
		})
	}
}
