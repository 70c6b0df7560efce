package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var linkLine = regexp.MustCompile(`https://centre\.example(/\S+)`)

func TestTheFirstPersonOfATeamComesByALink(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	p := c.serve()
	if status, body := get(t, p.url+"/entrer"); status != http.StatusOK || !strings.Contains(body, "<html lang=\"fr\"") {
		t.Errorf("where people enter: %d: %s", status, body)
	}
	for _, args := range [][]string{{}, {"saint-pern"}} {
		m := linkLine.FindStringSubmatch(c.verb(exitOK, append([]string{"admin", "link"}, args...)...))
		if m == nil {
			t.Fatalf("%v: no link", args)
		}
		if status, body := get(t, p.url+m[1]); status != http.StatusOK || !strings.Contains(body, "<form") {
			t.Errorf("%v: the link leads to %d: %s", args, status, body)
		}
	}
	c.verb(exitNotFound, "admin", "link", "elsewhere")
}

func TestASitesNames(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	site := func(name string) string {
		m := codeLine.FindStringSubmatch(c.verb(exitOK, "admin", "site", "add", "saint-pern", name))
		if m == nil {
			t.Fatal("no site")
		}
		return m[2]
	}
	one, two := site("Médiathèque"), site("Mairie")
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{one}, exitOK, ""},
		{[]string{one, "Portail.saint-pern.example", "equipe.saint-pern.example"}, exitOK, "equipe.saint-pern.example\nportail.saint-pern.example\n"},
		{[]string{one}, exitOK, "equipe.saint-pern.example\nportail.saint-pern.example\n"},
		{[]string{one, "--none"}, exitOK, ""},
		{[]string{one, "portail.saint-pern.example"}, exitOK, "portail.saint-pern.example\n"},
	} {
		if out := c.verb(tc.code, append([]string{"admin", "site", "names", "saint-pern"}, tc.args...)...); out != tc.want {
			t.Errorf("%v: %q; expected %q", tc.args, out, tc.want)
		}
	}
	c.verb(exitRefused, "admin", "site", "names", "saint-pern", two, "portail.saint-pern.example")
	c.verb(exitNotFound, "admin", "site", "names", "saint-pern", "0000000000000000")
}
