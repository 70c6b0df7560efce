package main

import (
	"slices"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Whatever comes, it is words or an error; and words that are packed come out as they are.
func FuzzUnpack(f *testing.F) {
	f.Add("", "a", "b c")
	f.Add("\x00\x00\x00\x05abc", "", "")
	f.Fuzz(func(t *testing.T, packed, one, two string) {
		_, _ = unpack(packed)
		var p []byte
		for _, word := range []string{one, two} {
			p = append(p, ssh.Marshal(struct{ Word string }{word})...)
		}
		if got, err := unpack(string(p)); err != nil || !slices.Equal(got, []string{one, two}) {
			t.Errorf("%q, %v", got, err)
		}
	})
}
