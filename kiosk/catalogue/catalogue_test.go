package catalogue_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"

	"parvis/internal/golden"
	"parvis/internal/lang"
	"parvis/kiosk/catalogue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ours(t testing.TB) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Load(catalogue.Files(), "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheListThatComesWithParvisIsRight(t *testing.T) {
	for _, p := range catalogue.Lint(catalogue.Files(), nil) {
		t.Error(p)
	}
}

func TestTheExampleForATownIsRight(t *testing.T) {
	for _, p := range catalogue.Lint(catalogue.Files(), os.DirFS("example")) {
		t.Error(p)
	}
}

// The whole list, to be read by who reviews a change of it.
func TestNames(t *testing.T) {
	c := ours(t)
	var b strings.Builder
	host := func(h catalogue.Host) {
		sure := "B"
		if h.Sure {
			sure = "V"
		}
		fmt.Fprintf(&b, "  %s %s\n", sure, h.Rule)
	}
	for _, bundle := range c.Bundles() {
		fmt.Fprintf(&b, "bundle %s (%s) apart=%v services=%v\n", bundle.ID, bundle.Title, bundle.Apart, bundle.Services)
		for _, h := range bundle.Hosts {
			host(h)
		}
	}
	for _, n := range c.Needs() {
		fmt.Fprintf(&b, "\nneed %s (%s)\n", n.ID, n.Title)
		for _, s := range n.Services {
			fmt.Fprintf(&b, "%s (%s) %s with=%v needs=%v\n", s.ID, s.Title, s.Address, s.With, s.Needs)
			for _, h := range s.Hosts {
				host(h)
			}
		}
	}
	fmt.Fprintf(&b, "\nall\n")
	for _, r := range c.Names([]string{catalogue.All}) {
		fmt.Fprintf(&b, "  %s\n", r)
	}
	golden.Check(t, "names.txt", b.String())
}

func TestEveryServiceCanBeReachedByItsTile(t *testing.T) {
	c := ours(t)
	for _, s := range c.Services() {
		host := strings.SplitN(strings.TrimPrefix(s.Address, "https://"), "/", 2)[0]
		if !c.Names([]string{s.ID}).Allows(host) {
			t.Errorf("%s: %s", s.ID, s.Address)
		}
	}
}

func TestAServiceBringsWhatItNeeds(t *testing.T) {
	c := ours(t)
	for _, x := range []struct {
		ids     []string
		allowed []string
		refused []string
	}{
		{[]string{"caf"}, []string{"www.caf.fr", "oidc.franceconnect.gouv.fr", "any.perfdrive.com"}, []string{"caf.fr", "wwww.caf.fr", "mail.google.com", "www.ameli.fr"}},
		{[]string{"mon-espace-sante"}, []string{"www.monespacesante.fr", "assure.ameli.fr", "app.franceconnect.gouv.fr"}, []string{"www.caf.fr"}},
		{[]string{"messagerie"}, []string{"mail.google.com"}, []string{"www.google.com", "www.caf.fr", "drive.google.com"}},
		{[]string{"jeunesse"}, []string{"www.parcoursup.fr", "pass.culture.fr", "oidc.franceconnect.gouv.fr"}, []string{"www.caf.fr", "mail.google.com"}},
		{[]string{"all"}, []string{"www.caf.fr", "www.doctolib.fr", "any.service.gouv.fr"}, []string{"mail.google.com", "www.laposte.net", "www.example.com"}},
		{[]string{"all", "messagerie"}, []string{"www.caf.fr", "mail.google.com"}, []string{"www.google.com"}},
		{[]string{"gone"}, nil, []string{"www.caf.fr", "gone"}},
		{nil, nil, []string{"www.caf.fr"}},
	} {
		t.Run(strings.Join(x.ids, "+"), func(t *testing.T) {
			list := c.Names(x.ids)
			for _, h := range x.allowed {
				if !list.Allows(h) {
					t.Errorf("%s is refused", h)
				}
			}
			for _, h := range x.refused {
				if list.Allows(h) {
					t.Errorf("%s is allowed", h)
				}
			}
			for i, r := range list {
				if slices.Contains(list[:i], r) {
					t.Errorf("%s twice", r)
				}
			}
		})
	}
}

func TestNothingWasEverTried(t *testing.T) {
	for _, s := range ours(t).Services() {
		if s.Tried != "" {
			t.Errorf("%s: tried %s: the list that comes with Parvis was tried by nobody", s.ID, s.Tried)
		}
	}
}

// town writes a directory of the town's own.
func town(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, f := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.toml", i)), []byte(f), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const pool = `[[service]]
id = "piscine"
need = "commune"
title = "La piscine"
address = "https://piscine.ville.example/"
hosts = ["piscine.ville.example"]
with = ["payfip"]
drawing = "sun"
`

func TestATownAddsItsOwnAndTakesOut(t *testing.T) {
	c, err := catalogue.Load(catalogue.Files(), town(t, pool, "[[more]]\nof = \"caf\"\nbelieved = [\"static.caf.example\"]\n", "without = [\"ent\", \"doctolib\"]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := c.Service("piscine"); !ok || !s.Own {
		t.Errorf("%+v %v", s, ok)
	}
	for host, want := range map[string]bool{
		"piscine.ville.example": true, "www.payfip.gouv.fr": true, "static.caf.example": true, "www.doctolib.fr": false, "www.ent.auvergnerhonealpes.fr": false,
	} {
		if c.Names([]string{"all"}).Allows(host) != want {
			t.Errorf("%s: allowed is not %v", host, want)
		}
	}
	if list := c.Names([]string{"pronote"}); list.Allows("www.ent.auvergnerhonealpes.fr") || !list.Allows("www.index-education.net") {
		t.Error(list)
	}
	if _, err := catalogue.Load(catalogue.Files(), filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a directory that is not there is not missed")
	}
}

func TestLintSaysWhatIsWrong(t *testing.T) {
	change := func(old, new string) string { return strings.Replace(pool, old, new, 1) }
	for name, src := range map[string]string{
		"not TOML":             "[[service]\n",
		"an unknown key":       pool + "colour = \"red\"\n",
		"an unknown table":     "[[shop]]\nid = \"x\"\n",
		"a key of a bundle":    pool + "apart = true\n",
		"an address":           change(`"piscine.ville.example"]`, `"192.0.2.1", "piscine.ville.example"]`),
		"a star":               change(`"piscine.ville.example"]`, `"*.ville.example", "piscine.ville.example"]`),
		"a zone of everybody":  change(`"piscine.ville.example"]`, `".fr", "piscine.ville.example"]`),
		"capitals":             change(`hosts = ["piscine.ville.example"]`, `hosts = ["Piscine.ville.example"]`),
		"a host twice":         change(`"piscine.ville.example"]`, `"piscine.ville.example", "piscine.ville.example"]`),
		"plain HTTP":           change("https://", "http://"),
		"a port":               change("ville.example/", "ville.example:8443/"),
		"a user":               change("https://", "https://a@"),
		"a tile to elsewhere":  change("https://piscine.", "https://www."),
		"no such bundle":       change("payfip", "payfipp"),
		"no such need":         change("commune", "loisirs"),
		"a title too long":     change("La piscine", "La piscine de la ville avec tous ses horaires et tous ses cours"),
		"no title":             change("La piscine", ""),
		"a hard word":          change("La piscine", "Authentification à la piscine"),
		"no such thing":        pool + "needs = [\"passport\"]\n",
		"an id with capitals":  change(`"piscine"`, `"Piscine"`),
		"the id of all":        change(`"piscine"`, `"all"`),
		"an id that is ours":   change(`"piscine"`, `"caf"`),
		"an id twice":          pool + pool,
		"no drawing":           change(`"sun"`, `""`),
		"more of nothing":      "[[more]]\nof = \"nothing\"\nhosts = [\"a.example\"]\n",
		"without nothing":      "without = [\"nothing\"]\n",
		"an empty bundle":      "[[bundle]]\nid = \"vide\"\ntitle = \"Rien\"\n",
		"a bundle of itself":   "[[bundle]]\nid = \"vide\"\ntitle = \"Rien\"\nservices = [\"vide\"]\n",
		"a word for a list":    change(`with = ["payfip"]`, `with = "payfip"`),
		"too many hosts":       change(`hosts = [`, `hosts = [`+manyHosts()),
		"a line in the title":  change("La piscine", `La\npiscine`),
		"a fragment":           change("ville.example/", "ville.example/#a"),
		"an address of no one": change("https://piscine.ville.example/", "https://"),
	} {
		t.Run(name, func(t *testing.T) {
			problems := catalogue.Lint(catalogue.Files(), fstest.MapFS{"ville.toml": {Data: []byte(src)}})
			if len(problems) == 0 || len(problems) > 2 { // a host that is not right may be the tile's
				t.Fatalf("%d problems: %v", len(problems), problems)
			}
			en, fr := problems[0].In(lang.EN), problems[0].In(lang.FR)
			if !strings.HasPrefix(en, "ville.toml: ") || strings.Contains(en+fr, "%!") {
				t.Errorf("%s\n%s", en, fr)
			}
			if _, err := catalogue.Load(catalogue.Files(), town(t, src)); err == nil {
				t.Error("it is loaded")
			}
		})
	}
}

func manyHosts() string {
	var b strings.Builder
	for i := range 70 {
		fmt.Fprintf(&b, "\"h%d.ville.example\", ", i)
	}
	return b.String()
}

func FuzzLoad(f *testing.F) {
	f.Add(pool)
	f.Add("without = [\"payfip\"]\n[[more]]\nof = \"caf\"\nhosts = [\".caf.example\"]\n")
	base := fstest.MapFS{"base.toml": {Data: []byte(`
need = [{id = "commune", title = "Ma commune", drawing = "arch"}, {id = "famille", title = "Ma famille", drawing = "people"}]
bundle = [{id = "payfip", title = "PayFiP", hosts = ["www.payfip.gouv.fr"]}, {id = "caf", title = "Caf", hosts = ["www.caf.fr"]}]
`)}}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src string) {
		problems := catalogue.Lint(base, fstest.MapFS{"a.toml": {Data: []byte(src)}})
		for _, p := range problems {
			if strings.Contains(p.In(lang.FR), "%!(") && !strings.Contains(src, "%!(") {
				t.Error(p)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "a.toml"), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := catalogue.Load(base, dir)
		if (err == nil) != (len(problems) == 0) {
			t.Fatalf("Load says %v, Lint %v", err, problems)
		}
		if err != nil {
			return
		}
		for _, s := range c.Services() {
			if u, err := url.Parse(s.Address); err != nil || !c.Names([]string{s.ID}).Allows(u.Hostname()) {
				t.Errorf("%s leads to %s, which it does not open: %v", s.ID, s.Address, err)
			}
		}
		if list := c.Names([]string{"all"}); list.Allows("192.0.2.1") || list.Allows("localhost") {
			t.Error("an address or a bare word is open")
		}
	})
}
