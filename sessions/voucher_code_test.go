package sessions

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestACodeIsUnderstoodHoweverItIsTyped(t *testing.T) {
	code := writeCode(123_456_789_012_345, ticketLength)
	shown := FormatCode(code)
	if len(shown) != 14 || strings.Count(shown, "-") != 2 {
		t.Fatalf("shown as %q", shown)
	}
	alike := strings.NewReplacer("0", "O", "1", "l", "2", "z", "5", "s", "6", "G", "8", "b", "V", "u")
	for name, typed := range map[string]string{
		"as shown":        shown,
		"small letters":   strings.ToLower(shown),
		"without dashes":  code,
		"spaces":          "  " + strings.ReplaceAll(shown, "-", " ") + "\n",
		"other dashes":    strings.ReplaceAll(shown, "-", " – "),
		"copied unseen":   "\u200b" + strings.ReplaceAll(shown, "-", "\u00a0") + "\ufeff",
		"what looks like": alike.Replace(shown),
	} {
		if got, err := parseTyped(typed); err != nil || got != code {
			t.Errorf("%s: %q is %q, %v; want %q", name, typed, got, err, code)
		}
	}
}

func TestWhatCannotBeACodeIsRefused(t *testing.T) {
	for _, typed := range []string{"", "-", "K7-42", "AAAA-AAAA-AAAA-A", "ÉÉÉ-ÉÉÉ", strings.Repeat(" ", 65), "\x00\xff\xfe", "AAA/AAA"} {
		if got, err := parseTyped(typed); err == nil {
			t.Errorf("%q is taken for %q", typed, got)
		}
	}
}

func TestEveryCharacterThatIsMistypedShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := randomCode()
		at := rapid.IntRange(0, ticketLength-1).Draw(t, "at")
		other := codeAlphabet[rapid.IntRange(0, len(codeAlphabet)-1).Draw(t, "other")]
		wrong := code[:at] + string(other) + code[at+1:]
		if _, err := parseTyped(wrong); (err == nil) != (wrong == code) {
			t.Fatalf("%s typed as %s: %v", code, wrong, err)
		}
	})
}

func TestTheCheckCharacterIsWhatTheStandardsRuleGives(t *testing.T) {
	// By hand, of ISO 7064 (hybrid systems): P1 = 26; S = P + a, reduced to 1…26; P = 2S mod 27; P + check = 1 mod 26.
	// "AB" (values 0, 1): S=26, P=52-27=25; S=26, P=25; check = 27-25 = 2.
	if got := checkCharacter([]byte{codeAlphabet[0], codeAlphabet[1]}); got != codeAlphabet[2] {
		t.Errorf("%c, want %c", got, codeAlphabet[2])
	}
}

func TestNoTwoCharactersOfACodeLookAlike(t *testing.T) {
	for _, alike := range []string{"0OQD", "1IL", "2Z", "5S", "6G", "8B", "UV"} {
		n := 0
		for _, c := range alike {
			n += strings.Count(codeAlphabet, string(c))
		}
		if n != 1 {
			t.Errorf("%d of %s are in the alphabet", n, alike)
		}
	}
	for c := rune(0); c < 128; c++ {
		if (unicode.IsLetter(c) || unicode.IsDigit(c)) && codeValues[c] < 0 {
			t.Errorf("%c stands for nothing", c)
		}
	}
}

func TestATicketHasFiftyBits(t *testing.T) {
	n := uint64(1)
	for range ticketLength - 1 {
		n *= uint64(codeBase)
	}
	if n < 1<<50 {
		t.Errorf("only %d codes", n)
	}
}

func TestARoomsCodeFollowsFromItsWorkshopAndTheSite(t *testing.T) {
	one, err := newCodeKeys([32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	two, err := newCodeKeys([32]byte{2})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := newCodeKeys([32]byte{1}); err != nil || again.roomCode("a") != one.roomCode("a") {
		t.Errorf("another start gives another code, or %v", err)
	}
	if one.roomCode("a") == one.roomCode("b") || one.roomCode("a") == two.roomCode("a") {
		t.Error("it does not follow from both")
	}
	if got, err := parseTyped(strings.ToLower(FormatCode(one.roomCode("a")))); err != nil || got != one.roomCode("a") {
		t.Errorf("%q, %v", got, err)
	}
	if one.of("AAAA") == two.of("AAAA") {
		t.Error("two sites find a ticket by the same key")
	}
}

func FuzzTypedCode(f *testing.F) {
	for _, s := range []string{"", "K7-42", FormatCode(randomCode()), strings.ToLower(randomCode()), "\xff", "\u200b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, err := parseTyped(typed)
		if err != nil {
			return
		}
		if len(code) != ticketLength && len(code) != roomLength {
			t.Fatalf("%q is taken for %q", typed, code)
		}
		for _, again := range []string{code, FormatCode(code), strings.ToLower(code)} {
			if got, err := parseTyped(again); err != nil || got != code {
				t.Fatalf("%q is %q, and %q is %q, %v", typed, code, again, got, err)
			}
		}
	})
}
