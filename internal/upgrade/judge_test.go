package upgrade

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
)

// site is a daemon as it is seen from outside, with one fault at most.
func site(t *testing.T, fault string) Eyes {
	t.Helper()
	html := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html>"))
	}
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host == "wifi.test" && fault == "no page":
			http.NotFound(w, r)
		case r.Host == "wifi.test" && fault == "a page that breaks off":
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("<"))
		case r.Host == "wifi.test" && fault == "a page that is text":
			w.Header().Set("Content-Type", "text/plain")
		case r.Host == "wifi.test":
			html(w)
		case fault == "internet for everybody":
			w.WriteHeader(http.StatusNoContent)
		case fault == "led elsewhere":
			http.Redirect(w, r, "http://elsewhere.test/", http.StatusFound)
		default:
			http.Redirect(w, r, "http://wifi.test/", http.StatusFound)
		}
	}))
	console := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "equipe.test" || fault == "no console" {
			http.Error(w, "", http.StatusInternalServerError)
			return
		}
		html(w)
	}))
	t.Cleanup(plain.Close)
	t.Cleanup(console.Close)
	port := func(s *httptest.Server) int {
		_, p, err := net.SplitHostPort(s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(p)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	e := Eyes{
		Guest: netip.MustParseAddr("127.0.0.1"), Plain: port(plain), Portal: "wifi.test", Console: "equipe.test", ConsolePort: port(console),
		Status: func(context.Context) (string, bool, error) {
			switch fault {
			case "nobody answers":
				return "", false, errors.New("nobody")
			case "the old one answers":
				return "1.0", true, nil
			}
			return "2.0", fault != "not in force", nil
		},
	}
	switch fault {
	case "a console that nobody serves":
		console.Close()
	case "no console is configured":
		console.Close()
		e.Console = ""
	}
	return e
}

func TestADaemonIsLookedAtFromOutside(t *testing.T) {
	for fault, why := range map[string]string{
		"": "", "no console is configured": "", "nobody answers": WhyStart, "the old one answers": WhyStart, "not in force": WhyCheck,
		"no page": WhyPage, "a page that breaks off": WhyPage, "a page that is text": WhyPage, "internet for everybody": WhyRedirect,
		"led elsewhere": WhyRedirect, "no console": WhyConsole, "a console that nobody serves": WhyConsole,
	} {
		t.Run(fault, func(t *testing.T) {
			if got := site(t, fault).Look(t.Context(), "2.0"); got != why {
				t.Errorf("%q; expected %q", got, why)
			}
		})
	}
}
