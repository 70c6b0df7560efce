package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/sessions"
)

// redeem measures how long a ticket takes when a whole room types at the same moment: from the POST of the page of codes to its
// answer, which comes once the use is on the disk and the kernel lets the device pass. Every device has a ticket of its own.
func (r *run) redeem(ctx context.Context) (err error) {
	s, err := r.raise(ctx, r.Backend, onDisk, lab.Site{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	guests, err := s.devices(ctx, r.scale.redeemers)
	if err != nil {
		return err
	}
	var took []float64
	for round := range r.scale.redemptions + 1 {
		made, err := s.client.Voucher(ctx, control.VoucherRequest{Do: control.VoucherMake, Count: len(guests)})
		if err != nil {
			return fmt.Errorf("bench: make tickets: %w", err)
		}
		ms, err := redeemAtOnce(ctx, guests, made.Tickets)
		if err != nil {
			return err
		}
		if round > 0 { // the first one warms up
			took = append(took, ms...)
		}
		if _, err := s.client.End(ctx, control.EndRequest{All: true, Reason: sessions.ByOperator}); err != nil {
			return fmt.Errorf("bench: end all: %w", err)
		}
		if err := s.caught(ctx, guests); err != nil {
			return err
		}
		if err := s.client.Shift(ctx, 2*sessions.SlotRest); err != nil { // a slot has rested when it is given again
			return fmt.Errorf("bench: move the clock: %w", err)
		}
	}
	for _, p := range []int{50, 99} {
		r.note(Figure{
			Name: fmt.Sprintf("redeem_ms_p%d", p), Unit: "ms", Value: percentile(took, p), Rounds: len(took),
			Low: percentile(took, 0), High: percentile(took, 100),
		})
	}
	return nil
}

// redeemAtOnce lets every device type its ticket at the same moment, and returns how many milliseconds each waited.
func redeemAtOnce(ctx context.Context, guests []*lab.Guest, tickets []sessions.Ticket) ([]float64, error) {
	took, errs := make([]float64, len(guests)), make([]error, len(guests))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, g := range guests {
		body := url.Values{"l": {"fr"}, "c": {tickets[i].Code}}.Encode()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+lab.PortalName+"/code", strings.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		client := g.Client()
		all.Go(func() {
			<-start
			begun := time.Now()
			resp, err := client.Do(req)
			took[i] = float64(time.Since(begun)) / float64(time.Millisecond)
			if err != nil {
				errs[i] = err
				return
			}
			resp.Body.Close()
			if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/ouvert") {
				errs[i] = fmt.Errorf("bench: %s types a code: answered by %s, to %q", g.Name, resp.Status, to)
			}
		})
	}
	close(start)
	all.Wait()
	return took, errors.Join(errs...)
}
