package terminal_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parvis/internal/lab/browser"
	"parvis/kiosk"
)

// serve shows a place to a real browser on this machine: whoever asks is the post. The browser's own cookies are those that count,
// unless the state has some.
func serve(t *testing.T, current func() *place) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host, r.RemoteAddr = ours.String(), address.String()+":40000"
		if r.Header.Get("Origin") != "" {
			r.Header.Set("Origin", "http://"+ours.String())
		}
		p := current()
		for name, value := range p.cookies {
			if _, err := r.Cookie(name); err != nil {
				r.AddCookie(&http.Cookie{Name: name, Value: value})
			}
		}
		p.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

func window(t *testing.T) *browser.Browser {
	t.Helper()
	browser.NeedsAxe(t)
	b, err := browser.Here(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Every page, in every language, on the narrowest screen, at 200 % zoom of a wide one, and on that itself. Where a folder is named
// in PARVIS_SCREENSHOTS, what the browser shows is left there.
func TestAxeFindsNothingOnAnyPage(t *testing.T) {
	b := window(t)
	var current atomic.Pointer[place]
	url := serve(t, current.Load)
	shotsIn := os.Getenv("PARVIS_SCREENSHOTS")
	must(t, b.Scripts(t.Context(), false))
	for _, s := range shots {
		if strings.Contains(s.name, ", ") {
			continue // the same page with one sentence that differs
		}
		for _, lang := range languages {
			t.Run(s.name+"/"+lang, func(t *testing.T) {
				p := newPlace(t)
				if s.prepare != nil {
					s.prepare(p)
				}
				current.Store(p)
				must(t, b.Viewport(t.Context(), 320, 720))
				must(t, b.Open(t.Context(), url+in(s.path, lang)+"&fixe=1"))
				for _, width := range []int64{320, 640, 1280} {
					must(t, b.Viewport(t.Context(), width, 720))
					found, err := b.Axe(t.Context())
					must(t, err)
					for _, v := range found {
						t.Errorf("at %d px: %s", width, v)
					}
					if shotsIn != "" && width != 640 {
						name := strings.Trim(regexp.MustCompile(`[^a-zA-Z0-9]+`).ReplaceAllString(s.name, "-"), "-")
						must(t, b.Whole(t.Context(), filepath.Join(shotsIn, name+"-"+lang+"-"+strconv.FormatInt(width, 10)+".png")))
					}
				}
			})
		}
	}
}

// see looks for longer than the browser does by itself: without script a page looks again every 20 s, on a busy machine.
func see(t *testing.T, b *browser.Browser, sentences ...string) {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); ; {
		err := b.See(t.Context(), sentences...)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// From the locked page to the end, by a finger alone, with script and without.
func TestAPostFromLockedToLocked(t *testing.T) {
	for name, scripts := range map[string]bool{"with script": true, "without script": false} {
		t.Run(name, func(t *testing.T) {
			b := window(t)
			p := newPlace(t)
			url := serve(t, func() *place { return p })
			must(t, b.Scripts(t.Context(), scripts))
			must(t, b.Viewport(t.Context(), 1280, 800))
			must(t, b.Open(t.Context(), url+"/kiosk/"))
			see(t, b, "Cet ordinateur est fermé.")
			p.open(30 * time.Minute)
			see(t, b, "Bonjour.")
			must(t, b.Click(t.Context(), "Commencer"))
			see(t, b, "De quoi avez-vous besoin ?", "Il vous reste 30 minutes.")
			p.change(func(x *posts) { x.refused = "www.refuse.example" })
			see(t, b, "Un site est fermé sur cet ordinateur.")
			must(t, b.Click(t.Context(), "Voir"))
			see(t, b, "www.refuse.example")
			must(t, b.Click(t.Context(), "Oui, montrer"))
			see(t, b, "L'accueil voit le nom du site.")
			must(t, b.Click(t.Context(), "Demander de l'aide"))
			see(t, b, "Votre demande est partie")
			must(t, b.Click(t.Context(), "Retour"))
			p.open(4 * time.Minute)
			see(t, b, "Internet s'arrête dans 4 minutes.")
			must(t, b.Click(t.Context(), "Demander 5 minutes de plus"))
			see(t, b, "Vous avez 5 minutes de plus.", "Il vous reste 9 minutes.")
			p.change(func(x *posts) { x.post.State, x.use.Session.Open = kiosk.Cleaning, false })
			see(t, b, "C'est fini.", "Prenez vos papiers.")
			p.change(func(x *posts) { x.post.State = kiosk.Waiting })
			see(t, b, "Cet ordinateur n'est pas encore prêt.")
			p.change(func(x *posts) { x.post.State, x.use = kiosk.Locked, kiosk.Use{} })
			see(t, b, "Cet ordinateur est fermé.")
		})
	}
}

// Who works by the keyboard keeps their place when there is something new to say.
func TestTheTitleCountsAndTheKeyboardKeepsItsPlace(t *testing.T) {
	b := window(t)
	p := newPlace(t)
	p.open(30 * time.Minute)
	url := serve(t, func() *place { return p })
	must(t, b.Open(t.Context(), url+"/kiosk/besoins"))
	see(t, b, "De quoi avez-vous besoin ?")
	must(t, b.Focus(t.Context(), "b-logement"))
	p.change(func(x *posts) { x.use.Message = "Votre impression est prête." })
	see(t, b, "Votre impression est prête.")
	if got, err := b.Focused(t.Context()); err != nil || got != "b-logement" {
		t.Errorf("the keyboard is at %q, %v", got, err)
	}
	p.clock.Advance(25*time.Minute + 10*time.Second)
	p.change(func(*posts) {})
	see(t, b, "Il vous reste 5 minutes.")
	title, err := b.Title(t.Context())
	must(t, err)
	if !strings.HasPrefix(title, "5\u00a0min – ") {
		t.Errorf("the title is %q", title)
	}
}

func TestAPageThatWasStoppedStays(t *testing.T) {
	b := window(t)
	p := newPlace(t)
	url := serve(t, func() *place { return p })
	must(t, b.Open(t.Context(), url+"/kiosk/"))
	see(t, b, "Cet ordinateur est fermé.")
	must(t, b.Click(t.Context(), "Arrêter le changement automatique"))
	see(t, b, "Remettre le changement automatique")
	p.open(30 * time.Minute)
	must(t, b.Click(t.Context(), "Remettre le changement automatique"))
	see(t, b, "Bonjour.")
}
