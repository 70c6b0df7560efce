// Package probes is how operating systems and browsers find out whether they are online, and what they make of an answer.
//
// Each Probe holds one system's own rule, so that a test can ask of any answer, ours or the internet's: what would this
// system show to its owner? The rules are read from the systems' sources where those are public (AOSP NetworkStack,
// ChromeOS shill, NetworkManager, Firefox) and from vendors' pages otherwise (Apple, Microsoft, Amazon).
package probes

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Verdict is what a system concludes from an answer.
type Verdict string

// The verdicts.
const (
	Online Verdict = "online"
	Portal Verdict = "portal" // it opens, or offers, the portal's page
	Broken Verdict = "broken" // it says "no internet" and shows no page
)

// Probe is one request of one system.
type Probe struct {
	OS        string
	URL       string
	UserAgent string // "" where it is not known to matter

	OnlineStatus int // the answer of the internet
	OnlineBody   string

	// Decide reads the first answer to the request, before any redirection is followed. It reads the body to its
	// end, of which it takes 64 kB, and leaves closing it to the caller.
	Decide func(*http.Response) Verdict
}

const (
	androidAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.3112.32 Safari/537.36"
	firefoxAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	chromeAgent  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	appleAgent   = "CaptiveNetworkSupport-443.0.0 wispr"

	appleBody   = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
	firefoxBody = `<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>`
	kindleMark  = "81ce4465-7167-4dcb-835b-dcc9e44c112a"
)

// All lists the probes of the systems that people bring.
var All = []Probe{
	{"iOS and macOS", "http://captive.apple.com/hotspot-detect.html", appleAgent, 200, appleBody, contains("Success")},
	{"Android", "http://connectivitycheck.gstatic.com/generate_204", androidAgent, 204, "", android},
	{"Android, fallback", "http://www.google.com/gen_204", androidAgent, 204, "", android},
	{"Android, other fallback", "http://play.googleapis.com/generate_204", androidAgent, 204, "", android},
	{"Huawei", "http://connectivitycheck.platform.hicloud.com/generate_204", "", 204, "", android},
	{"Xiaomi", "http://connect.rom.miui.com/generate_204", "", 204, "", android},
	{"Windows", "http://www.msftconnecttest.com/connecttest.txt", "Microsoft NCSI", 200, "Microsoft Connect Test", exactly("Microsoft Connect Test")},
	{"Windows before 10", "http://www.msftncsi.com/ncsi.txt", "Microsoft NCSI", 200, "Microsoft NCSI", exactly("Microsoft NCSI")},
	{"Firefox", "http://detectportal.firefox.com/canonical.html", firefoxAgent, 200, firefoxBody, contains(firefoxBody)},
	{"Firefox, per family", "http://detectportal.firefox.com/success.txt?ipv4", firefoxAgent, 200, "success\n", exactly("success")},
	{"ChromeOS", "http://www.gstatic.com/generate_204", chromeAgent, 204, "", chromeOS},
	{"Chrome", "http://www.gstatic.com/generate_204", chromeAgent, 204, "", chrome},
	{"GNOME", "http://nmcheck.gnome.org/check_network_status.txt", "", 200, "NetworkManager is online\n", networkManager("NetworkManager is online")},
	{"Debian", "http://network-test.debian.org/nm", "", 200, "NetworkManager is online\n", networkManager("NetworkManager is online")},
	{"Fedora", "http://fedoraproject.org/static/hotspot.txt", "", 200, "OK\n", networkManager("OK")},
	{"Kindle", "http://spectrum.s3.amazonaws.com/kindle-wifi/wifistub.html", "", 200, "<html><head><title>Kindle Reachability Probe Page</title></head><body>" + kindleMark + "</body></html>", contains(kindleMark)},
}

const enough = 64 << 10

// text reads a body; ok is false when less came than was announced.
func text(r *http.Response) (s string, ok bool) {
	b, err := io.ReadAll(io.LimitReader(r.Body, enough))
	return string(b), err == nil
}

// leads reports whether the answer names, with an absolute address, where to go.
func leads(r *http.Response) bool {
	u, err := url.Parse(r.Header.Get("Location"))
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// android is NetworkMonitor.sendHttpProbe and CaptivePortalProbeResult: 204 is online; other statuses from 200 to 399
// are a portal, except a 200 with four bytes or fewer, which is taken for a proxy's failure; from 400 on, 511 included,
// the network has failed. Redirections are not followed: Location is the page that is opened, without it the probe's own
// address.
func android(r *http.Response) Verdict {
	body, ok := text(r)
	switch {
	case r.StatusCode == http.StatusNoContent:
		return Online
	case !ok:
		return Broken
	case r.StatusCode == http.StatusOK && (r.ContentLength >= 0 && r.ContentLength <= 4 || len(body) == 0):
		return Broken
	case r.StatusCode >= 200 && r.StatusCode <= 399:
		return Portal
	default:
		return Broken
	}
}

// chromeOS is shill's PortalDetector: 204, or 200 with at most one byte, is online; 302 and 307 with a valid Location
// are a portal, 200 with more is suspected to be one; everything else is a failure.
func chromeOS(r *http.Response) Verdict {
	body, ok := text(r)
	switch {
	case r.StatusCode == http.StatusNoContent:
		return Online
	case r.StatusCode == http.StatusOK && ok && len(body) <= 1:
		return Online
	case r.StatusCode == http.StatusOK:
		return Portal
	case (r.StatusCode == http.StatusFound || r.StatusCode == http.StatusTemporaryRedirect) && leads(r):
		return Portal
	default:
		return Broken
	}
}

// chrome is captive_portal_detector: 204 is online, other successes, redirections and 511 are a portal.
func chrome(r *http.Response) Verdict {
	switch {
	case r.StatusCode == http.StatusNoContent:
		return Online
	case r.StatusCode >= 200 && r.StatusCode <= 399, r.StatusCode == http.StatusNetworkAuthenticationRequired:
		return Portal
	default:
		return Broken
	}
}

// contains is a system that looks for a text in a page: the text is online; another page, or the way to one, is a portal.
func contains(want string) func(*http.Response) Verdict {
	return compare(func(body string) bool { return strings.Contains(body, want) })
}

// exactly is a system that compares a whole text, up to white space at its end.
func exactly(want string) func(*http.Response) Verdict {
	return compare(func(body string) bool { return strings.TrimSpace(body) == want })
}

func compare(same func(string) bool) func(*http.Response) Verdict {
	return func(r *http.Response) Verdict {
		body, ok := text(r)
		switch {
		case r.StatusCode == http.StatusOK && ok && same(body):
			return Online
		case r.StatusCode == http.StatusOK && ok && body != "":
			return Portal
		case r.StatusCode >= 300 && r.StatusCode <= 399 && leads(r):
			return Portal
		default:
			return Broken
		}
	}
}

// networkManager is nm-connectivity.c: the header X-NetworkManager-Status, the text at the beginning of the body, or,
// where the configured answer is empty, 204 or an empty 200, is online; anything else that came is a portal. Redirections are
// not followed.
func networkManager(want string) func(*http.Response) Verdict {
	return func(r *http.Response) Verdict {
		body, ok := text(r)
		switch {
		case r.Header.Get("X-NetworkManager-Status") == "online":
			return Online
		case r.StatusCode == http.StatusOK && strings.HasPrefix(body, want):
			return Online
		case !ok:
			return Broken
		default:
			return Portal
		}
	}
}
