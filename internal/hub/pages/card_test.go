package pages

import (
	"testing"

	"parvis/internal/hub/opendata"
)

// The national map has numbers as they are called from everywhere.
func TestANumberIsWrittenAsItIsCalledFromAbroad(t *testing.T) {
	for typed, want := range map[string]string{
		"": "", "04 00 00 00 00": "+33400000000", "+33 4 00 00 00 00": "+33400000000", "04.00.00.00.00": "+33400000000", "0262 00 00 00": "+262262000000",
		"0590 00 00 00": "+590590000000", "3900": "3900",
	} {
		if of, _ := (card{Phone: typed}).place(opendata.Place{}); of.Phone != want {
			t.Errorf("%q: %q, want %q", typed, of.Phone, want)
		}
	}
}
