package main

import (
	"context"
	"crypto/hpke"
	"encoding/json"
	"os"
	"time"

	"parvis/internal/lang"
	"parvis/sessions/register/keys"
	"parvis/sessions/register/segment"
)

var registerTexts = map[string]lang.Text{
	"help_register": {EN: "The legal register: whether it is whole.", FR: "Le registre légal : s'il est entier."},
	"help_register_verify": {
		EN: "Say whether a folder of the register's files is intact, where it is broken, and what it tells of gaps. Reads no record.",
		FR: "Dit si un dossier de fichiers du registre est intact, où il est abîmé, et ce qu'il dit de ses trous. Ne lit aucune donnée.",
	},
	"help_register_folder":     {EN: "The folder.", FR: "Le dossier."},
	"help_register_checkpoint": {EN: "A checkpoint that was kept elsewhere (JSON); as often as there are some.", FR: "Un point de contrôle gardé ailleurs (JSON) ; autant de fois qu'il y en a."},
	"help_register_part": {
		EN: "A holder's part; with two of them it is also checked that nobody has written the past anew.",
		FR: "La part d'une personne ; avec deux, on vérifie aussi que personne n'a réécrit le passé.",
	},
}

type registerCmd struct {
	Verify registerVerifyCmd `cmd:"" help:"${help_register_verify}"`
}

type registerVerifyCmd struct {
	Folder     string   `arg:"" help:"${help_register_folder}" type:"existingdir" placeholder:"DIR"`
	Checkpoint []string `help:"${help_register_checkpoint}" type:"existingfile" placeholder:"FILE"`
	Part       []string `help:"${help_register_part}" type:"existingfile" placeholder:"FILE"`
	jsonFlag
}

func (c registerVerifyCmd) Run(_ context.Context, a *app) error {
	var checkpoints []segment.Checkpoint
	for _, f := range c.Checkpoint {
		b, err := os.ReadFile(f)
		if err != nil {
			return refused(err)
		}
		var one segment.Checkpoint
		if err := json.Unmarshal(b, &one); err != nil || one.Store == "" || one.Next < 1 {
			return fail(exitNotRight, lang.Text{EN: "%s: not a checkpoint", FR: "%s : n'est pas un point de contrôle"}, f)
		}
		checkpoints = append(checkpoints, one)
	}
	find, unopened, err := finder(c.Part)
	if err != nil {
		return err
	}
	all, err := segment.Verify(os.DirFS(c.Folder), find, checkpoints)
	if err != nil {
		return refused(err)
	}
	if c.JSON {
		if all == nil {
			all = []segment.Store{} // [] and not null for programs that read it
		}
		if err := a.json(all); err != nil {
			return err
		}
	} else {
		a.verified(all)
	}
	for id := range unopened {
		a.tellError(lang.Text{
			EN: "%s: these parts do not open it, so its codes were not checked",
			FR: "%s : ces parts ne l'ouvrent pas, ses codes n'ont donc pas été vérifiés",
		}, id)
	}
	faults := 0
	for _, s := range all {
		faults += len(s.Faults)
	}
	switch {
	case faults > 0:
		return fail(exitNotRight, lang.Text{EN: "%d faults", FR: "%d défauts"}, faults)
	case len(all) == 0:
		return fail(exitNotFound, lang.Text{EN: "%s: no file of the register is there", FR: "%s : aucun fichier du registre n'y est"}, c.Folder)
	}
	return nil
}

// finder opens segments with two parts; unopened collects the keys that they do not open. Without parts nothing is opened.
func finder(files []string) (find segment.Finder, unopened map[string]bool, err error) {
	if len(files) == 0 {
		return nil, nil, nil
	}
	parts, err := readParts(files)
	if err != nil {
		return nil, nil, err
	}
	unopened = map[string]bool{}
	made := map[string]hpke.PrivateKey{}
	return func(h segment.Header) hpke.PrivateKey {
		if k, done := made[h.Key]; done {
			return k
		}
		k, err := keys.Join(together(parts, keys.ID(h.Key))...)
		if err != nil {
			unopened[h.Key] = true
			k = nil
		}
		made[h.Key] = k
		return k
	}, unopened, nil
}

var gapTexts = map[segment.GapKind]lang.Text{
	segment.Power:    {EN: "no power", FR: "pas de courant"},
	segment.Restart:  {EN: "Parvis was not running", FR: "Parvis ne tournait pas"},
	segment.Clock:    {EN: "the clock was set", FR: "l'horloge a été réglée"},
	segment.Storage:  {EN: "nothing could be written", FR: "rien ne pouvait être écrit"},
	segment.Replaced: {EN: "another box", FR: "une autre box"},
	segment.NoKey:    {EN: "no key was there", FR: "il n'y avait pas de clé"},
}

var faultTexts = map[segment.FaultKind]lang.Text{
	segment.Broken:   {EN: "broken at entry %d (%s): %s", FR: "abîmé à l'entrée %d (%s) : %s"},
	segment.Missing:  {EN: "entries are missing from %d on (%s) %s", FR: "des entrées manquent à partir de %d (%s) %s"},
	segment.Unlinked: {EN: "entry %d does not follow the one before (%s): %s", FR: "l'entrée %d ne suit pas celle d'avant (%s) : %s"},
	segment.Unended:  {EN: "cut off at entry %d without a reason (%s) %s", FR: "coupé à l'entrée %d sans raison dite (%s) %s"},
	segment.Stranger: {EN: "from entry %d on written by another box, which nobody told (%s) %s", FR: "à partir de l'entrée %d, écrit par une autre box, sans l'avoir dit (%s) %s"},
	segment.Behind:   {EN: "from entry %d on it is not what was remembered elsewhere (%s) %s", FR: "à partir de l'entrée %d, ce n'est pas ce qui a été retenu ailleurs (%s) %s"},
}

// verified says what was found, a store after the other.
func (a *app) verified(all []segment.Store) {
	for _, s := range all {
		word := lang.Text{EN: "intact", FR: "intact"}
		if len(s.Faults) > 0 {
			word = lang.Text{EN: "NOT intact", FR: "PAS intact"}
		}
		a.printf(lang.Text{EN: "%s: %s, entries %d to %d in %d files.", FR: "%s : %s, entrées %d à %d dans %d fichiers."}, s.Name, word, s.First, s.Next-1, s.Segments)
		if s.Open {
			a.printf(lang.Text{EN: "  - the last file is not ended: it was being written", FR: "  - le dernier fichier n'est pas terminé : il était en cours d'écriture"})
		}
		for _, g := range s.Gaps {
			sure := lang.Text{}
			if !g.Gap.Sure {
				sure = lang.Text{EN: " (by a clock that was not set)", FR: " (par une horloge qui n'était pas à l'heure)"}
			}
			a.printf(lang.Text{EN: "  - entry %d, gap from %s to %s%s: %s", FR: "  - entrée %d, trou du %s au %s%s : %s"},
				g.Number, g.Gap.From.Format(time.RFC3339), g.Gap.To.Format(time.RFC3339), sure, gapText(g.Gap.Kind))
			if g.Gap.Lost > 0 {
				a.printf(lang.Text{EN: "    lost: %d", FR: "    perdues : %d"}, g.Gap.Lost)
			}
		}
		for _, f := range s.Faults {
			t, known := faultTexts[f.Kind]
			if !known {
				t = lang.Text{EN: string(f.Kind) + " %d (%s) %s", FR: string(f.Kind) + " %d (%s) %s"}
			}
			a.printf(lang.Text{EN: "  ! %s", FR: "  ! %s"}, t.In(a.lang, f.From, f.Segment, f.Why))
		}
	}
}

func gapText(k segment.GapKind) lang.Text {
	if t, ok := gapTexts[k]; ok {
		return t
	}
	return lang.Text{EN: string(k), FR: string(k)}
}
