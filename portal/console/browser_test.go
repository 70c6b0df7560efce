package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"parvis/internal/lab/browser"
	"parvis/portal/console"
	"parvis/sessions/waiting"
)

// everybody has entered: a browser of the tests has no cookie.
type everybody struct{ *staff }

func (everybody) Who(*http.Request) (console.Person, bool) { return mediatrice, true }

// window is a browser on a place; events says whether its events come.
func window(t *testing.T, p *place, events bool) (*browser.Browser, string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !events && r.URL.Path == "/evenements" {
			<-r.Context().Done() // as behind something that keeps answers back until they are whole
			return
		}
		p.ServeHTTP(w, r)
	}))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.Run(ctx) // has no error
	}()
	b, err := browser.Here(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		cancel()
		<-ended
		server.Close()
	})
	if err := b.Viewport(t.Context(), 360, 740); err != nil {
		t.Fatal(err)
	}
	return b, server.URL
}

func withEverybody(p *place) {
	p.parts.Staff = everybody{p.staff}
	p.parts.Changes = append(p.parts.Changes, p.manager.Changes, p.waiting.Changes, p.calls.Changes)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// With events, where something holds them back, and without scripts.
func TestAWaitingDeviceAppearsByItself(t *testing.T) {
	browser.NeedsAxe(t)
	for name, c := range map[string]struct{ events, scripts bool }{
		"by events": {true, true}, "with events blocked": {false, true}, "without script": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, withEverybody)
			b, url := window(t, p, c.events)
			must(t, b.Scripts(t.Context(), c.scripts))
			must(t, b.Open(t.Context(), url+"/"))
			must(t, b.See(t.Context(), "Personne n'attend."))
			code := p.wait(1, waiting.Visit{Page: true, Kind: waiting.Phone})
			see(t, b, code)
			must(t, b.Click(t.Context(), "30 min"))
			must(t, b.See(t.Context(), "Internet est ouvert pour "+code))
			must(t, b.Click(t.Context(), "Annuler"))
			must(t, b.See(t.Context(), "C'est annulé.", code))
			if s := p.of(1); s.Reason == "" {
				t.Errorf("%+v", s)
			}
		})
	}
}

// see looks for longer than the browser does by itself: two rounds of 10 s, on a busy machine.
func see(t *testing.T, b *browser.Browser, sentence string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		err := b.See(t.Context(), sentence)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestThePageThatWasStoppedStays(t *testing.T) {
	browser.NeedsAxe(t)
	p := newPlace(t, withEverybody)
	b, url := window(t, p, true)
	must(t, b.Open(t.Context(), url+"/"))
	must(t, b.Click(t.Context(), "Arrêter le changement automatique"))
	must(t, b.See(t.Context(), "Cette page ne change plus toute seule."))
	code := p.wait(1, waiting.Visit{Page: true})
	must(t, b.Click(t.Context(), "Reprendre"))
	must(t, b.See(t.Context(), code))
}

// Who works by the keyboard keeps their place while others come and go, and a list keeps its order.
func TestTheKeyboardKeepsItsPlaceWhileThePageChanges(t *testing.T) {
	browser.NeedsAxe(t)
	p := newPlace(t, withEverybody)
	first := p.wait(1, waiting.Visit{Page: true})
	b, url := window(t, p, true)
	must(t, b.Open(t.Context(), url+"/attente"))
	button := "o-" + first + "-1h"
	must(t, b.Focus(t.Context(), button))
	p.clock.Advance(2 * time.Minute) // the line of the first changes too
	second := p.wait(2, waiting.Visit{Page: true})
	must(t, b.See(t.Context(), second, "depuis 2 min"))
	if got, err := b.Focused(t.Context()); err != nil || got != button {
		t.Errorf("the keyboard is at %q, %v; expected %q", got, err, button)
	}
	p.open(2)
	must(t, b.See(t.Context(), second+" n'attend plus."))
	text, err := b.Text(t.Context())
	must(t, err)
	if strings.Index(text, first) > strings.Index(text, second) {
		t.Errorf("the list has another order:\n%s", text)
	}
}
