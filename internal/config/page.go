package config

import "net/url"

// page reads the address of a web page; "" where none is given.
func (t *table) page(key string) string {
	s, ok := t.text(key, false)
	if !ok {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		t.bad(key, Say("%s: %q is not the address of a page", "%s : %q n'est pas l'adresse d'une page", t.label(key), s),
			Say("an address that begins with http:// or https:// and holds no password",
				"une adresse qui commence par http:// ou https://, sans mot de passe"), Message{})
		return ""
	}
	return s
}

// echo reads the address of an echo service: its scheme is http, since it sees what a proxy with a certificate would hide.
func (t *table) echo(key string) *url.URL {
	s, ok := t.text(key, false)
	if !ok {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		t.bad(key, Say("%s: %q is not the address of an echo service", "%s : %q n'est pas l'adresse d'un service d'écho", t.label(key), s),
			Say("http://, a name or an address, and a port, and nothing behind", "http://, un nom ou une adresse, et un port, sans rien derrière"), t.example(key))
		return nil
	}
	return u
}
