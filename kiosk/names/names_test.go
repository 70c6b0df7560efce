package names_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parvis/kiosk/names"
)

func TestARuleIsWrittenAsPeopleWriteIt(t *testing.T) {
	for in, want := range map[string]names.Rule{
		"www.caf.fr":              "www.caf.fr",
		" .caf.fr\t":              ".caf.fr",
		"WWW.Caf.FR":              "www.caf.fr",
		".gouv.fr":                ".gouv.fr", // the State's closed zone
		".impots.gouv.fr":         ".impots.gouv.fr",
		"mairie-échirolles.fr":    "xn--mairie-chirolles-hqb.fr",
		"data.geopf.fr":           "data.geopf.fr",
		"www.service-public.fr":   "www.service-public.fr",
		"www。caf。fr":              "www.caf.fr", // ideographic full stops
		".ent.auvergnerhone.fr":   ".ent.auvergnerhone.fr",
		"user.github.io":          "user.github.io",
		"integration.lasuite.org": "integration.lasuite.org",
	} {
		if got, err := names.Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestWhatIsNoRule(t *testing.T) {
	for in, want := range map[string]error{
		"":                              names.ErrName,
		".":                             names.ErrName,
		"..":                            names.ErrName,
		"fr":                            names.ErrName,
		"localhost":                     names.ErrName,
		".fr":                           names.ErrName,
		".com":                          names.ErrName,
		".co.uk":                        names.ErrWide,
		".asso.fr":                      names.ErrWide,
		".github.io":                    names.ErrWide,
		"*.caf.fr":                      names.ErrName,
		"*":                             names.ErrName,
		"..caf.fr":                      names.ErrName,
		"www..caf.fr":                   names.ErrName,
		"www.caf.fr.":                   names.ErrName,
		"www.caf.fr:443":                names.ErrName,
		"www.caf.fr/page":               names.ErrName,
		"https://www.caf.fr":            names.ErrName,
		"user@www.caf.fr":               names.ErrName,
		"www.caf.fr www.caf.com":        names.ErrName,
		"-www.caf.fr":                   names.ErrName,
		"www-.caf.fr":                   names.ErrName,
		"a_b.caf.fr":                    names.ErrName,
		"10.0.0.1":                      names.ErrAddress,
		".10.0.0.1":                     names.ErrAddress,
		"::1":                           names.ErrAddress,
		"www.caf.fr%2ecom":              names.ErrName,
		"www.caf\x00.fr":                names.ErrName,
		strings.Repeat("a", 64) + ".fr": names.ErrName,
		strings.Repeat("abc.", 63) + "example.fr": names.ErrName,
	} {
		if got, err := names.Parse(in); !errors.Is(err, want) {
			t.Errorf("Parse(%q) = %q, %v, want %v", in, got, err, want)
		}
	}
}

func TestAnAddressIsNoNameInAnyNotation(t *testing.T) {
	for _, in := range []string{
		"192.168.1.1", "192.168.1.1.", "3232235777", "0300.0250.1.1", "0xC0.0xA8.1.1", "0xc0a80101", "192.168.257", "127.1", "0", "0x",
		"00000300.1", "1.2.3.4.5", "www.caf.0x7f", "www.caf.256", // browsers take what ends in a number for an address
		"::1", "[::1]", "::ffff:10.0.0.1", "[::ffff:a00:1]", "fe80::1%eth0", "2001:db8::1",
		"１９２.１６８.１.１", "127。0。0。1", "①②⑦.0.0.1", // what maps to digits and dots
	} {
		if got, err := names.Host(in); !errors.Is(err, names.ErrAddress) {
			t.Errorf("Host(%q) = %q, %v, want ErrAddress", in, got, err)
		}
	}
}

func TestAHostHasOneSpelling(t *testing.T) {
	for in, want := range map[string]string{
		"www.caf.fr":            "www.caf.fr",
		"WWW.CAF.FR.":           "www.caf.fr",
		"ｗｗｗ.caf.fr":            "www.caf.fr",
		"www.caf。fr":            "www.caf.fr",
		"bücher.example":        "xn--bcher-kva.example",
		"xn--bcher-kva.example": "xn--bcher-kva.example",
		"XN--BCHER-KVA.example": "xn--bcher-kva.example",
		"straße.example":        "xn--strae-oqa.example",
		"4g.example":            "4g.example",
	} {
		if got, err := names.Host(in); err != nil || got != want {
			t.Errorf("Host(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"www.caf.fr..", "", ".", "caf", "www .caf.fr", "www.caf.fr\n", "xn--a.fr", "www\u00ad..fr"} {
		if got, err := names.Host(in); !errors.Is(err, names.ErrName) {
			t.Errorf("Host(%q) = %q, %v, want ErrName", in, got, err)
		}
	}
}

func TestWhatLooksAlikeIsNotAllowed(t *testing.T) {
	l := names.List{"www.caf.fr", ".impots.gouv.fr"}
	for _, in := range []string{
		"www.сaf.fr", // Cyrillic es
		"www.cаf.fr", // Cyrillic a
		"www.caf.fr.evil.example", "wwwxcaf.fr", "evilimpots.gouv.fr", "impots.gouv.fr.evil.example", "caf.fr", "x.www.caf.fr", "gouv.fr",
		"www.ｃａｆ.fr\u200b.example",
	} {
		host, err := names.Host(in)
		if err == nil && l.Allows(host) {
			t.Errorf("%q, which is %q, is allowed", in, host)
		}
	}
	for _, in := range []string{"WWW.CAF.FR", "impots.gouv.fr", "cfspart.impots.gouv.fr", "a.b.impots.gouv.fr."} {
		if host, err := names.Host(in); err != nil || !l.Allows(host) {
			t.Errorf("%q, which is %q (%v), is refused", in, host, err)
		}
	}
	if (names.List{}).Allows("") || (names.List{""}).Allows("") {
		t.Error("the empty name is allowed")
	}
}

// label is one of a small alphabet, so that suffixes meet often.
func label() *rapid.Generator[string] { return rapid.StringMatching(`[ab]{1,2}`) }

func TestASuffixIsWholeLabels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.SliceOfN(label(), 1, 3).Draw(t, "rule")
		host := rapid.SliceOfN(label(), 1, 5).Draw(t, "host")
		zone := append(rule, "example", "fr")
		name := append(host, "example", "fr")
		want := len(name) >= len(zone)
		for i := range zone {
			want = want && name[len(name)-1-i] == zone[len(zone)-1-i]
		}
		r, err := names.Parse("." + strings.Join(zone, "."))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Allows(strings.Join(name, ".")); got != want {
			t.Fatalf("%s allows %s: %t", r, strings.Join(name, "."), got)
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"www.caf.fr", "bücher.example.", "0x7f.1", "[::1]", "www。caf。fr", "xn--a-ecp.fr", "r3---sn-a.fr"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, err := names.Host(s)
		if err != nil {
			if host != "" || !errors.Is(err, names.ErrName) && !errors.Is(err, names.ErrAddress) {
				t.Fatalf("Host(%q) = %q, %v", s, host, err)
			}
			return
		}
		again, err := names.Host(host)
		if err != nil || again != host {
			t.Fatalf("Host(%q) = %q, whose own spelling is %q, %v", s, host, again, err)
		}
		if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || !strings.Contains(host, ".") {
			t.Fatalf("Host(%q) = %q", s, host)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"www.caf.fr", ".gouv.fr", " .caf.fr", "*.caf.fr", ".co.uk", "https://caf.fr/", "10.0.0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := names.Parse(s)
		if err != nil {
			return
		}
		again, err := names.Parse(string(r))
		if err != nil || again != r {
			t.Fatalf("Parse(%q) = %q, which reads as %q, %v", s, r, again, err)
		}
		host := strings.TrimPrefix(string(r), ".")
		if !r.Allows(host) || r.Allows("x"+host) || r.Allows(host+".example") || r.Allows("") {
			t.Fatalf("%q does not keep to its host", r)
		}
		if wide := strings.HasPrefix(string(r), "."); r.Allows("x."+host) != wide {
			t.Fatalf("%q: the name below it: %t", r, !wide)
		}
	})
}
