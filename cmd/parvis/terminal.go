package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/mac"
	"parvis/kiosk"
	"parvis/kiosk/queue"
	kioskstore "parvis/kiosk/sqlite"
	"parvis/sessions"
	"parvis/sessions/waiting"
)

// seats is the place's own terminals, their pages and their memory. Without posts there are none.
type seats struct {
	posts *kiosk.Posts
	store *kioskstore.Store
	queue *queue.Queue // who waits for one
	pages http.Handler // served on the terminals' network
}

// openSeats makes the terminals, where the place has any: before the manager, which asks whether a device is one of them, and
// after the gate, which is told what is open on each.
func (d *daemon) openSeats(ctx context.Context) (err error) {
	t := d.cfg.Terminals
	if !t.There() {
		return nil
	}
	if d.seats.store, err = kioskstore.Open(filepath.Join(d.app.cli.State, "terminals.db"), d.clock); err != nil {
		return d.app.storeFailure(err)
	}
	posts, err := kiosk.New(kiosk.Options{
		Clock: d.clock, Store: d.seats.store, Sessions: seatSessions{d}, Policy: d.door.gate, Catalogue: d.door.catalogue, Log: d.log,
		Phones: phones{d}, Services: d.cfg.Gate.Services, Grace: t.Grace, Prolong: t.Prolong, Restarts: t.Restart,
		Expected: func() bool { return d.manager.Site().Open }, Waits: d.waits,
	})
	if err != nil {
		return refused(err)
	}
	if err := posts.Start(ctx); err != nil {
		return refused(err)
	}
	d.seats.posts = posts
	return d.openQueue()
}

// registered says whether a MAC is a terminal's.
func (s *seats) registered(a mac.Addr) bool { return s.posts != nil && s.posts.Registered(a) }

// named is the id of the terminal with a MAC; "" it is none.
func (s *seats) named(a mac.Addr) string {
	if s.posts == nil {
		return ""
	}
	return s.posts.IDOf(a)
}

func (s *seats) run(ctx context.Context, d *daemon) error {
	if s.posts == nil {
		return nil
	}
	if s.pages != nil {
		d.fleet.let(s.pages)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.posts.Run(ctx) })
	group.Go(func() error { return s.queue.Run(ctx) })
	return group.Wait()
}

func (s *seats) close() {
	if s.store != nil {
		s.store.Close()
	}
}

// enforcer is who makes true what the manager wants.
func (d *daemon) enforcer() sessions.Enforcer {
	fw := newEnforcer(d.firewall)
	if d.door.gate == nil {
		return fw
	}
	return newBoth(fw, d.door.gate)
}

// seatSessions is the manager in the words of terminals.
type seatSessions struct{ *daemon }

func seatSession(s sessions.Session) kiosk.Session {
	k := kiosk.Session{
		ID: s.ID, Slot: s.Slot, Open: s.State == sessions.Open, Started: s.OpenedAt, End: s.End, Left: s.Left, Closing: s.Closing,
		Reason: string(s.Reason), LineDown: s.LineDown,
	}
	if s.Message != nil {
		k.Message = s.Message.Text
	}
	return k
}

func (s seatSessions) Of(a mac.Addr) (kiosk.Session, bool) {
	got, ok := s.manager.Of(a)
	return seatSession(got), ok
}

func (s seatSessions) Open(ctx context.Context, r kiosk.OpenRequest) (kiosk.Session, error) {
	got, err := s.manager.Open(ctx, sessions.OpenRequest{
		Device: sessions.Device{MAC: r.MAC, IPv4: r.IPv4}, Profile: s.cfg.Terminals.Profile, For: r.For, By: sessions.FromDesk,
	})
	return seatSession(got), err
}

func (s seatSessions) Adjust(ctx context.Context, id string, by time.Duration) (kiosk.Session, error) {
	got, err := s.manager.Adjust(ctx, id, by, sessions.FromDesk)
	return seatSession(got), err
}

func (s seatSessions) End(ctx context.Context, id string) error {
	_, err := s.manager.End(ctx, id, sessions.ByOperator)
	return err
}

func (s seatSessions) Message(ctx context.Context, id, text string) error {
	return s.manager.Message(ctx, id, text)
}
func (s seatSessions) MessageSeen(id string)              { s.manager.MessageSeen(id) }
func (s seatSessions) Changes() (<-chan struct{}, func()) { return s.manager.Changes() }

// phones opens who waits with a phone together with a terminal.
type phones struct{ *daemon }

func (p phones) Open(ctx context.Context, code string, d time.Duration) (string, error) {
	code, ok := sessions.ParseCode(code)
	all := p.hall.waiting.Entries()
	i := slices.IndexFunc(all, func(e waiting.Entry) bool { return e.Code == code })
	if !ok || i < 0 {
		return "", kiosk.ErrPhone
	}
	s, err := p.manager.Open(ctx, sessions.OpenRequest{Device: all[i].Device, Profile: p.cfg.Portal.Profile, For: d, By: sessions.FromDesk})
	return s.ID, err
}

func (p phones) Extend(ctx context.Context, session string, by time.Duration) error {
	_, err := p.manager.Adjust(ctx, session, by, sessions.FromDesk)
	return err
}

// End ends it; one that has ended already, or is forgotten, is what was wanted.
func (p phones) End(ctx context.Context, session string) error {
	_, err := p.manager.End(ctx, session, sessions.ByOperator)
	if errors.Is(err, sessions.ErrNotFound) {
		return nil
	}
	return err
}

var (
	noSeatsText = lang.Text{
		EN: "the terminals' interface %s is not there: no terminal works; look at terminals.interface",
		FR: "l'interface des postes %s n'est pas là : aucun poste ne marche ; voyez terminals.interface",
	}
	mismatchText = lang.Text{
		EN: "%s calls itself otherwise than when it was adopted: its MAC may have been copied, or it was installed anew; see: parvis terminal list",
		FR: "%s se nomme autrement qu'à son adoption : son adresse MAC a pu être copiée, ou il a été réinstallé ; voir : parvis terminal list",
	}
	strayText = lang.Text{
		EN: "%s is on the public network: nothing is opened for it there; plug it into the terminals' network, or look for who has copied its MAC",
		FR: "%s est sur le réseau public : rien ne s'y ouvre pour lui ; branchez-le sur le réseau des postes, ou cherchez qui a copié son adresse MAC",
	}
	newSeatText = lang.Text{
		EN: "%d new machines are on the terminals' network; adopt them: parvis terminal adopt",
		FR: "%d machines nouvelles sont sur le réseau des postes ; adoptez-les : parvis terminal adopt",
	}
)

// notes say what is to be known of terminals.
func (s *seats) notes(d *daemon) (notes []control.Problem) {
	if s.posts == nil {
		return nil
	}
	if _, err := net.InterfaceByName(d.cfg.Terminals.Interface); err != nil {
		notes = append(notes, problem(noSeatsText, d.cfg.Terminals.Interface))
	}
	here := map[mac.Addr]bool{}
	if guests, err := d.firewall.Present(waiting.Unseen); err == nil {
		for _, g := range guests {
			here[g.MAC] = true
		}
	}
	strangers := 0
	for _, t := range s.posts.Terminals() {
		switch {
		case !t.Adopted:
			strangers++
			continue
		case here[t.MAC]:
			notes = append(notes, problem(strayText, t.Name))
		}
		if t.Mismatch {
			notes = append(notes, problem(mismatchText, t.Name))
		}
	}
	if strangers > 0 {
		notes = append(notes, problem(newSeatText, strangers))
	}
	return notes
}

// status is what `parvis status` shows of terminals; nil where there are none.
func (s *seats) status() *control.Terminals {
	if s.posts == nil {
		return nil
	}
	counts := control.Terminals{States: map[string]int{}}
	for _, t := range s.posts.Terminals() {
		if t.Adopted {
			counts.Adopted++
		}
		counts.States[string(t.State)]++
	}
	return &counts
}

var seatsText = lang.Text{EN: "Terminals: %d adopted; %s.", FR: "Postes : %d adoptés ; %s."}

// seats prints the terminals' line of a status.
func (a *app) seats(t *control.Terminals) {
	if t == nil {
		return
	}
	var parts []string
	for _, s := range []kiosk.State{kiosk.Open, kiosk.Ending, kiosk.Locked, kiosk.Cleaning, kiosk.Waiting, kiosk.Silent, kiosk.Newcomer} {
		if n := t.States[string(s)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, seatStates[s].In(a.lang)))
		}
	}
	a.printf(seatsText, t.Adopted, joined(parts))
}
