package main

import (
	"context"
	"crypto/ecdh"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/database"
	"parvis/internal/durable"
	"parvis/internal/hublink/certs"
	"parvis/internal/lang"
	"parvis/internal/machine"
	"parvis/internal/replace"
	"parvis/internal/setup"
	terminals "parvis/kiosk/sqlite"
	staff "parvis/portal/staff/sqlite"
	"parvis/sessions/sqlite"
	"parvis/sessions/usage"
)

type (
	snapshotKey = age.Identity
	sealKey     = *ecdh.PrivateKey
)

// fit writes this machine's ports, and where files are now, into the configuration that is laid out.
func (r *replacement) fit() error {
	path := filepath.Join(r.dir, replace.Etc, "parvis.toml")
	source, err := os.ReadFile(path)
	if err != nil {
		return copyFailure(r.what(), err)
	}
	cfg, problems := config.Parse(r.a.cli.Config, source)
	if config.HasErrors(problems) {
		r.a.tell(problems)
		return fail(exitNotRight, lang.Text{
			EN: "the configuration of the copy cannot be used by this version of Parvis; install the version that made it: %s",
			FR: "la configuration de la copie ne peut pas servir à cette version de Parvis ; installez celle qui l'a faite : %s",
		}, r.manifest.Version)
	}
	w, described, err := r.wires(cfg)
	if err != nil {
		return err
	}
	values := map[string]string{}
	for key, name := range r.manifest.Named {
		if rel, inside := strings.CutPrefix(name, "etc/"); inside {
			values[key] = filepath.Join(r.box.Etc, filepath.FromSlash(rel))
		}
	}
	text := setup.Rewire(string(source), w, values)
	if url := strings.TrimRight(r.c.Hub, "/"); r.c.Code != "" && url != "" && cfg.Hub.URL != url {
		text = r.hubInto(text, cfg, url)
	}
	if r.cfg, problems = config.Parse(r.a.cli.Config, []byte(text)); config.HasErrors(problems) {
		r.a.tell(problems)
		return fail(exitNotRight, lang.Text{EN: "nothing was changed", FR: "rien n'a été changé"})
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return refused(err)
	}
	if r.box.Config != "parvis.toml" {
		if err := os.Rename(path, filepath.Join(filepath.Dir(path), r.box.Config)); err != nil {
			return refused(err)
		}
		path = filepath.Join(filepath.Dir(path), r.box.Config)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		return refused(err)
	}
	r.plan = described
	return synced(path)
}

// hubInto makes the configuration name the hub that was said.
func (r *replacement) hubInto(text string, cfg *config.Config, url string) string {
	if cfg.Hub.URL != "" {
		return setup.Put(text, map[string]string{"hub.url": url})
	}
	return text + fmt.Sprintf("\n[hub]\nurl = %q\n", url)
}

func (r *replacement) what() string {
	if r.c.From != "" {
		return r.c.From
	}
	return lang.Text{EN: "the hub's copy", FR: "la copie du centre"}.In(r.a.lang)
}

// synced puts a file that was written in place on the disk.
func synced(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), durable.SyncDir(filepath.Dir(path)))
	}
	return refusedOrNil(err)
}

// try opens every file of the copy as the daemon will: what cannot be used is found before the old box is refused.
func (r *replacement) try(ctx context.Context) error {
	system, err := clock.NewSystem()
	if err != nil {
		return refused(err)
	}
	state := filepath.Join(r.dir, replace.State)
	key, err := machine.ReadSiteKey(filepath.Join(r.dir, replace.Etc, "site.key"))
	if err != nil {
		return copyFailure(r.what(), err)
	}
	for _, of := range []struct {
		name string
		open func(path string) error
	}{
		{"parvis.db", func(p string) error {
			s, err := sqlite.Open(p, [32]byte(key), system)
			if err != nil {
				return err
			}
			return s.Close()
		}},
		{"staff.db", func(p string) error {
			s, err := staff.Open(p, system)
			if err != nil {
				return err
			}
			return s.Close()
		}},
		{"terminals.db", func(p string) error {
			s, err := terminals.Open(p, system)
			if err != nil {
				return err
			}
			return s.Close()
		}},
		{"usage.db", func(p string) error { return usage.Continue(ctx, p, system.BootID()) }},
	} {
		path := filepath.Join(state, of.name)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			continue // a place without a console, or without terminals
		}
		if err := of.open(path); err != nil {
			why := err.Error()
			if e := (*database.Error)(nil); errors.As(err, &e) {
				why = e.In(r.a.lang)
			}
			return fail(exitRefused, lang.Text{
				EN: "a database of the copy cannot be used here (%s); nothing was changed; take another copy, or the version of Parvis that made it: %s",
				FR: "une base de la copie ne peut pas servir ici (%s) ; rien n'a été changé ; prenez une autre copie, ou la version de Parvis qui l'a faite : %s",
			}, why, r.manifest.Version)
		}
	}
	return r.renew(filepath.Join(state, "names"))
}

// renew lets the new box ask for certificates of keys of its own: the old one has had those of the copy.
func (r *replacement) renew(names string) error {
	k := certs.Keeper{Dir: names}
	all, err := filepath.Glob(filepath.Join(names, "*.pem"))
	for _, n := range all {
		err = errors.Join(err, k.Renew(strings.TrimSuffix(filepath.Base(n), ".pem")))
	}
	return refusedOrNil(err)
}

// commit redeems the code, and then decides.
func (r *replacement) commit(ctx context.Context) error {
	if r.newcomer != nil {
		if err := r.newcomer.Enrol(ctx, filepath.Join(r.dir, replace.State, "hub.json")); err != nil {
			return r.hubFailure(err)
		}
	}
	if err := r.box.Commit(time.Now()); err != nil {
		return refused(err)
	}
	if _, err := r.box.Finish(); err != nil {
		return fail(exitRefused, lang.Text{
			EN: "the replacement is decided and not finished (%v); repeat: parvis replace, with the same words; the start of Parvis finishes it too",
			FR: "le remplacement est décidé mais pas fini (%v) ; recommencez : parvis replace, avec les mêmes mots ; le démarrage de Parvis le finit aussi",
		}, err)
	}
	return nil
}

// told says what is done and what comes next.
func (r *replacement) told(ctx context.Context) error {
	a := r.a
	a.printf(lang.Text{EN: "\nThis box is %s now.", FR: "\nCette box est maintenant %s."}, r.manifest.Name)
	if r.newcomer == nil && r.cfg.Hub.URL != "" {
		a.printf(lang.Text{
			EN: "The hub still expects the old box. With a code of its page \"Remplacer une box\": parvis hub enrol CODE, once Parvis runs.",
			FR: "Le centre attend encore l'ancienne box. Avec un code de sa page « Remplacer une box » : parvis hub enrol CODE, une fois Parvis lancé.",
		})
	}
	problems, err := a.allProblems(ctx, r.cfg, nil)
	if err != nil {
		return refused(err)
	}
	a.tell(problems)
	if config.HasErrors(problems) {
		a.printf(lang.Text{
			EN: "Correct what is said above, then: parvis check, and start the service (systemctl start parvis).",
			FR: "Corrigez ce qui est dit plus haut, puis : parvis check, et lancez le service (systemctl start parvis).",
		})
		return nil
	}
	a.printf(lang.Text{EN: "Next: start the service (systemctl start parvis).", FR: "Ensuite : lancez le service (systemctl start parvis)."})
	return nil
}

// finishReplacement ends what a power cut has cut, before a daemon looks at its files.
func (a *app) finishReplacement() error {
	pending, err := a.box().Pending()
	if err != nil || !pending {
		return refusedOrNil(err)
	}
	unlock, err := lockDaemon(filepath.Join(filepath.Dir(a.cli.Socket), "parvis.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	_, err = a.box().Finish()
	return refusedOrNil(err)
}
