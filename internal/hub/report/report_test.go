package report_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/figure"
	"parvis/internal/golden"
	"parvis/internal/hub/report"
)

func must(t *testing.T, in report.Input) report.Report {
	t.Helper()
	r, err := in.CommuneReport()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAMonthIsReadAndCounted(t *testing.T) {
	for in, want := range map[string]string{"2026-11": "2026-11", "2026-02": "2026-02", "2026-13": "", "2019-01": "", "novembre": "", "": ""} {
		m, err := report.ParseMonth(in)
		if got := m.String(); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q: %s, %v", in, got, err)
		}
	}
	if got := (report.Month{Year: 2027, Month: time.January}).Add(-1).String(); got != "2026-12" {
		t.Errorf("before January: %s", got)
	}
	// The clocks go back on 25 October 2026: the month has one hour more.
	october := report.Month{Year: 2026, Month: time.October}
	if got := october.End(paris).Sub(october.Start(paris)); got != 31*24*time.Hour+time.Hour {
		t.Errorf("October 2026 in Paris: %s", got)
	}
}

func TestAMonthThatIsNotOverHasNoReport(t *testing.T) {
	in := town()
	in.At = november.End(paris).Add(-time.Second)
	if _, err := in.CommuneReport(); !errors.Is(err, report.ErrNotOver) {
		t.Errorf("%v", err)
	}
}

func TestAReportIsProvisionalUntilEverySiteHasSentEverything(t *testing.T) {
	end := november.End(paris)
	for name, tt := range map[string]struct {
		left    int
		contact time.Time
		want    bool
	}{
		"all sent":                     {0, end, false},
		"hours wait":                   {1, end.Add(time.Hour), true},
		"silent since before the end":  {0, end.Add(-time.Second), true},
		"silent, and hours wait there": {9, end.Add(-24 * time.Hour), true},
	} {
		t.Run(name, func(t *testing.T) {
			in := town()
			in.Sites[1].Left, in.Sites[1].Contact = tt.left, tt.contact
			r := must(t, in)
			if r.Provisional != tt.want {
				t.Errorf("provisional %v", r.Provisional)
			}
			if said := strings.Contains(r.State(), "Maison des habitants"); said != tt.want {
				t.Errorf("%q", r.State())
			}
			other, err := in.SiteReport("s-Mairie")
			if err != nil || other.Provisional {
				t.Errorf("another site waits for it: %v, %v", other.Waiting, err)
			}
		})
	}
}

func TestAnUnknownSiteHasNoReport(t *testing.T) {
	if _, err := town().SiteReport("s-nowhere"); !errors.Is(err, report.ErrNoSite) {
		t.Errorf("%v", err)
	}
}

func TestASiteThatCameLaterIsNotInTheReport(t *testing.T) {
	in := town()
	late := site("Piscine", nil, nil, nil)
	late.Since = november.End(paris)
	in.Sites = append(in.Sites, late)
	if r := must(t, in); r.Count != 3 || r.Provisional {
		t.Errorf("%d sites, waiting for %v", r.Count, r.Waiting)
	}
}

func TestTheTownsReport(t *testing.T) {
	in := town()
	r := must(t, in)
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "town.html.golden", string(page))
	golden.Check(t, "town.csv.golden", string(r.CSV()))
	one, err := in.SiteReport("s-Maison des habitants")
	if err != nil {
		t.Fatal(err)
	}
	if page, err = one.HTML(); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "site.html.golden", string(page))
}

// What is said of a month with so many sessions a day, the same last month, and nothing a year ago.
func TestSentencesAreRightForNoneOneAndMany(t *testing.T) {
	october := report.Month{Year: 2026, Month: time.October}
	one := func(sessions, down uint64) []report.Day { return full(november, sessions, down)[:1] }
	for _, tt := range []struct {
		name string
		in   report.Input
		want string
	}{
		{"nothing was measured", commune(site("Mairie", nil, nil, nil)), ""},
		{
			"nobody came, the line held", commune(site("Mairie", one(0, 0), full(october, 0, 0), nil)),
			"Aucune connexion n'a été ouverte en novembre 2026 dans 1 lieu, contre aucune en octobre 2026.|" +
				"La ligne internet n'est jamais tombée, et elle n'a jamais été pleine.",
		},
		{
			"so few that they are not counted", commune(site("Mairie", one(1, 1), nil, nil)),
			"Moins de 5 connexions ont été ouvertes en novembre 2026 dans 1 lieu.|" +
				"La ligne internet est tombée pendant 1 minute, et elle a été pleine pendant 2 minutes.",
		},
		{
			"many, in two places", commune(site("Mairie", one(30, 60), full(october, 1, 0)[:2], nil), site("École", one(5, 0), nil, nil)),
			"35 connexions ont été ouvertes en novembre 2026 dans 2 lieux, contre moins de 5 en octobre 2026.|" +
				"Elles ont duré 23 heures en tout : au plus, 10 étaient ouvertes en même temps dans un lieu.|" +
				"Les lignes internet sont tombées pendant 1 heure en tout, et elles ont été pleines pendant 2 heures.",
		},
		{
			"a short hour", commune(site("Mairie", []report.Day{{Day: 1, Measured: time.Hour, Sessions: 5, Online: 10 * time.Minute, Peak: 1}}, nil, nil)),
			"5 connexions ont été ouvertes en novembre 2026 dans 1 lieu.|Elles ont duré moins d'une heure en tout : jamais plus de 4 en même temps.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.ReplaceAll(strings.Join(must(t, tt.in).Sentences(), "|"), "\u00a0", " ")
			if got != tt.want {
				t.Errorf("\n%s\nexpected\n%s", got, tt.want)
			}
		})
	}
}

// A site's own report says of it what the commune's says, so that two papers side by side say no more than one.
func TestASitesReportSaysWhatTheCommunesSaysOfIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sites []report.Site
		sum := uint64(0)
		for i := range rapid.IntRange(1, 6).Draw(t, "sites") {
			n := rapid.Uint64Range(0, 12).Draw(t, "sessions")
			sum += n
			s := site(string(rune('A'+i)), []report.Day{{Day: 1, Measured: time.Hour, Sessions: n, Peak: n, Online: time.Duration(n) * time.Hour, Asked: 60}}, nil, nil)
			sites = append(sites, s)
		}
		in := commune(sites...)
		all, err := in.CommuneReport()
		if err != nil {
			t.Fatal(err)
		}
		if f := all.Lines[0].Now; f.How == figure.Plain && f.Value != sum || f.How != figure.Plain && sum >= figure.Least {
			t.Fatalf("%d sessions are %v", sum, f)
		}
		for i, s := range sites {
			one, err := in.SiteReport(s.ID)
			if err != nil {
				t.Fatal(err)
			}
			if one.Lines != all.Parts[i].Lines {
				t.Fatalf("%v, and in the commune's %v", one.Lines, all.Parts[i].Lines)
			}
			for k := range 3 {
				if f := one.Lines[k].Now; f.How == figure.Plain && f.Value > 0 && f.Value < figure.Least && k != 1 {
					t.Fatalf("%s is shown as %d", one.Lines[k].Key, f.Value)
				}
			}
			if n := s.Now[0].Sessions; n > 0 && n < figure.Least && (one.Lines[1].Now.How == figure.Plain || one.Lines[2].Now.How == figure.Plain) {
				t.Fatalf("%d sessions, and %v", n, one.Lines)
			}
		}
	})
}

func TestNamesOfFilesAreHarmless(t *testing.T) {
	in := town()
	in.Commune = "../Évry / Ça & là\x00"
	if got := must(t, in).File(); got != "parvis-2026-11-evry-ca-la" {
		t.Errorf("%q", got)
	}
	in.Commune = "中文"
	if got := must(t, in).File(); got != "parvis-2026-11-sans-nom" {
		t.Errorf("%q", got)
	}
}
