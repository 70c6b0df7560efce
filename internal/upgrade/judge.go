package upgrade

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// glance is how often a version on trial is looked at.
const glance = time.Second

// falls is after how many looks in a row a version that was well is said to have fallen; one may be an answer that took too long.
const falls = 3

// judge looks until the version has been well for Hold without a break; or was not well within Within, or has fallen again: the reason then.
func (u *Upgrade) judge(ctx context.Context, version string) (why string) {
	began := u.Clock.Boot()
	well := began // since when all is well, once it is
	is, was, bad := false, false, 0
	for {
		why = u.Look(ctx, version)
		now := u.Clock.Boot()
		switch {
		case why == "" && !is:
			is, was, well = true, true, now
			u.Log.Info("upgrade: the new version is well", "after", now.Sub(began).Round(time.Millisecond))
		case why != "":
			if is {
				u.Log.Warn("upgrade: the new version is no longer well", "why", why)
			}
			is = false
		}
		if bad++; why == "" {
			bad = 0
		}
		switch {
		case is && now.Sub(well) >= u.Hold:
			return ""
		case !is && now.Sub(began) >= u.Within, was && bad >= falls:
			return why
		}
		next, stop := u.Clock.At(now.Add(glance))
		<-next
		stop()
	}
}

// Eyes look at a daemon from outside, as those see it whom it serves.
type Eyes struct {
	Guest       netip.Addr // the router's address on the guest network
	Plain       int        // port of the portal
	Portal      string     // its name
	Console     string     // the console's name; "" none
	ConsolePort int
	// Status asks the daemon itself: its version, and whether everything is in force.
	Status func(context.Context) (version string, ready bool, err error)
}

// patience is how long one answer may take.
const patience = 5 * time.Second

// Look implements Upgrade.Look.
func (e Eyes) Look(ctx context.Context, version string) (why string) {
	ctx, cancel := context.WithTimeout(ctx, 4*patience)
	defer cancel()
	switch is, ready, err := e.Status(ctx); {
	case err != nil || is != version:
		return WhyStart
	case !ready:
		return WhyCheck
	}
	if status, kind, _, err := e.get(ctx, "http", e.Portal, e.Plain, "/"); err != nil || status != http.StatusOK || !strings.HasPrefix(kind, "text/html") {
		return WhyPage
	}
	// What a phone asks to know whether it is online (a foreign name) leads to the portal.
	if status, _, to, err := e.get(ctx, "http", "connectivitycheck.gstatic.com", e.Plain, "/generate_204"); err != nil || status != http.StatusFound || !strings.Contains(to, e.Portal) {
		return WhyRedirect
	}
	if e.Console == "" {
		return ""
	}
	if status, kind, _, err := e.get(ctx, "https", e.Console, e.ConsolePort, "/entrer"); err != nil || status != http.StatusOK || !strings.HasPrefix(kind, "text/html") {
		return WhyConsole
	}
	return ""
}

// get asks our own address for a page of a name. The certificate is not looked at: the address is this machine's own, and one that has
// ended is no fault of the version.
func (e Eyes) get(ctx context.Context, scheme, name string, port int, path string) (status int, kind, to string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	own := net.JoinHostPort(e.Guest.String(), fmt.Sprint(port))
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", own)
		},
		TLSClientConfig:   &tls.Config{ServerName: name, InsecureSkipVerify: true}, //nolint:gosec // see above
		DisableKeepAlives: true,
	}
	c := http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+name+path, nil)
	if err != nil {
		return 0, "", "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", "", err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil { // a page that breaks off is none
		return 0, "", "", err
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Location"), nil
}
