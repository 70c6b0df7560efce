package main

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/mac"
	"parvis/kiosk"
	"parvis/kiosk/porteus"
	"parvis/kiosk/printing"
	"parvis/portal"
	"parvis/sessions"
)

// printPort is IPP's, of our address on the terminals' network.
const printPort = 631

// fleet is what terminals fetch and print by. Without a rollout there are no terminals.
type fleet struct {
	rollout *porteus.Rollout
	front   *printing.Front // nil: no printer
	plain   net.Listener    // the portal's port, on the terminals' network
	printer net.Listener
	rest    atomic.Pointer[http.Handler] // all that is not their configuration, once there is something to say
	served  chan error                   // how serving plain has ended
	stop    context.CancelFunc           // ends it
	posts   atomic.Pointer[kiosk.Posts]  // that learn of who asks, once they are there
}

// openFleet begins to serve terminals their configuration before anything else is up: a terminal that starts does not wait for a
// database, and one that finds nobody here tries again for half a minute only.
func (d *daemon) openFleet(ctx context.Context) (err error) {
	t := d.cfg.Terminals
	if !t.There() {
		return nil
	}
	f := &d.fleet
	f.rollout, err = porteus.NewRollout(porteus.Options{
		Path: filepath.Join(d.app.cli.State, "porteus.json"), Settings: porteusSettings(d.cfg), Clock: d.clock, Log: d.log,
		Members: d.members,
		Window: func(m mac.Addr, open bool) {
			if open {
				d.door.gate.Window(m, t.PorteusHosts)
				return
			}
			d.door.gate.Window(m, nil)
		},
		Closed: func() bool { return !d.manager.Site().Open },
	})
	if err != nil {
		return refused(err)
	}
	if t.Printer != "" {
		address, err := url.Parse(t.Printer)
		if err != nil {
			return refused(err)
		}
		if f.front, err = printing.New(printing.Options{
			Printer: address, Clock: d.clock, Log: d.log, Who: d.prints,
			Open: func(id string) bool {
				s, err := d.manager.Get(id)
				return err == nil && s.State == sessions.Open && s.Suspended == ""
			},
			Counted: func(_ string, pages int) { d.usage.Printed(pages) },
			Memory:  printMemory{d},
		}); err != nil {
			return refused(err)
		}
		if f.printer, err = d.listenOn(ctx, t.Address.Addr(), printPort); err != nil {
			return err
		}
	}
	if f.plain, err = d.listenOn(ctx, t.Address.Addr(), httpPort); err != nil {
		return err
	}
	who := func(a netip.Addr) (mac.Addr, bool) { return neighbourOn(t.Interface, a) }
	config := f.learn(who, porteus.Handler(f.rollout, who, d.log))
	f.served = make(chan error, 1)
	ctx, f.stop = context.WithCancel(ctx)
	go func() { f.served <- portal.Serve(ctx, f.plain, f.handler(config), d.log) }()
	return nil
}

// handler serves the configuration, and the rest once there is one.
func (f *fleet) handler(config http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch rest := f.rest.Load(); {
		case r.URL.Path == "/kiosk/config.txt" || r.URL.Path == "/kiosk/prefs.js":
			config.ServeHTTP(w, r)
		case rest == nil:
			w.Header().Set("Retry-After", "2")
			w.Header().Set("Refresh", "2") // for a browser; it has nothing of ours to say it with yet
			http.Error(w, "Un instant.", http.StatusServiceUnavailable)
		default:
			(*rest).ServeHTTP(w, r)
		}
	})
}

// learn tells the registry who asks for its configuration.
func (f *fleet) learn(who func(netip.Addr) (mac.Addr, bool), config http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		config.ServeHTTP(w, r)
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if posts := f.posts.Load(); posts != nil && err == nil {
			if m, ok := who(from.Addr().Unmap()); ok {
				posts.Seen(kiosk.Visit{MAC: m, IPv4: from.Addr().Unmap(), Label: r.URL.Query().Get("kiosk")})
			}
		}
	})
}

// let serves the terminals' pages from now on.
func (f *fleet) let(pages http.Handler) { f.rest.Store(&pages) }

// updating says that a terminal is making its image anew, or may be, and when at the latest it is ready.
func (d *daemon) updating(m mac.Addr) (time.Time, bool) {
	left, is := d.fleet.rollout.Updating(m)
	return d.clock.Wall().Time.Add(left), is
}

// members are the terminals that run Porteus Kiosk, as far as is known.
func (d *daemon) members() (all []porteus.Member) {
	for _, t := range d.seats.posts.Terminals() {
		if t.Adopted && t.Renderer != kiosk.Porteus {
			continue
		}
		all = append(all, porteus.Member{
			Post: porteus.Post{
				PCID: t.PCID, Host: t.ID, Prints: t.Prints && d.cfg.Terminals.Printer != "", USB: t.USB && d.cfg.Terminals.USB,
			},
			ID: t.ID, MAC: t.MAC, Adopted: t.Adopted, FreshAt: t.FreshAt,
		})
	}
	return all
}

// prints says which session prints from an address. Whoever has no right to print is no terminal.
func (d *daemon) prints(a netip.Addr) (session string, terminal bool) {
	m, ok := d.behind(a)
	if !ok {
		return "", false
	}
	t, ok := d.seats.posts.ByMAC(m)
	if !ok || !t.Adopted || !t.Prints {
		return "", false
	}
	if s, ok := d.manager.Of(m); ok && s.State == sessions.Open && s.Suspended == "" && s.Device.IPv4 == a {
		return s.ID, true
	}
	return "", true
}

// neighbourOn says whose MAC the kernel has for an address on a link. It needs nothing of ours.
func neighbourOn(link string, a netip.Addr) (mac.Addr, bool) {
	l, err := netlink.LinkByName(link)
	if err != nil {
		return mac.Addr{}, false
	}
	all, err := netlink.NeighList(l.Attrs().Index, unix.AF_INET)
	if err != nil {
		return mac.Addr{}, false
	}
	for _, n := range all {
		if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == a {
			return mac.From(n.HardwareAddr)
		}
	}
	return mac.Addr{}, false
}

// run hands out configurations and follows what is printed, until ctx ends.
func (f *fleet) run(ctx context.Context, d *daemon) error {
	if f.rollout == nil {
		return nil
	}
	f.posts.Store(d.seats.posts)
	if f.front != nil {
		if err := f.front.Start(ctx); err != nil {
			return d.app.storeFailure(err)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		seen, stop := d.seats.posts.Changes()
		defer stop()
		return f.rollout.Run(ctx, seen)
	})
	group.Go(func() error {
		select {
		case err := <-f.served:
			return err
		case <-ctx.Done():
			f.stop()
			return <-f.served // seconds at most
		}
	})
	if f.front != nil {
		group.Go(func() error {
			changed, stop := d.seats.posts.Changes()
			defer stop()
			return f.front.Run(ctx, changed)
		})
		group.Go(func() error { return f.front.Serve(ctx, f.printer) })
	}
	return group.Wait()
}

// printMemory is the terminals' store, which is opened after the front is made.
type printMemory struct{ *daemon }

func (m printMemory) Printing(ctx context.Context) (map[string]string, error) {
	return m.seats.store.Printing(ctx)
}

func (m printMemory) Prints(ctx context.Context, session, user string) error {
	return m.seats.store.Prints(ctx, session, user)
}

func (m printMemory) HasPrinted(ctx context.Context, session string) error {
	return m.seats.store.HasPrinted(ctx, session)
}

// held is how many terminals make their image anew once what is held back is published.
func (f *fleet) held() int {
	if f.rollout == nil {
		return 0
	}
	s, err := f.rollout.Status()
	if err != nil {
		return 0 // the notes say it
	}
	return len(s.Restart)
}

func (f *fleet) close() {
	if f.stop != nil {
		f.stop()
	}
	for _, ln := range []net.Listener{f.plain, f.printer} {
		if ln != nil {
			ln.Close()
		}
	}
}

// terminalConfig is what the socket offers about it.
func (d *daemon) terminalConfig(_ context.Context, r control.TerminalConfigRequest) (a control.TerminalConfig, err error) {
	f := &d.fleet
	if f.rollout == nil {
		return a, control.Refuse(control.Refused, noTerminalsText)
	}
	switch r.Do {
	case control.ConfigPublish:
		err = f.rollout.Publish(r.Now, r.Post)
	case control.ConfigWithdraw:
		err = f.rollout.Withdraw()
	}
	if err != nil {
		return a, configRefusal(err, r.Post)
	}
	if a.Status, err = f.rollout.Status(); err != nil {
		return a, err
	}
	published, now, err := f.rollout.Published()
	a.Published, a.Settings = string(published), string(now)
	return a, err
}

var (
	heldText = lang.Text{
		EN: "the terminals' configuration has changed and is held back; see: parvis terminal config --diff; then: parvis terminal publish",
		FR: "la configuration des postes a changé et reste en attente ; voir : parvis terminal config --diff ; puis : parvis terminal publish",
	}
	underText = lang.Text{
		EN: "the terminals' new configuration is being published: %d back, %d to come",
		FR: "la nouvelle configuration des postes est en cours de publication : %d revenus, %d à venir",
	}
	turnText = lang.Text{
		EN: "%s may make its image anew for another %s: restart it, and do not switch it off while it does",
		FR: "%s peut refaire son image pendant encore %s : redémarrez-le, et ne l'éteignez pas pendant ce temps",
	}
	pausedText = lang.Text{
		EN: "the terminals' new configuration goes on when the place is closed, or with: parvis terminal publish --withdraw, then --now",
		FR: "la nouvelle configuration des postes continue à la fermeture, ou avec : parvis terminal publish --withdraw, puis --now",
	}
	unwrittenText = lang.Text{
		EN: "%s has no section of its own in the terminals' configuration: its PCID is missing, or part of another's",
		FR: "%s n'a pas de section à lui dans la configuration des postes : son PCID manque, ou fait partie d'un autre",
	}
)

// notes are what parvis status says of it.
func (f *fleet) notes() (notes []control.Problem) {
	if f.rollout == nil {
		return nil
	}
	s, err := f.rollout.Status()
	if err != nil {
		return []control.Problem{problem(lang.Text{EN: "%v", FR: "%v"}, err)}
	}
	switch {
	case s.Under && s.Current != "":
		notes = append(notes, problem(underText, s.Done, len(s.Waiting)), problem(turnText, s.Current, s.Left.Round(time.Minute)))
	case s.Under && s.Paused:
		notes = append(notes, problem(underText, s.Done, len(s.Waiting)), problem(pausedText))
	case s.Under:
		notes = append(notes, problem(underText, s.Done, len(s.Waiting)))
	}
	if len(s.Held) > 0 {
		notes = append(notes, problem(heldText))
	}
	for _, id := range s.Unknown {
		notes = append(notes, problem(unwrittenText, id))
	}
	return notes
}
