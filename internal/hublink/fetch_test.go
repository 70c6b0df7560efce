package hublink_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"parvis/internal/hublink"
	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/hubtest"
	"parvis/internal/hublink/wire"
)

// shelf is a hub that has one thing, for who has a token.
func shelf(tag, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		switch {
		case r.Method != http.MethodGet || r.URL.Path != wire.PathBundle || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer token-"):
			w.WriteHeader(http.StatusTeapot)
		case body == "":
			w.WriteHeader(http.StatusNotFound)
		case r.Header.Get("If-None-Match") == tag:
			w.WriteHeader(http.StatusNotModified)
		default:
			_, _ = io.WriteString(w, body)
		}
	})
}

func TestWhatTheHubHasIsFetchedOnce(t *testing.T) {
	for _, tt := range []struct {
		name      string
		hub       http.Handler
		has       string // tag of what the site has
		body, tag string
		fails     bool
	}{
		{"news", shelf(`"7"`, "bundle"), "", "bundle", `"7"`, false},
		{"other news", shelf(`"7"`, "bundle"), `"6"`, "bundle", `"7"`, false},
		{"what the site has", shelf(`"7"`, "bundle"), `"7"`, "", `"7"`, false},
		{"nothing", shelf("", ""), `"7"`, "", "", false},
		{"more than a bundle has", shelf(`"7"`, strings.Repeat("x", bundle.Max+1)), "", "", "", true},
		{"no hub", answers(500, ""), "", "", "", true},
		{"not modified, without having been asked so", answers(304, ""), "", "", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := enrolled(t)
			w.hub.Instead(tt.hub)
			b, tag, err := w.Fetch(t.Context(), wire.PathBundle, tt.has)
			if string(b) != tt.body || tag != tt.tag || (err != nil) != tt.fails {
				t.Errorf("%d bytes, tag %s, %v", len(b), tag, err)
			}
		})
	}
}

func TestACertificateIsAskedForWithTheSitesToken(t *testing.T) {
	w := enrolled(t)
	w.hub.Instead(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var req wire.CertificateRequest
		if r.URL.Path != wire.PathCertificate || r.Header.Get("Authorization") == "" || json.NewDecoder(r.Body).Decode(&req) != nil {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(rw).Encode(wire.Certificate{Why: string(req.CSR)})
	}))
	if c, err := w.Certificate(t.Context(), wire.CertificateRequest{CSR: []byte("dns")}); err != nil || c.Why != "dns" {
		t.Errorf("%+v, %v", c, err)
	}
	w.hub.Instead(answers(200, "<html>"))
	if _, err := w.Certificate(t.Context(), wire.CertificateRequest{}); !errors.Is(err, hublink.ErrAnswer) {
		t.Errorf("a page in between: %v", err)
	}
}

// What the hub seals for the site is opened with the keys of its enrolment, and with no others.
func TestTheKeysOfTheEnrolmentOpenWhatIsSealed(t *testing.T) {
	w := enrolled(t)
	w.restart() // they are in the file
	k, err := w.Keys()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := bundle.Seal(w.hub.SealKey(), k.Site, 1, []byte("a secret"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := bundle.Sign(hubtest.SignKey(), bundle.Payload{Site: k.Site, Version: 1, Sealed: sealed})
	if err != nil {
		t.Fatal(err)
	}
	p, err := bundle.Open(signed, k.Sign, k.Site)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := p.Unseal(k.Seal); err != nil || string(plain) != "a secret" {
		t.Errorf("%q, %v", plain, err)
	}
}

func TestWithoutAnEnrolmentTheHubIsAskedForNothing(t *testing.T) {
	w := begin(t, t.TempDir())
	defer w.end()
	_, keys := w.Keys()
	_, _, fetch := w.Fetch(t.Context(), wire.PathBundle, "")
	_, certificate := w.Certificate(t.Context(), wire.CertificateRequest{})
	for _, err := range []error{keys, fetch, certificate} {
		if !errors.Is(err, hublink.ErrNone) {
			t.Error(err)
		}
	}
}

func TestEachReceiptIsTold(t *testing.T) {
	w := begin(t, t.TempDir())
	defer w.end()
	var told []string
	w.o.Told = func(_ context.Context, r wire.Receipt, _ wire.Now) { told = append(told, r.Bundle) }
	w.restart()
	if err := w.Enrol(t.Context(), hubtest.Code); err != nil {
		t.Fatal(err)
	}
	for _, h := range []http.Handler{answers(200, `{"seq": 0, "every": 60, "bundle": "7"}`), answers(500, ""), nil} {
		w.hub.Instead(h)
		w.Send(t.Context())
	}
	if len(told) != 2 || told[0] != "7" || told[1] != "" {
		t.Errorf("%q", told)
	}
}
