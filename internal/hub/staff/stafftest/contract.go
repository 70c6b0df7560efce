package stafftest

import (
	"context"
	"errors"
	"testing"
	"time"

	"parvis/internal/hub/staff"
	"parvis/internal/openid"
)

// Contract is what every store has to do. It knows the communes lac and bois.
func Contract(t *testing.T, s staff.Store) {
	ctx := context.Background()
	made := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	account := func(id, tenant, login string, role staff.Role) staff.Account {
		return staff.Account{ID: id, Tenant: tenant, Login: login, Name: "Compte " + id, Role: role, Password: "x", Made: made}
	}
	save := func(want error, c staff.Change) {
		t.Helper()
		if err := s.Save(ctx, c); !errors.Is(err, want) {
			t.Errorf("save: %v, want %v", err, want)
		}
	}
	admin, centre := account("a", "lac", "administration", staff.DSI), account("c", "", "centre", staff.EPCI)
	save(nil, staff.Change{Accounts: []staff.Account{admin, centre}, Log: []staff.Entry{{At: made, Tenant: "lac", Who: "a", Name: "A", Role: staff.DSI, What: "account", Object: "a"}}})
	save(staff.ErrTaken, staff.Change{Accounts: []staff.Account{account("b", "bois", "administration", staff.DSI)}})
	save(staff.ErrTenant, staff.Change{Accounts: []staff.Account{account("d", "nulle-part", "nulle-part", staff.DSI)}})

	for _, by := range []staff.Key{{ID: "a"}, {Login: "administration"}} {
		if a, err := s.Account(ctx, by); err != nil || a.ID != "a" || !a.Made.Equal(made) || !a.ClosedAt.IsZero() {
			t.Errorf("account by %+v: %+v, %v", by, a, err)
		}
	}
	for _, by := range []staff.Key{{}, {ID: "b"}, {Login: "x"}, {Subject: "x"}} {
		if a, err := s.Account(ctx, by); !errors.Is(err, staff.ErrNotFound) {
			t.Errorf("account by %+v: %+v, %v", by, a, err)
		}
	}

	// A team keeps one who manages, or nothing of the change is.
	closed, lac := admin, "lac"
	closed.ClosedAt = made
	save(staff.ErrLast, staff.Change{Accounts: []staff.Account{closed}, Keep: &lac, Log: []staff.Entry{{At: made, Tenant: "lac", What: "close"}}})
	if a, _ := s.Account(ctx, staff.Key{ID: "a"}); !a.ClosedAt.IsZero() {
		t.Error("a refused change was made")
	}

	// A link works once.
	token := staff.Token{Hash: "h", By: "a", Until: made.Add(time.Hour), Person: "n", Tenant: "lac", Role: staff.Reader, Label: "Nouvelle"}
	save(nil, staff.Change{Tokens: []staff.Token{token}})
	if got, err := s.Token(ctx, "h"); err != nil || got.Label != "Nouvelle" || !got.Until.Equal(token.Until) {
		t.Errorf("%+v, %v", got, err)
	}
	use := staff.Change{Use: []string{"h"}, Accounts: []staff.Account{account("n", "lac", "nouvelle", staff.Reader)}}
	save(nil, use)
	save(staff.ErrToken, use)
	if _, err := s.Token(ctx, "h"); !errors.Is(err, staff.ErrToken) {
		t.Errorf("a used link: %v", err)
	}

	// Logins end by person and by hash.
	save(nil, staff.Change{Logins: []staff.Login{{Hash: "l1", Person: "a", Seen: made}, {Hash: "l2", Person: "a", City: true, Seen: made}, {Hash: "l3", Person: "n", Seen: made}}})
	if l, a, err := s.Login(ctx, "l2"); err != nil || !l.City || a.ID != "a" {
		t.Errorf("%+v, %+v, %v", l, a, err)
	}
	save(nil, staff.Change{EndLogins: []string{"a"}, ForgetLogins: []string{"l3"}, Logins: []staff.Login{{Hash: "l1", Person: "a", Seen: made}}})
	for hash, want := range map[string]error{"l1": nil, "l2": staff.ErrNotFound, "l3": staff.ErrNotFound} {
		if _, _, err := s.Login(ctx, hash); !errors.Is(err, want) {
			t.Errorf("login %s: %v, want %v", hash, err, want)
		}
	}

	// Each team is its own.
	for tenant, want := range map[string]int{"lac": 2, "bois": 0, "": 1} {
		if people, _, err := s.People(ctx, tenant); err != nil || len(people) != want {
			t.Errorf("people of %q: %+v, %v", tenant, people, err)
		}
	}
	for tenant, want := range map[string]int{"lac": 1, "bois": 0, "": 0} {
		if log, err := s.Log(ctx, tenant, staff.Filter{Most: 10}); err != nil || len(log) != want {
			t.Errorf("log of %q: %+v, %v", tenant, log, err)
		}
	}

	// The third of two free tries is made and then waited for; a right one takes it back.
	for n, want := range []bool{false, false, true} {
		if wait, err := s.Try(ctx, "login x", 2); err != nil || wait > 0 != want || wait > staff.FirstWait {
			t.Errorf("try %d waits %v, %v", n, wait, err)
		}
	}
	if err := s.Forgive(ctx, "login x", true); err != nil {
		t.Error(err)
	}
	if wait, err := s.Try(ctx, "login x", 2); err != nil || wait > 0 {
		t.Errorf("forgiven, and it waits %v, %v", wait, err)
	}

	journey := openid.Journey{Nonce: "n", Verifier: "v", Next: "/sites"}
	if err := s.Put(ctx, "state", journey); err != nil {
		t.Error(err)
	}
	if j, ok, err := s.Take(ctx, "state"); err != nil || !ok || j != journey {
		t.Errorf("%+v, %v, %v", j, ok, err)
	}
	if _, ok, err := s.Take(ctx, "state"); err != nil || ok {
		t.Errorf("a journey twice: %v, %v", ok, err)
	}

	// A year later nothing is left but who is there.
	if err := s.Tidy(ctx, made.Add(staff.KeepLog+time.Hour), 12*time.Hour, staff.KeepLog); err != nil {
		t.Error(err)
	}
	if log, _ := s.Log(ctx, "lac", staff.Filter{Most: 10}); len(log) != 0 {
		t.Errorf("%+v", log)
	}
	if _, _, err := s.Login(ctx, "l1"); !errors.Is(err, staff.ErrNotFound) {
		t.Errorf("a login after a year: %v", err)
	}
	if _, err := s.Account(ctx, staff.Key{ID: "a"}); err != nil {
		t.Error(err)
	}
}
