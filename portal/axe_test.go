package portal_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parvis/internal/lab/browser"
	"parvis/sessions"
)

// gallery serves a place to a real browser on this machine: whoever asks is the phone, and every name is the portal's.
func gallery(t *testing.T, p *place) string {
	t.Helper()
	return serve(t, func() *place { return p })
}

func serve(t *testing.T, current func() *place) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host, r.RemoteAddr = config.Name, phone.IPv4.String()+":40000"
		if origin := r.Header.Get("Origin"); origin != "" {
			r.Header.Set("Origin", "http://"+config.Name)
		}
		if method := r.URL.Query().Get("methode"); method != "" {
			r.Method = method // of pages that answer a form
		}
		p := current()
		p.remind(r)
		p.portal.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
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

// Every page, in every language, on the narrowest screen, at 200 % zoom of a wide one, and on that itself. Where a folder is named
// in PARVIS_SCREENSHOTS, what the browser shows is left there.
func TestAxeFindsNothingOnAnyPage(t *testing.T) {
	b := window(t)
	var current atomic.Pointer[place]
	url := serve(t, current.Load)
	shots := os.Getenv("PARVIS_SCREENSHOTS")
	for _, s := range states {
		for _, lang := range config.Languages {
			t.Run(s.name+"/"+lang, func(t *testing.T) {
				current.Store(s.place(t))
				if err := b.Scripts(t.Context(), false); err != nil {
					t.Fatal(err)
				}
				for _, width := range []int64{320, 640, 1280} {
					if err := b.Viewport(t.Context(), width, 720); err != nil {
						t.Fatal(err)
					}
					if width == 320 {
						if err := b.Open(t.Context(), url+s.in(lang)+"&fixe=1&methode="+s.method); err != nil {
							t.Fatal(err)
						}
					}
					found, err := b.Axe(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					for _, v := range found {
						t.Errorf("at %d px: %s", width, v)
					}
					if shots != "" && width != 640 {
						file := filepath.Join(shots, strings.ReplaceAll(s.name, " ", "-")+"-"+lang+"-"+strconv.FormatInt(width, 10)+".png")
						if err := b.Whole(t.Context(), file); err != nil {
							t.Fatal(err)
						}
					}
				}
			})
		}
	}
}

// The main paths, without script: forms and links alone.
func TestThePathsWorkWithoutScript(t *testing.T) {
	b := window(t)
	if err := b.Scripts(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		path func(p *place, go_ func(string), press func(string, ...string), fill func(string))
	}{
		{"a click", func(p *place, go_ func(string), press func(string, ...string), _ func(string)) {
			go_("/")
			press("Aller sur internet", "Internet est ouvert.")
			press("Continuer", "Ma connexion")
			press("Arrêter internet", "Vous avez arrêté internet.")
			press("Reprendre", "Internet est ouvert.")
		}},
		{"the desk", func(p *place, go_ func(string), press func(string, ...string), _ func(string)) {
			go_("/")
			press("Montrer mon code", "Montrez cet écran à l'accueil.")
			p.open(phone, visitor, sessions.FromDesk)
			if err := b.See(p.t.Context(), "Internet est ouvert."); err != nil {
				p.t.Fatal(err)
			}
		}},
		{"a ticket", func(p *place, go_ func(string), press func(string, ...string), fill func(string)) {
			_, codes := p.tickets(sessions.BatchRequest{Count: 1})
			go_("/")
			press("J'ai un code", "Tapez votre code.")
			fill("abcd")
			press("Valider", "Ce code ne marche pas.")
			fill(strings.ToLower(codes[0]))
			press("Essayer encore", "Internet est ouvert.")
		}},
		{"taking back", func(p *place, go_ func(string), press func(string, ...string), fill func(string)) {
			s := p.open(phone, visitor, sessions.FromDesk)
			p.comesBack()
			go_("/reprendre")
			fill(s.Code)
			press("Reprendre ma connexion", "Internet est ouvert.", s.Code)
		}},
		{"help", func(p *place, go_ func(string), press func(string, ...string), _ func(string)) {
			go_("/aide")
			press("Demander de l'aide", "Votre demande est partie")
			press("Arrêter le changement automatique", "Votre demande est partie")
		}},
		{"more time", func(p *place, go_ func(string), press func(string, ...string), _ func(string)) {
			p.open(phone, generous, sessions.FromDesk)
			go_("/ma-connexion")
			press("Ajouter 30 minutes", "Il vous reste 2 heures 30 minutes.")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlace(t)
			url := gallery(t, p)
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			tc.path(p,
				func(path string) { must(b.Open(ctx, url+path)) },
				func(label string, sentences ...string) {
					must(b.Click(ctx, label))
					must(b.See(ctx, sentences...))
				},
				func(text string) { must(b.Fill(ctx, "code", text)) })
		})
	}
}
