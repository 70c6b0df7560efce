package machine_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/internal/machine"
)

// Whatever would make a mediator's browser warn keeps `parvis check` from passing, and the message says what to do.
func TestAConsoleOnWhichBrowsersWouldWarnIsNotRight(t *testing.T) {
	cfg, ps := config.Parse("parvis.toml", []byte(strings.Replace(source, "[[profile]]", "[staff]\nname = \"equipe.parvis.example\"\n[[profile]]", 1)))
	if cfg == nil {
		t.Fatal(ps)
	}
	for name, c := range map[string]struct {
		change func(*machine.Certificate, *machine.Facts)
		says   string // "": nothing is wrong
	}{
		"right":                       {func(*machine.Certificate, *machine.Facts) {}, ""},
		"not there":                   {func(c *machine.Certificate, _ *machine.Facts) { c.Err = errors.New("x") }, "cannot be used"},
		"another name":                {func(c *machine.Certificate, _ *machine.Facts) { c.NameErr = errors.New("x") }, "is not for equipe.parvis.example"},
		"another key":                 {func(c *machine.Certificate, _ *machine.Facts) { c.KeyErr = errors.New("x") }, "does not go with"},
		"signed by itself":            {func(c *machine.Certificate, _ *machine.Facts) { c.SelfSigned = true }, "signed by itself"},
		"chain not complete":          {func(c *machine.Certificate, _ *machine.Facts) { c.Chain, c.Trusted = false, false }, "fullchain"},
		"authority that nobody knows": {func(c *machine.Certificate, _ *machine.Facts) { c.Trusted = false }, "authority"},
		"short key":                   {func(c *machine.Certificate, _ *machine.Facts) { c.Short = true }, "2048"},
		"not yet":                     {func(c *machine.Certificate, f *machine.Facts) { c.NotBefore = f.Wall.Time.Add(time.Hour) }, "does not hold before"},
		"ended":                       {func(c *machine.Certificate, f *machine.Facts) { c.NotAfter = f.Wall.Time.Add(-time.Hour) }, "ended on"},
		"dates that nobody can judge": {func(c *machine.Certificate, f *machine.Facts) { f.Wall = clock.Wall{}; c.NotAfter = time.Time{} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := router()
			f.StaffCert = &machine.Certificate{NotBefore: f.Cert.NotBefore, NotAfter: f.Cert.NotAfter, Chain: true, Trusted: true}
			c.change(f.StaffCert, &f)
			var errs []string
			for _, p := range machine.Check(cfg, f, nil) {
				if p.Severity == config.Error {
					errs = append(errs, p.In(lang.EN)+"\n"+p.In(lang.FR))
				}
			}
			text := strings.Join(errs, "\n")
			if c.says == "" && len(errs) > 0 || c.says != "" && (len(errs) != 1 || !strings.Contains(text, c.says) || strings.Contains(text, "%!")) {
				t.Errorf("want one error with %q:\n%s", c.says, text)
			}
		})
	}
}

func TestAnAuthorityThatTheMachineDoesNotKnowIsNotTrusted(t *testing.T) {
	leaf, root := issue(t, "equipe.parvis.example", false, nil), issue(t, "Root", true, nil)
	signed := issue(t, "equipe.parvis.example", false, root)
	for what, s := range map[string]*signer{"by itself": leaf, "by an authority of nobody's": signed} {
		if machine.Trusted(s.cert, clock.NewFake().Wall()) {
			t.Errorf("signed %s: trusted", what)
		}
	}
}
