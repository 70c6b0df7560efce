package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"filippo.io/age"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/snapshot"
)

var copyTexts = map[string]lang.Text{
	"help_copy": {EN: "The encrypted copy of this place, to replace a dead box.", FR: "La copie chiffrée de ce lieu, pour remplacer une box morte."},
	"help_copy_key": {
		EN: "Make a recovery key for a town, into a file that no router keeps. Best on a computer of the IT department.",
		FR: "Crée la clé de secours d'une commune, dans un fichier qu'aucun routeur ne garde. De préférence sur un ordinateur de l'informatique.",
	},
	"help_copy_key_file": {EN: "Where the key goes; the file is not there yet.", FR: "Où mettre la clé ; le fichier n'existe pas encore."},
	"help_copy_now":      {EN: "Make a copy now.", FR: "Fait une copie maintenant."},
	"help_copy_check": {
		EN: "Open a copy with its recovery key, and say whose it is. Nothing is changed.",
		FR: "Ouvre une copie avec sa clé de secours, et dit de quel lieu elle est. Rien n'est changé.",
	},
	"help_copy_check_file": {EN: "The copy.", FR: "La copie."},
	"help_copy_with":       {EN: "File with the recovery key; - reads it from the keyboard.", FR: "Fichier de la clé de secours ; - la lit au clavier."},
}

type copyCmd struct {
	Key   copyKeyCmd   `cmd:"" help:"${help_copy_key}"`
	Now   copyNowCmd   `cmd:"" help:"${help_copy_now}"`
	Check copyCheckCmd `cmd:"" help:"${help_copy_check}"`
}

type copyKeyCmd struct {
	File string `arg:"" help:"${help_copy_key_file}" type:"path" placeholder:"FILE"`
}

func (c copyKeyCmd) Run(_ context.Context, a *app) error {
	text, public, err := snapshot.NewKey(time.Now())
	if err != nil {
		return refused(err)
	}
	f, err := os.OpenFile(c.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fail(exitRefused, lang.Text{
			EN: "%s is there already; expected a name that is free: a recovery key is never overwritten",
			FR: "%s existe déjà ; il faut un nom libre : une clé de secours n'est jamais écrasée",
		}, c.File)
	}
	if err != nil {
		return refused(err)
	}
	_, err = io.WriteString(f, text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(c.File)
		return refused(err)
	}
	a.printf(lang.Text{
		EN: "Written: %s\nKeep it in a safe, twice, and on no router: who has it can read the copies, and without it none can be opened.\nOn each router, in parvis.toml:\n\n[copy]\nkey = \"%s\"",
		FR: "Écrit : %s\nGardez-le au coffre, en double, et sur aucun routeur : qui l'a peut lire les copies, et sans lui aucune ne s'ouvre.\nSur chaque routeur, dans parvis.toml :\n\n[copy]\nkey = \"%s\"",
	}, c.File, public)
	return nil
}

type copyNowCmd struct{ jsonFlag }

func (c copyNowCmd) Run(ctx context.Context, a *app) error {
	s, err := a.client.Copy(ctx)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return a.json(s)
	case s.Running:
		a.printf(lang.Text{EN: "The copy takes its time and goes on; see: parvis status", FR: "La copie prend du temps et continue ; voir : parvis status"})
		return nil
	}
	a.copies(&s)
	return nil
}

// copies says when the last copies were made.
func (a *app) copies(s *control.Copies) {
	if s == nil {
		return
	}
	for _, p := range s.Places {
		name := copyPlaceNames[p.Name].In(a.lang)
		if p.Made == nil {
			a.printf(lang.Text{EN: "Copy (%s): none yet.", FR: "Copie (%s) : pas encore."}, name)
			continue
		}
		a.printf(lang.Text{EN: "Copy (%s): %s, %d kB.", FR: "Copie (%s) : %s, %d ko."}, name, p.Made.Local().Format("2006-01-02 15:04"), (p.Size+999)/1000)
	}
}

type copyCheckCmd struct {
	File string `arg:"" help:"${help_copy_check_file}" type:"path" placeholder:"FILE"`
	Key  string `required:"" help:"${help_copy_with}" placeholder:"FILE"`
}

func (c copyCheckCmd) Run(_ context.Context, a *app) error {
	key, err := a.recoveryKey(c.Key)
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return refused(err)
	}
	defer f.Close()
	m, names, err := snapshot.Look(f, key)
	if err != nil {
		return copyFailure(c.File, err)
	}
	a.printf(wholeText, m.Name, time.Unix(m.Made, 0).Local().Format("2006-01-02 15:04"), m.Version, orDash(m.Model))
	for _, n := range names {
		fmt.Fprintln(a.out, "  "+n)
	}
	return nil
}

var wholeText = lang.Text{
	EN: "The copy is whole: %s, made %s by Parvis %s on %s.",
	FR: "La copie est entière : %s, faite le %s par Parvis %s sur %s.",
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// recoveryKey reads the private key from a file, or from the keyboard. It is never an argument, and stays nowhere.
func (a *app) recoveryKey(path string) (age.Identity, error) {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, refused(err)
		}
		defer f.Close()
		in = f
	}
	var from io.Reader = in
	if path == "-" {
		fmt.Fprint(a.err, lang.Text{EN: "The recovery key (AGE-SECRET-KEY-1…): ", FR: "La clé de secours (AGE-SECRET-KEY-1…) : "}.In(a.lang))
		from = firstLine{in}
	}
	key, err := snapshot.ReadKey(from)
	if errors.Is(err, snapshot.ErrKeyText) {
		return nil, fail(exitRefused, lang.Text{
			EN: "this is no recovery key, or a letter of it is wrong; expected the file that \"parvis copy key\" has made, or its line that begins with AGE-SECRET-KEY-1",
			FR: "ce n'est pas une clé de secours, ou une lettre est fausse ; il faut le fichier fait par « parvis copy key », ou sa ligne qui commence par AGE-SECRET-KEY-1",
		})
	}
	if err != nil {
		return nil, refused(err)
	}
	return key, nil
}

// firstLine reads a terminal up to the end of one line: whoever types does not know how to end a file.
type firstLine struct{ in io.Reader }

func (l firstLine) Read(p []byte) (int, error) {
	n, err := l.in.Read(p[:min(len(p), 1)])
	if n == 1 && p[0] == '\n' {
		return 0, io.EOF
	}
	return n, err
}

// copyFailure says what is wrong with a copy.
func copyFailure(what string, err error) error {
	for _, t := range []struct {
		is   error
		text lang.Text
	}{
		{snapshot.ErrKey, lang.Text{
			EN: "%s was not encrypted to this key; expected the recovery key whose public part the site's configuration had as copy.key",
			FR: "%s n'a pas été chiffrée pour cette clé ; il faut la clé de secours dont la partie publique était copy.key dans la configuration du lieu",
		}},
		{snapshot.ErrNewer, lang.Text{
			EN: "%s was made by a newer Parvis; install that version here first",
			FR: "%s a été faite par un Parvis plus récent ; installez d'abord cette version ici",
		}},
		{snapshot.ErrDamaged, lang.Text{
			EN: "%s is cut off or damaged, or no copy of a site; take another one, for example of the day before",
			FR: "%s est coupée ou abîmée, ou n'est pas la copie d'un lieu ; prenez-en une autre, par exemple celle de la veille",
		}},
		{snapshot.ErrForm, lang.Text{
			EN: "%s is no copy that a site makes: somebody has made it up, or changed it; do not use it",
			FR: "%s n'est pas une copie faite par un lieu : quelqu'un l'a fabriquée ou changée ; ne l'utilisez pas",
		}},
	} {
		if errors.Is(err, t.is) {
			return fail(exitRefused, t.text, what)
		}
	}
	return refused(err)
}
