package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"parvis/internal/config"
	"parvis/internal/hublink"
	"parvis/internal/hublink/wire"
	"parvis/internal/lang"
	"parvis/internal/replace"
	"parvis/internal/snapshot"
)

var replaceTexts = map[string]lang.Text{
	"help_replace": {
		EN: "Make this bare box the site that another one was: with a code of the hub, or from a copy in a file. Shows its plan first.",
		FR: "Fait de cette box neuve le lieu qu'une autre était : avec un code du centre, ou depuis une copie dans un fichier. Montre d'abord son plan.",
	},
	"help_replace_code":      {EN: "The code that the hub's page \"Remplacer une box\" shows.", FR: "Le code que montre la page « Remplacer une box » du centre."},
	"help_replace_hub":       {EN: "Address of the hub; by default the copy's.", FR: "Adresse du centre ; par défaut celle de la copie."},
	"help_replace_ca":        {EN: "The authority of the hub's certificate (PEM), if it is the town's.", FR: "L'autorité du certificat du centre (PEM), si c'est celle de la ville."},
	"help_replace_proxy":     {EN: "Outbound proxy to the hub.", FR: "Proxy de sortie vers le centre."},
	"help_replace_from":      {EN: "A copy in a file, for example on the USB key of the old box.", FR: "Une copie dans un fichier, par exemple sur la clé USB de l'ancienne box."},
	"help_replace_key":       {EN: "File with the town's recovery key; - reads it from the keyboard.", FR: "Fichier de la clé de secours de la commune ; - la lit au clavier."},
	"help_replace_wan":       {EN: "Interface of the line to the internet here.", FR: "Interface de la ligne internet ici."},
	"help_replace_guests":    {EN: "Interface of the public network here.", FR: "Interface du réseau public ici."},
	"help_replace_terminals": {EN: "Interface of the terminals' network here.", FR: "Interface du réseau des postes ici."},
	"help_replace_staff":     {EN: "Interface of the staff's network here.", FR: "Interface du réseau de l'équipe ici."},
	"help_replace_dry":       {EN: "Show the plan and change nothing: the code is not used up.", FR: "Montre le plan et ne change rien : le code n'est pas utilisé."},
	"help_replace_force":     {EN: "Also on a box that is a site already; what it had is moved aside.", FR: "Même sur une box qui est déjà un lieu ; ce qu'elle avait est mis de côté."},
}

type replaceCmd struct {
	Code      string `arg:"" optional:"" help:"${help_replace_code}" placeholder:"CODE"`
	Hub       string `help:"${help_replace_hub}" placeholder:"URL"`
	CA        string `name:"ca" help:"${help_replace_ca}" type:"path" placeholder:"FILE"`
	Proxy     string `help:"${help_replace_proxy}" placeholder:"URL"`
	From      string `help:"${help_replace_from}" type:"path" placeholder:"FILE"`
	Key       string `help:"${help_replace_key}" placeholder:"FILE"`
	WAN       string `name:"wan" help:"${help_replace_wan}" placeholder:"INTERFACE"`
	Guests    string `help:"${help_replace_guests}" placeholder:"INTERFACE"`
	Terminals string `help:"${help_replace_terminals}" placeholder:"INTERFACE"`
	Staff     string `help:"${help_replace_staff}" placeholder:"INTERFACE"`
	DryRun    bool   `name:"dry-run" help:"${help_replace_dry}"`
	Yes       bool   `help:"${help_init_yes}"`
	Force     bool   `help:"${help_replace_force}"`
}

// replacement is one, on its way.
type replacement struct {
	c    replaceCmd
	a    *app
	box  replace.Box
	dir  string // where the new files are laid out
	keys *bufio.Reader

	newcomer *hublink.Newcomer
	place    wire.Replacement // the hub's word; its Site is "" without a code
	manifest snapshot.Manifest
	cfg      *config.Config
	plan     string // as people read it
}

func (a *app) box() replace.Box {
	return replace.Box{Etc: filepath.Dir(a.cli.Config), Config: filepath.Base(a.cli.Config), State: a.cli.State}
}

func (c replaceCmd) Run(ctx context.Context, a *app) error {
	unlock, err := lockDaemon(filepath.Join(filepath.Dir(a.cli.Socket), "parvis.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	r := &replacement{c: c, a: a, box: a.box(), keys: bufio.NewReader(os.Stdin)}
	if done, err := r.box.Finish(); err != nil || done {
		if err == nil {
			a.printf(lang.Text{
				EN: "A replacement was under way and is finished now.",
				FR: "Un remplacement était en cours ; il est maintenant fini.",
			})
		}
		return refusedOrNil(err)
	}
	if err := c.sensible(r.box); err != nil {
		return err
	}
	if err := os.MkdirAll(a.cli.State, 0o700); err != nil {
		return refused(err)
	}
	err = r.prepare(ctx)
	if r.newcomer != nil {
		defer r.newcomer.Close()
	}
	if err == nil {
		fmt.Fprint(a.out, r.plan)
		if c.DryRun {
			a.printf(lang.Text{EN: "\nThis was a trial: nothing was changed.", FR: "\nC'était un essai : rien n'a été changé."})
			return refusedOrNil(r.box.Clear())
		}
		err = r.agreed()
	}
	if err == nil {
		err = r.commit(ctx)
	}
	if err != nil {
		if pending, perr := r.box.Pending(); perr == nil && !pending {
			err = errors.Join(err, r.box.Clear())
		}
		return err
	}
	return r.told(ctx)
}

func refusedOrNil(err error) error {
	if err == nil {
		return nil
	}
	return refused(err)
}

// sensible refuses what cannot be meant, before anything is looked at.
func (c replaceCmd) sensible(box replace.Box) error {
	switch {
	case c.Code == "" && c.From == "":
		return fail(exitUsage, lang.Text{
			EN: "expected a code of the hub (parvis replace CODE --hub URL) or a copy (parvis replace --from FILE)",
			FR: "il faut un code du centre (parvis replace CODE --hub URL) ou une copie (parvis replace --from FICHIER)",
		})
	case c.Code != "" && c.From == "" && c.Hub == "":
		return fail(exitUsage, lang.Text{EN: "expected the address of the hub: --hub https://…", FR: "il faut l'adresse du centre : --hub https://…"})
	case c.Hub != "" && !strings.HasPrefix(c.Hub, "https://"):
		return fail(exitUsage, lang.Text{EN: "--hub %s: expected an address that begins with https://", FR: "--hub %s : il faut une adresse qui commence par https://"}, c.Hub)
	case c.Key == "":
		return fail(exitUsage, lang.Text{
			EN: "expected the town's recovery key: --key FILE, or --key - to type it",
			FR: "il faut la clé de secours de la commune : --key FICHIER, ou --key - pour la taper",
		})
	}
	if is := box.Occupied(); is != "" && !c.Force {
		return fail(exitRefused, lang.Text{
			EN: "this box is a site already (%s is there); expected a bare one; if it really is to become the other site: --force, what it has is then moved aside",
			FR: "cette box est déjà un lieu (%s existe) ; il faut une box neuve ; si elle doit vraiment devenir l'autre lieu : --force, ce qu'elle a est alors mis de côté",
		}, is)
	}
	return nil
}

// prepare gets the copy, lays it out, fits it to this machine and tries it. Nothing is used up, nothing of the box changes.
func (r *replacement) prepare(ctx context.Context) (err error) {
	key, err := r.a.recoveryKey(r.c.Key)
	if err != nil {
		return err
	}
	dir, seal, err := r.box.Begin()
	if err != nil {
		return refused(err)
	}
	r.dir = dir
	if r.c.Code != "" && r.c.Hub != "" {
		if err := r.meet(ctx, r.c.Hub, r.c.CA, r.c.Proxy, seal); err != nil {
			return err
		}
	}
	if err := r.lay(ctx, key); err != nil {
		return err
	}
	if err := r.fit(); err != nil {
		return err
	}
	if r.c.Code != "" && r.newcomer == nil {
		h := r.cfg.Hub
		if h.URL == "" {
			return fail(exitUsage, lang.Text{EN: "the copy names no hub; expected --hub https://…", FR: "la copie ne nomme aucun centre ; il faut --hub https://…"})
		}
		ca := h.CA // which was the old box's path: it is laid out beside the configuration now
		if rel, err := filepath.Rel(r.box.Etc, h.CA); err == nil && h.CA != "" && filepath.IsLocal(rel) {
			ca = filepath.Join(dir, replace.Etc, rel)
		}
		if err := r.meet(ctx, h.URL, ca, h.Proxy, seal); err != nil {
			return err
		}
	}
	if r.place.Site != "" && r.manifest.Site != "" && r.place.Site != r.manifest.Site {
		return fail(exitRefused, lang.Text{
			EN: "the copy is of another site (%s) than the code (%s); take the code of that site, or that site's copy",
			FR: "la copie est d'un autre lieu (%s) que le code (%s) ; prenez le code de ce lieu, ou la copie de l'autre",
		}, r.manifest.Name, r.place.Name)
	}
	return r.try(ctx)
}

// lay opens the copy, of a file or the hub's newest that is whole.
func (r *replacement) lay(ctx context.Context, key snapshotKey) (err error) {
	if r.c.From != "" {
		f, err := os.Open(r.c.From)
		if err != nil {
			return refused(err)
		}
		defer f.Close()
		if r.manifest, err = snapshot.Read(f, key, r.dir); err != nil {
			return copyFailure(r.c.From, err)
		}
		return nil
	}
	if len(r.place.Copies) == 0 {
		return fail(exitRefused, lang.Text{
			EN: "the hub keeps no copy of %s; expected one in a file: parvis replace %s --hub %s --from FILE. Without any: parvis init, then parvis hub enrol",
			FR: "le centre ne garde aucune copie de %s ; il en faut une dans un fichier : parvis replace %s --hub %s --from FICHIER. Sans aucune : parvis init, puis parvis hub enrol",
		}, r.place.Name, r.c.Code, r.c.Hub)
	}
	for _, k := range r.place.Copies {
		what := lang.Text{EN: "the copy of %s", FR: "la copie du %s"}.In(r.a.lang, time.Unix(k.Kept, 0).Local().Format("2006-01-02 15:04"))
		b, err := r.newcomer.Copy(ctx, k.Sum)
		if err != nil {
			return r.hubFailure(err)
		}
		r.manifest, err = snapshot.Read(bytes.NewReader(b), key, r.dir)
		if err == nil {
			return nil
		}
		if errors.Is(err, snapshot.ErrKey) { // another copy will not have another key
			return copyFailure(what, err)
		}
		r.a.exit(copyFailure(what, err)) // it is said, and the next one tried
		if err := r.box.Clear(); err != nil {
			return refused(err)
		}
	}
	return fail(exitRefused, lang.Text{EN: "none of the hub's copies can be used", FR: "aucune des copies du centre n'est utilisable"})
}

// meet asks the hub whose place the code is for.
func (r *replacement) meet(ctx context.Context, url, ca, proxy string, seal sealKey) error {
	o, err := hubOptions(config.Hub{URL: strings.TrimRight(url, "/"), CA: ca, Proxy: proxy})
	if err != nil {
		return refused(err)
	}
	o.Version, o.Model = version, boardModel()
	r.newcomer = hublink.NewNewcomer(o, r.c.Code, seal)
	if r.place, err = r.newcomer.Ask(ctx); err != nil {
		return r.hubFailure(err)
	}
	return nil
}

func (r *replacement) hubFailure(err error) error {
	if errors.Is(err, hublink.ErrCode) {
		return fail(exitRefused, codeText, err)
	}
	if errors.Is(err, hublink.ErrOften) {
		return fail(exitRefused, lang.Text{
			EN: "the hub was asked too often in a short time; wait a minute and repeat, the code is still good",
			FR: "le centre a été interrogé trop souvent en peu de temps ; attendez une minute et recommencez, le code sert encore",
		})
	}
	return fail(exitRefused, notReachedText, err)
}

// ask reads one line from whoever stands there; "" where nobody does.
func (r *replacement) ask(t lang.Text, args ...any) string {
	fmt.Fprint(r.a.out, t.In(r.a.lang, args...))
	line, err := r.keys.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	return strings.TrimSpace(line)
}

func (r *replacement) agreed() error {
	if r.c.Yes {
		return nil
	}
	switch strings.ToLower(r.ask(lang.Text{EN: "\nDo this? [y/N] ", FR: "\nFaire cela ? [o/N] "})) {
	case "y", "yes", "o", "oui":
		return nil
	}
	return fail(exitRefused, lang.Text{EN: "nothing was changed", FR: "rien n'a été changé"})
}
