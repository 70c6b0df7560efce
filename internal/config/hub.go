package config

import (
	"net/url"
	"slices"
	"strings"
)

// Hub is the town's central service. Without its address the place lives alone, which is no lesser life.
type Hub struct {
	URL   string // https, without a slash at its end; "": none
	Proxy string // by which it is reached: http or https; "": none
	CA    string // absolute path, PEM: whose certificates the hub has; "": the system's authorities
}

func (t *table) hub() (h Hub) {
	h.URL = strings.TrimRight(t.endpoint("url", Say("an address that begins with https://, such as \"https://hub.ville.example\"",
		"une adresse qui commence par https://, comme \"https://hub.ville.example\""), "https"), "/")
	h.Proxy = t.endpoint("proxy", Say("an address without a password, such as \"http://proxy.ville.example:3128\"",
		"une adresse sans mot de passe, comme \"http://proxy.ville.example:3128\""), "http", "https")
	h.CA = t.absolute("ca")
	if _, there := t.vals["url"]; !there {
		for _, key := range []string{"proxy", "ca"} {
			if _, there := t.vals[key]; there {
				t.bad(key, Say("%s is given without %s", "%s est donné sans %s", t.label(key), t.label("url")), Message{}, t.example("url"))
			}
		}
	}
	return h
}

// endpoint reads a URL of one of some schemes, with neither a password nor a query: a configuration is read by many.
func (t *table) endpoint(key string, expected Message, schemes ...string) string {
	s, ok := t.text(key, false)
	if !ok {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		t.bad(key, Say("%s: %q is not an address that can be used here", "%s : %q n'est pas une adresse possible ici", t.label(key), hidden(s)), expected, Message{})
		return ""
	}
	return s
}

// hidden is an address without a password that may stand in it: messages are logged.
func hidden(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return "…" + s[i:]
	}
	return s
}
