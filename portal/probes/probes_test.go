package probes_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"parvis/portal/probes"
)

// answer makes a response as it comes over the wire.
func answer(t *testing.T, status int, header, body string) *http.Response {
	t.Helper()
	length := fmt.Sprintf("Content-Length: %d\r\n", len(body))
	if status == http.StatusNoContent {
		length = ""
	}
	wire := fmt.Sprintf("HTTP/1.1 %d %s\r\n%s%s\r\n%s", status, http.StatusText(status), header, length, body)
	r, err := http.ReadResponse(bufio.NewReader(strings.NewReader(wire)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEverySystemReadsItsOwnAnswerAsOnline(t *testing.T) {
	for _, p := range probes.All {
		r := answer(t, p.OnlineStatus, "", p.OnlineBody)
		if got := p.Decide(r); got != probes.Online {
			t.Errorf("%s: %d %q is %s, expected %s", p.OS, p.OnlineStatus, p.OnlineBody, got, probes.Online)
		}
	}
}

// The answers that portals in the field give, and who is misled by them.
func TestSystemsReadAnswersByTheirOwnRules(t *testing.T) {
	const to = "Location: http://wifi.example/\r\n"
	const page = "<html>Bienvenue</html>"
	for _, tc := range []struct {
		what         string
		status       int
		header, body string
		broken       string // the systems that show no portal, as far as they differ
	}{
		{"302 to a page", 302, to, page, ""},
		{"307 to a page", 307, to, page, ""},
		{"303 to a page", 303, to, page, "ChromeOS"},
		{"308 to a page", 308, to, page, "ChromeOS"},
		{"302 to nowhere", 302, "", page, "iOS and macOS,Windows,Windows before 10,Firefox,Firefox, per family,ChromeOS,Kindle"},
		{"a page in place of the answer", 200, "", page, ""},
		{"511", 511, "", page, "iOS and macOS,Android,Android, fallback,Android, other fallback,Huawei,Xiaomi,Windows,Windows before 10,Firefox,Firefox, per family,ChromeOS,Kindle"},
	} {
		var broken []string
		for _, p := range probes.All {
			switch got := p.Decide(answer(t, tc.status, tc.header, tc.body)); got {
			case probes.Broken:
				broken = append(broken, p.OS)
			case probes.Online:
				t.Errorf("%s: %s is online", tc.what, p.OS)
			}
		}
		if got := strings.Join(broken, ","); got != tc.broken {
			t.Errorf("%s: no portal for %q, expected %q", tc.what, got, tc.broken)
		}
	}
}

func TestShortAnswersAreNoPortal(t *testing.T) {
	for _, tc := range []struct {
		os, body string
		want     probes.Verdict
	}{
		{"Android", "", probes.Broken},
		{"Android", "okay", probes.Broken},
		{"Android", "okay!", probes.Portal},
		{"ChromeOS", "", probes.Online},
		{"ChromeOS", "1", probes.Online},
		{"ChromeOS", "12", probes.Portal},
		{"Debian", "", probes.Portal},
	} {
		for _, p := range probes.All {
			if p.OS != tc.os {
				continue
			}
			if got := p.Decide(answer(t, 200, "", tc.body)); got != tc.want {
				t.Errorf("%s: 200 with %q is %s, expected %s", tc.os, tc.body, got, tc.want)
			}
		}
	}
}
