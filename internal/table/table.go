// Package table writes tables as people open them: CSV and OpenDocument spreadsheets.
package table

import (
	"bytes"
	"encoding/csv"
	"strings"
	"unicode/utf8"
)

// Table is what is exported.
type Table struct {
	Head  []string
	Lines [][]string
}

// CSV writes the table as French spreadsheets open it with a double click: UTF-8 with a byte order mark, semicolons, CR LF. What a
// spreadsheet would take for a formula begins with an apostrophe (OWASP, "CSV Injection").
func (t Table) CSV() []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.Comma, w.UseCRLF = ';', true
	for _, line := range append([][]string{t.Head}, t.Lines...) {
		guarded := make([]string, len(line))
		for i, cell := range line {
			guarded[i] = guard(cell)
		}
		if err := w.Write(guarded); err != nil {
			panic(err) // the separator above is a good one, and a buffer takes everything
		}
	}
	w.Flush()
	return b.Bytes()
}

// guard makes of a cell one line of text that no spreadsheet calculates.
func guard(cell string) string {
	if !utf8.ValidString(cell) {
		cell = strings.ToValidUTF8(cell, "")
	}
	cell = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, cell)
	if strings.IndexAny(strings.TrimLeft(cell, " \u00a0\u202f\ufeff"), "=+-@＝＋－＠") == 0 {
		return "'" + cell
	}
	return cell
}
