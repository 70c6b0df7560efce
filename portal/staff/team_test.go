package staff_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/portal/staff"
)

func TestWhoMayInviteCloseAndChangeWhom(t *testing.T) {
	for _, by := range staff.Roles {
		for _, other := range staff.Roles {
			t.Run(fmt.Sprintf("%s %s", by, other), func(t *testing.T) {
				p := newPlace(t)
				p.person("first", staff.DSI)
				who, whom := p.person("who", by), p.person("whom", other)
				may := by == staff.DSI || by == staff.Referent && other == staff.Mediator
				_, invite := p.Invite(t.Context(), who, other, "Nouvelle", false)
				_, reset := p.Reset(t.Context(), who, whom.ID)
				_, device := p.InviteDevice(t.Context(), who, whom.ID, "téléphone")
				for what, err := range map[string]error{
					"invite": invite, "reset": reset, "device": device,
					"role":  p.SetRole(t.Context(), who, whom.ID, other), // to the same one: nothing but the question
					"close": p.Close(t.Context(), who, whom.ID),
				} {
					if may && err != nil || !may && !errors.Is(err, staff.ErrForbidden) {
						t.Errorf("%s: %v", what, err)
					}
				}
			})
		}
	}
}

func TestALinkWorksOnceAndForADay(t *testing.T) {
	p := newPlace(t)
	accept := func(l staff.Link, login string) error {
		_, err := p.Accept(p.browser(office).request(http.MethodPost, "/", nil), secret(l), login, "Nouvelle collègue", password)
		return err
	}
	invite := func() staff.Link {
		l, err := p.Invite(t.Context(), staff.Operator, staff.Mediator, "Nouvelle collègue", false)
		must(t, err)
		return l
	}
	l := invite()
	if err := accept(l, "Not A Login"); !errors.Is(err, staff.ErrLogin) {
		t.Errorf("a bad login: %v", err)
	}
	must(t, accept(l, "nouvelle"))
	if err := accept(l, "nouvelle2"); !errors.Is(err, staff.ErrToken) {
		t.Errorf("twice: %v", err)
	}
	l = invite()
	if err := accept(l, "nouvelle"); !errors.Is(err, staff.ErrTaken) {
		t.Errorf("somebody else's login: %v", err)
	}
	p.clock.Advance(24 * time.Hour)
	if err := accept(l, "nouvelle3"); !errors.Is(err, staff.ErrToken) {
		t.Errorf("after a day: %v", err)
	}
	l = invite()
	p.clock.Reboot("boot-2")
	p.clock.SetWall(clock.Wall{Time: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)})
	p.start()
	if err := accept(l, "nouvelle3"); !errors.Is(err, staff.ErrToken) {
		t.Errorf("after a restart with a clock that nobody has set: %v", err)
	}
	saved, err := p.store.Load(t.Context())
	must(t, err)
	for _, tk := range saved.Tokens {
		if strings.Contains(l.URL, tk.Hash) || len(tk.Hash) != 64 {
			t.Errorf("kept in clear: %+v", tk)
		}
	}
}

func TestAOneDayPassEndsAtMidnight(t *testing.T) {
	p := newPlace(t)
	l, err := p.Invite(t.Context(), p.person("ref", staff.Referent), staff.Mediator, "Remplaçante", true)
	must(t, err)
	_, err = p.Accept(p.browser(office).request(http.MethodPost, "/", nil), secret(l), "jour", "Remplaçante", password)
	must(t, err)
	b := p.browser(office)
	_, err = b.enter("jour", password)
	must(t, err)
	p.clock.Advance(13*time.Hour + 59*time.Minute) // it was 10 h
	if _, err := b.enter("jour", password); err != nil {
		t.Errorf("at 23 h 59: %v", err)
	}
	p.clock.Advance(2 * time.Minute)
	if _, in := b.who(); in {
		t.Error("in after midnight")
	}
	if _, err := b.enter("jour", password); !errors.Is(err, staff.ErrWrong) {
		t.Errorf("after midnight: %v", err)
	}
}

func TestAOneDayPassEndsAtTheClosingThatComesFirst(t *testing.T) {
	ten := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ shuts, ends time.Time }{
		"closes at 18 h":         {ten.Add(8 * time.Hour), ten.Add(8 * time.Hour)},
		"does not close":         {time.Time{}, ten.Add(14 * time.Hour)},
		"closes after midnight":  {ten.Add(16 * time.Hour), ten.Add(14 * time.Hour)},
		"has been closed by now": {ten.Add(-time.Hour), ten.Add(14 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, func(p *place) { p.shuts = c.shuts })
			l, err := p.Invite(t.Context(), staff.Operator, staff.Mediator, "Remplaçante", true)
			must(t, err)
			o, err := p.Offered(p.browser(office).request(http.MethodGet, "/", nil), secret(l))
			must(t, err)
			if !o.Day.Equal(c.ends) {
				t.Errorf("ends at %v, want %v", o.Day, c.ends)
			}
		})
	}
}

func TestTheLastWhoManagesAllStays(t *testing.T) {
	p := newPlace(t)
	only := p.person("only", staff.DSI)
	if err := p.Close(t.Context(), only, only.ID); !errors.Is(err, staff.ErrLast) {
		t.Errorf("close: %v", err)
	}
	if err := p.SetRole(t.Context(), only, only.ID, staff.Mediator); !errors.Is(err, staff.ErrLast) {
		t.Errorf("role: %v", err)
	}
	p.person("other", staff.DSI)
	must(t, p.Close(t.Context(), only, only.ID))
}

func TestTheLogSaysWhoDidWhatAndIsReadByItsAuthorAndWhoAnswersForIt(t *testing.T) {
	p := newPlace(t)
	mediatrice, collegue, dpo := p.person("mediatrice", staff.Mediator), p.person("collegue", staff.Mediator), p.person("dpo", staff.DPO)
	p.Record(t.Context(), mediatrice, "session.end", "aaaa")
	p.Record(t.Context(), collegue, "session.end", "bbbb")
	mine, err := p.Trace(t.Context(), mediatrice, 10)
	must(t, err)
	if e := mine[0]; e.Who != mediatrice.ID || e.Name != "mediatrice" || e.What != "session.end" || e.Object != "aaaa" || !e.Sure || !e.At.Equal(p.clock.Wall().Time) {
		t.Errorf("%+v", e)
	}
	for _, e := range mine {
		if e.Who != mediatrice.ID {
			t.Errorf("somebody else's: %+v", e)
		}
	}
	if _, err := p.All(t.Context(), mediatrice, 10); !errors.Is(err, staff.ErrForbidden) {
		t.Errorf("a mediator reads everything: %v", err)
	}
	all, err := p.All(t.Context(), dpo, 100)
	must(t, err)
	if all[0].Object != "bbbb" || all[1].Object != "aaaa" {
		t.Errorf("%+v", all[:2])
	}
}

func TestTheLogIsOnlyAppendedTo(t *testing.T) {
	p := newPlace(t)
	old := time.Now().Add(-366 * 24 * time.Hour)
	must(t, p.store.Save(t.Context(), staff.Change{Log: []staff.Entry{
		{At: old, Name: "mediatrice", What: "old"}, {At: time.Now(), Name: "mediatrice", What: "young"},
	}}))
	db, err := sql.Open("sqlite3", p.path)
	must(t, err)
	defer db.Close()
	for _, st := range []string{
		"UPDATE log SET name = 'collegue'", "UPDATE log SET at = 0 WHERE what = 'young'", "DELETE FROM log WHERE what = 'young'", "DELETE FROM log",
		"INSERT OR REPLACE INTO log (seq, at, sure, who, name, role, what, object) SELECT seq, at, sure, who, 'collegue', role, what, object FROM log",
	} {
		if _, err := db.Exec(st); err == nil || !strings.Contains(err.Error(), "audit log") {
			t.Errorf("%s: %v", st, err)
		}
	}
	must(t, p.store.Purge(t.Context(), time.Now())) // whatever is asked for
	left, err := p.store.Log(t.Context(), "", 10)
	must(t, err)
	if len(left) != 1 || left[0].What != "young" || left[0].Name != "mediatrice" {
		t.Errorf("%+v", left)
	}
}

func TestNoSecretAndNoDevicesAddressIsInTheFile(t *testing.T) {
	p := newPlace(t)
	b := p.enrolled()
	_, err := b.enter("mediatrice", password)
	must(t, err)
	must(t, p.store.Close())
	file, err := os.ReadFile(p.path)
	must(t, err)
	for what, text := range map[string]string{
		"the password": password, "the device's MAC": phone.MAC.String(), "its address": phone.IPv4.String(),
		"the login's cookie": b.cookies["__Host-parvis-equipe"], "the device's cookie": b.cookies["__Host-parvis-appareil"],
	} {
		if text == "" || strings.Contains(string(file), text) {
			t.Errorf("%s %q is in the file", what, text)
		}
	}
	for _, raw := range [][]byte{phone.MAC[:]} {
		if strings.Contains(string(file), string(raw)) {
			t.Error("the MAC's bytes are in the file")
		}
	}
}

func TestAChangeThatCannotBeWrittenIsNotTrue(t *testing.T) {
	p := newPlace(t)
	mediatrice := p.person("mediatrice", staff.Mediator)
	b := p.browser(office)
	_, err := b.enter("mediatrice", password)
	must(t, err)
	must(t, p.store.Close())
	if err := p.Close(t.Context(), staff.Operator, mediatrice.ID); err == nil {
		t.Fatal("closed without a store")
	}
	if _, in := b.who(); !in {
		t.Error("what was not written is in force")
	}
}

func TestWhatIsOverIsForgotten(t *testing.T) {
	p := newPlace(t)
	collegue := p.person("collegue", staff.Mediator)
	_, err := p.Invite(t.Context(), staff.Operator, staff.Mediator, "Jamais venue", false)
	must(t, err)
	_, err = p.browser(office).enter("collegue", password)
	must(t, err)
	must(t, p.Close(t.Context(), staff.Operator, collegue.ID))
	p.clock.Advance(366 * 24 * time.Hour)
	p.clock.SetWall(clock.Wall{Time: time.Date(2027, 11, 26, 10, 0, 0, 0, time.UTC)})
	must(t, p.Tidy(t.Context()))
	saved, err := p.store.Load(t.Context())
	must(t, err)
	if len(saved.Accounts) != 1 || len(saved.Tokens) != 0 || len(saved.Logins) != 0 {
		t.Errorf("with a clock that nobody has set: %+v", saved)
	}
	p.clock.SetWall(clock.Wall{Time: time.Date(2027, 11, 26, 10, 0, 0, 0, time.UTC), Quality: clock.Synchronised})
	must(t, p.Tidy(t.Context()))
	if saved, err = p.store.Load(t.Context()); err != nil || len(saved.Accounts) != 0 {
		t.Errorf("a year after it was closed the account is still there: %+v, %v", saved, err)
	}
}
