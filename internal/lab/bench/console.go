package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"parvis/internal/lab"
	"parvis/sessions/waiting"
)

// consoleURL is the console's first page.
const consoleURL = "https://" + lab.ConsoleName + "/"

// console measures how long a phone that joins takes to be on the desk's page: from before its first probe, which it follows to
// the portal's page as its system does, until the page that an event has the desk fetch holds its line. Every device is
// forgotten between two measures.
func (r *run) console(ctx context.Context) (err error) {
	s, err := r.raise(ctx, r.Backend, onDisk, lab.Site{Staff: true, Lease: "24h"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	guests, err := s.devices(ctx, r.scale.devices+1)
	if err != nil {
		return err
	}
	d, err := s.desk(ctx, guests[0])
	if err != nil {
		return err
	}
	defer d.close()
	var waits []float64
	for round := range r.scale.openings + 1 {
		if err := s.client.Shift(ctx, 2*waiting.Unseen); err != nil {
			return err
		}
		for i, g := range guests[1:] {
			took, err := d.appears(ctx, s, g, i+1)
			if err != nil {
				return fmt.Errorf("%s: %w", g.Name, err)
			}
			if round > 0 { // the first warms up
				waits = append(waits, float64(took)/float64(time.Millisecond))
			}
		}
	}
	for _, p := range []int{50, 99} {
		r.note(Figure{
			Name: fmt.Sprintf("console_events_ms_p%d", p), Unit: "ms", Value: percentile(waits, p), Rounds: len(waits),
			Low: percentile(waits, 0), High: percentile(waits, 100),
		})
	}
	return nil
}

// desk is a page of the console that is open on a device of the staff.
type desk struct {
	client *http.Client
	events chan struct{}
	stream io.Closer
}

// desk makes an account, enrols the device and opens the events of a page.
func (s *site) desk(ctx context.Context, g *lab.Guest) (*desk, error) {
	out, err := s.parvis.Output(ctx, "staff", "add", "mediatrice", "--json")
	if err != nil {
		return nil, err
	}
	var made struct {
		Link string `json:"link"`
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		return nil, fmt.Errorf("bench: read the link of an account: %w", err)
	}
	link, err := url.Parse(made.Link)
	if err != nil {
		return nil, fmt.Errorf("bench: read the link of an account: %w", err)
	}
	secret := link.Query().Get("j")
	link.RawQuery = ""
	jar, _ := cookiejar.New(nil) // has no error
	c := g.Client()
	c.Jar, c.CheckRedirect = jar, nil
	const password = "cerise-tambour-nuage"
	for _, form := range []url.Values{
		{"j": {secret}},
		{"j": {secret}, "nom": {"Médiatrice"}, "identifiant": {"mediatrice"}, "mot-de-passe": {password}, "encore": {password}},
	} {
		if err := post(c, link.String(), form); err != nil {
			return nil, err
		}
	}
	if err := post(c, consoleURL+"entrer", url.Values{"identifiant": {"mediatrice"}, "mot-de-passe": {password}}); err != nil {
		return nil, err
	}
	// A page that stays open: without the time that the client gives a page.
	long := *c
	long.Timeout = 0
	resp, err := long.Get(consoleURL + "evenements")
	if err != nil {
		return nil, fmt.Errorf("bench: events: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("bench: events: %s", resp.Status)
	}
	d := &desk{client: c, events: make(chan struct{}, 1), stream: resp.Body}
	go func() {
		defer close(d.events)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "data:") {
				select {
				case d.events <- struct{}{}:
				default: // the one that has not been looked at says as much
				}
			}
		}
	}()
	return d, nil
}

func (d *desk) close() { d.stream.Close() }

func post(c *http.Client, to string, form url.Values) error {
	resp, err := c.PostForm(to, form)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("bench: POST %s: %s, %w: %s", to, resp.Status, err, body)
	}
	return nil
}

// appears has a device look for a portal, and waits until the desk's page holds n lines.
func (d *desk) appears(ctx context.Context, s *site, g *lab.Guest, n int) (time.Duration, error) {
	if have, err := d.lines(ctx); err != nil || have != n-1 {
		return 0, fmt.Errorf("bench: %d devices wait before, expected %d: %w", have, n-1, err)
	}
	begun := time.Now()
	gone := make(chan error, 1)
	go func() {
		err := s.probe(ctx, g)
		if err == nil {
			var resp *http.Response
			if resp, err = g.Client().Get("http://" + lab.PortalName + "/"); err == nil {
				err = resp.Body.Close()
			}
		}
		gone <- err
	}()
	end := time.NewTimer(30 * time.Second)
	defer end.Stop()
	for {
		select {
		case _, open := <-d.events:
			if !open {
				return 0, errors.New("bench: the events have ended")
			}
		case <-end.C:
			return 0, errors.New("bench: it does not appear")
		}
		have, err := d.lines(ctx)
		if err != nil {
			return 0, err
		}
		if have == n {
			return time.Since(begun), <-gone
		}
	}
}

// lines is how many devices the desk's page lists as waiting.
func (d *desk) lines(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, consoleURL, nil)
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `id="attente"`) {
		return 0, fmt.Errorf("bench: the console: %s, %w: %s", resp.Status, err, body)
	}
	return strings.Count(string(body), `<li id="a-`), nil
}
