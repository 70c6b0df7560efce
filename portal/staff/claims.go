package staff

import "strings"

// roleIn is the strongest role that a claim gives: one text, or a list of them.
func roleIn(claims map[string]any, path string) (role Role) {
	var at any = claims
	if v, ok := claims[path]; ok { // a name with dots or slashes of its own
		at = v
	} else {
		for key := range strings.SplitSeq(path, ".") {
			m, _ := at.(map[string]any)
			at = m[key]
		}
	}
	var values []any
	switch v := at.(type) {
	case []any:
		values = v
	case string:
		for w := range strings.FieldsSeq(v) {
			values = append(values, w)
		}
	}
	found := map[Role]bool{}
	for _, v := range values {
		if s, ok := v.(string); ok {
			found[Role(strings.TrimPrefix(strings.ToLower(s), "parvis-"))] = true
		}
	}
	for _, r := range []Role{DSI, Referent, Mediator, DPO} {
		if found[r] {
			return r
		}
	}
	return ""
}

func nameIn(claims map[string]any) string {
	text := func(k string) string { s, _ := claims[k].(string); return strings.TrimSpace(s) }
	for _, n := range []string{text("name"), text("given_name") + " " + text("usual_name"), text("given_name") + " " + text("family_name"), text("preferred_username")} {
		if n, err := cleanName(n); err == nil {
			return n
		}
	}
	return ""
}
