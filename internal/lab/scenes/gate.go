package scenes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"parvis/internal/lab"
	"parvis/sessions"
)

// mended is how long a gate that somebody else has opened or broken may need to be whole again.
const mended = 2 * time.Second

// bothFamilies: the resident's phone has made itself IPv6 addresses; each of them passes with her session.
func bothFamilies(ctx context.Context, s *Stage) error {
	r := s.residents[0]
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	addresses, err := r.Guest.WaitAddresses6(ctx, 2)
	if err != nil {
		return err
	}
	_, echo6 := lab.Echo()
	for _, a := range addresses {
		c, err := r.Guest.Dial6(ctx, a, "tcp6", echo6.String())
		if err != nil {
			return fmt.Errorf("scenes: an address of hers does not pass: %w", err)
		}
		c.Close()
	}
	return nil
}

// foreign: another program empties the packet filter while she downloads and somebody else waits.
func foreign(ctx context.Context, s *Stage) error {
	r := s.residents[0]
	waits, err := s.Join(ctx, "voisin")
	if err != nil {
		return err
	}
	flow, err := r.Download(ctx, 200_000)
	if err != nil {
		return err
	}
	defer flow.Close()
	for _, program := range []string{"iptables", "ip6tables"} {
		for _, args := range [][]string{{"-P", "FORWARD", "ACCEPT"}, {"-F"}} {
			if out, err := s.Town.Router.Output(ctx, program, append([]string{"-w"}, args...)...); err != nil {
				return fmt.Errorf("scenes: %s: %w: %s", program, err, out)
			}
		}
	}
	began := time.Now()
	if err := waits.Offline(ctx); err != nil { // from the first moment on
		return err
	}
	if err := s.until(ctx, time.Until(began.Add(mended)), "the packet filter is whole again", func() bool {
		out, err := s.Town.Router.Output(ctx, "iptables", "-w", "-S", "FORWARD")
		rules := strings.Split(out, "\n")
		return err == nil && slices.Contains(rules, "-P FORWARD DROP") && slices.Contains(rules, "-A FORWARD -j PARVIS-FWD")
	}); err != nil {
		return err
	}
	if err := flow.GoesOn(ctx); err != nil {
		return err
	}
	status, err := s.Control.Status(ctx)
	if err == nil && len(status.Repairs) == 0 {
		err = errors.New("scenes: status does not tell of the repair")
	}
	return errors.Join(err, r.Online(ctx))
}

// twin: a second device comes with her number. Neither passes, the page says why; it leaves, and she goes on.
func twin(ctx context.Context, s *Stage) error {
	r := s.residents[0]
	other, err := s.Town.Clone(ctx, r.Guest, "jumeau")
	if err != nil {
		return err
	}
	suspended := func() bool {
		one, err := s.session(ctx, r)
		return err == nil && one.State == sessions.Open && one.Suspended == sessions.TwoPorts
	}
	if err := s.until(ctx, 5*time.Second, "the two devices are suspended", func() bool {
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		if c, err := other.Dial(short, "tcp4", s.Town.Host(lab.ServicePublic).V4.String()+":443"); err == nil {
			c.Close()
		}
		return suspended()
	}); err != nil {
		return err
	}
	// Both sides speak all the time: the page may need a second try to find its way to her.
	if err := other.Unplug(true); err != nil {
		return err
	}
	if err := r.Visit(ctx, portalURL+"ma-connexion", "Internet est en pause.", "Cela peut arriver à tout le monde."); err != nil {
		return err
	}
	if err := errors.Join(s.Screenshot(ctx, r, "jour-pause"), other.Close()); err != nil {
		return err
	}
	if err := s.Control.Shift(ctx, time.Minute); err != nil {
		return err
	}
	var online error
	if err := s.until(ctx, 10*time.Second, "she goes on alone", func() bool {
		online = r.Online(ctx) // the kernel follows a moment after the state
		return !suspended() && online == nil
	}); err != nil {
		return errors.Join(err, online)
	}
	return nil
}

// powerCut: the router loses its power and gets it back. Nobody asks for an address, nobody taps.
func powerCut(ctx context.Context, s *Stage) error {
	r := s.residents[0]
	before, err := s.session(ctx, r)
	if err != nil {
		return err
	}
	if err := s.Town.PowerCut(); err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	if err := s.resolvers(ctx); err != nil {
		return err
	}
	// It has no battery clock either: until it hears the time nothing is counted. Two hours of outage lie before the afternoon.
	if err := s.itIs(ctx, 11, 30); err != nil {
		return err
	}
	after, err := s.session(ctx, r)
	if err != nil {
		return err
	}
	if gained := after.Left - before.Left; after.State != sessions.Open || gained > time.Minute {
		return fmt.Errorf("scenes: after the power cut her session is %s and has %v more", after.State, gained)
	}
	if err := r.Online(ctx); err != nil {
		return err
	}
	return r.Visit(ctx, portalURL+"ma-connexion", "Ma connexion", "Il vous reste")
}

// until waits for something that is promised within a time.
func (s *Stage) until(ctx context.Context, within time.Duration, what string, is func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("scenes: not in time: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}
