package porteus

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

func TestHandlerServesByHeadWhatItDoesByGet(t *testing.T) {
	n := newNight(t, t.TempDir(), 2)
	h := Handler(n.Rollout, func(a netip.Addr) (mac.Addr, bool) {
		i := int(a.As4()[3]) - 10
		return mac.Addr{2, 0, 0, 0, 0, byte(i + 1)}, i >= 0 && i < 200
	}, slog.New(slog.DiscardHandler))
	ask := func(method, path, from string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(method, path, nil)
		req.RemoteAddr = from + ":40000"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		return w
	}
	tests := []struct {
		name, path, from string
		status           int
		holds, lacks     string
	}{
		{"its own part", "/kiosk/config.txt", "10.20.0.10", 200, "hostname=poste-1", "poste-2"},
		{"the MAC counts, not what it says", "/kiosk/config.txt?kiosk=ABCD0001", "10.20.0.10", 200, "hostname=poste-1", "poste-2"},
		{"a stranger has GLOBAL", "/kiosk/config.txt", "10.20.0.99", 200, "session_idle=10", "hostname"},
		{"a stranger with a label", "/kiosk/config.txt?kiosk=ABCD0001", "10.20.0.99", 200, "hostname=poste-2", "poste-1"},
		{"a label that is an expression", "/kiosk/config.txt?kiosk=ABCD.*", "10.20.0.99", 200, "session_idle=10", "hostname"},
		{"what it does not know it ignores", "/kiosk/config.txt?device=nuc", "10.20.0.10", 200, "hostname=poste-1", "poste-2"},
		{"preferences", "/kiosk/prefs.js", "10.20.0.10", 200, "dom.allow_scripts_to_close_windows", "hostname"},
		{"nobody's address", "/kiosk/config.txt?kiosk=ABCD0001", "10.20.0.250", 503, "", "session_idle"},
		{"anything else", "/kiosk/", "10.20.0.10", 404, "", "hostname"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			get, head := ask("GET", tt.path, tt.from), ask("HEAD", tt.path, tt.from)
			body := get.Body.String()
			if get.Code != tt.status || head.Code != tt.status {
				t.Fatalf("GET %d, HEAD %d", get.Code, head.Code)
			}
			if !strings.Contains(body, tt.holds) || strings.Contains(body, tt.lacks) {
				t.Errorf("served:\n%s", body)
			}
			if tt.status == 200 && (head.Body.Len() > 0 || head.Header().Get("Content-Length") != fmt.Sprint(len(body))) {
				t.Errorf("HEAD says %s of %d and has %d", head.Header().Get("Content-Length"), len(body), head.Body.Len())
			}
		})
	}
	if w := ask("POST", "/kiosk/config.txt", "10.20.0.10"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestHandlerBeforeAnythingIsPublished(t *testing.T) {
	n := &night{clock: clock.NewFake(), path: filepath.Join(t.TempDir(), "p.json"), idle: time.Minute, windows: map[mac.Addr]bool{}, since: map[mac.Addr]clock.Boot{}}
	n.start(t)
	w := httptest.NewRecorder()
	Handler(n.Rollout, func(netip.Addr) (mac.Addr, bool) { return mac.Addr{2}, true }, slog.New(slog.DiscardHandler)).
		ServeHTTP(w, httptest.NewRequest("GET", "/kiosk/config.txt", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}
