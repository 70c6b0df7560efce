package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"parvis/internal/hublink/wire"
)

func said(t testing.TB, c wire.Catalogue) wire.Catalogue {
	t.Helper()
	c, err := c.Marked()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatASiteSaysOfItsServices(t *testing.T) {
	propose := func(host string) wire.Catalogue {
		return said(t, wire.Catalogue{Proposals: []wire.Proposal{{Service: "caf", Host: host}}})
	}
	many := wire.Catalogue{}
	for n := range wire.MaxProposals + 1 {
		many.Proposals = append(many.Proposals, wire.Proposal{Service: "caf", Host: fmt.Sprintf("h%d.exemple.fr", n)})
	}
	for name, tc := range map[string]struct {
		c  wire.Catalogue
		ok bool
	}{
		"nothing":                {said(t, wire.Catalogue{}), true},
		"a trial":                {said(t, wire.Catalogue{Trials: []wire.Trial{{Service: "caf", Day: 20261124, OK: true}}}), true},
		"a host":                 {propose("images.exemple.fr"), true},
		"a host by punycode":     {propose("xn--caf-dma.exemple.fr"), true},
		"no mark":                {wire.Catalogue{}, false},
		"a trial of no day":      {said(t, wire.Catalogue{Trials: []wire.Trial{{Service: "caf"}}}), false},
		"a trial of no id":       {said(t, wire.Catalogue{Trials: []wire.Trial{{Service: "É", Day: 20261124}}}), false},
		"a label":                {propose("localhost"), false},
		"an address":             {propose("192.0.2.1"), false},
		"a page":                 {propose("https://exemple.fr/moi"), false},
		"a query":                {propose("exemple.fr?nom=moi"), false},
		"upper case":             {propose("Exemple.fr"), false},
		"all below":              {propose(".exemple.fr"), false},
		"a mail address":         {propose("moi@exemple.fr"), false},
		"a line":                 {propose("exemple.fr\n"), false},
		"a name of 254":          {propose(strings.Repeat("a.", 126) + "fr"), false},
		"one proposal too many":  {said(t, many), false},
		"many trials of nothing": {said(t, wire.Catalogue{Trials: make([]wire.Trial, wire.MaxTrials+1)}), false},
	} {
		if err := tc.c.Check(); (err == nil) != tc.ok || err != nil && !errors.Is(err, wire.ErrBatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnotherContentHasAnotherMark(t *testing.T) {
	a := said(t, wire.Catalogue{Trials: []wire.Trial{{Service: "caf", Day: 20261124, OK: true}}})
	b := said(t, wire.Catalogue{Trials: []wire.Trial{{Service: "caf", Day: 20261124, OK: false}}})
	if a.Mark == b.Mark || said(t, a).Mark != a.Mark {
		t.Errorf("%s, %s", a.Mark, b.Mark)
	}
}

func FuzzCatalogue(f *testing.F) {
	f.Add(`{"mark":"0123456789abcdef","trials":[{"service":"caf","day":20261124,"ok":true}],"proposals":[{"service":"caf","host":"a.exemple.fr"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var c wire.Catalogue
		if json.Unmarshal([]byte(text), &c) != nil || c.Check() != nil {
			return
		}
		for _, p := range c.Proposals {
			if strings.ContainsAny(p.Host, "/@?#: \n") || p.Host != strings.ToLower(p.Host) {
				t.Errorf("%q passes for a host", p.Host)
			}
		}
	})
}
