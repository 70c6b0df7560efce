package lab

import (
	"fmt"
	"net/http"
	"net/netip"
)

// probeHosts lists the names that operating systems and browsers ask to learn whether they are online, each with the very
// answer of the real one: status, type and body decide there, often by the byte.
func probeHosts() []Host {
	const (
		html  = "text/html"
		plain = "text/plain"

		apple   = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
		firefox = `<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>`
		kindle  = "<!DOCTYPE html>\n<html>\n<head><title>Kindle Reachability Probe Page</title></head>\n<body>\n" +
			"<!-- 81ce4465-7167-4dcb-835b-dcc9e44c112a -->\n</body>\n</html>\n"
		nm = "NetworkManager is online\n"
	)
	generate204 := paths{"/generate_204": noContent, "/gen_204": noContent}
	return []Host{
		{Name: "captive.apple.com", pages: paths{"/hotspot-detect.html": text(html, apple), "/": text(html, apple)}},

		{Name: "connectivitycheck.gstatic.com", pages: generate204},
		{Name: "www.google.com", pages: generate204},
		{Name: "www.gstatic.com", pages: generate204},
		{Name: "clients3.google.com", pages: generate204},
		{Name: "play.googleapis.com", pages: generate204},
		{Name: "connectivitycheck.platform.hicloud.com", pages: generate204},
		{Name: "connect.rom.miui.com", pages: generate204},

		{Name: "www.msftconnecttest.com", pages: paths{
			"/connecttest.txt": text(plain, "Microsoft Connect Test"),
			"/redirect":        http.RedirectHandler("http://go.microsoft.com/fwlink/?LinkID=219472&clcid=0x409", http.StatusFound),
		}},
		{Name: "ipv6.msftconnecttest.com", pages: paths{"/connecttest.txt": text(plain, "Microsoft Connect Test")}},
		{Name: "www.msftncsi.com", pages: paths{"/ncsi.txt": text(plain, "Microsoft NCSI")}},
		// Only ever asked for: Windows compares the addresses.
		{
			Name: "dns.msftncsi.com",
			V4:   netip.MustParseAddr("131.107.255.255"),
			V6:   netip.MustParseAddr("fd3e:4f5a:5b81::1"),
		},

		{Name: "detectportal.firefox.com", pages: paths{"/canonical.html": text(html, firefox), "/success.txt": text(plain, "success\n")}},

		{Name: "nmcheck.gnome.org", pages: paths{"/check_network_status.txt": text(plain, nm)}},
		{Name: "network-test.debian.org", pages: paths{"/nm": text(plain, nm)}},
		{Name: "fedoraproject.org", pages: paths{"/static/hotspot.txt": text(plain, "OK")}},
		{Name: "networkcheck.kde.org", pages: paths{"/": text(html, "OK\n")}},

		{Name: "spectrum.s3.amazonaws.com", pages: paths{
			"/kindle-wifi/wifistub.html":      text(html, kindle),
			"/kindle-wifi/wifistub-eink.html": text(html, kindle),
		}},
	}
}

// paths answers exact paths and nothing else.
type paths map[string]http.Handler

func (p paths) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := p[r.URL.Path]; h != nil {
		h.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

var noContent = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

func text(contentType, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		fmt.Fprint(w, body)
	})
}
