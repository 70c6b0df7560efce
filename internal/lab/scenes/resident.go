package scenes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"parvis/internal/lab"
	"parvis/internal/lab/browser"
)

// Resident is a person with a phone: a device of the guest network and its browser.
type Resident struct {
	Guest   *lab.Guest
	Browser *browser.Browser

	town *lab.Town
}

// Join lets a resident in: their phone joins the Wi-Fi and asks for an address.
func (s *Stage) Join(ctx context.Context, name string) (*Resident, error) {
	g, err := s.Town.AddGuest(lab.GuestOptions{Name: name, SLAAC: true})
	if err != nil {
		return nil, err
	}
	lease, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if _, err := g.DHCP(lease); err != nil {
		return nil, err
	}
	b, err := browser.Start(ctx, g, s.Town.CAFile(), s.Town.Dir)
	if err != nil {
		return nil, err
	}
	r := &Resident{Guest: g, Browser: b, town: s.Town}
	s.residents = append(s.residents, r)
	return r, nil
}

// Visit opens a page and waits until it says the sentences. Where the browser shows an error of its own, the person
// reloads, for ten seconds.
func (r *Resident) Visit(ctx context.Context, url string, sentences ...string) error {
	for try := 1; ; try++ {
		err := r.Browser.Open(ctx, url)
		if err == nil {
			return r.Browser.See(ctx, sentences...)
		}
		if !strings.Contains(err.Error(), "net::ERR_") || try == 20 {
			return err
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// Press presses a button or link and waits until the page that follows says the sentences.
func (r *Resident) Press(ctx context.Context, label string, sentences ...string) error {
	if err := r.Browser.Click(ctx, label); err != nil {
		return err
	}
	return r.Browser.See(ctx, sentences...)
}

// probe asks a probe host as the phone's system does and returns the answer's status and Location.
func (r *Resident) probe(ctx context.Context, url string) (status int, location string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := r.Guest.Client().Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Location"), nil
}

// Online reports by an error that the internet is not reached: a page over HTTPS, by its name.
func (r *Resident) Online(ctx context.Context) error {
	url := "https://" + lab.ServicePublic + "/"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := r.Guest.Client().Do(req)
	if err != nil {
		return fmt.Errorf("scenes: reach %s: %w", url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(body), "Le service public") {
		return fmt.Errorf("scenes: reach %s: %s, %w: %s", url, resp.Status, err, body)
	}
	return nil
}

// Offline reports by an error that something passes: TCP and UDP of both families, HTTPS, the town's inner networks. What the
// device sees is not enough: the lab's internet must not have seen any of it either.
func (r *Resident) Offline(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 1500*time.Millisecond) // what is dropped without a word takes it all
	defer cancel()
	r.town.ForgetFlows()
	echo4, echo6 := lab.Echo()
	tries := map[string][]netip.AddrPort{
		"tcp": {echo4, echo6, netip.AddrPortFrom(r.town.Host(lab.ServicePublic).V4, 443)},
		"udp": {echo4, echo6},
	}
	for _, a := range lab.InnerHosts {
		tries["tcp"] = append(tries["tcp"], netip.AddrPortFrom(a, 80))
	}
	var (
		wg     sync.WaitGroup
		passed = make(chan error, 16)
	)
	for network, addrs := range tries {
		for _, a := range addrs {
			wg.Go(func() {
				if reached(ctx, r.Guest, network, a) {
					passed <- fmt.Errorf("scenes: %s passes over %s to %s", r.Guest.Name, network, a)
				}
			})
		}
	}
	wg.Wait()
	close(passed)
	var errs []error
	for err := range passed {
		errs = append(errs, err)
	}
	for _, f := range r.town.Flows() {
		errs = append(errs, fmt.Errorf("scenes: the internet has seen %s from %s to %s", f.Proto, f.Source, f.Local))
	}
	return errors.Join(errs...)
}

// reached reports whether a connection is accepted, or a datagram comes back. Port 80 of anything is answered by the portal: there it is
// what the page says that counts.
func reached(ctx context.Context, g *lab.Guest, network string, a netip.AddrPort) bool {
	c, err := g.Dial(ctx, network, a.String())
	if err != nil {
		return false
	}
	defer c.Close()
	if network == "tcp" && a.Port() != 80 {
		return true
	}
	deadline, _ := ctx.Deadline()
	c.SetDeadline(deadline)
	if _, err := fmt.Fprintf(c, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", a.Addr()); err != nil {
		return false
	}
	if network == "udp" {
		_, err = c.Read(make([]byte, 1))
		return err == nil
	}
	page, _ := io.ReadAll(io.LimitReader(c, 4096)) // what came before it broke off counts too
	return strings.Contains(string(page), lab.InnerPage)
}

// download is a transfer that does not end by itself.
type download struct {
	body  io.ReadCloser
	bytes atomic.Int64
	ended chan struct{}
}

// Download starts an endless download at rate bytes a second and returns once it flows.
func (r *Resident) Download(ctx context.Context, rate int) (*download, error) {
	client := r.Guest.Client()
	client.Timeout = 0
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/flux?rate=%d", lab.Trials, rate), nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("scenes: download: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("scenes: download: %s", resp.Status)
	}
	d := &download{body: resp.Body, ended: make(chan struct{})}
	flows := make(chan struct{})
	go func() {
		defer close(d.ended)
		buf := make([]byte, 16<<10)
		for {
			n, err := resp.Body.Read(buf)
			if d.bytes.Add(int64(n)) == int64(n) && n > 0 {
				close(flows) // the first bytes
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case <-flows:
		return d, nil
	case <-d.ended:
		return nil, errors.New("scenes: download: it ended before it began")
	case <-time.After(5 * time.Second):
		resp.Body.Close()
		return nil, errors.New("scenes: download: nothing in 5 s")
	}
}

// StoppedBy reports by an error that bytes still come after the moment: what came until then is counted, and for a second
// more nothing may follow.
func (d *download) StoppedBy(ctx context.Context, moment time.Time) error {
	for _, until := range []time.Time{moment, moment.Add(time.Second)} {
		before := d.bytes.Load()
		select {
		case <-time.After(time.Until(until)):
		case <-d.ended: // reset: stopped for good
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		if after := d.bytes.Load(); until != moment && after != before {
			return fmt.Errorf("scenes: the download goes on: %d bytes in the second after", after-before)
		}
	}
	return nil
}

// GoesOn reports by an error that nothing more comes within a few seconds.
func (d *download) GoesOn(ctx context.Context) error {
	before := d.bytes.Load()
	limit := time.After(5 * time.Second)
	for d.bytes.Load() == before {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-d.ended:
			return errors.New("scenes: the download was broken off")
		case <-limit:
			return errors.New("scenes: the download stands still")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Close stops the download.
func (d *download) Close() {
	d.body.Close()
	<-d.ended
}

// pipe joins two connections until one of them ends.
func pipe(a, b net.Conn) {
	done := make(chan struct{}, 2)
	for _, c := range [][2]net.Conn{{a, b}, {b, a}} {
		go func() {
			io.Copy(c[0], c[1])
			done <- struct{}{}
		}()
	}
	<-done
	a.Close()
	b.Close()
	<-done
}
