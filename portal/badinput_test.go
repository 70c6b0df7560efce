package portal_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"parvis/internal/golden"
)

// What strangers send, byte by byte, and what they get. Each is a defect that some portal in the field has had.
func TestBadInputGetsAPlainAnswer(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	const host = "Host: wifi.ville.example\r\n"
	const form = host + "Content-Type: application/x-www-form-urlencoded\r\n"
	for name, wire := range map[string]string{
		"no-host-1.0":         "GET / HTTP/1.0\r\n\r\n",
		"no-host-1.1":         "GET / HTTP/1.1\r\n\r\n",
		"two-hosts":           "GET / HTTP/1.1\r\n" + host + "Host: b\r\n\r\n",
		"no-user-agent":       "GET /langues HTTP/1.1\r\n" + host + "\r\n",
		"absolute-target":     "GET http://captive.apple.com/hotspot-detect.html HTTP/1.1\r\n" + host + "\r\n",
		"url-3k":              "GET /?" + long(3000) + " HTTP/1.1\r\n" + host + "\r\n",
		"url-10k":             "GET /" + long(10_000) + " HTTP/1.1\r\n" + host + "\r\n",
		"url-3k-foreign":      "GET /?" + long(3000) + " HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"header-10k":          "GET / HTTP/1.1\r\n" + host + "Cookie: " + long(10_000) + "\r\n\r\n",
		"body-slow":           "POST /ouvrir HTTP/1.1\r\n" + form + "Content-Length: 100\r\n\r\nl=fr",
		"body-5k":             "POST /ouvrir HTTP/1.1\r\n" + form + "Content-Length: 5000\r\n\r\n",
		"body-5k-chunked":     "POST /ouvrir HTTP/1.1\r\n" + form + "Transfer-Encoding: chunked\r\n\r\n1388\r\n" + long(5000) + "\r\n0\r\n\r\n",
		"body-not-a-form":     "POST /ouvrir HTTP/1.1\r\n" + form + "Content-Length: 3\r\n\r\n%zz",
		"traversal":           "GET /.%2e/.%2e/.%2e/etc/passwd HTTP/1.1\r\n" + host + "\r\n",
		"traversal-backslash": "GET /..%5c..%5cetc/passwd HTTP/1.1\r\n" + host + "\r\n",
		"nul":                 "GET /%00 HTTP/1.1\r\n" + host + "\r\n",
		"unknown-method":      "BREW /aide HTTP/1.1\r\n" + host + "\r\n",
		"wrong-method":        "DELETE /ouvrir HTTP/1.1\r\n" + host + "\r\n",
		"get-ouvrir":          "GET /ouvrir HTTP/1.1\r\n" + host + "\r\n",
		"connect":             "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
		"options-star":        "OPTIONS * HTTP/1.1\r\n" + host + "\r\n",
		"not-http":            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			serving(t, p.portal.Handler(), io.Discard, func(w *wires) {
				c := w.dial(phone.IPv4.String())
				defer c.Close()
				sent := make(chan struct{})
				go func() { _, _ = io.WriteString(c, wire); close(sent) }() // the server may have closed it by now
				got := transcript(t, c)
				c.Close()
				<-sent
				golden.Check(t, "golden/"+name+".txt", string(got))
				if p.passes(phone) {
					t.Error("internet was opened")
				}
			})
		})
	}
}

// transcript writes an answer down: status, header in order, and what a page says.
func transcript(t *testing.T, c io.Reader) []byte {
	t.Helper()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return fmt.Appendf(nil, "no answer: %v\n", err)
	}
	defer r.Body.Close()
	var b bytes.Buffer
	fmt.Fprintln(&b, r.Proto, r.Status)
	page := r.Header.Get("Content-Security-Policy") != ""
	r.Header.Del("Date")
	if r.Close {
		r.Header.Set("Connection", "close")
	}
	for _, k := range slices.Sorted(maps.Keys(r.Header)) {
		v := r.Header.Get(k)
		if page && (k == "Content-Security-Policy" || k == "Content-Length") {
			v = "(checked elsewhere)"
		}
		fmt.Fprintf(&b, "%s: %s\n", k, v)
	}
	fmt.Fprintln(&b)
	if page {
		b.WriteString(strings.Join(strings.FieldsFunc(readable(t, r.Body), func(r rune) bool { return r == '\n' }), "\n"))
	} else {
		b.WriteString(all(t, r.Body))
	}
	return append(bytes.TrimRight(b.Bytes(), "\n"), '\n')
}

// A defect in a page costs that page, not the portal; and what it was about stays out of the log.
func TestAPanicIsOneBrokenPage(t *testing.T) {
	p := newPlace(t)
	p.panics = true
	says(t, p.get("/"), http.StatusInternalServerError, "Nous avons un problème.", "Votre appareil marche bien.", "Demandez à l'accueil.")
	log := p.log.String()
	if !strings.Contains(log, "portal.(*Portal).who") || !strings.Contains(log, "route=/ ") {
		t.Errorf("the log does not say where: %q", log)
	}
	for _, secret := range []string{phone.MAC.String(), phone.IPv4.String()} {
		if strings.Contains(log, secret) {
			t.Errorf("the log says who: %q", log)
		}
	}
	p.panics = false
	says(t, p.get("/"), http.StatusOK, "Aller sur internet")
}
