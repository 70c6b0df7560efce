package acceptance

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"parvis/internal/acceptance/link"
	"parvis/internal/mac"
)

// Visit is a session as far as an acceptance needs it.
type Visit struct {
	ID   string
	Open bool
	MAC  mac.Addr
	IPv4 netip.Addr
	Down uint64 // bytes
}

// Place is what the running site does for the phone's steps.
type Place interface {
	Visits(context.Context) ([]Visit, error)
	End(ctx context.Context, id string) error
	// Ticket makes one code for one device; Revoke takes it back.
	Ticket(context.Context) (code, batch string, err error)
	Revoke(ctx context.Context, batch string) error
}

// Phone is the way of a resident, gone with a real telephone.
type Phone struct {
	Place      Place
	Technician Technician
	Interface  string // of the guests
	WiFi       string // its name; "" unknown
	Portal     string // DNS name
	ByDesk     bool   // no button opens: a ticket does
	IPv6       bool   // guests have it
	Wait       time.Duration
	Tick       <-chan time.Time // between two looks at the sessions

	batch string
	visit Visit // once it is there
	heard heard
}

// heard is what was seen of the devices on the link while the phone came: how far its packets have come and whether it uses IPv6.
type heard struct {
	mu      sync.Mutex
	devices map[mac.Addr]*trace
	failed  error
}

type trace struct {
	ttls   []uint8 // different ones
	global bool    // an IPv6 address that is reached from elsewhere
}

// most devices and TTLs that are remembered for the length of the steps.
const (
	mostDevices = 1000
	mostTTLs    = 8
)

// see remembers what a frame shows. It answers whether to go on listening.
func (h *heard) see(s link.Sighting) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.devices[s.From]
	if t == nil {
		if len(h.devices) >= mostDevices {
			return true
		}
		t = &trace{}
		h.devices[s.From] = t
	}
	switch {
	case s.IP.Is6() && s.IP.IsGlobalUnicast():
		t.global = true
	case s.IP.Is4() && !s.IP.IsUnspecified() && len(t.ttls) < mostTTLs && !slices.Contains(t.ttls, s.TTL):
		t.ttls = append(t.ttls, s.TTL)
	}
	return true
}

func (h *heard) of(m mac.Addr) (t trace, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if got := h.devices[m]; got != nil {
		t = *got
	}
	return t, h.failed
}

// Listen hears the guests' link until ctx ends. It is begun before the first step.
func (p *Phone) Listen(ctx context.Context) {
	p.heard.devices = map[mac.Addr]*trace{}
	s, err := link.Open(p.Interface)
	if err == nil {
		defer s.Close()
		err = s.Listen(ctx, p.heard.see)
	}
	p.heard.mu.Lock()
	p.heard.failed = err
	p.heard.mu.Unlock()
}

// Steps are the phone's, in their order. Clear follows them, whatever came.
func (p *Phone) Steps() []Step {
	return []Step{
		{"page", Say("The page comes to a phone", "La page vient sur un téléphone").Text, p.page},
		{"online", Say("The phone is online", "Le téléphone va sur internet").Text, p.online},
		{"direct", Say("Nothing routes between the phone and Parvis", "Rien ne route entre le téléphone et Parvis").Text, p.direct},
		{"ipv6", Say("IPv6 of the phone", "L'IPv6 du téléphone").Text, p.ipv6},
		{"end", Say("The end of a session", "La fin d'une connexion").Text, p.end},
	}
}

// Clear leaves nothing open: the phone's session ends and the ticket is taken back.
func (p *Phone) Clear(ctx context.Context) error {
	if p.visit.Open {
		if err := p.Place.End(ctx, p.visit.ID); err != nil {
			return err
		}
		p.visit.Open = false
	}
	if p.batch == "" {
		return nil
	}
	err := p.Place.Revoke(ctx, p.batch)
	p.batch = ""
	return err
}

func (p *Phone) page(ctx context.Context) []Finding {
	before, err := p.Place.Visits(ctx)
	if err != nil {
		return []Finding{unreadable(err)}
	}
	join := Say("Take a phone that is not on the Wi-Fi yet, switch its mobile data off, and join the Wi-Fi.",
		"Prenez un téléphone qui n'est pas encore sur le Wi-Fi, coupez ses données mobiles, et rejoignez le Wi-Fi.")
	if p.WiFi != "" {
		join = Say("Take a phone that is not on the Wi-Fi yet, switch its mobile data off, and join “%s”.",
			"Prenez un téléphone qui n'est pas encore sur le Wi-Fi, coupez ses données mobiles, et rejoignez « %s ».", p.WiFi)
	}
	p.Technician.Tell(join)
	all := []Finding{Answered(p.Technician.Ask(Say("Does the place's page come by itself?", "La page du lieu s'ouvre-t-elle toute seule ?")),
		Say("the page comes by itself", "la page s'ouvre toute seule"), Say("the page does not come by itself", "la page ne s'ouvre pas toute seule"),
		Say("the phone tries an address of its maker: look at parvis check, at the phone's private DNS, and at http://%s typed by hand",
			"le téléphone essaie une adresse de son fabricant : voyez parvis check, le DNS privé du téléphone, et http://%s tapé à la main", p.Portal))}
	press := Say("Press the button of the page.", "Appuyez sur le bouton de la page.")
	if p.ByDesk {
		code, batch, err := p.Place.Ticket(ctx)
		if err != nil {
			return append(all, Fail(Say("no ticket could be made: %v", "aucun ticket n'a pu être fait : %v", err), Say("see: parvis status", "voir : parvis status")))
		}
		p.batch = batch
		press = Say("Type this code on the page: %s", "Tapez ce code sur la page : %s", code)
	}
	p.Technician.Tell(press)
	known := map[string]bool{}
	for _, v := range before {
		known[v.ID] = v.Open
	}
	found, err := p.until(ctx, func(v Visit) bool { return v.Open && !known[v.ID] })
	switch {
	case err != nil:
		return append(all, unreadable(err))
	case !found:
		return append(all, Fail(Say("no session was opened in %v", "aucune connexion ne s'est ouverte en %v", p.Wait),
			Say("the page says why; see also: parvis status", "la page dit pourquoi ; voir aussi : parvis status")))
	}
	return append(all, Pass(Say("the phone has a session", "le téléphone a une connexion")))
}

// until looks at the sessions until one is what is wanted, and makes that one the phone's.
func (p *Phone) until(ctx context.Context, wanted func(Visit) bool) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Wait)
	defer cancel()
	for {
		all, err := p.Place.Visits(ctx)
		if err != nil && ctx.Err() == nil {
			return false, err
		}
		if i := slices.IndexFunc(all, wanted); i >= 0 {
			p.visit = all[i]
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-p.Tick:
		}
	}
}

func unreadable(err error) Finding {
	return Fail(Say("the sessions cannot be read: %v", "les connexions ne peuvent pas être lues : %v", err), Say("see: parvis status", "voir : parvis status"))
}

// noPhone is what the later steps say when none has come.
func (p *Phone) noPhone() []Finding {
	if p.visit.ID != "" {
		return nil
	}
	return []Finding{Skip(Say("no phone has come", "aucun téléphone n'est venu"), Say("take the acceptance again", "refaites la recette"))}
}

// browsed is how many bytes a page of any site has at least.
const browsed = 20_000

func (p *Phone) online(ctx context.Context) []Finding {
	if none := p.noPhone(); none != nil {
		return none
	}
	p.Technician.Tell(Say("Open any site of the internet on the phone.", "Ouvrez un site internet sur le téléphone."))
	id, from := p.visit.ID, p.visit.Down
	found, err := p.until(ctx, func(v Visit) bool { return v.ID == id && v.Down >= from+browsed })
	switch {
	case err != nil:
		return []Finding{unreadable(err)}
	case !found:
		return []Finding{Fail(Say("less than %d kB came to the phone", "moins de %d ko sont arrivés au téléphone", browsed/1000), Say("see: parvis status", "voir : parvis status"))}
	}
	return []Finding{
		Pass(Say("the phone has received from the internet", "le téléphone a reçu d'internet")),
		Answered(p.Technician.Ask(Say("Does the site show?", "Le site s'affiche-t-il ?")), Say("the site shows", "le site s'affiche"),
			Say("the site does not show", "le site ne s'affiche pas"), Say("try another one; look at the phone's private DNS and at its VPN", "essayez-en un autre ; voyez le DNS privé et le VPN du téléphone")),
	}
}

func (p *Phone) direct(context.Context) []Finding {
	if none := p.noPhone(); none != nil {
		return none
	}
	t, err := p.heard.of(p.visit.MAC)
	switch {
	case err != nil:
		return []Finding{Fail(Say("the guests' link cannot be listened to: %v", "impossible d'écouter le réseau des visiteurs : %v", err), Say("run as root", "lancez la commande en root"))}
	case len(t.ttls) == 0:
		return []Finding{Note(Say("no packet of the phone was seen", "aucun paquet du téléphone n'a été vu"), Say("take this step again", "refaites cette étape"))}
	case slices.ContainsFunc(t.ttls, link.Routed):
		return []Finding{Fail(Say("the phone's packets have passed another router", "les paquets du téléphone sont passés par un autre routeur"),
			Say("an access point routes instead of bridging: all behind it are one device for Parvis, and one session opens for all; set it to bridge (access point mode)",
				"une borne route au lieu de faire un pont : tous ceux derrière elle sont un seul appareil pour Parvis, et une connexion s'ouvre pour tous ; mettez-la en mode pont (point d'accès)"))}
	}
	return []Finding{Pass(Say("the phone's packets come directly", "les paquets du téléphone arrivent directement"))}
}

func (p *Phone) ipv6(context.Context) []Finding {
	if none := p.noPhone(); none != nil {
		return none
	}
	t, err := p.heard.of(p.visit.MAC)
	switch {
	case err != nil:
		return []Finding{Fail(Say("the guests' link cannot be listened to: %v", "impossible d'écouter le réseau des visiteurs : %v", err), Say("run as root", "lancez la commande en root"))}
	case !p.IPv6 && t.global:
		return []Finding{Fail(Say("IPv6 is closed here, and yet the phone has an IPv6 address of the internet", "l'IPv6 est fermé ici, et pourtant le téléphone a une adresse IPv6 d'internet"),
			Say("another router announces itself to the guests: find it by its cable", "un autre routeur s'annonce aux visiteurs : trouvez-le par son câble"))}
	case !p.IPv6:
		return []Finding{Pass(Say("IPv6 is closed, and the phone has no address of it", "l'IPv6 est fermé, et le téléphone n'en a pas d'adresse"))}
	case t.global:
		return []Finding{Pass(Say("the phone has IPv6", "le téléphone a l'IPv6"))}
	}
	return []Finding{Note(Say("guests have IPv6, and the phone was not seen to use it", "les visiteurs ont l'IPv6, et le téléphone ne s'en est pas servi"),
		Say("not every phone does at once; see: parvis check", "tous les téléphones ne le font pas aussitôt ; voir : parvis check"))}
}

func (p *Phone) end(ctx context.Context) []Finding {
	if none := p.noPhone(); none != nil {
		return none
	}
	if err := p.Place.End(ctx, p.visit.ID); err != nil {
		return []Finding{Fail(Say("the session could not be ended: %v", "la connexion n'a pas pu être arrêtée : %v", err), Say("see: parvis status", "voir : parvis status"))}
	}
	p.visit.Open = false
	p.Technician.Tell(Say("The session has just been ended from here. On the phone, load the site again, or join the Wi-Fi again.",
		"La connexion vient d'être arrêtée d'ici. Sur le téléphone, rechargez le site, ou rejoignez de nouveau le Wi-Fi."))
	return []Finding{Answered(p.Technician.Ask(Say("Does the site no longer load, and does the place's page come back?", "Le site ne se charge-t-il plus, et la page du lieu revient-elle ?")),
		Say("after the end nothing passes and the page comes back", "après la fin, rien ne passe et la page revient"),
		Say("after the end the phone is still online, or sees no page", "après la fin, le téléphone est encore sur internet, ou ne voit pas la page"),
		Say("are its mobile data off? see: parvis status", "ses données mobiles sont-elles coupées ? voir : parvis status"))}
}
