package staff_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/portal/staff"
)

// provider starts a real OpenID provider (npm's oidc-provider, certified by the OpenID Foundation) and returns its issuer.
func provider(t *testing.T, kind, userinfo string) (issuer string, stop func()) {
	t.Helper()
	modules, err := filepath.Abs("../../.tools/npm")
	must(t, err)
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(modules, "node_modules/oidc-provider"))
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no OpenID provider: %v; install it with: .ci/deps", err)
		}
		t.Skipf("no OpenID provider: %v; install it with: .ci/deps", err)
	}
	cmd := exec.Command(node, "testdata/provider.mjs", kind, "https://"+name+"/entrer/retour", "https://"+name+"/entrer", userinfo)
	cmd.Env = append(os.Environ(), "PROVIDER_MODULES="+modules)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(stop)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "http://127.0.0.1:") {
			go io.Copy(io.Discard, out) //nolint:errcheck // it ends with the process
			return lines.Text(), stop
		}
	}
	t.Fatalf("the provider did not start: %s", said.String())
	return "", nil
}

// withCity has accounts of the town. The provider reads the machine's clock, so this place does too.
func withCity(issuer string, pkce bool) func(*place) {
	return func(p *place) {
		p.clock.SetWall(clock.Wall{Time: time.Now(), Quality: clock.Synchronised})
		p.city = &staff.Provider{
			Issuer: issuer, ClientID: "parvis", Secret: "a secret of the tests, long enough", RoleClaim: "realm_access.roles", PKCE: pkce,
			Client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
		}
	}
}

var formAction = regexp.MustCompile(`action="([^"]+)"`)

// atProvider logs in at the provider's own pages and returns the address that it leads back to.
func atProvider(t *testing.T, to, login string) *url.URL {
	t.Helper()
	jar, _ := cookiejar.New(nil) // fails only on a bad option
	c := &http.Client{
		Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	form := url.Values(nil)
	for range 20 { // login, consent and the redirections between them
		var resp *http.Response
		var err error
		if form == nil {
			resp, err = c.Get(to)
		} else {
			resp, err = c.PostForm(to, form)
		}
		must(t, err)
		body, err := io.ReadAll(resp.Body)
		must(t, err)
		resp.Body.Close()
		base, _ := url.Parse(to)
		if next := resp.Header.Get("Location"); next != "" {
			u, err := base.Parse(next)
			must(t, err)
			if u.Host == name {
				return u
			}
			to, form = u.String(), nil
			continue
		}
		action := formAction.FindSubmatch(body)
		if action == nil {
			t.Fatalf("the provider answers %d: %s", resp.StatusCode, body)
		}
		u, err := base.Parse(string(action[1]))
		must(t, err)
		form = url.Values{"prompt": {"consent"}}
		if strings.Contains(string(body), `name="login"`) {
			form = url.Values{"prompt": {"login"}, "login": {login}, "password": {"any"}}
		}
		to = u.String()
	}
	t.Fatal("the provider goes round in circles")
	return nil
}

// enterByCity goes the whole way.
func (b *browser) enterByCity(t *testing.T, login string) *httptest.ResponseRecorder {
	t.Helper()
	w := b.do(http.MethodGet, "/entrer/ville?suite=%2Fattente", nil)
	if w.Code != http.StatusSeeOther {
		t.Fatal(w.Code, w.Body)
	}
	to, err := url.Parse(w.Header().Get("Location"))
	must(t, err)
	for _, q := range []string{"state", "nonce"} {
		if v := to.Query().Get(q); len(v) < 32 {
			t.Errorf("%s has %d characters: %q", q, len(v), v)
		}
	}
	back := atProvider(t, to.String(), login)
	return b.do(http.MethodGet, back.RequestURI(), nil)
}

func TestEnteringByTheTownsProvider(t *testing.T) {
	for _, c := range []struct {
		name, kind, userinfo string
		pkce                 bool
	}{
		{"with PKCE, roles in the ID token", "pkce", "", true},
		{"without PKCE", "plain", "", false},
		{"roles in the user info alone", "userinfo", "", true},
		{"roles in a signed user info", "userinfo", "signed", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			issuer, _ := provider(t, c.kind, c.userinfo)
			p := newPlace(t, withCity(issuer, c.pkce))
			b := p.browser(office)
			w := b.enterByCity(t, "informaticienne")
			if w.Code != http.StatusOK || w.Header().Get("Refresh") != "0; url=/attente" {
				t.Fatal(w.Code, w.Header(), w.Body)
			}
			who, in := b.who()
			if !in || who.Role != staff.DSI || who.Name != "Informaticienne" {
				t.Fatalf("%+v, %v", who, in)
			}
			again := p.browser(office)
			again.enterByCity(t, "informaticienne")
			if same, _ := again.who(); same != who {
				t.Errorf("another account the second time: %+v", same)
			}

			out := httptest.NewRecorder()
			away := p.Leave(out, b.request(http.MethodPost, staff.LeavePath, nil))
			b.keep(out)
			u, err := url.Parse(away)
			must(t, err)
			if !strings.HasPrefix(away, issuer) || u.Query().Get("id_token_hint") == "" || u.Query().Get("post_logout_redirect_uri") != "https://"+name+"/entrer" {
				t.Errorf("logout at %q", away)
			}
			if _, in := b.who(); in {
				t.Error("still in")
			}
			resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(away)
			must(t, err)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("the provider answers the logout with %d", resp.StatusCode)
			}
		})
	}
}

func TestARoleIsTheTownsAtEachEntry(t *testing.T) {
	issuer, _ := provider(t, "pkce", "")
	p := newPlace(t, withCity(issuer, true))
	b := p.browser(office)
	b.enterByCity(t, "mediatrice")
	if who, in := b.who(); !in || who.Role != staff.Mediator {
		t.Errorf("%+v, %v", who, in)
	}
	comptable := p.browser(office)
	w := comptable.enterByCity(t, "comptable")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/entrer?refus=role" {
		t.Errorf("without a role: %d to %q", w.Code, w.Header().Get("Location"))
	}
	if _, in := comptable.who(); in {
		t.Error("in without a role")
	}
}

func TestAnAnswerOfTheProviderIsForOneBrowserAndOneTime(t *testing.T) {
	issuer, _ := provider(t, "pkce", "")
	p := newPlace(t, withCity(issuer, true))
	mine, theirs := p.browser(office), p.browser(office)
	w := mine.do(http.MethodGet, "/entrer/ville", nil)
	back := atProvider(t, w.Header().Get("Location"), "mediatrice")
	if w := theirs.do(http.MethodGet, back.RequestURI(), nil); w.Header().Get("Location") != "/entrer?refus=ville" {
		t.Errorf("in another browser: %d to %q", w.Code, w.Header().Get("Location"))
	}
	cookie := mine.cookies["__Host-parvis-ville"]
	if w := mine.do(http.MethodGet, back.RequestURI(), nil); w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Header())
	}
	mine.cookies["__Host-parvis-ville"] = cookie
	if w := mine.do(http.MethodGet, back.RequestURI(), nil); w.Header().Get("Location") != "/entrer?refus=ville" {
		t.Errorf("a second time: %d to %q", w.Code, w.Header().Get("Location"))
	}
	late := p.browser(office)
	w = late.do(http.MethodGet, "/entrer/ville", nil)
	back = atProvider(t, w.Header().Get("Location"), "mediatrice")
	p.clock.Advance(11 * time.Minute)
	if w := late.do(http.MethodGet, back.RequestURI(), nil); w.Header().Get("Location") != "/entrer?refus=ville" {
		t.Errorf("after eleven minutes: %d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestWithTheProviderDownLocalAccountsEnterAndThoseOfTheTownWithAPIN(t *testing.T) {
	issuer, stop := provider(t, "pkce", "")
	p := newPlace(t, withCity(issuer, true))
	p.person("collegue", staff.Mediator)
	b := p.browser(office)
	b.enterByCity(t, "mediatrice")
	mediatrice, _ := b.who()
	must(t, p.SetPIN(t.Context(), mediatrice, "", "804273"))
	stop()
	p.start() // and the daemon has just started
	if w := p.browser(office).do(http.MethodGet, "/entrer/ville", nil); w.Header().Get("Location") != "/entrer?refus=ville" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	if _, err := p.browser(office).enter("collegue", password); err != nil {
		t.Error(err)
	}
	desk := p.desk()
	if _, err := p.EnterPIN(httptest.NewRecorder(), desk.request(http.MethodPost, "/entrer", nil), mediatrice.ID, "804273"); err != nil {
		t.Error(err)
	}
	if _, in := b.who(); !in {
		t.Error("who is in is sent away")
	}
}

// silent answers nothing, as a provider behind a line that drops packets.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

func TestAProviderThatDoesNotAnswerIsNotWaitedForLong(t *testing.T) {
	p := newPlace(t, func(p *place) {
		p.city = &staff.Provider{Issuer: "https://compte.ville.test", ClientID: "parvis", RoleClaim: "roles", Client: &http.Client{Transport: silent{}}}
	})
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() { done <- p.browser(office).do(http.MethodGet, "/entrer/ville", nil) }()
	select {
	case w := <-done:
		if w.Header().Get("Location") != "/entrer?refus=ville" {
			t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
		}
	case <-time.After(time.Minute):
		t.Fatal("it is still waited for")
	}
}
