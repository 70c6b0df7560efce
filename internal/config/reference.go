package config

import (
	_ "embed"
	"regexp"
	"strings"
	"sync"

	"parvis/internal/lang"
	"parvis/internal/order"
)

//go:embed reference.toml
var referenceEN string

//go:embed reference.fr.toml
var referenceFR string

// Reference returns the commented configuration: every key, with the values that hold when it is left out. Both
// languages differ in their remarks alone.
func Reference(l lang.Lang) string {
	if l == lang.FR {
		return referenceFR
	}
	return referenceEN
}

// optional matches a key that the reference shows behind a #.
var optional = regexp.MustCompile(`(?m)^# ([a-z0-9-]+ = .+)$`)

// whole is the reference with its optional keys taken out from behind their #.
func whole(l lang.Lang) string { return optional.ReplaceAllString(Reference(l), "$1") }

// references gives the value of every key as the reference writes it: "guests.lease" → `"2h"`.
var references = sync.OnceValue(func() map[string]string {
	src := whole(lang.EN)
	out := map[string]string{}
	for path, sp := range scan(src).spans {
		out[strings.Replace(path, "profile.0.", "profile.", 1)] = src[sp.val:sp.valEnd]
	}
	return out
})

// Fill puts values into a configuration in the place of those that its keys have: "guests.address" → `"10.8.0.1/16"`,
// written as TOML. An optional key that stands behind a # is taken out from there. Remarks stay. Keys that the source
// does not have are passed over.
func Fill(src string, values map[string]string) string {
	type edit struct {
		from, to int
		text     string
	}
	var edits []edit
	for path, v := range values {
		if sp, ok := scan(src).spans[path]; ok {
			edits = append(edits, edit{sp.val, sp.valEnd, v})
			continue
		}
		dot := max(strings.LastIndexByte(path, '.'), 0)
		section, key := path[:dot], path[dot+1:]
		sp, ok := scan(src).spans[section]
		if !ok {
			continue
		}
		end := len(src)
		if i := strings.Index(src[sp.key:], "\n["); i >= 0 {
			end = sp.key + i
		}
		for _, m := range optional.FindAllStringIndex(src[sp.key:end], -1) {
			if strings.HasPrefix(src[sp.key+m[0]:], "# "+key+" = ") {
				edits = append(edits, edit{sp.key + m[0], sp.key + m[1], key + " = " + v})
			}
		}
	}
	order.Func(edits, func(a, b edit) int { return b.from - a.from })
	for _, e := range edits {
		src = src[:e.from] + e.text + src[e.to:]
	}
	return src
}
