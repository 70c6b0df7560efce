package catalogue_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"parvis/kiosk/catalogue"
)

func opened(t testing.TB, path string) *catalogue.Proposals {
	t.Helper()
	p, err := catalogue.OpenProposals(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAProposalWaitsUntilTheCatalogueHasIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proposals.json")
	p := opened(t, path)
	image := catalogue.Proposal{Service: "caf", Host: "images.exemple.fr"}
	other := catalogue.Proposal{Service: "ameli", Host: "images.exemple.fr"}
	if err := errors.Join(p.Add(image), p.Add(other), p.Add(image)); err != nil {
		t.Fatal(err)
	}
	if all := opened(t, path).All(); !slices.Equal(all, []catalogue.Proposal{image, other}) {
		t.Errorf("after a restart: %+v", all)
	}
	c, problems := catalogue.Judge(catalogue.Files(), "[[more]]\nof = \"caf\"\nbelieved = [\"images.exemple.fr\"]\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if err := p.Settle(c); err != nil || !slices.Equal(p.All(), []catalogue.Proposal{other}) {
		t.Errorf("the catalogue has one: %+v, %v", p.All(), err)
	}
	if err := errors.Join(p.Remove(other), p.Remove(other)); err != nil || len(p.All()) > 0 {
		t.Errorf("taken back: %+v, %v", p.All(), err)
	}
	if all := opened(t, path).All(); len(all) > 0 {
		t.Errorf("taken back, after a restart: %+v", all)
	}
}

func TestWhatIsNoProposal(t *testing.T) {
	p := opened(t, filepath.Join(t.TempDir(), "proposals.json"))
	for _, one := range []catalogue.Proposal{
		{"", "a.exemple.fr"}, {"É", "a.exemple.fr"}, {"caf", ""}, {"caf", ".exemple.fr"}, {"caf", "192.0.2.1"}, {"caf", "A.exemple.fr"}, {"caf", ".fr"}, {"caf", "https://a.fr"},
	} {
		if err := p.Add(one); !errors.Is(err, catalogue.ErrProposal) {
			t.Errorf("%+v: %v", one, err)
		}
	}
}

func TestAProposalThatCannotBeWrittenIsNotMade(t *testing.T) {
	p := opened(t, filepath.Join(t.TempDir(), "no", "such", "folder", "proposals.json"))
	if err := p.Add(catalogue.Proposal{Service: "caf", Host: "a.exemple.fr"}); err == nil || len(p.All()) > 0 {
		t.Errorf("%v, %+v", err, p.All())
	}
}

func TestADamagedFileOfProposalsIsEmpty(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proposals.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := catalogue.OpenProposals(path)
	if err == nil || len(p.All()) > 0 {
		t.Errorf("%v, %+v", err, p.All())
	}
	if err := p.Add(catalogue.Proposal{Service: "caf", Host: "a.exemple.fr"}); err != nil || len(opened(t, path).All()) != 1 {
		t.Errorf("written anew: %v", err)
	}
}

// Whatever is done in any order, the file and the memory are one list without doubles, no longer than it may be.
func TestProposalsAreOneList(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		p, err := catalogue.OpenProposals(path)
		if err != nil {
			t.Fatal(err)
		}
		var want []catalogue.Proposal
		for range rapid.IntRange(0, 100).Draw(t, "gestures") {
			one := catalogue.Proposal{Service: "caf", Host: fmt.Sprintf("h%d.exemple.fr", rapid.IntRange(0, 80).Draw(t, "host"))}
			i := slices.Index(want, one)
			if rapid.IntRange(0, 3).Draw(t, "take back") == 0 {
				err = p.Remove(one)
				if i >= 0 {
					want = slices.Delete(want, i, i+1)
				}
			} else {
				err = p.Add(one)
				switch full := len(want) >= catalogue.MostProposals; {
				case i < 0 && full && errors.Is(err, catalogue.ErrProposals):
					err = nil
				case i < 0 && full:
					t.Fatalf("one too many: %v", err)
				case i < 0:
					want = append(want, one)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		again, err := catalogue.OpenProposals(path)
		if err != nil || !slices.Equal(p.All(), want) || !slices.Equal(again.All(), want) {
			t.Fatalf("%v, %v; expected %v, %v", p.All(), again.All(), want, err)
		}
	})
}

// Two directories of a town are one: the site's own and what its centre has published.
func TestBothDirectoriesAreRead(t *testing.T) {
	own, centre := t.TempDir(), t.TempDir()
	write := func(dir, name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(own, "lieu.toml", "without = [\"ent\"]\n")
	write(centre, catalogue.PublishedFile, "without = [\"doctolib\"]\n\n[[more]]\nof = \"caf\"\nbelieved = [\"images.exemple.fr\"]\n")
	c, err := catalogue.Load(catalogue.Files(), own, "", centre)
	if err != nil {
		t.Fatal(err)
	}
	if c.Known("ent") || c.Known("doctolib") || c.Lacks("caf", "images.exemple.fr") || !c.Lacks("ameli", "images.exemple.fr") {
		t.Error("one of the directories is not in the catalogue")
	}
}
