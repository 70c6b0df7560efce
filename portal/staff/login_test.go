package staff_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"parvis/portal/staff"
)

func TestEnteringMakesALoginThatOnlyTheBrowserKnows(t *testing.T) {
	p := newPlace(t)
	mediatrice := p.person("mediatrice", staff.Mediator)
	b := p.browser(office)
	if who, err := b.enter(" Mediatrice", password); err != nil || who != mediatrice {
		t.Fatal(who, err)
	}
	w := httptest.NewRecorder()
	if _, err := p.Enter(w, b.request(http.MethodPost, "/", nil), "mediatrice", password); err != nil {
		t.Fatal(err)
	}
	c := w.Result().Cookies()[0]
	if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 43 {
		t.Errorf("%+v", c)
	}
	saved, err := p.store.Load(t.Context())
	must(t, err)
	for _, l := range saved.Logins {
		if strings.Contains(l.Hash, c.Value) || len(l.Hash) != 64 {
			t.Errorf("kept in clear: %+v", l)
		}
	}
}

// Session fixation: what a browser brings along is never what it has entered with.
func TestALoginIsNewAtEachEntry(t *testing.T) {
	p := newPlace(t)
	p.person("mediatrice", staff.Mediator)
	b := p.browser(office)
	b.cookies["__Host-parvis-equipe"] = "chosen-by-somebody-else"
	_, err := b.enter("mediatrice", password)
	must(t, err)
	first := b.cookies["__Host-parvis-equipe"]
	if first == "chosen-by-somebody-else" {
		t.Fatal("the login is the one that was brought along")
	}
	old := p.browser(office)
	old.cookies["__Host-parvis-equipe"] = first
	_, err = b.enter("mediatrice", password)
	must(t, err)
	if _, in := old.who(); in {
		t.Error("the login before this one goes on")
	}
	if _, in := b.who(); !in {
		t.Error("the new one does not hold")
	}
}

func TestALoginEnds(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *place, *browser, staff.Person){
		"by leaving": func(_ *testing.T, p *place, b *browser, _ staff.Person) {
			kept := b.cookies["__Host-parvis-equipe"]
			b.keep(func() *httptest.ResponseRecorder {
				w := httptest.NewRecorder()
				p.Leave(w, b.request(http.MethodPost, staff.LeavePath, nil))
				return w
			}())
			if b.cookies["__Host-parvis-equipe"] != "" {
				t.Error("the browser keeps its cookie")
			}
			b.cookies["__Host-parvis-equipe"] = kept
		},
		"after 13 hours without a request": func(_ *testing.T, p *place, _ *browser, _ staff.Person) { p.clock.Advance(13 * time.Hour) },
		"with another role": func(t *testing.T, p *place, _ *browser, who staff.Person) {
			must(t, p.SetRole(t.Context(), staff.Operator, who.ID, staff.Referent))
		},
		"with the account": func(t *testing.T, p *place, _ *browser, who staff.Person) {
			must(t, p.Close(t.Context(), staff.Operator, who.ID))
		},
		"with a new password elsewhere": func(t *testing.T, p *place, _ *browser, who staff.Person) {
			other := p.browser(office)
			_, err := other.enter("mediatrice", password)
			must(t, err)
			w := httptest.NewRecorder()
			must(t, p.ChangePassword(w, other.request(http.MethodPost, "/", nil), who, password, "hibou nuage escalier"))
			other.keep(w)
			if _, in := other.who(); !in {
				t.Error("who changed it has to enter again")
			}
		},
		"with a new password by a link": func(t *testing.T, p *place, b *browser, who staff.Person) {
			l, err := p.Reset(t.Context(), staff.Operator, "mediatrice")
			must(t, err)
			_, err = p.Accept(b.request(http.MethodPost, "/", nil), secret(l), "", "", "hibou nuage escalier")
			must(t, err)
		},
		"with another boot": func(_ *testing.T, p *place, _ *browser, _ staff.Person) {
			p.clock.Reboot("boot-2")
			p.start()
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			mediatrice := p.person("mediatrice", staff.Mediator)
			b := p.browser(office)
			_, err := b.enter("mediatrice", password)
			must(t, err)
			end(t, p, b, mediatrice)
			if who, in := b.who(); in {
				t.Errorf("%+v is still in", who)
			}
		})
	}
}

func TestALoginLastsWhileItIsUsedAndAcrossARestartOfTheDaemon(t *testing.T) {
	p := newPlace(t)
	p.person("mediatrice", staff.Mediator)
	b := p.browser(office)
	_, err := b.enter("mediatrice", password)
	must(t, err)
	for range 5 {
		p.clock.Advance(11 * time.Hour)
		if _, in := b.who(); !in {
			t.Fatal("sent away while working")
		}
	}
	p.start()
	if _, in := b.who(); !in {
		t.Error("sent away by a restart")
	}
}

func TestWrongEntriesAreRefusedAlikeWhetherOrNotThereIsAnAccount(t *testing.T) {
	p := newPlace(t)
	p.person("mediatrice", staff.Mediator)
	closed := p.person("collegue", staff.Mediator)
	must(t, p.Close(t.Context(), staff.Operator, closed.ID))
	for _, try := range [][2]string{{"mediatrice", "girafe lampe ruissea"}, {"nobody", password}, {"collegue", password}, {"", ""}, {"mediatrice", strings.Repeat("x", 5000)}} {
		b := p.browser(office)
		if _, err := b.enter(try[0], try[1]); !errors.Is(err, staff.ErrWrong) || len(b.cookies) != 0 {
			t.Errorf("%q: %v, %v", try[0], err, b.cookies)
		}
	}
}

func TestWrongPasswordsLockForAWhileThatGrowsAndIsNeverLong(t *testing.T) {
	for _, login := range []string{"mediatrice", "nobody"} { // the same, whether or not there is an account
		t.Run(login, func(t *testing.T) {
			p := newPlace(t)
			p.person("mediatrice", staff.Mediator)
			var waits []time.Duration
			for i := range 12 {
				b := p.browser("192.168.1." + string(rune('1'+i%9)) + ":1") // from many addresses
				_, err := b.enter(login, "wrong wrong wrong")
				var locked *staff.Locked
				if errors.As(err, &locked) {
					waits = append(waits, locked.Wait)
					p.clock.Advance(locked.Wait)
				} else if !errors.Is(err, staff.ErrWrong) {
					t.Fatal(err)
				}
			}
			if len(waits) < 3 || waits[0] < 10*time.Second || waits[1] <= waits[0] {
				t.Fatalf("waits %v: want some that grow", waits)
			}
			p.clock.Advance(10 * time.Minute)
			if login == "mediatrice" {
				if _, err := p.browser(office).enter("mediatrice", password); err != nil {
					t.Errorf("ten minutes later the right password: %v", err)
				}
			}
		})
	}
}

func TestOneAddressTriesManyNamesInVain(t *testing.T) {
	p := newPlace(t)
	b := p.browser(office)
	for i := range 40 {
		_, err := b.enter("name"+string(rune('a'+i%26))+string(rune('a'+i/26)), "wrong wrong wrong")
		var locked *staff.Locked
		if errors.As(err, &locked) {
			return
		}
	}
	t.Error("40 names were tried from one address")
}

func TestAColleagueAtTheDeskIsNotLockedOutFromElsewhere(t *testing.T) {
	p := newPlace(t)
	p.person("mediatrice", staff.Mediator)
	desk := p.desk()
	for range 10 {
		_, _ = p.browser("192.168.1.66:1").enter("mediatrice", "wrong wrong wrong")
	}
	if _, err := p.browser("192.168.1.67:1").enter("mediatrice", password); err == nil {
		t.Fatal("the account is not locked elsewhere: this test shows nothing")
	}
	if _, err := desk.enter("mediatrice", password); err != nil {
		t.Error(err)
	}
}

func TestManyTriesAtOnceAreCountedAsMany(t *testing.T) {
	p := newPlace(t)
	p.person("mediatrice", staff.Mediator)
	var wg sync.WaitGroup
	var mu sync.Mutex
	tried := 0
	for range 40 {
		wg.Go(func() {
			_, err := p.browser(office).enter("mediatrice", "wrong wrong wrong")
			if errors.Is(err, staff.ErrWrong) {
				mu.Lock()
				tried++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if tried > 6 {
		t.Errorf("%d passwords were tried at once", tried)
	}
}

func TestAPINOpensAtTheDeskOnly(t *testing.T) {
	p := newPlace(t)
	mediatrice := p.person("mediatrice", staff.Mediator)
	must(t, p.SetPIN(t.Context(), mediatrice, password, "804273"))
	enter := func(b *browser, pin string) error {
		w := httptest.NewRecorder()
		_, err := p.EnterPIN(w, b.request(http.MethodPost, staff.EnterPath, url.Values{}), mediatrice.ID, pin)
		b.keep(w)
		return err
	}
	if err := enter(p.browser(office), "804273"); !errors.Is(err, staff.ErrWrong) {
		t.Errorf("on a machine that is not enrolled: %v", err)
	}
	desk := p.desk()
	if people, ok := p.Desk(desk.request(http.MethodGet, "/", nil)); !ok || len(people) != 1 || people[0] != mediatrice {
		t.Errorf("at the desk: %v, %v", people, ok)
	}
	if people, ok := p.Desk(p.browser(office).request(http.MethodGet, "/", nil)); ok || people != nil {
		t.Errorf("elsewhere the names are shown: %v", people)
	}
	if err := enter(desk, "804273"); err != nil {
		t.Error(err)
	}
	if who, in := desk.who(); !in || who != mediatrice {
		t.Error(who, in)
	}
	for i := range 5 {
		p.start() // a restart gives no more tries
		if err := enter(desk, "000111"); err == nil {
			t.Fatal("a wrong PIN opens")
		} else if i == 4 && !errors.Is(err, staff.ErrPINOff) {
			t.Errorf("the fifth wrong one: %v", err)
		}
	}
	if err := enter(desk, "804273"); !errors.Is(err, staff.ErrPINOff) {
		t.Errorf("the right one after five wrong ones: %v", err)
	}
	_, err := desk.enter("mediatrice", password)
	must(t, err)
	if err := enter(desk, "804273"); err != nil {
		t.Errorf("after an entry by password: %v", err)
	}
}

func TestPasswordsAndPINsThatAnybodyTriesFirstAreRefused(t *testing.T) {
	p := newPlace(t)
	mediatrice := p.person("mediatrice", staff.Mediator)
	for _, weak := range []string{"", "short", "aaaaaaaaaaaaaaaa", "abcabcabcabcabc", "motdepasse12", "mediatrice-mediatrice-mediatrice", "azerty123456", strings.Repeat("long ", 100), "girafe\xff lampe ruisseau"} {
		w := httptest.NewRecorder()
		if err := p.ChangePassword(w, p.browser(office).request(http.MethodPost, "/", nil), mediatrice, password, weak); !errors.Is(err, staff.ErrWeak) {
			t.Errorf("%q: %v", weak, err)
		}
	}
	for _, weak := range []string{"123456", "987654", "111111", "121212", "12345", "1234567", "12345a", "१२३४५६"} {
		if err := p.SetPIN(t.Context(), mediatrice, password, weak); !errors.Is(err, staff.ErrPIN) {
			t.Errorf("%q: %v", weak, err)
		}
	}
	if err := p.SetPIN(t.Context(), mediatrice, "another one here", "804273"); !errors.Is(err, staff.ErrWrong) {
		t.Errorf("without the password: %v", err)
	}
}

func TestSecretsAreKeptAsArgon2idHashes(t *testing.T) {
	p := newPlace(t)
	mediatrice := p.person("mediatrice", staff.Mediator)
	must(t, p.SetPIN(t.Context(), mediatrice, password, "804273"))
	saved, err := p.store.Load(t.Context())
	must(t, err)
	for _, h := range []string{saved.Accounts[0].Password, saved.Accounts[0].PIN} {
		if !strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("%q", h)
		}
	}
}

func TestOnlyOurOwnPathsAreLedTo(t *testing.T) {
	for to, want := range map[string]string{
		"/attente":                     "/attente",
		"/connexions?fixe=1":           "/connexions?fixe=1",
		"":                             "/",
		"attente":                      "/",
		"//evil.example":               "/",
		"///evil.example":              "/",
		"/\\evil.example":              "/",
		"/%5Cevil.example":             "/",
		"https://evil.example":         "/",
		"HTTPS:evil.example":           "/",
		"javascript:alert(1)":          "/",
		"/\t/evil.example":             "/",
		"/a\r\nSet-Cookie: x":          "/",
		"/entrer":                      "/",
		"/entrer/ville":                "/",
		"/sortir":                      "/",
		"/invitation?j=x":              "/",
		"/%2F/evil.example":            "/",
		"/" + strings.Repeat("a", 600): "/",
	} {
		if got := staff.Next(to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

func FuzzNext(f *testing.F) {
	for _, s := range []string{"/a", "//a", "/\\a", "/%2f%2fa", "https://a", "/a?b=//c"} {
		f.Add(s)
	}
	base, _ := url.Parse("https://" + name + "/entrer")
	f.Fuzz(func(t *testing.T, to string) {
		// As a browser reads it: backslashes are slashes, tabs and line ends are nothing (WHATWG URL).
		seen := strings.NewReplacer("\\", "/", "\t", "", "\n", "", "\r", "").Replace(staff.Next(to))
		u, err := base.Parse(seen)
		if err != nil || u.Host != name || u.Scheme != "https" {
			t.Errorf("%q leads to %v, %v", to, u, err)
		}
	})
}
