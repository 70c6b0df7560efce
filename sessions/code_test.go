package sessions_test

import (
	"strings"
	"testing"
	"time"

	"parvis/internal/mac"
	"parvis/sessions"
)

func TestACodeIsReadHoweverItIsTyped(t *testing.T) {
	for typed, want := range map[string]string{
		"K7-42": "K7-42", "k742": "K7-42", " k 7 – 4 2 ": "K7-42", "\u200fK٧-٤٢": "K7-42", "K۷۴۲": "K7-42",
		"": "", "K7-4": "", "K7-423": "", "O7-42": "", "77-42": "", "K7-4x": "", "KK-42": "", "É7-42": "", strings.Repeat("K7-42", 1000): "",
	} {
		if got, ok := sessions.ParseCode(typed); got != want || ok != (want != "") {
			t.Errorf("%.20q: %q, %v", typed, got, ok)
		}
	}
}

func FuzzACodeThatIsReadIsReadAgain(f *testing.F) {
	for _, s := range []string{"K7-42", "k742", "\u200fK٧-٤٢", "W2–99", "M1-00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := sessions.ParseCode(typed)
		if !ok {
			return
		}
		if again, ok := sessions.ParseCode(code); !ok || again != code || len(code) != 5 {
			t.Errorf("%q is %q, and that is %q, %v", typed, code, again, ok)
		}
		if sessions.Drawing(code) == "" {
			t.Errorf("%q has no drawing", code)
		}
	})
}

func TestADrawingGoesWithItsCodeAndAllOfThemDo(t *testing.T) {
	seen := map[string]int{}
	for _, name := range sessions.Drawings() {
		seen[name] = 0
	}
	if len(seen) != 24 {
		t.Fatalf("%d drawings", len(seen))
	}
	w := newWorld(t)
	for n := range 2000 {
		name := sessions.Drawing(w.CodeOf(mac.Addr{2, 0, 0, 0, byte(n >> 8), byte(n)}))
		if _, known := seen[name]; !known {
			t.Fatalf("drawing %q", name)
		}
		seen[name]++
	}
	for name, n := range seen {
		if n == 0 {
			t.Errorf("no code of 2,000 has %s", name)
		}
	}
	if sessions.Drawing("nothing") != "" {
		t.Error("no code has a drawing")
	}
}

func TestADeviceKeepsItsCodeFromWaitingOverItsSessionAndAfter(t *testing.T) {
	w := newWorld(t)
	code := w.CodeOf(phone.MAC)
	if again := w.CodeOf(phone.MAC); again != code {
		t.Errorf("asked twice: %s, %s", code, again)
	}
	s := w.open(phone, visitor)
	if s.Code != code {
		t.Errorf("open: %s", s.Code)
	}
	w.restart()
	if got := w.CodeOf(phone.MAC); got != code {
		t.Errorf("after a restart: %s", got)
	}
	w.end(s.ID, sessions.ByResident)
	w.restart()
	if got := w.CodeOf(phone.MAC); got != code {
		t.Errorf("ended, and after a restart: %s", got)
	}
}

func TestCodesOfThoseWhoWaitAndThoseWhoAreInDiffer(t *testing.T) {
	w := newWorld(t)
	in := w.open(phone, visitor).Code
	seen := map[string]bool{in: true}
	for n := range 1000 {
		code := w.CodeOf(mac.Addr{2, 0, 0, 0, byte(n >> 8), byte(n)})
		if seen[code] {
			t.Fatalf("%s is given twice", code)
		}
		seen[code] = true
	}
}

func TestWhoHasWaitedLongestWithoutAskingIsForgotten(t *testing.T) {
	w := newWorld(t)
	waits := func(n int) mac.Addr { return mac.Addr{2, 0, 0, 0, byte(n >> 8), byte(n)} }
	first := w.CodeOf(waits(0))
	kept := w.CodeOf(waits(1))
	for n := 2; n < 3000; n++ {
		w.CodeOf(waits(n))
		if n%500 == 0 && w.CodeOf(waits(1)) != kept {
			t.Fatal("one that asks again and again has another code")
		}
	}
	// Of 2,880 codes its old one is free again; that it draws the same is all but impossible twice.
	if w.CodeOf(waits(0)) == first && w.CodeOf(waits(2)) == first {
		t.Error("nobody was forgotten")
	}
	if s := w.open(phone, visitor); s.Code == "" {
		t.Error("no code is left for who comes in")
	}
	w.pass(13 * time.Hour)
	if got := w.CodeOf(waits(1)); got == "" {
		t.Error("no code after half a day")
	}
}

// What somebody says at the desk must not be taken for something else.
func TestCodesHaveNoCharacterThatLooksOrSoundsLikeAnother(t *testing.T) {
	w := newWorld(t)
	for n := range 1000 {
		code := w.CodeOf(mac.Addr{2, 0, 0, 0, byte(n >> 8), byte(n)})
		if strings.ContainsAny(code, "01OIQSZBDCGPVEAFLMN") {
			t.Fatalf("%s", code)
		}
		if tens := code[3]; tens < '2' || tens > '6' {
			t.Fatalf("%s: the number is a sum in French, or one of those that rhyme", code)
		}
	}
}
