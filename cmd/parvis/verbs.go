package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"parvis/internal/clock"
	"parvis/internal/config"
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
	if s.Sessions.Suspended > 0 {
		a.printf(lang.Text{
			EN: "Suspended, because two devices use one identity: %d; see: parvis session list",
			FR: "Suspendues, car deux appareils ont la même identité : %d ; voir : parvis session list",
		}, s.Sessions.Suspended)
	}
	a.resumed(s.Sessions)
	a.seats(s.Terminals)
	if s.Hub != nil && s.Hub.Enrolled {
		a.heard(*s.Hub)
	}
	a.repairs(s.Repairs)
	a.hardware(s.Condition.Hardware)
	a.printf(lang.Text{EN: "Portal: %s", FR: "Portail : %s"}, s.Portal)
	if s.API == "" {
		a.printf(lang.Text{
			EN: "API (RFC 8908): none, no certificate is configured; phones find the page by their own probes.",
			FR: "API (RFC 8908) : aucune, pas de certificat configuré ; les téléphones trouvent la page par leurs propres essais.",
		})
	} else {
		a.printf(lang.Text{EN: "API (RFC 8908): %s", FR: "API (RFC 8908) : %s"}, s.API)
	}
	a.printf(lang.Text{
		EN: "iptables-%s; queue within a session: %s; clock: %s; running since %s; version %s.",
		FR: "iptables-%s ; file par session : %s ; horloge : %s ; en marche depuis %s ; version %s.",
	}, s.Backend, s.LeafQdisc, clockTexts[s.Clock].In(a.lang), s.Since.Local().Format("2006-01-02 15:04"), s.Version)
	return nil
}

// repairs tells the last few; --json has more.
func (a *app) repairs(all []control.Repair) {
	const shown = 5
	for _, r := range all[max(0, len(all)-shown):] {
		a.printf(lang.Text{
			EN: "Changed by another program %v ago and laid anew in %d ms: %s.",
			FR: "Modifié par un autre programme il y a %v et remis en place en %d ms : %s.",
		}, time.Duration(r.SecondsAgo)*time.Second, r.Milliseconds, r.What.In(a.lang))
	}
}

// resumed says how many sessions went on at the last start and, after a power cut, since when.
func (a *app) resumed(s control.Sessions) {
	a.printf(lang.Text{EN: "Resumed at the last start: %d.", FR: "Reprises au dernier démarrage : %d."}, s.Resumed)
	if s.Off == nil {
		return
	}
	a.printf(lang.Text{
		EN: "The router was off from %s to %s; time without power is not counted.",
		FR: "Le routeur a été éteint de %s à %s ; le temps sans courant n'est pas compté.",
	}, stamp(s.Off.From, s.Off.FromSure), stamp(s.Off.To, s.Off.ToSure))
}

// stamp writes a civil time, and says so when nobody had set the clock.
func stamp(t time.Time, sure bool) lang.Text {
	at := t.Local().Format("2006-01-02 15:04")
	if sure {
		return lang.Text{EN: at, FR: at}
	}
	return lang.Text{EN: "about " + at + " (clock not set)", FR: "environ " + at + " (horloge pas à l'heure)"}
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

	Change sessionChangeCmd `cmd:"" help:"${help_session_change}"`

	Extend  sessionExtendCmd  `cmd:"" help:"${help_session_extend}"`
	Message sessionMessageCmd `cmd:"" help:"${help_session_message}"`
	Move    sessionMoveCmd    `cmd:"" help:"${help_session_move}"`
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
	string(sessions.ByDay):      {EN: "ended: the day's allowance", FR: "finie : limite du jour"},
	string(sessions.ByPause):    {EN: "ended: pause", FR: "finie : pause"},
	string(sessions.ByMoved):    {EN: "ended: took another one back", FR: "finie : a repris une autre"},
	string(sessions.ByWorkshop): {EN: "ended: workshop over", FR: "finie : fin de l'atelier"},
}

// contestTexts say why a session is suspended.
var contestTexts = map[sessions.Contest]lang.Text{
	sessions.TwoPorts:     {EN: "two devices with one MAC address", FR: "deux appareils avec la même adresse MAC"},
	sessions.OtherAddress: {EN: "an address that is not this device's", FR: "une adresse qui n'est pas celle de cet appareil"},
}

func contestText(c sessions.Contest) lang.Text {
	if t, ok := contestTexts[c]; ok {
		return t
	}
	return lang.Text{EN: string(c), FR: string(c)}
}

// stateOf says what a session is at the moment.
func (a *app) stateOf(s sessions.Session) string {
	switch {
	case s.State == sessions.Ended:
		return stateTexts[string(s.Reason)].In(a.lang)
	case s.Suspended != "":
		return lang.Text{EN: "suspended: %s", FR: "suspendue : %s"}.In(a.lang, contestText(s.Suspended))
	case s.LineDown:
		return lang.Text{EN: "open, line down: time stands still", FR: "ouverte, panne : le temps est arrêté"}.In(a.lang)
	case s.Slowed:
		return lang.Text{EN: "open, slower: volume", FR: "ouverte, ralentie : volume"}.In(a.lang)
	}
	return stateTexts[string(s.State)].In(a.lang)
}

func (a *app) table(list []sessions.Session) {
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, lang.Text{
		EN: "SESSION\tCODE\tADDRESS\tMAC\tPROFILE\tSTATE\tLEFT\tDOWN\tUP",
		FR: "CONNEXION\tCODE\tADRESSE\tMAC\tPROFIL\tÉTAT\tRESTE\tREÇU\tENVOYÉ",
	}.In(a.lang))
	for _, s := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Code, s.Device.IPv4, s.Device.MAC, s.Profile,
			a.stateOf(s), s.Left.Round(time.Second), size(s.Down), size(s.Up))
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

type sessionChangeCmd struct {
	Which string `arg:"" help:"${help_session_change_which}" placeholder:"WHICH"`
	Down  string `help:"${help_session_change_down}" placeholder:"RATE"`
	Up    string `help:"${help_session_change_up}" placeholder:"RATE"`
	jsonFlag
}

func (c sessionChangeCmd) Run(ctx context.Context, a *app) error {
	req := control.ChangeRequest{Which: c.Which}
	for _, r := range []struct {
		flag, value string
		into        **uint64
	}{{"--down", c.Down, &req.Down}, {"--up", c.Up, &req.Up}} {
		if r.value == "" {
			continue
		}
		bits, err := config.ParseRate(r.value)
		if err != nil {
			return fail(exitUsage, lang.Text{
				EN: "%s %q: expected a rate from 64kbit to 100gbit",
				FR: "%s %q : un débit de 64kbit à 100gbit est attendu",
			}, r.flag, r.value)
		}
		*r.into = &bits
	}
	if req.Down == nil && req.Up == nil {
		return fail(exitUsage, lang.Text{
			EN: "session change: give --down, --up or both",
			FR: "session change : donnez --down, --up ou les deux",
		})
	}
	list, err := a.client.Change(ctx, req)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(list)
	}
	for _, s := range list {
		a.printf(lang.Text{
			EN: "Session %s: %s down, %s up.",
			FR: "Connexion %s : %s en réception, %s en émission.",
		}, s.ID, rateText(s.DownRate), rateText(s.UpRate))
		if s.Slowed {
			a.printf(lang.Text{
				EN: "Its volume is used up: it stays at its profile's slow rate at most.",
				FR: "Son volume est épuisé : elle reste au plus au débit lent de son profil.",
			})
		}
	}
	return nil
}

// rateText writes a rate as the configuration does.
func rateText(bits uint64) lang.Text {
	if bits == 0 {
		return lang.Text{EN: "the line's rate", FR: "le débit de la ligne"}
	}
	f := float64(bits) / 1000
	unit := "kbit"
	for _, u := range []string{"mbit", "gbit"} {
		if f < 1000 {
			break
		}
		f, unit = f/1000, u
	}
	text := strconv.FormatFloat(f, 'f', -1, 64) + unit
	return lang.Text{EN: text, FR: text}
}

type confirmCmd struct{}

func (confirmCmd) Run(ctx context.Context, a *app) error {
	if err := a.client.Confirm(ctx); err != nil {
		return err
	}
	a.printf(lang.Text{EN: "Confirmed: everything stays in force.", FR: "Confirmé : tout reste en place."})
	return nil
}
