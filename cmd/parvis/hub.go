package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/hublink"
	"parvis/internal/hublink/wire"
	"parvis/internal/lang"
)

// hubQuiet is after how long without an acknowledgement it is said: some batches were lost in a row then.
const hubQuiet = 15 * time.Minute

// hub is the site's way to the town's hub. Its zero value is a site that lives alone.
type hub struct {
	url  string
	link *hublink.Link
	err  error  // why there is no link although there is an address
	left func() // does without what the hub has published
}

// openHub makes the link. What is wrong with it is told, and keeps nobody out.
func (d *daemon) openHub() {
	c := d.cfg.Hub
	if c.URL == "" {
		return
	}
	d.hub.url = c.URL
	o, err := hubOptions(c)
	if err == nil {
		o.Path, o.Version, o.Model = filepath.Join(d.app.cli.State, "hub.json"), version, d.box.state(d).Board
		o.Outbox, o.Now, o.Clock, o.Log = d.usage, d.saysToHub, d.clock, d.log
		d.hub.left = d.follow.left
		o.Told = func(ctx context.Context, r wire.Receipt, said wire.Now) { d.follow.told(ctx, d, r, said) }
		d.hub.link, err = hublink.Open(o)
	}
	if d.hub.err = err; err != nil {
		d.log.Error("no hub", "error", err)
	}
}

// saysToHub is how the site is, as its hub is told.
func (d *daemon) saysToHub() wire.Now {
	n := d.follow.says(d.condition().Now)
	n.Reburn = d.fleet.held()
	return n
}

// hubOptions are what the configuration says of the way to the hub.
func hubOptions(c config.Hub) (o hublink.Options, err error) {
	o.URL = c.URL
	if o.Proxy, err = hublink.Proxy(c.Proxy); err != nil || c.CA == "" {
		return o, err
	}
	pem, err := os.ReadFile(c.CA)
	if err == nil {
		o.CA, err = hublink.Pool(pem)
	}
	if err != nil {
		err = fmt.Errorf("hub.ca: %s: %w; expected the authority's certificate in PEM", c.CA, err)
	}
	return o, err
}

// hubProblems is what `parvis check` says of it.
func hubProblems(cfg *config.Config) []config.Problem {
	if _, err := hubOptions(cfg.Hub); err != nil {
		return []config.Problem{cfg.Problem("hub.ca", config.Error,
			config.Say("the hub's authority cannot be read (%v)", "l'autorité du centre ne peut pas être lue (%v)", err),
			config.Say("a PEM file", "un fichier PEM"), config.Say("correct the path or the file, or take the line out", "corrigez le chemin ou le fichier, ou retirez la ligne"))}
	}
	return nil
}

func (h *hub) run(ctx context.Context) error {
	if h.link == nil {
		return nil
	}
	return h.link.Run(ctx)
}

// silent is since when the hub has acknowledged nothing, in seconds; nil where no hub expects this site's word.
func (h *hub) silent() *int64 {
	if s := h.status(); s.Enrolled {
		return &s.SilentSeconds
	}
	return nil
}

func (h *hub) status() control.Hub {
	c := control.Hub{URL: h.url}
	if h.err != nil {
		c.Error = h.err.Error()
	}
	if h.link == nil {
		return c
	}
	s := h.link.Status()
	c.Enrolled, c.Site, c.Name, c.Left = s.Enrolled(), s.Site, s.Name, s.Left
	if !c.Enrolled {
		return c
	}
	c.SilentSeconds = int64(s.Silent / time.Second)
	if !s.Heard.IsZero() {
		c.Heard = &s.Heard
	}
	if s.Err != nil {
		c.Error = s.Err.Error()
	}
	return c
}

var (
	noHubText = lang.Text{
		EN: "this place has no hub; expected hub.url in the configuration, then: parvis check, and a restart",
		FR: "ce lieu n'a pas de centre ; il faut hub.url dans la configuration, puis : parvis check, et un redémarrage",
	}
	codeText = lang.Text{
		EN: "%v; ask for a new code where the hub is managed",
		FR: "le centre ne connaît pas ce code, ou il a déjà servi, ou il est trop ancien ; demandez-en un nouveau à qui gère le centre",
	}
	enrolledText = lang.Text{
		EN: "the place is enrolled already, as %s; to enrol it elsewhere: parvis hub leave",
		FR: "le lieu est déjà inscrit, sous le nom %s ; pour l'inscrire ailleurs : parvis hub leave",
	}
	notEnrolledText = lang.Text{
		EN: "the place is not enrolled at a hub",
		FR: "le lieu n'est inscrit à aucun centre",
	}
	notReachedText = lang.Text{
		EN: "the hub was not reached, the code is still good: %v",
		FR: "le centre n'a pas été joint, le code sert encore : %v",
	}
	quietText = lang.Text{
		EN: "the hub has acknowledged nothing for %s (%s); what was counted waits here and nothing is lost; see: parvis hub status",
		FR: "le centre n'a rien confirmé depuis %s (%s) ; les chiffres attendent ici et rien n'est perdu ; voir : parvis hub status",
	}
)

// gesture enrols or leaves.
func (h *hub) gesture(ctx context.Context, r control.HubRequest) (control.Hub, error) {
	var err error
	switch {
	case h.err != nil:
		err = h.err
	case h.link == nil:
		err = control.Refuse(control.Refused, noHubText)
	case r.Do == control.HubEnrol:
		err = h.link.Enrol(ctx, r.Code)
	case r.Do == control.HubLeave:
		if err = h.link.Leave(); err == nil {
			h.left()
		}
	default:
		err = control.Refuse(control.BadInput, lang.Text{EN: "control: no gesture %q", FR: "control : pas de geste « %s »"}, r.Do)
	}
	ref := (*control.Refusal)(nil)
	switch {
	case err == nil || errors.As(err, &ref):
	case errors.Is(err, hublink.ErrCode):
		err = control.Refuse(control.Refused, codeText, err)
	case errors.Is(err, hublink.ErrEnrolled):
		err = control.Refuse(control.Refused, enrolledText, h.status().Name)
	case errors.Is(err, hublink.ErrNone):
		err = control.Refuse(control.Refused, notEnrolledText)
	case r.Do == control.HubEnrol && h.link != nil:
		err = control.Refuse(control.Refused, notReachedText, err)
	}
	return h.status(), err
}

// hubNotes say that the hub is silent, or that there is no way to it.
func hubNotes(h control.Hub) []control.Problem {
	silent := time.Duration(h.SilentSeconds) * time.Second
	switch {
	case !h.Enrolled:
		return []control.Problem{{EN: h.Error, FR: h.Error}}
	case h.Error != "" && silent >= hubQuiet:
		return []control.Problem{problem(quietText, agoText(silent), h.Error)}
	}
	return nil
}
