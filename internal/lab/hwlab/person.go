package hwlab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parvis/internal/lab"
)

// person is one guest and what the portal has acknowledged to them: an answer that came is a promise, one that did not come may
// have been kept or not.
type person struct {
	*lab.Guest
	known bool // what was last asked has been answered
	open  bool
	since time.Time // while open: when opening was answered
	asked time.Time // while open: when it was asked

	left        time.Duration // as the daemon told it last
	least, most time.Duration // of the time since, how much was online

	answers   int
	tickets   []string // for who redeems: not yet tried
	used      int      // of them, answered
	attempted int
}

const portalURL = "http://" + lab.PortalName

var errAnswer = errors.New("an answer that nobody expects")

// post sends a form and returns where the answer leads. With an error that is not errAnswer nobody knows what came of it.
func (p *person) post(ctx context.Context, page string, form url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, portalURL+page, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := p.Client().Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusSeeOther {
		return "", fmt.Errorf("%s: POST %s: %w: %s\n%s", p.Name, page, errAnswer, resp.Status, body)
	}
	p.answers++
	return resp.Header.Get("Location"), nil
}

// live opens and ends the person's session at moments of its own until ctx ends, and says when it was answered; the error is about
// an answer that should not be.
func (p *person) live(ctx context.Context, rnd *rand.Rand, answered chan<- struct{}) error {
	for {
		pause := time.NewTimer(time.Duration(rnd.IntN(400)) * time.Millisecond)
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-pause.C:
		}
		var err error
		switch {
		case p.open && rnd.IntN(3) == 0:
			continue // stays
		case p.open:
			err = p.end(ctx)
		case len(p.tickets) > 0:
			err = p.redeem(ctx)
		default:
			err = p.begin(ctx)
		}
		if errors.Is(err, errAnswer) {
			return err
		}
		if err != nil {
			return nil // the power is gone; what was asked last stays unknown
		}
		select {
		case answered <- struct{}{}:
		default: // enough have
		}
	}
}

// begin is the tap that opens.
func (p *person) begin(ctx context.Context) error {
	p.known, p.asked = false, time.Now()
	to, err := p.post(ctx, "/ouvrir", url.Values{"l": {"fr"}})
	if err != nil {
		return err
	}
	if !strings.HasPrefix(to, "/ouvert") {
		return fmt.Errorf("%s: the tap: %w: it leads to %s", p.Name, errAnswer, to)
	}
	p.known, p.open, p.since = true, true, time.Now()
	return nil
}

// redeem gives a ticket's code.
func (p *person) redeem(ctx context.Context) error {
	code := p.tickets[0]
	p.tickets = p.tickets[1:]
	p.known, p.asked = false, time.Now()
	p.attempted++
	to, err := p.post(ctx, "/code", url.Values{"c": {code}, "l": {"fr"}})
	if err != nil {
		return err
	}
	if !strings.HasPrefix(to, "/ouvert") {
		return fmt.Errorf("%s: a code: %w: it leads to %s", p.Name, errAnswer, to)
	}
	p.used++
	p.known, p.open, p.since = true, true, time.Now()
	return nil
}

// end is the tap that ends.
func (p *person) end(ctx context.Context) error {
	at := time.Now()
	p.known = false
	if _, err := p.post(ctx, "/arreter", url.Values{"l": {"fr"}}); err != nil {
		return err
	}
	p.least += at.Sub(p.since)
	p.most += time.Since(p.asked)
	p.known, p.open = true, false
	return nil
}

// cut closes the person's account when the power goes: what is open was open until then, what is unknown may have been.
func (p *person) cut(at time.Time) {
	switch {
	case p.known && p.open:
		p.least += at.Sub(p.since)
		p.most += time.Since(p.asked)
	case !p.known:
		p.most += time.Since(p.asked)
	}
}

// passes reports whether the web answers the person itself, and not the portal in its place.
func (p *person) passes(ctx context.Context) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+lab.ServicePublic+"/", nil)
	if err != nil {
		return false, err
	}
	resp, err := p.Client().Do(req)
	if err != nil {
		return false, err
	}
	resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return true, nil
	case http.StatusFound:
		return false, nil
	default:
		return false, fmt.Errorf("%s: the web answers %s", p.Name, resp.Status)
	}
}
