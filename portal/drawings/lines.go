package drawings

import (
	"html/template"
	"maps"
	"slices"
)

// lines are the pictograms that stand beside texts. They are drawn by us, on a field of 48 by 48, with one line. A picture goes
// with the text beside it and says nothing of its own: screen readers pass it over.
var lines = map[string]template.HTML{
	"arch":      `<path d="M6 43h36M11 43V24a13 13 0 0 1 26 0v19M20 43V28a4 4 0 0 1 8 0v15"/>`,
	"gift":      `<path d="M9 22h30v20H9zM6 14h36v8H6zM24 14v28M24 14c-9 0-12-9-6-9 4 0 6 9 6 9zm0 0c9 0 12-9 6-9-4 0-6 9-6 9z"/>`,
	"finger":    `<path d="M19 25V9a4 4 0 0 1 8 0v13l10 3c3 1 4 3 3 6l-3 12H21L10 31c-3-4 2-7 5-4l4 4"/>`,
	"clock":     `<circle cx="24" cy="24" r="18"/><path d="M24 13v11l8 5"/>`,
	"bell":      `<path d="M12 34V21a12 12 0 0 1 24 0v13l4 4H8zM20 42h8"/>`,
	"address":   `<path d="M5 15h38v18H5zM11 24h13M30 20v8"/>`,
	"disk":      `<path d="M24 6v24M14 21l10 10 10-10M7 32v10h34V32"/>`,
	"gauge":     `<path d="M6 36a18 18 0 1 1 36 0zM24 36l8-13"/>`,
	"desk":      `<circle cx="24" cy="11" r="6"/><path d="M13 30v-3a11 8 0 0 1 22 0v3M4 30h40M8 30v13h32V30"/>`,
	"off":       `<path d="M14 4h20v40H14zM6 6l36 36"/>`,
	"people":    `<circle cx="16" cy="15" r="6"/><circle cx="33" cy="17" r="5"/><path d="M5 40V33a11 9 0 0 1 22 0v7M32 40h11v-6a10 9 0 0 0-14-8"/>`,
	"search":    `<circle cx="20" cy="20" r="13"/><path d="M30 30l13 13M16 16a4 4 0 1 1 5 5v2M21 27v.1"/>`,
	"mailbox":   `<path d="M6 26 24 8l18 18v16H6zM18 42V30h12v12"/>`,
	"tools":     `<path d="M8 40 26 22M24 12a9 9 0 0 1 12-5l-6 6 5 5 6-6a9 9 0 0 1-12 12L13 41a4 4 0 0 1-6-6z"/>`,
	"yes":       `<circle cx="24" cy="24" r="18"/><path d="M15 25l6 7 12-15"/>`,
	"wifi":      `<path d="M5 19a27 27 0 0 1 38 0M11 26a18 18 0 0 1 26 0M17 33a10 10 0 0 1 14 0M24 40v.1"/>`,
	"show":      `<path d="M5 8h38v25H5zM24 33v9M14 42h20M14 21h20M27 14l7 7-7 7"/>`,
	"window":    `<path d="M5 8h38v32H5zM5 17h38M11 12.500v.1M17 12.500v.1"/>`,
	"house":     `<path d="M5 24 24 7l19 17M11 20v22h26V20M20 42V29h8v13"/>`,
	"heart":     `<path d="M24 42C6 29 4 20 8 13c4-6 13-5 16 3 3-8 12-9 16-3 4 7 2 16-16 29z"/>`,
	"scales":    `<path d="M24 6v36M14 42h20M8 13h32M8 13 3 28h12L8 13zm32 0-7 15h12z"/>`,
	"nocopy":    `<path d="M17 34V8l20-3v25"/><circle cx="12" cy="35" r="5"/><circle cx="32" cy="31" r="5"/><path d="M5 5l38 38"/>`,
	"eye":       `<path d="M4 24q20-28 40 0-20 28-40 0z"/><circle cx="24" cy="24" r="6"/>`,
	"noeye":     `<path d="M4 24q20-28 40 0-20 28-40 0z"/><circle cx="24" cy="24" r="6"/><path d="M8 42 40 6"/>`,
	"ears":      `<path d="M8 30v-6a16 16 0 0 1 32 0v6M6 29h7v13H6zM35 29h7v13h-7z"/>`,
	"lock":      `<path d="M10 21h28v21H10zM16 21v-6a8 8 0 0 1 16 0v6M24 29v6"/>`,
	"sheet":     `<path d="M10 4h20l8 8v32H10zM30 4v8h8M17 21h14M17 28h14M17 35h9"/>`,
	"bin":       `<path d="M8 13h32M18 13V7h12v6M12 13l2 30h20l2-30M20 21v14M28 21v14"/>`,
	"mask":      `<circle cx="24" cy="15" r="9"/><path d="M8 43v-4a16 12 0 0 1 32 0v4M21 12a3 3 0 1 1 4 4v1M24 20v.1"/>`,
	"letter":    `<path d="M5 11h38v27H5zM5 12l19 15 19-15"/>`,
	"access":    `<circle cx="24" cy="24" r="19"/><circle cx="24" cy="13" r="2"/><path d="M13 20l11 2 11-2M24 22v8l-6 9M24 30l6 9"/>`,
	"keys":      `<path d="M3 12h42v25H3zM10 20h.1M18 20h.1M26 20h.1M34 20h.1M38 28h.1M10 28h.1M17 30h14"/>`,
	"sun":       `<circle cx="24" cy="24" r="9"/><path d="M24 4v6M24 38v6M4 24h6M38 24h6M10 10l4 4M34 34l4 4M10 38l4-4M34 14l4-4"/>`,
	"twins":     `<path d="M5 8h13v32H5zM30 8h13v32H30zM11 34h1M36 34h1M22 21h4M22 27h4"/>`,
	"ticket":    `<path d="M5 13h38v7a4 4 0 0 0 0 8v7H5v-7a4 4 0 0 0 0-8zM17 13v22M24 21h11M24 27h7"/>`,
	"zoom":      `<circle cx="20" cy="20" r="14"/><path d="M30 30l13 13M13 20h14M20 13v14"/>`,
	"printer":   `<path d="M13 18V5h22v13M13 34H5V18h38v16h-8M13 28h22v15H13zM37 23v.1"/>`,
	"noprinter": `<path d="M13 18V5h22v13M13 34H5V18h38v16h-8M13 28h22v15H13zM6 44 42 4"/>`,
	"key":       `<path d="M15 16h18v27H15zM19 16V5h10v11M23 10v.1M25 10v.1"/>`,
	"nokey":     `<path d="M15 16h18v27H15zM19 16V5h10v11M6 44 42 4"/>`,
	"tabs":      `<path d="M5 14h38v28H5zM5 14V6h14v8M19 14V9h14v5M5 21h38"/>`,
	"broom":     `<path d="M40 5 25 20M18 17l13 13-4 13H8l2-17zM15 43l4-8M22 43l3-7"/>`,
	"card":      `<path d="M4 10h40v28H4zM4 18h40M10 30h10"/>`,
	"phone":     `<path d="M14 4h20v40H14zM21 38h6"/>`,
	"tag":       `<path d="M5 25 24 5h19v19L24 43zM34 14v.1"/>`,
}

// Line is a pictogram by its name; "" when there is none of this name.
func Line(name string) template.HTML {
	d, ok := lines[name]
	if !ok {
		return ""
	}
	return `<svg width="40" height="40" viewBox="0 0 48 48" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round">` + d + `</svg>`
}

// LineNames are the names of all pictograms, in order.
func LineNames() []string { return slices.Sorted(maps.Keys(lines)) }
