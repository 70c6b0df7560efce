package scenes

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// The portal behind the proxy thinks that it is visited under its own name; its visitor never leaves theirs.
func TestPortalProxyKeepsBothWorldsApart(t *testing.T) {
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/absolu":
			http.Redirect(w, r, "http://wifi.lab.test/ouvert?l=fr", http.StatusFound)
		case "/relatif":
			http.Redirect(w, r, "/ouvert", http.StatusSeeOther)
		case "/ailleurs":
			http.Redirect(w, r, "https://www.caf.lab.test/", http.StatusFound)
		default:
			fmt.Fprintf(w, "%s|%s|%s", r.Host, r.Header.Get("Origin"), r.URL)
		}
	}))
	defer portal.Close()
	proxy := httptest.NewServer(portalProxy(func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", portal.Listener.Addr().String())
	}))
	defer proxy.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	for _, c := range []struct{ name, path, origin, location, body string }{
		{"the portal's own name", "/aide?l=fr", "", "", "wifi.lab.test||/aide?l=fr"},
		{"our origin becomes the portal's", "/", proxy.URL, "", "wifi.lab.test|http://wifi.lab.test|/"},
		{"another site's origin stays", "/", "http://mechant.test", "", "wifi.lab.test|http://mechant.test|/"},
		{"to the portal", "/absolu", "", "/ouvert?l=fr", ""},
		{"within the portal", "/relatif", "", "/ouvert", ""},
		{"elsewhere", "/ailleurs", "", "https://www.caf.lab.test/", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequest(http.MethodGet, proxy.URL+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.origin != "" {
				req.Header.Set("Origin", c.origin)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if c.body != "" && string(body) != c.body {
				t.Errorf("the portal saw %q, expected %q", body, c.body)
			}
			if got := resp.Header.Get("Location"); got != c.location {
				t.Errorf("the visitor is led to %q, expected %q", got, c.location)
			}
		})
	}
}
