package sessions

import (
	"slices"
	"strings"
	"unicode"
)

// A code is what a person says or shows at the desk: one letter, one digit, a dash, two digits, as in "K7-42".
//
// It is made of characters none of which looks like another or, spelled out in French, sounds like another:
//
//   - letters: of bé cé dé gé pé té vé only T; of èf èl èm èn èr ès only R; K and neither A nor "4"'s look-alike; J and neither G
//     nor I; U and neither Q nor V; no O, I, L, S, Z, B, which are taken for 0, 1, 1, 5, 2, 8; no M, which is W to who sits on
//     the other side of the desk.
//   - digits: no 0 and 1, taken for O and for I, l and 7. The two digits are said as one number: 20 to 69 only, because
//     70 and more are sums in French ("soixante-douze" is heard as 60 and 12) and 11 to 16 rhyme; "et un" does not occur.
const (
	codeLetters = "HJKRTUWXY"
	codeDigits  = "23456789"
	codeTens    = "23456"
)

// codes are all of them, in order: 2,880. Where so many are not enough (guests.capacity may be up to 10,000) the other
// numbers come after them, 9,000 in all.
var allCodes = func() (all []string) {
	var rest []string
	for _, l := range codeLetters {
		for n := range 1000 {
			d := [3]byte{byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)}
			code := string(l) + string(d[0]) + "-" + string(d[1:])
			if strings.IndexByte(codeDigits, d[0]) >= 0 && strings.IndexByte(codeTens, d[1]) >= 0 && strings.IndexByte(codeDigits, d[2]) >= 0 {
				all = append(all, code)
			} else {
				rest = append(rest, code)
			}
		}
	}
	codesGood = len(all)
	return append(all, rest...)
}()

// codesGood is how many of allCodes, from the first, are good to say.
var codesGood int

// ParseCode returns the code that somebody has typed, whatever the case, spaces and dashes, and with the digits of an Arabic
// keyboard too; ok is false when it is none.
func ParseCode(typed string) (code string, ok bool) {
	var b []byte
	for _, r := range typed {
		switch {
		case unicode.IsSpace(r) || unicode.In(r, unicode.Dash, unicode.Cf):
			continue // Cf: marks of writing direction, which come with a pasted text
		case r >= 0x660 && r <= 0x669: // Arabic-Indic digits
			r -= 0x660 - '0'
		case r >= 0x6f0 && r <= 0x6f9: // their eastern form
			r -= 0x6f0 - '0'
		case r > unicode.MaxASCII:
			return "", false
		}
		if b = append(b, byte(unicode.ToUpper(r))); len(b) > 4 {
			return "", false
		}
	}
	if len(b) != 4 || strings.IndexByte(codeLetters, b[0]) < 0 || slices.ContainsFunc(b[1:], func(c byte) bool { return c < '0' || c > '9' }) {
		return "", false
	}
	return string(b[:2]) + "-" + string(b[2:]), true
}

// drawings go with codes, for who does not read: nouns of every language, told apart by their outline.
var drawings = []string{
	"arbre", "avion", "ballon", "bateau", "chapeau", "chat", "chien", "cle", "cloche", "coeur", "escargot", "etoile",
	"fleur", "fusee", "livre", "lune", "lunettes", "maison", "parapluie", "poisson", "pomme", "soleil", "tasse", "velo",
}

// Drawings returns the names of all drawings.
func Drawings() []string { return slices.Clone(drawings) }

// Drawing returns the name of the drawing that goes with a code, the same at every call; "" when it is no code.
func Drawing(code string) string {
	code, ok := ParseCode(code)
	if !ok {
		return ""
	}
	n := strings.IndexByte(codeLetters, code[0])*1000 + int(code[1]-'0')*100 + int(code[3]-'0')*10 + int(code[4]-'0')
	return drawings[n%len(drawings)]
}
