package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
	"parvis/internal/lang"
)

type releaseCmd struct {
	Add      releaseAddCmd      `cmd:"" help:"${help_release_add}"`
	List     releaseListCmd     `cmd:"" help:"${help_release_list}"`
	Withdraw releaseWithdrawCmd `cmd:"" help:"${help_release_withdraw}"`
}

type releaseAddCmd struct {
	Version   string   `arg:"" help:"${help_release_version}"`
	Files     []string `arg:"" name:"arch=file" help:"${help_release_files}"`
	Checksums string   `type:"path" placeholder:"FILE" help:"${help_release_checksums}"`
}

func (c releaseAddCmd) Run(a *app) error {
	if !wire.Versioned(c.Version) {
		return fail(exitUsage, lang.Text{
			EN: "version %q: expected 1 to 64 letters, digits and the signs . + _ -, such as 1.2.0",
			FR: "version %q : de 1 à 64 lettres, chiffres et signes . + _ - sont attendus, comme 1.2.0",
		}, c.Version)
	}
	files := map[string]io.ReadSeeker{}
	for _, one := range c.Files {
		arch, path, ok := strings.Cut(one, "=")
		if !ok || !slices.Contains(wire.Archs, arch) || files[arch] != nil {
			return fail(exitUsage, lang.Text{
				EN: "%q: expected each architecture (%s) at most once, with its file: arm64=FILE",
				FR: "%q : chaque architecture (%s) est attendue une fois au plus, avec son fichier : arm64=FICHIER",
			}, one, strings.Join(wire.Archs, ", "))
		}
		f, err := os.Open(path)
		if err != nil {
			return fail(exitRefused, lang.Text{EN: "%v", FR: "%v"}, err)
		}
		defer f.Close()
		if err := c.judge(f, arch); err != nil {
			return err
		}
		files[arch] = f
	}
	return a.with(func(ctx context.Context, h *store.Hub) error {
		r, err := h.AddRelease(ctx, c.Version, files)
		switch {
		case errors.Is(err, store.ErrTaken):
			return fail(exitRefused, lang.Text{
				EN: "version %s has a file of this architecture already; a version's file is never another one: give the new one another version",
				FR: "la version %s a déjà un fichier pour cette architecture ; le fichier d'une version n'est jamais remplacé : donnez une autre version au nouveau",
			}, c.Version)
		case errors.Is(err, store.ErrWithdrawn):
			return fail(exitRefused, lang.Text{EN: "version %s was withdrawn; it does not come back under the same name", FR: "la version %s a été retirée ; elle ne revient pas sous le même nom"}, c.Version)
		case err != nil:
			return err
		}
		if err := printReleases(a, []store.Release{r}); err != nil {
			return err
		}
		a.printf(lang.Text{
			EN: "Kept. Each commune decides when its sites get it, on the page of updates.",
			FR: "Gardée. Chaque commune décide quand ses lieux la reçoivent, dans la page Mise à jour.",
		})
		return nil
	})
}

// judge refuses what is not the router's binary of this version and architecture.
func (c releaseAddCmd) judge(f *os.File, arch string) error {
	if c.Checksums != "" {
		if err := listed(c.Checksums, f); err != nil {
			return err
		}
	}
	info, err := buildinfo.Read(f)
	if err != nil {
		return fail(exitRefused, lang.Text{EN: "%s: no program of Go (%v); expected bin/parvis-router", FR: "%s : pas un programme Go (%v) ; bin/parvis-router est attendu"}, f.Name(), err)
	}
	if wrong := misbuilt(info, c.Version, arch); wrong != (lang.Text{}) {
		return fail(exitRefused, lang.Text{EN: "%s: " + wrong.EN, FR: "%s : " + wrong.FR}, f.Name())
	}
	return nil
}

// misbuilt says what of a program is not as of the router's binary of a version and architecture; the zero text: nothing.
func misbuilt(info *debug.BuildInfo, version, arch string) lang.Text {
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	want, level := arch, ""
	if arch == "armv7" {
		want, level = "arm", "7"
	}
	built := set["GOOS"] + " " + set["GOARCH"] + set["GOARM"]
	says := func(en, fr string, args ...any) lang.Text {
		return lang.Text{EN: fmt.Sprintf(en, args...), FR: fmt.Sprintf(fr, args...)}
	}
	_, flags, said := strings.Cut(set["-ldflags"], "main.version=")
	made, _, _ := strings.Cut(flags, " ")
	made = strings.Trim(made, `"'`)
	switch {
	case info.Path != "parvis/cmd/parvis":
		return says("another program (%s); expected Parvis of a router", "un autre programme (%s) ; Parvis d'un routeur est attendu", info.Path)
	case set["GOOS"] != "linux" || set["GOARCH"] != want || level != "" && !strings.HasPrefix(set["GOARM"], level):
		return says("built for %s; expected linux %s", "fait pour %s ; linux %s est attendu", built, arch)
	case said && made != version:
		return says("of version %s; expected %s", "de la version %s ; %s est attendue", made, version)
	case set["-race"] == "true":
		return says("built with the race detector", "fait avec le détecteur de conflits")
	}
	return lang.Text{}
}

// listed refuses a file whose digest is not on the line of its name.
func listed(list string, f *os.File) error {
	b, err := os.ReadFile(list)
	if err != nil {
		return fail(exitRefused, lang.Text{EN: "%v", FR: "%v"}, err)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	want := hex.EncodeToString(sum.Sum(nil))
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		digest, name, _ := strings.Cut(lines.Text(), " ")
		if filepath.Base(strings.TrimLeft(name, " *")) == filepath.Base(f.Name()) && strings.EqualFold(digest, want) {
			return nil
		}
	}
	return fail(exitRefused, lang.Text{
		EN: "%s: its SHA-256 is %s, and %s does not have it beside this name; fetch both again",
		FR: "%s : son empreinte SHA-256 est %s, et %s ne l'a pas à côté de ce nom ; reprenez les deux fichiers",
	}, f.Name(), want, list)
}

type releaseListCmd struct{}

func (releaseListCmd) Run(a *app) error {
	return a.with(func(ctx context.Context, h *store.Hub) error {
		all, err := h.Releases(ctx)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			a.printf(lang.Text{EN: "None. parvis-hub admin release add VERSION ARCH=FILE", FR: "Aucune. parvis-hub admin release add VERSION ARCH=FICHIER"})
		}
		return printReleases(a, all)
	})
}

func printReleases(a *app, all []store.Release) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	withdrawn := lang.Text{EN: "withdrawn", FR: "retirée"}.In(a.lang)
	for _, r := range all {
		state := ""
		if !r.Withdrawn.IsZero() {
			state = withdrawn
		}
		for _, arch := range wire.Archs {
			if f, ok := r.Files[arch]; ok {
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", r.Version, r.Made.Format(time.DateOnly), arch, f.Size, f.SHA256, state)
			}
		}
	}
	return w.Flush()
}

type releaseWithdrawCmd struct {
	Version string `arg:"" help:"${help_release_version}"`
}

func (c releaseWithdrawCmd) Run(a *app) error {
	return a.with(func(ctx context.Context, h *store.Hub) error {
		err := h.WithdrawRelease(ctx, c.Version)
		if errors.Is(err, store.ErrUnknown) {
			return fail(exitNotFound, lang.Text{
				EN: "there is no version %q, or it is withdrawn; parvis-hub admin release list has those that there are",
				FR: "il n'y a pas de version %q, ou elle est retirée ; parvis-hub admin release list montre celles qui existent",
			}, c.Version)
		}
		if err != nil {
			return err
		}
		a.printf(lang.Text{
			EN: "Withdrawn. No site is told of it any more; those that run it go on.",
			FR: "Retirée. Plus aucun lieu n'en est prévenu ; ceux qui la font tourner continuent.",
		})
		return nil
	})
}
