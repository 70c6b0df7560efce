package console

import (
	"html/template"

	"parvis/portal/drawings"
	"parvis/sessions"
)

// icons are drawn by us, on a field of 48 by 48, with one line, like the portal's pictograms. One goes with the words beside
// it and says nothing of its own.
var icons = map[string]template.HTML{
	"house":    `<path d="M5 24 24 7l19 17M11 20v22h26V20M20 42V29h8v13"/>`,
	"show":     `<path d="M5 8h38v25H5zM24 33v9M14 42h20M14 21h20M27 14l7 7-7 7"/>`,
	"wifi":     `<path d="M5 19a27 27 0 0 1 38 0M11 26a18 18 0 0 1 26 0M17 33a10 10 0 0 1 14 0M24 40v.1"/>`,
	"hand":     `<path d="M14 26V12a3 3 0 0 1 6 0v10-14a3 3 0 0 1 6 0v14-12a3 3 0 0 1 6 0v12-8a3 3 0 0 1 6 0v16a13 13 0 0 1-23 8L8 28c-2-3 2-6 6-2z"/>`,
	"sheet":    `<path d="M6 12h36v8a4 4 0 0 0 0 8v8H6v-8a4 4 0 0 0 0-8zM30 12v24"/>`,
	"people":   `<circle cx="16" cy="15" r="6"/><circle cx="33" cy="17" r="5"/><path d="M5 40V33a11 9 0 0 1 22 0v7M32 40h11v-6a10 9 0 0 0-14-8"/>`,
	"clock":    `<circle cx="24" cy="24" r="18"/><path d="M24 13v11l8 5"/>`,
	"tools":    `<path d="M24 5 44 41H4zM24 18v11M24 35v.1"/>`,
	"gauge":    `<path d="M7 41V27M18 41V9M29 41V19M40 41V32M3 41h42"/>`,
	"desk":     `<circle cx="24" cy="11" r="6"/><path d="M13 30v-3a11 8 0 0 1 22 0v3M4 30h40M8 30v13h32V30"/>`,
	"lock":     `<circle cx="24" cy="15" r="9"/><path d="M8 43v-4a16 12 0 0 1 32 0v4z"/>`,
	"book":     `<circle cx="24" cy="24" r="19"/><path d="M18 19a6 6 0 1 1 8 6c-2 1-2 2-2 4M24 35v.1"/>`,
	"yes":      `<circle cx="24" cy="24" r="19"/><path d="M15 25l6 7 12-15"/>`,
	"phone":    `<path d="M14 4h20v40H14zM21 38h6"/>`,
	"pc":       `<path d="M8 8h32v23H8zM3 40h42M17 31v9M31 31v9"/>`,
	"menu":     `<path d="M7 13h34M7 24h34M7 35h34"/>`,
	"letter":   `<path d="M5 11h38v27H5zM5 12l19 15 19-15"/>`,
	"search":   `<circle cx="20" cy="20" r="13"/><path d="M30 30l13 13"/>`,
	"arch":     `<path d="M6 43h36M11 43V24a13 13 0 0 1 26 0v19M20 43V28a4 4 0 0 1 8 0v15"/>`,
	"queue":    `<circle cx="9" cy="14" r="5"/><circle cx="24" cy="14" r="5"/><circle cx="39" cy="14" r="5"/><path d="M3 34v-4a6 6 0 0 1 12 0v4M18 34v-4a6 6 0 0 1 12 0v4M33 34v-4a6 6 0 0 1 12 0v4M5 42h38"/>`,
	"calendar": `<path d="M6 10h36v32H6zM6 20h36M15 5v9M33 5v9M14 28h6M28 28h6M14 35h6"/>`,
	"list":     `<path d="M6 12h.1M6 24h.1M6 36h.1M15 12h27M15 24h27M15 36h27"/>`,
	"plus":     `<path d="M24 8v32M8 24h32"/>`,
}

func draw(name string) template.HTML {
	d, ok := icons[name]
	if !ok {
		return ""
	}
	return `<svg class="i" width="24" height="24" viewBox="0 0 48 48" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round">` + d + `</svg>`
}

// drawing is the picture that goes with a code, and word what it shows: one of the two stands beside the other.
func drawing(code string) template.HTML { return drawings.SVG(sessions.Drawing(code), 52) }

func word(code string) string { return drawings.Word(sessions.Drawing(code), "fr") }
