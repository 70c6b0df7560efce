package kiosk_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"parvis/internal/lab"
	"parvis/internal/lab/kiosk"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

// served is a router that forwards, with a web server for terminals.
type served struct {
	town *lab.Town

	mu    sync.Mutex
	asked []string
}

func serve(t *testing.T, config string, busy int) *served {
	t.Helper()
	lab.NeedsLab(t)
	town, err := lab.NewTown(t.TempDir(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := town.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := town.PlainRouter(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	s := &served{town: town}
	mux := http.NewServeMux()
	mux.HandleFunc("/kiosk/config.txt", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, r.Method)
		if len(s.asked) <= busy {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, config)
	})
	mux.HandleFunc("/kiosk/{$}", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("poste"); err == nil {
			fmt.Fprint(w, "<!doctype html><title>Poste</title><p>Je vous connais.</p>")
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "poste", Value: "1", Path: "/"})
		fmt.Fprintf(w, `<!doctype html><title>Poste</title><p>Bonjour %s.</p><a href="/kiosk/service" target="_blank">Les allocations</a>
<button>Fermer</button><script>
document.querySelector("a").onclick = e => { e.preventDefault(); open(e.target.href, "service").focus() };
document.querySelector("button").onclick = () => { open("", "service").close(); close() };
</script>`, r.URL.Query().Get("kiosk"))
	})
	mux.HandleFunc("/kiosk/service", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><title>Avant</title><p>Avant de commencer.</p><a href="https://%s/">Y aller</a>`, lab.CAF)
	})
	mux.HandleFunc("/kiosk/prefs.js", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, `user_pref("dom.allow_scripts_to_close_windows", true);`)
	})
	ln, err := town.Router.Listen(lab.PostAddress().String() + ":80")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: mux} //nolint:gosec // of a test
	t.Cleanup(func() { srv.Close() })
	go srv.Serve(ln)
	return s
}

func (s *served) add(t *testing.T) *kiosk.Terminal {
	t.Helper()
	term, err := kiosk.New(t.Context(), s.town, "poste1", "ABCD1234")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := term.Kill(); err != nil {
			t.Error(err)
		}
	})
	return term
}

const config = `[[ GLOBAL ]]
kiosk_config=http://10.30.0.1/kiosk/config.txt
browser=firefox
homepage=http://10.30.0.1/kiosk/
homepage_append=pcid
homepage_check=Appelez
allow_popup_windows=yes
browser_preferences=http://10.30.0.1/kiosk/prefs.js

[[ ABCD1234 ]]
browser=chrome

[[ XYZ ]]
browser=none
`

func TestATerminalAsksForItsConfigurationAndReadsItsOwnPart(t *testing.T) {
	s := serve(t, config, 1)
	term := s.add(t)
	if err := term.Boot(t.Context(), "http://10.30.0.1/kiosk/config.txt"); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := fmt.Sprint(s.asked); got != "[HEAD HEAD GET]" {
		t.Errorf("asked %s", got)
	}
	if got := term.Settings["browser"]; got != "chrome" {
		t.Errorf("browser %q, expected that of its own section", got)
	}
	if got := term.Homepage(); got != "http://10.30.0.1/kiosk/?kiosk=ABCD1234" {
		t.Errorf("homepage %s", got)
	}
}

func TestAConfigurationThatDoesNotNameItselfIsNotTaken(t *testing.T) {
	s := serve(t, "browser=firefox\n", 0)
	if err := s.add(t).Boot(t.Context(), "http://10.30.0.1/kiosk/config.txt"); err == nil {
		t.Error("it was taken")
	}
}

// A whole procedure over four hosts with the code from a fifth, in each browser, where nothing holds it back; and each start of the
// browser is a clean one.
func TestBrowsersGoThroughAProcedure(t *testing.T) {
	s := serve(t, config, 0)
	term := s.add(t)
	ctx := t.Context()
	if err := term.Boot(ctx, "http://10.30.0.1/kiosk/config.txt"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "piece.pdf")
	if err := os.WriteFile(file, make([]byte, 300_000), 0o644); err != nil {
		t.Fatal(err)
	}
	for n, kind := range []kiosk.Kind{kiosk.Chromium, kiosk.Firefox} {
		b, err := term.Start(ctx, kind)
		must(t, err)
		must(t, b.See(ctx, "Bonjour ABCD1234."))
		must(t, b.Open(ctx, term.Homepage()))
		must(t, b.See(ctx, "Je vous connais."))
		b, err = term.Start(ctx, kind)
		must(t, err)
		must(t, b.See(ctx, "Bonjour ABCD1234."))
		must(t, b.Click(ctx, "Les allocations"))
		must(t, b.Look(ctx, "/kiosk/service")) // of the same site: in its opener's process
		must(t, b.See(ctx, "Avant de commencer."))
		must(t, b.Click(ctx, "Y aller"))
		must(t, b.Look(ctx, lab.CAF))
		must(t, procedure(ctx, b))
		must(t, b.Choose(ctx, "piece", file))
		must(t, b.Click(ctx, "Envoyer"))
		must(t, b.See(ctx, "Nous avons reçu 300000 octets."))
		if up := s.town.Uploads(); len(up) != n+1 || !up[n].Whole || up[n].Bytes != 300_000 {
			t.Errorf("received: %+v", up)
		}
		shot := filepath.Join(t.TempDir(), "shot.png")
		must(t, b.Screenshot(ctx, shot))
		if i, err := os.Stat(shot); err != nil || i.Size() < 1000 {
			t.Errorf("screenshot: %v %v", i, err)
		}
		service := b.Here()
		must(t, b.Look(ctx, "/kiosk/?"))
		must(t, b.Closes(ctx, "Fermer"))
		must(t, b.Gone(ctx, service))
		must(t, b.Look(ctx, lab.Mailbox)) // nobody but the person closes her own tab
	}
}

func procedure(ctx context.Context, b *kiosk.Browser) error {
	for _, step := range []func() error{
		func() error { return b.Click(ctx, "Mon compte") },
		func() error { return b.Click(ctx, "Mon compte des impôts") },
		func() error { return b.Fill(ctx, "numero", "12345") },
		func() error { return b.Click(ctx, "Continuer") },
		func() error { return b.See(ctx, "Nous avons envoyé un code") },
		func() error { return b.NewTab(ctx) },
		func() error { return b.Open(ctx, "https://"+lab.Mailbox+"/") },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	mail, err := b.Text(ctx)
	if err != nil {
		return err
	}
	code := regexp.MustCompile(`\d{6}`).FindString(mail)
	for _, step := range []func() error{
		func() error { return b.Look(ctx, lab.Identity) },
		func() error { return b.Fill(ctx, "code", code) },
		func() error { return b.Click(ctx, "Valider") },
		func() error { return b.See(ctx, "Votre dossier est ouvert.") },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
