package staff_test

import (
	"bufio"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/staff/stafftest"
	"parvis/internal/openid"
)

// provider starts the router's real OpenID provider of tests (npm's oidc-provider) and returns its issuer.
func provider(t *testing.T) (issuer string) {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(root, ".tools/npm")
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
	cmd := exec.Command(node, filepath.Join(root, "portal/staff/testdata/provider.mjs"), "pkce", origin+"/entrer/retour", origin+"/entrer", "")
	cmd.Env = append(os.Environ(), "PROVIDER_MODULES="+modules)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "http://127.0.0.1:") {
			go io.Copy(io.Discard, out) //nolint:errcheck // it ends with the process
			return lines.Text()
		}
	}
	t.Fatal("the provider did not start")
	return ""
}

const origin = "https://hub.exemple.test"

var formAction = regexp.MustCompile(`action="([^"]+)"`)

// atProvider logs in at the provider's own pages and returns the path that it leads back to.
func atProvider(t *testing.T, to, login string) string {
	t.Helper()
	jar, _ := cookiejar.New(nil) // fails only on a bad option
	c := &http.Client{
		Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var form url.Values
	for range 20 { // login, consent and the redirections between them
		var resp *http.Response
		var err error
		if form == nil {
			resp, err = c.Get(to)
		} else {
			resp, err = c.PostForm(to, form)
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		base, _ := url.Parse(to)
		if next := resp.Header.Get("Location"); next != "" {
			u, err := base.Parse(next)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(u.String(), origin) {
				return u.RequestURI()
			}
			to, form = u.String(), nil
			continue
		}
		action := formAction.FindSubmatch(body)
		if action == nil {
			t.Fatalf("the provider answers %d: %s", resp.StatusCode, body)
		}
		u, err := base.Parse(string(action[1]))
		if err != nil {
			t.Fatal(err)
		}
		form = url.Values{"prompt": {"consent"}}
		if strings.Contains(string(body), `name="login"`) {
			form = url.Values{"prompt": {"login"}, "login": {login}, "password": {"any"}}
		}
		to = u.String()
	}
	t.Fatal("the provider goes round in circles")
	return ""
}

// Somebody leaves from one hub and comes back to the other: what is remembered on the way is in the store.
func TestByTheTownsProviderOverTwoHubs(t *testing.T) {
	issuer := provider(t)
	c := clock.NewFake()
	c.SetWall(clock.Wall{Time: time.Now(), Quality: clock.Synchronised}) // the provider reads the machine's
	o := staff.Options{
		Origin: origin, Store: stafftest.New(c, "lac", "bois"), Clock: c, Log: slog.New(slog.DiscardHandler),
		City: &openid.Provider{
			Issuer: issuer, ClientID: "parvis", Secret: "a secret of the tests, long enough", RoleClaim: "realm_access.roles", PKCE: true,
			Client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
		},
	}
	here, there := staff.New(o), staff.New(o)
	for login, want := range map[string]struct{ to, sees string }{
		"administratrice": {"/entrer/suite?suite=%2Fparc", "Administratrice"},
		"comptable":       {"/entrer?refus=role", ""},
		"informaticienne": {"/entrer?refus=role", ""}, // a role without a commune
		"egaree":          {"/entrer?refus=role", ""}, // a commune that there is not
	} {
		t.Run(login, func(t *testing.T) {
			b := &browser{}
			_, answer := b.sees(here, b.request(http.MethodGet, "/entrer/ville?suite=/parc"))
			b.cookies = answer.Result().Cookies()
			back := atProvider(t, answer.Header().Get("Location"), login)
			_, answer = (&browser{}).sees(there, (&browser{}).request(http.MethodGet, back))
			if to := answer.Header().Get("Location"); to != "/entrer?refus=ville" {
				t.Fatalf("another browser comes back: %s", to)
			}
			_, answer = b.sees(there, b.request(http.MethodGet, back))
			if to := answer.Header().Get("Location"); to != want.to {
				t.Fatalf("led to %s, want %s", to, want.to)
			}
			b.cookies = answer.Result().Cookies()
			if got, _ := b.sees(here, b.request(http.MethodGet, "/")); got != want.sees {
				t.Errorf("the other hub sees %q, want %q", got, want.sees)
			}
			_, answer = b.sees(here, b.request(http.MethodGet, back))
			if to := answer.Header().Get("Location"); to != "/entrer?refus=ville" {
				t.Errorf("the same answer once more: %s", to)
			}
		})
	}
	if people, err := here.People(t.Context(), staff.Person{Tenant: "lac", Role: staff.DSI}); err != nil || len(people) != 1 || !people[0].City {
		t.Errorf("%+v, %v", people, err)
	}
}

func TestWhatTheProvidersWordsMean(t *testing.T) {
	for words, want := range map[string]string{
		"parvis-epci": "epci ", "parvis-dsi@lac": "dsi lac", "PARVIS-READER@lac parvis-dpo@lac": "dpo lac", "parvis-dsi@lac parvis-dsi@bois": "dsi bois",
		"parvis-dsi": "", "dsi@lac": "", "parvis-epci@lac": "", "": "", "parvis-dsi@": "",
	} {
		tenant, role, ok := staff.RoleIn(strings.Fields(words))
		if got := string(role) + " " + tenant; ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v; want %q", words, got, ok, want)
		}
	}
}
