package keys

import (
	"bytes"
	"crypto/hpke"
	"errors"
	"strings"
	"testing"
	"time"

	"parvis/sessions/register/segment"
)

func made(t testing.TB, store, month string) (hpke.PublicKey, [Holders]Share) {
	t.Helper()
	id, err := NewID(store, month)
	if err != nil {
		t.Fatal(err)
	}
	public, shares, err := Make(id)
	if err != nil {
		t.Fatal(err)
	}
	return public, shares
}

func TestAnyTwoOfThreeOpen(t *testing.T) {
	public, s := made(t, "sessions", "2026-12")
	for _, pair := range [][]Share{{s[0], s[1]}, {s[0], s[2]}, {s[1], s[2]}, {s[2], s[0]}, s[:]} {
		private, err := Join(pair...)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(private.PublicKey().Bytes(), public.Bytes()) {
			t.Error("another key")
		}
	}
}

func TestWhatMakesNoKeyIsRefused(t *testing.T) {
	_, s := made(t, "sessions", "2026-12")
	_, january := made(t, "sessions", "2027-01")
	_, flows := made(t, "flows", "2026-12")
	_, again := made(t, "sessions", "2026-12") // a key of the same name, made another time
	tests := []struct {
		name   string
		shares []Share
	}{
		{"none", nil},
		{"one share", s[:1]},
		{"the same share twice", []Share{s[0], s[0]}},
		{"two months", []Share{s[0], january[1]}},
		{"two stores", []Share{s[0], flows[1]}},
		{"two keys of one name", []Share{s[0], again[1]}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Join(tt.shares...); !errors.Is(err, ErrPair) {
				t.Error(err)
			}
		})
	}
}

func TestAShareIsReadAsItWasWrittenDown(t *testing.T) {
	_, s := made(t, "sessions", "2026-12")
	var read []Share
	for _, text := range []string{s[0].String(), "  " + strings.ToLower(s[1].String())} {
		share, err := Parse(text + "\n")
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, share)
	}
	if _, err := Join(read...); err != nil {
		t.Error(err)
	}
}

func TestEveryWrongLetterOfAShareIsFound(t *testing.T) {
	_, s := made(t, "sessions", "2026-12")
	text := s[0].String()
	begin := strings.LastIndex(text, " ") + 1
	for at := begin; at < len(text); at++ {
		if text[at] == '-' {
			continue
		}
		for _, c := range "A7" {
			if rune(text[at]) == c {
				continue
			}
			wrong := text[:at] + string(c) + text[at+1:]
			if _, err := Parse(wrong); !errors.Is(err, ErrShare) {
				t.Fatalf("%s: %v", wrong, err)
			}
		}
	}
	for _, wrong := range []string{"", text[:begin], text[:len(text)-5], text + "AAAA", "AGE-SECRET-KEY-1", strings.Replace(text, " 1 ", " 4 ", 1), strings.Replace(text, " 1 ", " 2 ", 1), strings.Replace(text, "2026-12", "2026-11", 1)} {
		if _, err := Parse(wrong); !errors.Is(err, ErrShare) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	_, s := made(f, "sessions", "2026-12")
	f.Add(s[0].String())
	f.Add("parvis-part sessions-2026-12 1 AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := Parse(text); err == nil {
			if _, err := Parse(s.String()); err != nil {
				t.Error(err)
			}
		} else if !errors.Is(err, ErrShare) {
			t.Error(err)
		}
	})
}

func TestTheKeyOfTheMonthIsChosenAndAnEarlierOneWhenItHasRunOut(t *testing.T) {
	ring := Ring{map[ID]hpke.PublicKey{}}
	for _, id := range []ID{"sessions-2026-11", "sessions-2026-12", "sessions-2027-02", "flows-2026-12"} {
		ring.keys[id], _ = made(t, id.Store(), id.Month())
	}
	b, err := ring.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if ring, err = ParseRing(b); err != nil {
		t.Fatal(err)
	}
	day := func(s string) time.Time {
		d, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	tests := []struct {
		store, at string
		want      ID
		late      bool
		until     string
	}{
		{"sessions", "2026-11-30T23:59:59Z", "sessions-2026-11", false, "2027-01-01"},
		{"sessions", "2026-12-01T00:30:00+01:00", "sessions-2026-11", false, "2027-01-01"}, // months are those of UTC
		{"sessions", "2026-12-31T23:59:59Z", "sessions-2026-12", false, "2027-01-01"},
		{"sessions", "2027-01-10T00:00:00Z", "sessions-2026-12", true, ""},
		{"sessions", "2027-02-10T00:00:00Z", "sessions-2027-02", false, "2027-03-01"},
		{"flows", "2026-12-10T00:00:00Z", "flows-2026-12", false, "2027-01-01"},
		{"flows", "2026-11-10T00:00:00Z", "", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.store+" "+tt.at, func(t *testing.T) {
			c, ok := ring.At(tt.store, day(tt.at))
			if ok != (tt.want != "") || c.ID != tt.want || c.Late != tt.late {
				t.Errorf("%+v %v", c, ok)
			}
			until := ""
			if u := ring.Until(tt.store, day(tt.at)); !u.IsZero() {
				until = u.Format(time.DateOnly)
			}
			if until != tt.until {
				t.Errorf("until %s, want %s", until, tt.until)
			}
		})
	}
}

func TestWhatIsNoRingIsRefused(t *testing.T) {
	public, _ := made(t, "sessions", "2026-12")
	good, err := NewRing(map[ID]hpke.PublicKey{"sessions-2026-12": public}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"nothing":         "",
		"no key":          "[]",
		"no month":        strings.Replace(string(good), "2026-12", "2026-13", 1),
		"one key twice":   strings.Replace(string(good), "\n]", ","+strings.Trim(string(good), "[]\n")+"]", 1),
		"a damaged key":   strings.Replace(string(good), `"public": "`, `"public": "AAAA`, 1),
		"something else":  `{"id":"sessions-2026-12"}`,
		"no store's name": strings.Replace(string(good), "sessions", "SESSIONS", 1),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseRing([]byte(text)); !errors.Is(err, ErrRing) {
				t.Error(err)
			}
		})
	}
}

func TestWhatIsSealedToAMonthOpensWithTwoSharesAndNotWithOne(t *testing.T) {
	public, s := made(t, "sessions", "2026-12")
	sealed, err := hpke.Seal(public, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), nil, []byte("a record"))
	if err != nil {
		t.Fatal(err)
	}
	private, err := Join(s[0], s[2])
	if err != nil {
		t.Fatal(err)
	}
	plain, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), nil, sealed)
	if err != nil || string(plain) != "a record" {
		t.Error(string(plain), err)
	}
	// A share alone, taken for the secret itself, opens nothing.
	for _, one := range s {
		k, err := derive(one.share.Value)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hpke.Open(k, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), nil, sealed); err == nil {
			t.Errorf("share %d opens it alone", one.Number)
		}
	}
	if k := segment.KEM(); private.KEM().ID() != k.ID() {
		t.Error("another kind of key")
	}
}

func TestAHolderIsReplacedByNewPartsThatDoNotGoWithTheOldOnes(t *testing.T) {
	public, old := made(t, "sessions", "2026-12")
	fresh, err := Again(old[0], old[2])
	if err != nil {
		t.Fatal(err)
	}
	private, err := Join(fresh[0], fresh[1])
	if err != nil || !bytes.Equal(private.PublicKey().Bytes(), public.Bytes()) {
		t.Fatal(err)
	}
	if _, err := Join(old[1], fresh[0]); !errors.Is(err, ErrPair) {
		t.Error("an old share goes with a new one:", err)
	}
	if _, err := Again(old[0]); !errors.Is(err, ErrPair) {
		t.Error(err)
	}
}

func TestAHoldersFileIsReadAsItWasWritten(t *testing.T) {
	_, a := made(t, "sessions", "2026-12")
	_, b := made(t, "sessions", "2027-01")
	p := Part{b[1], a[1]}
	got, err := ParsePart(append(p.Encode("The part of holder 2", "keep it in a safe"), "\n\n"...))
	if err != nil || len(got) != 2 || got[0].String() != a[1].String() || got[1].String() != b[1].String() {
		t.Fatal(got, err)
	}
	if _, found := got.Share("sessions-2027-01"); !found {
		t.Error("not found")
	}
	if rest := got.Without(func(id ID) bool { return id == "sessions-2026-12" }); len(rest) != 1 || len(got) != 2 {
		t.Error(rest)
	}
	for name, wrong := range map[string]string{
		"empty":                 "# nothing\n",
		"a key twice":           a[0].String() + "\n" + a[0].String(),
		"of two holders":        a[0].String() + "\n" + b[1].String(),
		"a damaged line":        a[0].String() + "\nparvis-part sessions-2027-01 1 AAAA",
		"a line without an end": strings.Repeat("A", 2*mostLine),
	} {
		if _, err := ParsePart([]byte(wrong)); !errors.Is(err, ErrShare) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
