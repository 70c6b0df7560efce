package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/snapshot"
)

// The places of copies, as copies.json and `parvis status` name them.
const (
	copyDirectory = "directory"
	copyHub       = "hub"
)

// copies is the nightly encrypted copy of the site. Its zero value is a place that makes none.
type copies struct {
	keeper *snapshot.Keeper
	begin  chan chan error // `parvis copy now`
}

// openCopies makes the keeper, where there is a recovery key.
func (d *daemon) openCopies() {
	c := d.cfg.Copy
	to, err := snapshot.Recipient(c.Key)
	if !c.Made() || err != nil { // the configuration's reader has judged the key
		return
	}
	var places []snapshot.Place
	if c.Directory != "" {
		places = append(places, snapshot.Directory(c.Directory, d.cfg.Site.Name, d.app.cli.State))
	}
	if c.Hub {
		places = append(places, snapshot.Place{
			Name: copyHub, Ready: func() bool { return d.hub.link != nil && d.hub.link.Status().Enrolled() },
			Put: func(ctx context.Context, _ time.Time, b []byte) error { return d.hub.link.SendCopy(ctx, b) },
		})
	}
	etc, state := filepath.Dir(d.app.cli.Config), d.app.cli.State
	d.copies.begin = make(chan chan error)
	d.copies.keeper = snapshot.NewKeeper(snapshot.KeeperOptions{
		Path: filepath.Join(state, "copies.json"), Clock: d.clock, Zone: d.cfg.Site.Hours.Zone, Places: places, Log: d.log,
		Open: func() bool { return d.manager.Site().Open },
		Take: func(ctx context.Context, made time.Time, w io.Writer) error {
			own, problems := config.Load(d.app.cli.Config) // as it is on the disk, without the hub's part over it
			if config.HasErrors(problems) {
				return errors.New("the configuration on the disk has errors; see: parvis check")
			}
			s, err := source(own, d.app.cli.Config, etc, state)
			if err != nil {
				return err
			}
			s.Manifest.Name, s.Version, s.Model, s.Made = own.Site.Name, version, boardModel(), made.Unix()
			if d.hub.link != nil {
				s.Site = d.hub.link.Status().Site
			}
			s.Scratch = filepath.Dir(d.app.cli.Socket)
			return snapshot.Take(ctx, w, to, s)
		},
	})
}

// stateFiles are what of the state's directory makes a site that site. Not among them: hub.json, which is of one box (its token and its
// sealing key), what is written anew at each start, and what is only about what was out of order.
var stateFiles = []snapshot.File{
	{Name: "parvis.db", Database: true},
	{Name: "staff.db", Database: true, Optional: true},
	{Name: "usage.db", Database: true},
	{Name: "terminals.db", Database: true, Optional: true},
	{Name: "leases", Optional: true},
	{Name: "leases-terminals", Optional: true},
	{Name: "queue.json", Optional: true},
	{Name: "porteus.json", Optional: true},
	{Name: "catalogue-trials.json", Optional: true},
	{Name: "bundle.json", Optional: true},
}

// source is what is copied: the configuration, the site's key, what the configuration names, and the state.
func source(cfg *config.Config, file, etc, state string) (s snapshot.Source, err error) {
	s.Files = []snapshot.File{
		{Name: "etc/parvis.toml", Path: file},
		{Name: "etc/site.key", Path: filepath.Join(etc, "site.key")},
	}
	s.Named = map[string]string{}
	named := cfg.Files()
	for _, key := range slices.Sorted(maps.Keys(named)) {
		if err := add(&s, key, named[key], etc); err != nil {
			return s, err
		}
	}
	for _, f := range stateFiles {
		f.Path = filepath.Join(state, f.Name)
		f.Name = "state/" + f.Name
		s.Files = append(s.Files, f)
	}
	names, err := filepath.Glob(filepath.Join(state, "names", "*.pem"))
	for _, n := range names {
		if !strings.HasSuffix(n, ".asked.pem") { // a request of the old box
			s.Files = append(s.Files, snapshot.File{Name: "state/names/" + filepath.Base(n), Path: n, Optional: true})
		}
	}
	return s, err
}

// add adds a file or a directory of files that the configuration names. What is beside the configuration keeps its name there.
func add(s *snapshot.Source, key, at, etc string) error {
	name := path.Join("etc", "elsewhere", key, filepath.Base(at))
	if rel, err := filepath.Rel(etc, at); err == nil && filepath.IsLocal(rel) && rel != "." {
		name = path.Join("etc", filepath.ToSlash(rel))
	}
	s.Named[key] = name
	for _, f := range s.Files {
		if f.Name == name { // one file for two keys
			return nil
		}
	}
	info, err := os.Stat(at)
	if errors.Is(err, fs.ErrNotExist) {
		delete(s.Named, key)
		return nil // `parvis check` says so; the copy of everything else is worth having
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		s.Files = append(s.Files, snapshot.File{Name: name, Path: at, Optional: true})
		return nil
	}
	entries, err := os.ReadDir(at)
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			s.Files = append(s.Files, snapshot.File{Name: path.Join(name, e.Name()), Path: filepath.Join(at, e.Name()), Optional: true})
		}
	}
	return err
}

// run makes copies until ctx ends.
func (c *copies) run(ctx context.Context) error {
	if c.keeper == nil {
		return nil
	}
	var under sync.WaitGroup
	defer under.Wait()
	under.Go(func() { _ = c.keeper.Run(ctx) }) // it ends with ctx alone
	for {
		select {
		case <-ctx.Done():
			return nil
		case answer := <-c.begin:
			under.Go(func() { answer <- c.keeper.Now(ctx) })
		}
	}
}

// copyPatience is how long `parvis copy now` waits for the end of the copy, which goes on by itself afterwards.
const copyPatience = 20 * time.Second

var (
	noCopiesText = lang.Text{
		EN: "this place makes no copies; expected copy.key in the configuration; make one with: parvis copy key FILE",
		FR: "ce lieu ne fait pas de copies ; il faut copy.key dans la configuration ; créez-la avec : parvis copy key FICHIER",
	}
	notEnrolledCopyText = lang.Text{
		EN: "no place is ready to take a copy: the hub does not know this place yet; see: parvis hub status",
		FR: "aucun endroit n'est prêt pour une copie : le centre ne connaît pas encore ce lieu ; voir : parvis hub status",
	}
	copyFailedText = lang.Text{EN: "no copy everywhere: %s", FR: "pas de copie partout : %s"}
	copyOldText    = lang.Text{
		EN: "the last copy of this place is older than 3 days, or there is none: if the box died now, what was done since would be lost (%s); see: parvis copy now",
		FR: "la dernière copie de ce lieu a plus de 3 jours, ou il n'y en a pas : si la box mourait maintenant, ce qui s'est fait depuis serait perdu (%s) ; voir : parvis copy now",
	}
	copyPlaceText = lang.Text{
		EN: "no copy goes to the %s (%s); it is tried again each hour",
		FR: "aucune copie ne va vers %s (%s) ; un nouvel essai a lieu chaque heure",
	}
)

// now makes a copy at once; what is answered says what there is then.
func (c *copies) now(ctx context.Context) (control.Copies, error) {
	if c.keeper == nil {
		return control.Copies{}, control.Refuse(control.Refused, noCopiesText)
	}
	answer := make(chan error, 1)
	within, cancel := context.WithTimeout(ctx, copyPatience)
	defer cancel()
	select {
	case c.begin <- answer:
	case <-within.Done():
		return *c.status(), within.Err()
	}
	var err error
	select {
	case err = <-answer:
	case <-within.Done():
		s := *c.status()
		s.Running = true
		return s, nil
	}
	switch {
	case errors.Is(err, snapshot.ErrNowhere):
		err = control.Refuse(control.Refused, notEnrolledCopyText)
	case err != nil:
		why := err.Error()
		err = control.Refuse(control.Refused, copyFailedText, why)
	}
	return *c.status(), err
}

// status is nil where no copies are made.
func (c *copies) status() *control.Copies {
	if c.keeper == nil {
		return nil
	}
	s := c.keeper.Status()
	a := &control.Copies{Old: s.Old, Places: []control.CopyPlace{}}
	if !s.Made.IsZero() {
		a.Made = &s.Made
	}
	for _, p := range s.Places {
		at := control.CopyPlace{Name: p.Name, Size: p.Size, Error: p.Err}
		if !p.Made.IsZero() {
			at.Made = &p.Made
		}
		a.Places = append(a.Places, at)
	}
	return a
}

// copied is what the hub and /metrics are told: when the newest copy was made, 0 none yet; nil where none are made.
func (c *copies) copied() *int64 {
	s := c.status()
	if s == nil {
		return nil
	}
	at := int64(0)
	if s.Made != nil {
		at = s.Made.Unix()
	}
	return &at
}

var copyPlaceNames = map[string]lang.Text{
	copyDirectory: {EN: "directory", FR: "le dossier"},
	copyHub:       {EN: "hub", FR: "le centre"},
}

// notes say that the last copy is old, or that a place takes none.
func (c *copies) notes() (all []control.Problem) {
	s := c.status()
	if s == nil {
		return nil
	}
	var why []string
	for _, p := range s.Places {
		if p.Error != "" {
			why = append(why, p.Error)
			if !s.Old {
				name := copyPlaceNames[p.Name]
				all = append(all, control.Problem{EN: copyPlaceText.In(lang.EN, name.EN, p.Error), FR: copyPlaceText.In(lang.FR, name.FR, p.Error)})
			}
		}
	}
	if s.Old {
		all = append(all, problem(copyOldText, strings.Join(why, "; ")))
	}
	return all
}

// copyProblems is what `parvis check` says of copies.
func copyProblems(cfg *config.Config) []config.Problem {
	if cfg.Copy.Key == "" {
		return nil
	}
	if cfg.Copy.Key == config.ExampleCopyKey() {
		return []config.Problem{cfg.Problem("copy.key", config.Error,
			config.Say("copy.key is the example's: nobody has its private part, and no copy could ever be opened", "copy.key est celle de l'exemple : personne n'a sa partie privée, et aucune copie ne pourrait s'ouvrir"),
			config.Message{}, config.Say("make one with \"parvis copy key FILE\"", "créez-en une avec « parvis copy key FICHIER »"))}
	}
	return nil
}
