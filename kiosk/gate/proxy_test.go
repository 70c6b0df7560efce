package gate_test

import (
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/idna"

	"parvis/kiosk/gate"
)

func TestAnAllowedSiteIsReached(t *testing.T) {
	w := newWorld(t, nil)
	for _, address := range []string{"https://www.caf.fr/", "http://www.caf.fr/", "http://www.caf.fr:80/", "https://WWW.caf.fr./"} {
		if status, text := w.get(postIP, address); status != http.StatusOK || !strings.HasPrefix(strings.ToLower(text), "hello from www.caf.fr") {
			t.Errorf("%s: %d %q", address, status, text)
		}
	}
	if got := w.whys(); got != nil {
		t.Errorf("refused: %v", got)
	}
}

func TestConnectIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	alike, err := idna.Lookup.ToASCII("www.\u0441af.fr") // Cyrillic es
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		what, target string
		why          gate.Why
	}{
		{"a name that is not in the list", "evil.example:443", gate.NotAllowed},
		{"a name that ends like one that is", "evilcaf.fr:443", gate.NotAllowed},
		{"a name that begins like one that is", "www.caf.fr.evil.example:443", gate.NotAllowed},
		{"a letter that looks alike", alike + ":443", gate.NotAllowed},
		{"another port", "www.caf.fr:22", gate.Port},
		{"port 80, whose content would be anything", "www.caf.fr:80", gate.Port},
		{"port 443 spelt otherwise", "www.caf.fr:0443", gate.Port},
		{"an address", "203.0.113.10:443", gate.Literal},
		{"an address as one number", "3405803786:443", gate.Literal},
		{"an address in octal", "0313.0.0161.012:443", gate.Literal},
		{"an address in hexadecimal", "0xcb.0x0.0x71.0xa:443", gate.Literal},
		{"an IPv6 address", "[2001:db8::1]:443", gate.Literal},
		{"an IPv4 address in IPv6", "[::ffff:203.0.113.10]:443", gate.Literal},
		{"this machine", "localhost:443", gate.BadName},
		{"a name of one word", "caf:443", gate.BadName},
	} {
		before := len(w.whys())
		status, _, _ := w.ask(postIP, "CONNECT "+tc.target+" HTTP/1.1\r\nHost: www.caf.fr:443\r\n\r\n")
		if got := w.whys()[before:]; status != http.StatusForbidden || !slices.Equal(got, []gate.Why{tc.why}) {
			t.Errorf("%s: %d %v, want 403 %v", tc.what, status, got, tc.why)
		}
	}
	if got := w.dials(); got != nil {
		t.Errorf("dialled %v", got)
	}
}

func TestPlainHTTPIsRefusedWithAPage(t *testing.T) {
	w := newWorld(t, nil)
	for _, tc := range []struct {
		what, address string
		why           gate.Why
	}{
		{"a name that is not in the list", "http://evil.example/", gate.NotAllowed},
		{"another port", "http://www.caf.fr:8080/", gate.Port},
		{"the port of TLS", "http://www.caf.fr:443/", gate.Port},
		{"an address", "http://127.1/", gate.Literal},
	} {
		before := len(w.whys())
		status, text := w.get(postIP, tc.address)
		if got := w.whys()[before:]; status != http.StatusForbidden || !slices.Equal(got, []gate.Why{tc.why}) {
			t.Errorf("%s: %d %v, want 403 %v", tc.what, status, got, tc.why)
		}
		if !strings.Contains(text, `<html lang="fr">`) || !strings.Contains(text, "Ce site est fermé ici.") || !strings.Contains(text, "/kiosk/") {
			t.Errorf("%s: the page is %q", tc.what, text)
		}
	}
	if got := w.dials(); got != nil {
		t.Errorf("dialled %v", got)
	}
}

// A refusal sends to where people of the place are, by the place's own word for it.
func TestARefusalSaysWhereToAsk(t *testing.T) {
	w := newWorld(t, nil)
	if _, text := w.get(postIP, "http://evil.example/"); !strings.Contains(text, "<p>Vous en avez besoin&nbsp;? Demandez au comptoir.</p>") {
		t.Errorf("a site that is closed: %q", text)
	}
	w.gate.Drop(16)
	if _, text := w.get(postIP, "http://www.caf.fr/"); !strings.Contains(text, "<p>Pour l'ouvrir, allez au comptoir.</p>") {
		t.Errorf("a device that is closed: %q", text)
	}
}

func TestWhatIsNoRequestForAProxy(t *testing.T) {
	w := newWorld(t, nil)
	for _, tc := range []struct {
		text string
		want int
	}{
		{"GET / HTTP/1.1\r\nHost: www.caf.fr\r\n\r\n", http.StatusBadRequest},
		{"GET https://www.caf.fr/ HTTP/1.1\r\nHost: www.caf.fr\r\n\r\n", http.StatusForbidden},
		{"GET ftp://www.caf.fr/ HTTP/1.1\r\nHost: www.caf.fr\r\n\r\n", http.StatusForbidden},
		{"CONNECT www.caf.fr HTTP/1.1\r\nHost: www.caf.fr\r\n\r\n", http.StatusForbidden},
		{"OPTIONS * HTTP/1.1\r\nHost: www.caf.fr\r\n\r\n", http.StatusBadRequest},
		{"\x16\x03\x01\x00\x05hello\r\n\r\n", http.StatusBadRequest},
		{"GET http://www.caf.fr/ HTTP/1.1\r\nHost: www.caf.fr\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		{"POST http://www.caf.fr/ HTTP/1.1\r\nHost: www.caf.fr\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", http.StatusBadRequest},
		{"POST http://www.caf.fr/ HTTP/1.1\r\nHost: www.caf.fr\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", http.StatusNotImplemented},
	} {
		if status, _, _ := w.ask(postIP, tc.text); status != tc.want {
			t.Errorf("%.60q: %d, want %d", tc.text, status, tc.want)
		}
	}
	if got := w.dials(); got != nil {
		t.Errorf("dialled %v", got)
	}
}

func TestTheHostIsTheOneOfTheTarget(t *testing.T) {
	w := newWorld(t, nil)
	_, _, r := w.ask(postIP, "GET http://www.caf.fr/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
	if b, err := io.ReadAll(r); err != nil || !bytes.Contains(b, []byte("hello from www.caf.fr")) {
		t.Errorf("the site got %q, %v", b, err)
	}
	if status, _, _ := w.ask(postIP, "GET http://evil.example/ HTTP/1.1\r\nHost: www.caf.fr\r\n\r\n"); status != http.StatusForbidden {
		t.Errorf("a target that is not allowed behind a Host that is: %d", status)
	}
}

func TestHeadersBetweenTwoHopsStayThere(t *testing.T) {
	seen := make(chan http.Header, 1)
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Clone()
		rw.Header().Set("Proxy-Authenticate", "Basic")
		rw.Header().Set("X-Kept", "1")
	})
	req, _ := http.NewRequest("GET", "http://www.caf.fr/a%2fb?x=1;y=2", nil)
	for k, v := range map[string]string{
		"Proxy-Authorization": "Basic eDp5", "Proxy-Connection": "keep-alive", "Te": "gzip", "Connection": "X-Hop", "X-Hop": "1",
		"Upgrade": "websocket", "X-Forwarded-For": "10.0.0.1", "Accept-Encoding": "br", "X-Kept": "1",
	} {
		req.Header.Set(k, v)
	}
	resp, err := w.browser(postIP).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	h := <-seen
	for _, k := range []string{"Proxy-Authorization", "Proxy-Connection", "Te", "X-Hop", "Upgrade", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via"} {
		if v, ok := h[k]; ok {
			t.Errorf("the site was sent %s: %q", k, v)
		}
	}
	if h.Get("Accept-Encoding") != "br" || h.Get("X-Kept") != "1" {
		t.Errorf("the site was sent %v", h)
	}
	if resp.Header.Get("Proxy-Authenticate") != "" || resp.Header.Get("X-Kept") != "1" || resp.Header.Get("Via") != "" {
		t.Errorf("the browser was sent %v", resp.Header)
	}
}

func TestBodiesPassAsTheyAre(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		http.NewResponseController(rw).EnableFullDuplex()
		io.Copy(rw, r.Body)
	})
	body := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	b := w.browser(postIP)
	for range 3 { // by the same connection
		for _, address := range []string{"http://www.caf.fr/", "https://www.caf.fr/"} {
			resp, err := b.Post(address, "text/plain", struct{ io.Reader }{bytes.NewReader(body)}) // of unknown length: chunked
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || !bytes.Equal(got, body) {
				t.Fatalf("%s: %d bytes of %d, %v", address, len(got), len(body), err)
			}
		}
	}
}

func TestANameThatLeadsInside(t *testing.T) {
	w := newWorld(t, nil)
	good := netip.MustParseAddr("203.0.113.10")
	for _, a := range []string{
		"127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255",
		"198.18.0.1", "192.0.0.8", "203.0.113.1", // the last is the router's own
		"::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1",
		"2002:a00:1::1", "2001:0:a00:1::1", "::10.0.0.1", "fec0::1", "::ffff:203.0.113.1",
	} {
		for _, answer := range [][]netip.Addr{{netip.MustParseAddr(a)}, {good, netip.MustParseAddr(a)}} {
			w.answer("www.caf.fr", answer...)
			before := len(w.whys())
			status, _, _ := w.ask(postIP, "CONNECT www.caf.fr:443 HTTP/1.1\r\nHost: www.caf.fr:443\r\n\r\n")
			if got := w.whys()[before:]; status != http.StatusForbidden || !slices.Equal(got, []gate.Why{gate.Inside}) {
				t.Errorf("%v: %d %v", answer, status, got)
			}
			if status, _ := w.get(postIP, "http://www.caf.fr/"); status != http.StatusForbidden {
				t.Errorf("%v, plain: %d", answer, status)
			}
		}
	}
	if got := w.dials(); got != nil {
		t.Errorf("dialled %v", got)
	}
	for _, a := range []string{"203.0.113.10", "8.8.8.8", "2001:db8::1", "2a01:e0a::1"} {
		if !gate.Outside(netip.MustParseAddr(a)) {
			t.Errorf("%s is taken for an address inside", a)
		}
	}
}

func TestASiteThatIsNotThere(t *testing.T) {
	w := newWorld(t, nil)
	w.answer("www.caf.fr")
	if status, text := w.get(postIP, "http://www.caf.fr/"); status != http.StatusBadGateway || !strings.Contains(text, "Ce site ne répond pas.") {
		t.Errorf("%d %q", status, text)
	}
	if status, _, _ := w.ask(postIP, "CONNECT nothing.caf.fr:443 HTTP/1.1\r\nHost: nothing.caf.fr:443\r\n\r\n"); status != http.StatusBadGateway {
		t.Errorf("CONNECT: %d", status)
	}
	if got := w.whys(); got != nil {
		t.Errorf("counted as refusals: %v", got)
	}
}
