package table

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
)

func TestACellIsNoFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"=1+1":          "'=1+1",
		"+33 4":         "'+33 4",
		"-2":            "'-2",
		"@SUM(A1)":      "'@SUM(A1)",
		"  =1":          "'  =1",
		"\t=1":          "' =1",
		"＝1":            "'＝1",
		"a\r\n=1":       "a  =1",
		"Atelier 1 = 2": "Atelier 1 = 2",
		"":              "",
	} {
		if got := guard(cell); got != want {
			t.Errorf("%q: %q, want %q", cell, got, want)
		}
	}
}

// Whatever is written in a title: the table has as many lines and columns as before, and no cell begins as a formula does.
func FuzzCSV(f *testing.F) {
	f.Add("=cmd|' /C calc'!A0")
	f.Add("a;b\"c\r\n\xff+1")
	f.Fuzz(func(t *testing.T, title string) {
		b := Table{Head: []string{"Titre", "Nombre"}, Lines: [][]string{{title, "1"}}}.CSV()
		b, bom := bytes.CutPrefix(b, []byte("\ufeff"))
		r := csv.NewReader(bytes.NewReader(b))
		r.Comma = ';'
		all, err := r.ReadAll()
		if err != nil || !bom || len(all) != 2 || len(all[1]) != 2 {
			t.Fatalf("%q: %q, %v", title, all, err)
		}
		if c := strings.TrimLeft(all[1][0], " \u00a0\u202f\ufeff"); c != "" && strings.ContainsAny(c[:1], "=+-@\t\r") {
			t.Fatalf("%q: %q", title, all[1][0])
		}
	})
}
