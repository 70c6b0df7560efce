// Package fonts holds what papers are written in: DejaVu Sans Condensed (LICENSE), cut down to Latin letters and punctuation.
// Right-to-left and joined scripts need shaping, which the PDF writer has not.
package fonts

import _ "embed"

// The two weights, as TrueType files.
var (
	//go:embed DejaVuSansCondensed.ttf
	Regular []byte
	//go:embed DejaVuSansCondensed-Bold.ttf
	Bold []byte
)
