package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"text/tabwriter"
	"time"

	"parvis/internal/clock"
	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/mac"
	"parvis/sessions"
)

type jsonFlag struct {
	JSON bool `help:"${help_json}"`
}

func (a *app) json(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

type statusCmd struct{ jsonFlag }

func (c statusCmd) Run(ctx context.Context, a *app) error {
	s, err := a.client.Status(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(s)
	}
	if s.Ready {
		a.printf(lang.Text{EN: "%s: everything is in force.", FR: "%s : tout est en place."}, s.Site)
	} else {
		a.printf(lang.Text{EN: "%s: something is not right.", FR: "%s : quelque chose ne va pas."}, s.Site)
	}
	for _, p := range s.Problems {
		fmt.Fprintln(a.out, "  ! "+p.In(a.lang))
	}
	if s.ConfirmSeconds > 0 {
		a.printf(lang.Text{
			EN: "  ! Everything is taken back in %d s unless you run: parvis confirm",
			FR: "  ! Tout sera défait dans %d s, sauf si vous lancez : parvis confirm",
		}, s.ConfirmSeconds)
	}
	for _, p := range s.Notes {
		fmt.Fprintln(a.out, "  - "+p.In(a.lang))
	}
	a.printf(lang.Text{
		EN: "Sessions: %d open, %d places free, %d resting, of %d.",
		FR: "Connexions : %d ouvertes, %d places libres, %d au repos, sur %d.",
	}, s.Sessions.Open, s.Sessions.Free, s.Sessions.Resting, s.Sessions.Total)
	a.printf(lang.Text{EN: "Resumed at the last start: %d.", FR: "Reprises au dernier démarrage : %d."}, s.Sessions.Resumed)
	a.printf(lang.Text{EN: "Portal: %s", FR: "Portail : %s"}, s.Portal)
	if s.API == "" {
		a.printf(lang.Text{
			EN: "API (RFC 8908): none, no certificate is configured; phones find the page by their own probes.",
			FR: "API (RFC 8908) : aucune, pas de certificat configuré ; les téléphones trouvent la page par leurs propres essais.",
		})
	} else {
		a.printf(lang.Text{EN: "API (RFC 8908): %s", FR: "API (RFC 8908) : %s"}, s.API)
	}
	leaf := s.LeafQdisc
	if leaf == "" {
		leaf = lang.Text{EN: "none", FR: "aucune"}.In(a.lang)
	}
	a.printf(lang.Text{
		EN: "iptables-%s; fair queue in a class: %s; clock: %s; running since %s; version %s.",
		FR: "iptables-%s ; file équitable par classe : %s ; horloge : %s ; en marche depuis %s ; version %s.",
	}, s.Backend, leaf, clockTexts[s.Clock].In(a.lang), s.Since.Local().Format("2006-01-02 15:04"), s.Version)
	return nil
}

// clockTexts are the qualities of the civil time (clock.Quality).
var clockTexts = map[string]lang.Text{
	clock.Unknown.String():      {EN: "not set", FR: "pas à l'heure"},
	clock.Synchronised.String(): {EN: "synchronised", FR: "à l'heure"},
}

type sessionCmd struct {
	List sessionListCmd `cmd:"" help:"${help_session_list}"`
	Open sessionOpenCmd `cmd:"" help:"${help_session_open}"`
	End  sessionEndCmd  `cmd:"" help:"${help_session_end}"`
}

type sessionListCmd struct{ jsonFlag }

func (c sessionListCmd) Run(ctx context.Context, a *app) error {
	list, err := a.client.Sessions(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(list)
	}
	if len(list) == 0 {
		a.printf(lang.Text{EN: "Nobody is connected.", FR: "Personne n'est connecté."})
		return nil
	}
	a.table(list)
	return nil
}

var stateTexts = map[string]lang.Text{
	string(sessions.Open):       {EN: "open", FR: "ouverte"},
	string(sessions.ByTime):     {EN: "ended: time", FR: "finie : durée"},
	string(sessions.ByIdle):     {EN: "ended: idle", FR: "finie : sans activité"},
	string(sessions.ByVolume):   {EN: "ended: volume", FR: "finie : volume"},
	string(sessions.ByResident): {EN: "ended: by the person", FR: "finie : par la personne"},
	string(sessions.ByOperator): {EN: "ended: by the desk", FR: "finie : par l'accueil"},
	string(sessions.ByClosing):  {EN: "ended: closing", FR: "finie : fermeture"},
	string(sessions.ByReplaced): {EN: "ended: address changed hands", FR: "finie : adresse passée à un autre"},
}

func (a *app) table(list []sessions.Session) {
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, lang.Text{
		EN: "SESSION\tADDRESS\tMAC\tPROFILE\tSTATE\tLEFT\tDOWN\tUP",
		FR: "CONNEXION\tADRESSE\tMAC\tPROFIL\tÉTAT\tRESTE\tREÇU\tENVOYÉ",
	}.In(a.lang))
	for _, s := range list {
		state := string(s.State)
		if s.State == sessions.Ended {
			state = string(s.Reason)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Device.IPv4, s.Device.MAC, s.Profile,
			stateTexts[state].In(a.lang), s.Left.Round(time.Second), size(s.Down), size(s.Up))
	}
	w.Flush()
}

// size prints bytes with a decimal unit, as profiles are written.
func size(n uint64) string {
	f := float64(n)
	for _, u := range []string{"B", "kB", "MB"} {
		if f < 1000 {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0") + " " + u
		}
		f /= 1000
	}
	return fmt.Sprintf("%.1f GB", f)
}

type sessionOpenCmd struct {
	Device  netip.Addr    `arg:"" help:"${help_session_open_device}" placeholder:"IPV4"`
	MAC     *mac.Addr     `help:"${help_session_open_mac}" placeholder:"MAC"`
	Profile string        `help:"${help_session_open_profile}" placeholder:"NAME"`
	For     time.Duration `help:"${help_session_open_for}" placeholder:"DURATION"`
	jsonFlag
}

func (c sessionOpenCmd) Run(ctx context.Context, a *app) error {
	if c.For < 0 {
		return fail(exitUsage, lang.Text{EN: "--for %s: expected a positive duration such as 30m", FR: "--for %s : une durée positive est attendue, comme 30m"}, c.For)
	}
	s, err := a.client.Open(ctx, control.OpenRequest{IPv4: c.Device, MAC: c.MAC, Profile: c.Profile, For: c.For})
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(s)
	}
	a.printf(lang.Text{EN: "Session %s is open for %s, %s left.", FR: "La connexion %s est ouverte pour %s, il reste %s."},
		s.ID, s.Device.IPv4, s.Left.Round(time.Second))
	return nil
}

type sessionEndCmd struct {
	Which  string `arg:"" optional:"" help:"${help_session_end_which}" placeholder:"WHICH"`
	All    bool   `help:"${help_session_end_all}"`
	Reason string `help:"${help_session_end_reason}" default:"operator" enum:"operator,closing"`
	jsonFlag
}

func (c sessionEndCmd) Run(ctx context.Context, a *app) error {
	if c.All == (c.Which != "") {
		return fail(exitUsage, lang.Text{
			EN: "session end: give one session (its number, MAC or IPv4 address), or --all",
			FR: "session end : donnez une connexion (son numéro, son adresse MAC ou IPv4), ou --all",
		})
	}
	list, err := a.client.End(ctx, control.EndRequest{Which: c.Which, All: c.All, Reason: sessions.Reason(c.Reason)})
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(list)
	}
	a.printf(lang.Text{EN: "Ended: %d.", FR: "Arrêtées : %d."}, len(list))
	return nil
}

type confirmCmd struct{}

func (confirmCmd) Run(ctx context.Context, a *app) error {
	if err := a.client.Confirm(ctx); err != nil {
		return err
	}
	a.printf(lang.Text{EN: "Confirmed: everything stays in force.", FR: "Confirmé : tout reste en place."})
	return nil
}
