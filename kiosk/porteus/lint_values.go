package porteus

import (
	"net/url"
	"slices"
	"strings"

	"parvis/internal/lang"
)

// misnamed are what people write for something else.
var misnamed = map[string]lang.Text{
	"global":       text("write [[ GLOBAL ]]", "écrivez [[ GLOBAL ]]"),
	"daily_reboot": text("see scheduled_action", "voir scheduled_action"),
	"password":     text("see session_password", "voir session_password"),
}

// parameters checks each assignment by itself.
func (l *linter) parameters() {
	for _, x := range l.all {
		key, value, ok := assignment(x.text)
		if !ok || x.text[0] == '#' {
			continue
		}
		p, known := parameters[key]
		if !known {
			do := misnamed[key]
			if near := nearest(key); do == (lang.Text{}) && near != "" {
				do = say("write %s, if that is what you meant", "écrivez %s, si c'est ce que vous vouliez dire", near)
			}
			l.warn(x.number, say("%s is no known parameter: terminals ignore what they do not know", "%s n'est pas un paramètre connu : les postes ignorent ce qu'ils ne connaissent pas", key), lang.Text{}, do)
			continue
		}
		switch {
		case p.never:
			l.bad(x.number, say("%s is the installer's alone", "%s n'est que pour l'installateur", key), lang.Text{}, say("take it out", "retirez-le"))
		case value == "":
			l.warn(x.number, say("%s has no value", "%s n'a pas de valeur", key), p.value.expected, lang.Text{})
		case !p.value.ok(value):
			l.bad(x.number, say("%s: %q", "%s : %q", key, value), p.value.expected, lang.Text{})
		}
		if p.secret || p.url && hasPassword(value) {
			l.warn(x.number, say("%s: anybody who can fetch this file reads this secret", "%s : qui peut lire ce fichier lit ce secret", key), lang.Text{},
				say("serve it to the terminals' network alone", "ne le servez qu'au réseau des postes"))
		}
		if p.warning != (lang.Text{}) {
			l.warn(x.number, say("%s: %s", "%s : %s", key, p.warning), lang.Text{}, lang.Text{})
		}
		if key == "whitelist" || key == "blacklist" {
			if strings.Contains(value, "*") {
				l.bad(x.number, say("%s: a * breaks the filter", "%s : une étoile casse le filtre", key), say("plain names, which cover what is below them", "de simples noms, qui valent pour ce qui est dessous"), lang.Text{})
			}
			if strings.ContainsAny(value, "|,;") {
				l.bad(x.number, say("%s: names have blanks between them", "%s : les noms sont séparés par des espaces", key), lang.Text{}, lang.Text{})
			}
		}
	}
}

// hasPassword says whether an address, or user:password@host, carries one.
func hasPassword(value string) bool {
	for part := range strings.SplitSeq(value, "|") {
		if !strings.Contains(part, "://") {
			part = "http://" + part
		}
		if u, err := url.Parse(part); err == nil && u.User != nil {
			if _, has := u.User.Password(); has {
				return true
			}
		}
	}
	return false
}

// nearest is the parameter that differs by one letter from key; "" none.
func nearest(key string) string {
	best := ""
	for name := range parameters {
		if oneApart(key, name) && (best == "" || name < best) {
			best = name
		}
	}
	return best
}

// oneApart says that one insertion, removal or replacement, or an exchange of neighbours, makes b of a.
func oneApart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) != len(b) {
		return a[i:] == b[i+1:]
	}
	return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// view checks what one terminal reads as a whole; id "" is one that the file does not name.
func (l *linter) view(id string) {
	at := map[string]entry{}
	for _, e := range read(l.all, id) {
		if e.value != "" {
			at[e.key] = e
		}
	}
	has := func(key string) bool { _, ok := at[key]; return ok }
	value := func(key string) string { return at[key].value }

	if !has("kiosk_config") {
		l.bad(0, say("kiosk_config is missing: terminals refuse the file", "kiosk_config manque : les postes refusent le fichier"), lang.Text{},
			say("write kiosk_config= with the address of this file under GLOBAL", "écrivez kiosk_config= avec l'adresse de ce fichier sous GLOBAL"))
	}
	if strings.Contains(value("kiosk_config"), "?") {
		l.warn(at["kiosk_config"].number, say("kiosk_config with a ?: some versions append ?kiosk= by themselves", "kiosk_config avec un ? : certaines versions ajoutent ?kiosk= d'elles-mêmes"), lang.Text{},
			say("use an address without", "prenez une adresse sans"))
	}
	pair := func(a, b string, en, fr string) {
		if has(a) && has(b) {
			l.bad(max(at[a].number, at[b].number), say("%s with %s: "+en, "%s avec %s : "+fr, a, b), lang.Text{}, say("keep one", "gardez-en un"))
		}
	}
	pair("proxy", "proxy_config", "they exclude each other", "l'un exclut l'autre")
	pair("session_idle", "session_idle_forced", "the second replaces the first", "le second remplace le premier")
	if has("homepage_append") && strings.Contains(value("homepage"), "?") {
		l.bad(at["homepage"].number, say("homepage has a ? and homepage_append adds one", "homepage a un ? et homepage_append en ajoute un"), lang.Text{}, say("use an address without", "prenez une adresse sans"))
	}
	if value("session_idle_action") == "lock" {
		l.bad(at["session_idle_action"].number, say("session_idle_action=lock asks for a password: not for a public place", "session_idle_action=lock demande un mot de passe : pas pour un lieu public"), lang.Text{}, say("take it out", "retirez-le"))
	}
	if has("onscreen_buttons") && value("browser") != "chrome" && !has("disable_address_bar") && !has("disable_navigation_bar") {
		l.warn(at["onscreen_buttons"].number, say("onscreen_buttons only show without the address bar", "onscreen_buttons n'apparaît que sans barre d'adresse"), lang.Text{}, say("add disable_address_bar=yes", "ajoutez disable_address_bar=yes"))
	}
	for _, key := range []string{"onscreen_buttons", "onscreen_buttons_position", "disable_address_bar"} {
		if has(key) && value("browser") == "chrome" {
			l.warn(at[key].number, say("%s is Firefox's alone", "%s n'existe qu'avec Firefox", key), lang.Text{}, lang.Text{})
		}
	}
	if has("silent_printing") && value("browser") != "chrome" {
		l.warn(at["silent_printing"].number, say("silent_printing is Chrome's alone", "silent_printing n'existe qu'avec Chrome"), lang.Text{}, lang.Text{})
	}
	if has("import_certificates") && value("browser") == "chrome" {
		l.warn(at["import_certificates"].number, say("import_certificates may make Chrome accept every certificate", "import_certificates peut faire accepter tous les certificats à Chrome"), lang.Text{}, say("use Firefox", "prenez Firefox"))
	}
	pieces := strings.Fields(value("additional_components"))
	if has("printer_connection") && !slices.Contains(pieces, "10-printing.xzm") {
		l.bad(at["printer_connection"].number, say("a printer without 10-printing.xzm in additional_components", "une imprimante sans 10-printing.xzm dans additional_components"), lang.Text{}, say("add it there", "ajoutez-le"))
	}
	if has("printer_connection") != has("printer_model") {
		l.bad(max(at["printer_connection"].number, at["printer_model"].number), say("printer_model and printer_connection go together", "printer_model et printer_connection vont ensemble"), lang.Text{}, lang.Text{})
	}
	if value("connection") == "wired" || value("connection") == "wifi" {
		for _, key := range []string{"ip_address", "netmask", "default_gateway", "dns_server"} {
			if !has("dhcp") && !has(key) {
				l.bad(at["connection"].number, say("without dhcp=yes, %s is needed", "sans dhcp=yes, %s est nécessaire", key), lang.Text{}, lang.Text{})
			}
		}
	}
}
