package porteus

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"parvis/internal/lang"
)

// parameter is what is known of one: which values it has, and what to know before using it.
type parameter struct {
	value   form
	secret  bool      // anybody who can fetch the file reads it
	never   bool      // not in a file that terminals fetch
	warning lang.Text // of its being there at all
	url     bool      // may hold a name and a password
}

// form says whether a value can be right, and what would be.
type form struct {
	ok       func(string) bool
	expected lang.Text
}

func text(en, fr string) lang.Text { return lang.Text{EN: en, FR: fr} }

var (
	anything = form{func(string) bool { return true }, lang.Text{}}
	yes      = form{func(s string) bool { return s == "yes" }, text("yes, or no line at all", "yes, ou pas de ligne du tout")}
	address  = form{isIPv4, text("an IPv4 address", "une adresse IPv4")}
	webpage  = form{func(s string) bool { return isURL(s, "http", "https") }, text("an http:// or https:// address", "une adresse http:// ou https://")}
	pages    = form{
		func(s string) bool {
			return all(s, "|", func(p string) bool { return isURL(p, "http", "https", "file") })
		},
		text("addresses with http:// or https://, | between them", "des adresses en http:// ou https://, séparées par |"),
	}
	minutes = number(1, 1440)
	days    = form{
		func(s string) bool { return all(s, " ", dayTime.MatchString) },
		text("Monday-08:00 Tuesday-08:00, days in English", "Monday-08:00 Tuesday-08:00, jours en anglais"),
	}
	action = form{
		func(s string) bool {
			when, what, ok := strings.Cut(s, " action:")
			return ok && strings.TrimSpace(what) != "" && all(when, " ", dayTime.MatchString)
		},
		text("Monday-23:30 Tuesday-23:30 action:halt, days in English", "Monday-23:30 Tuesday-23:30 action:halt, jours en anglais"),
	}
	dayTime = regexp.MustCompile(`^(Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)-([01][0-9]|2[0-3]):[0-5][0-9]$`)
)

func isIPv4(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is4()
}

func isURL(s string, schemes ...string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" && u.Scheme != "file" {
		return false
	}
	for _, scheme := range schemes {
		if u.Scheme == scheme {
			return true
		}
	}
	return false
}

func all(s, sep string, ok func(string) bool) bool {
	for part := range strings.SplitSeq(s, sep) {
		if !ok(part) {
			return false
		}
	}
	return true
}

func number(lo, hi int) form {
	t := strconv.Itoa(lo) + "–" + strconv.Itoa(hi)
	return form{func(s string) bool {
		n, err := strconv.Atoi(s)
		return err == nil && n >= lo && n <= hi
	}, text("a whole number, "+t, "un nombre entier, "+t)}
}

func one(of ...string) form {
	list := strings.Join(of, ", ")
	return form{func(s string) bool {
		for _, o := range of {
			if s == o {
				return true
			}
		}
		return false
	}, text("one of "+list, "un de "+list)}
}

func some(of ...string) form {
	f := one(of...)
	list := strings.Join(of, ", ")
	return form{
		func(s string) bool { return all(s, " ", f.ok) },
		text("of "+list+", one blank between them", "parmi "+list+", un espace entre eux"),
	}
}

var (
	asked   = text("our gate decides by name, at once, without restarting terminals", "notre filtre décide par nom, tout de suite, sans redémarrer les postes")
	retains = text("what one person did would still be there for the next", "ce qu'une personne a fait serait encore là pour la suivante")
	notOurs = text("stock Porteus Kiosk has no such parameter and ignores it", "Porteus Kiosk d'origine n'a pas ce paramètre et l'ignore")
	runs    = text("it is run as it stands by the terminal; keep it fixed", "le poste l'exécute tel quel ; gardez-le fixe")
)

// parameters are those of Porteus Kiosk 5.2 that are known, by their exact names.
var parameters = map[string]parameter{
	"kiosk_config": {value: form{
		func(s string) bool {
			return isURL(s, "http", "https", "ftp", "server") || strings.HasPrefix(s, "server://")
		},
		text("an http://, https:// or ftp:// address", "une adresse http://, https:// ou ftp://"),
	}, url: true},
	"burn_dev": {value: anything, never: true}, "save_path": {value: anything, never: true},

	"connection": {value: one("wired", "wifi", "dialup")}, "network_interface": {value: anything},
	"dhcp": {value: yes}, "ip_address": {value: address}, "netmask": {value: address}, "default_gateway": {value: address},
	"dns_server": {value: form{
		func(s string) bool { return all(s, " ", isIPv4) },
		text("IPv4 addresses, one blank between them", "des adresses IPv4, un espace entre elles"),
	}},
	"wired_authentication": {value: one("eapol")}, "eapol_username": {value: anything}, "eapol_password": {value: anything, secret: true},
	"ssid_name": {value: anything}, "hidden_ssid_name": {value: anything}, "wifi_encryption": {value: one("wep", "wpa", "eap-peap")},
	"wep_key": {value: anything, secret: true}, "wpa_password": {value: anything, secret: true},
	"peap_username": {value: anything}, "peap_password": {value: anything, secret: true},
	"dialup_phone_number": {value: anything}, "dialup_username": {value: anything}, "dialup_password": {value: anything, secret: true},
	"proxy": {value: form{
		func(s string) bool { return regexp.MustCompile(`^([^@\s]+@)?[^:@/\s]+:[0-9]{1,5}$`).MatchString(s) },
		text("address:port, without http://", "adresse:port, sans http://"),
	}, url: true},
	"proxy_exceptions": {value: anything}, "proxy_config": {value: webpage, url: true},
	"wake_on_lan": {value: yes}, "allow_icmp_protocol": {value: yes},
	"disable_firewall": {value: yes, warning: text("the terminal then takes connections from its network", "le poste accepte alors des connexions de son réseau")},
	"hostname":         {value: anything}, "hostname_aliases": {value: anything},

	"browser":  {value: one("firefox", "chrome")},
	"homepage": {value: pages, url: true}, "homepage_append": {value: one("mac", "hostname", "pcid")}, "homepage_check": {value: anything},
	"whitelist": {value: anything, warning: asked}, "blacklist": {value: anything, warning: asked},
	"managed_bookmarks": {value: anything}, "browser_language": {value: anything}, "search_engine": {value: one("google", "duckduckgo")},
	"disable_private_mode": {value: yes, warning: retains}, "password_manager": {value: yes, warning: retains},
	"import_certificates": {value: anything}, "browser_preferences": {value: webpage, url: true}, "browser_user_agent": {value: anything},
	"allow_popup_windows": {value: yes}, "disable_zoom_controls": {value: yes, warning: text("people need larger letters", "des personnes ont besoin de lettres plus grandes")},
	"browser_zoom_level": {value: anything}, "enable_file_protocol": {value: yes, warning: text("pages can then read the terminal's files", "des pages peuvent alors lire les fichiers du poste")},
	"disable_address_bar": {value: yes}, "autohide_navigation_bar": {value: yes}, "disable_navigation_bar": {value: yes},
	"onscreen_buttons":          {value: some("back", "forward", "refresh", "home", "zoom-in", "zoom-out", "print", "close")},
	"onscreen_buttons_position": {value: one("top", "bottom", "left", "right")},
	"toggle_tabs":               {value: number(1, 86400)},
	"refresh_webpage":           {value: number(1, 86400), warning: text("it empties forms that people fill in, and hides that nobody is there", "elle vide les formulaires en cours, et cache que personne n'est là")},
	"virtual_keyboard":          {value: yes}, "allow_media_devices": {value: yes},

	"session_idle": {value: minutes}, "session_idle_forced": {value: minutes, warning: text("the browser ends without a warning", "le navigateur s'arrête sans prévenir")},
	"session_idle_action": {value: anything, warning: runs}, "session_password": {value: anything, secret: true},
	"screensaver_idle": {value: minutes}, "screensaver_archive": {value: webpage}, "screensaver_archive_update": {value: minutes},
	"slide_duration": {value: number(1, 86400)}, "slide_random": {value: yes}, "screensaver_video": {value: webpage}, "screensaver_webpage": {value: webpage},
	"dpms_idle": {value: number(1, 540)}, "freeze_idle": {value: minutes}, "standby_idle": {value: minutes}, "suspend_idle": {value: minutes}, "halt_idle": {value: minutes},

	"timezone": {value: form{zoneForm.MatchString, text("a name such as Europe/Paris", "un nom comme Europe/Paris")}}, "ntp_server": {value: anything},
	"scheduled_action": {value: action, warning: text("closing belongs to the place's hours, which know holidays and somebody who is not done", "la fermeture revient aux horaires du lieu, qui connaissent les congés et la personne qui n'a pas fini")},
	"rtc_wake":         {value: days}, "shutdown_menu": {value: some("lock", "reboot", "restart-session", "shutdown", "sleep")},
	"persistence": {value: one("session", "full", "wipe"), warning: retains}, "swapfile": {value: number(1, 1<<20)}, "zRAM": {value: anything},
	"removable_devices": {value: yes}, "run_command": {value: anything, warning: runs},
	"kernel_parameters": {value: anything}, "gpu_driver": {value: anything}, "debug": {value: yes, warning: text("its reports tell what people did", "ses rapports disent ce que les gens ont fait")},
	"watchdog": {value: anything}, "hardware_video_decode": {value: yes}, "automatic_updates": {value: anything}, "skip_updates": {value: anything},
	"additional_components": {value: form{
		func(s string) bool {
			return all(s, " ", regexp.MustCompile(`^[A-Za-z0-9_.-]+\.(zip|xzm)$`).MatchString)
		}, text("names such as uefi.zip 10-printing.xzm, one blank between them", "des noms comme uefi.zip 10-printing.xzm, un espace entre eux"),
	}},
	"root_password": {value: anything, secret: true}, "ssh_port": {value: number(1, 65535)}, "ssh_localhost_only": {value: yes},
	"vnc_password": {value: form{func(s string) bool { return len(s) <= 8 }, text("at most 8 characters", "8 caractères au plus")}, secret: true},
	"vnc_port":     {value: number(1, 65535)}, "vnc_interactive": {value: yes}, "vnc_query_user": {value: yes}, "vnc_localhost_only": {value: yes},
	"kiosk_server": {value: anything},
	"client_id": {value: form{
		func(s string) bool { return s == "automatic" || number(2000, 4999).ok(s) }, text("2000–4999 or automatic", "2000–4999 ou automatic"),
	}},

	"wallpaper": {value: webpage}, "screen_settings": {value: anything}, "screen_resolution": {value: anything}, "screen_refresh_rate": {value: anything},
	"screen_brightness": {value: anything}, "screen_rotate": {value: one("normal", "left", "right", "inverted")},
	"primary_keyboard_layout": {value: anything}, "secondary_keyboard_layout": {value: anything}, "disable_numlock": {value: yes},
	"hide_mouse": {value: anything}, "mouse_speed": {value: anything}, "mouse_cursor_size": {value: anything}, "right_mouse_click": {value: yes},
	"disable_input_devices": {value: yes}, "touchscreen_calibration": {value: anything}, "volume_level": {value: anything},
	"default_sound_card": {value: anything}, "default_microphone": {value: anything},

	"printer_model": {value: anything},
	"printer_connection": {value: form{
		func(s string) bool { return s == "direct" || isURL(s, "lpd", "ipp", "socket") },
		text("direct, or an lpd://, ipp:// or socket:// address", "direct, ou une adresse lpd://, ipp:// ou socket://"),
	}},
	"paper_size": {value: one("Default", "A4", "Letter")}, "silent_printing": {value: yes}, "share_printer": {value: yes}, "printer_name": {value: anything},

	"daemon_check": {value: anything, warning: notOurs}, "daemon_force_reboot": {value: anything, warning: notOurs}, "daemon_message": {value: anything, warning: notOurs},
}
