package openid

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// rolesIn is what a claim holds: one text of words, or a list of them.
func rolesIn(claims map[string]any, path string) (values []string) {
	var at any = claims
	if v, ok := claims[path]; ok { // a name with dots or slashes of its own
		at = v
	} else {
		for key := range strings.SplitSeq(path, ".") {
			m, _ := at.(map[string]any)
			at = m[key]
		}
	}
	switch v := at.(type) {
	case []any:
		for _, x := range v {
			if s, ok := x.(string); ok {
				values = append(values, s)
			}
		}
	case string:
		values = strings.Fields(v)
	}
	return values
}

func nameIn(claims map[string]any) string {
	text := func(k string) string { s, _ := claims[k].(string); return strings.TrimSpace(s) }
	for _, n := range []string{text("name"), text("given_name") + " " + text("usual_name"), text("given_name") + " " + text("family_name"), text("preferred_username")} {
		if n, ok := Name(n); ok {
			return n
		}
	}
	return ""
}

// Name is a name of a person as pages may show it; ok is false when it cannot be one.
func Name(name string) (clean string, ok bool) {
	name = strings.Join(strings.Fields(name), " ")
	n := utf8.RuneCountInString(name)
	if n < 2 || n > 60 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return "", false
	}
	return name, true
}
