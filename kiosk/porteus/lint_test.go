package porteus_test

import (
	"os"
	"strings"
	"testing"

	"parvis/internal/golden"
	"parvis/internal/lang"
	"parvis/kiosk/porteus"
)

// sound is a file by hand without a problem; %s stands in GLOBAL.
const sound = "[[ GLOBAL ]]\nkiosk_config=http://10.20.0.1/kiosk/config.txt\nconnection=wired\ndhcp=yes\nbrowser=firefox\n%s\n\n[[ ABCD1234 ]]\nhostname=poste-1\n"

func TestLintOfOneLine(t *testing.T) {
	tests := []struct{ line, want string }{
		{"session_idle=10", ""},
		{"homepage=http://10.20.0.1/kiosk/|https://www.caf.fr", ""},
		{"rtc_wake=Monday-08:00 Tuesday-08:00", ""},
		{"client_id=automatic", ""},
		{"# a word to who reads it", ""},
		{"homepage_check=prévenez", "6: error: the character \"é\" is not ASCII"},
		{"homepage_check=a\rroot_password=b", "6: error: a lone carriage return"},
		{" session_idle=10", "6: error: the line begins with a blank"},
		{"session_idle =10", "6: error: \"session_idle \" is no name of a parameter"},
		{"session_idle", "6: error: terminals do not read this line"},
		{"  ", "6: error: a line of blanks"},
		{"[GLOBAL]", "6: error: no header has a single bracket"},
		{"session_idle=ten", "6: error: session_idle: \"ten\""},
		{"session_idle=", "6: warning: session_idle has no value"},
		{"sesion_idle=10", "6: warning: sesion_idle is no known parameter"},
		{"dhcp=yes", "6: error: dhcp is set on line 4 already"},
		{"burn_dev=/dev/sda", "6: error: burn_dev is the installer's alone"},
		{"daemon_check=5", "6: warning: daemon_check: stock Porteus Kiosk has no such parameter"},
		{"homepage_append=id", "6: error: homepage_append: \"id\""},
		{"wired_authentication=peap", "6: error: wired_authentication: \"peap\""},
		{"whitelist=*.caf.fr", "6: error: whitelist: a * breaks the filter"},
		{"whitelist=caf.fr|impots.gouv.fr", "6: error: whitelist: names have blanks between them"},
		{"whitelist=caf.fr", "6: warning: whitelist: our gate decides by name"},
		{"scheduled_action=Monday-23:30 action:halt", "6: warning: scheduled_action: closing belongs to the place's hours"},
		{"scheduled_action=Lundi-23:30 action:halt", "6: error: scheduled_action: \"Lundi-23:30 action:halt\""},
		{"vnc_password=ninechars", "6: error: vnc_password: \"ninechars\""},
		{"root_password=secret", "6: warning: root_password: anybody who can fetch this file reads this secret"},
		{"proxy=poste:secret@10.20.0.1:3128", "6: warning: proxy: anybody who can fetch this file reads this secret"},
		{"proxy=http://10.20.0.1:3128", "6: error: proxy: \"http://10.20.0.1:3128\""},
		{"persistence=full", "6: warning: persistence: what one person did would still be there"},
		{"session_idle_action=lock", "6: error: session_idle_action=lock asks for a password"},
		{"refresh_webpage=60", "6: warning: refresh_webpage: it empties forms"},
		{"printer_connection=ipp://10.20.0.1/ipp/print", "6: error: a printer without 10-printing.xzm"},
		{"dpms_idle=600", "6: error: dpms_idle: \"600\""},
		{"silent_printing=yes", "6: warning: silent_printing is Chrome's alone"},
		{"client_id=17", "6: error: client_id: \"17\""},
		{"onscreen_buttons=home", "6: warning: onscreen_buttons only show without the address bar"},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			got := told(strings.Replace(sound, "%s", tt.line, 1))
			if tt.want == "" && got != "" {
				t.Errorf("nothing is wrong, and lint says:\n%s", got)
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("lint says:\n%s\nwant: %s", got, tt.want)
			}
		})
	}
}

// told is what lint says, a problem a line, "error: " or "warning: " after its line's number.
func told(config string) string {
	var b strings.Builder
	for _, p := range porteus.Lint([]byte(config)) {
		at, rest, numbered := strings.Cut(p.In(lang.EN), ": ")
		if p.Line == 0 {
			at, rest, numbered = "", p.In(lang.EN), false
		}
		if numbered {
			b.WriteString(at + ": ")
		}
		if p.Warning {
			b.WriteString("warning: ")
		} else {
			b.WriteString("error: ")
		}
		b.WriteString(rest + "\n")
	}
	return b.String()
}

func TestLintOfSections(t *testing.T) {
	const global = "[[ GLOBAL ]]\nkiosk_config=http://10.20.0.1/c\n"
	tests := []struct{ name, config, want string }{
		{"nothing", "", "error: kiosk_config is missing"},
		{"UTF-16", "\xff\xfe[\x00", "error: the file is in UTF-16"},
		{"no GLOBAL", "kiosk_config=http://10.20.0.1/c\n[[ ABCD ]]\nhostname=a\n", "error: there is no [[ GLOBAL ]]"},
		{"GLOBAL last", "[[ ABCD ]]\nhostname=a\n\n" + global, "4: error: GLOBAL after a terminal's section"},
		{"GLOBAL twice", global + "[[ GLOBAL ]]\n", "3: warning: a second GLOBAL"},
		{"lines before it", "dhcp=yes\n" + global, "2: warning: lines before GLOBAL count as GLOBAL"},
		{"an empty line within a section", global + "\n[[ ABCD ]]\n\nhostname=a\n", "6: error: after an empty line in a terminal's section"},
		{"no empty line between sections", global + "\n[[ ABCD ]]\nhostname=a\n[[ EFGH ]]\nhostname=b\n", "6: error: no empty line before this header"},
		{"a header without a name", global + "\n[[ ]]\nhostname=a\n", "4: error: the header names nobody"},
		{"one number twice", global + "\n[[ ABCD ]]\nhostname=a\n\n[[ ABCD ]]\nhostname=b\n", "7: error: the PCID ABCD heads line 4 already"},
		{"a number within another", global + "\n[[ ABCD ]]\nhostname=a\n\n[[ XABCDX ]]\nhostname=b\n", "7: error: one of XABCDX and ABCD (line 4) is part of the other"},
		{"a number within GLOBAL", global + "\n[[ LOBA ]]\nhostname=a\n", "4: error: \"LOBA\" is no PCID"},
		{"a parameter of a post twice", global + "\n[[ ABCD ]]\nhostname=a\nhostname=b\n", "6: error: hostname is set on line 5 already"},
		{"exclusive for one post", global + "proxy=10.20.0.1:3128\n\n[[ ABCD ]]\nproxy_config=http://a.fr/p.pac\n", "6: error: proxy with proxy_config"},
		{"a ? in the homepage", global + "homepage=http://10.20.0.1/?a=1\n\n[[ ABCD ]]\nhomepage_append=mac\n", "3: error: homepage has a ?"},
		{"no address", "[[ GLOBAL ]]\nkiosk_config=http://10.20.0.1/c\nconnection=wired\n", "3: error: without dhcp=yes, ip_address is needed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := told(tt.config); !strings.Contains(got, tt.want) {
				t.Errorf("lint says:\n%s\nwant: %s", got, tt.want)
			}
		})
	}
}

// By hand, as one finds them: what lint says of each is read over in both languages.
func TestLintGolden(t *testing.T) {
	for _, name := range []string{"by-hand", "example"} {
		t.Run(name, func(t *testing.T) {
			config, err := os.ReadFile("testdata/" + name + ".conf")
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range []lang.Lang{lang.EN, lang.FR} {
				var b strings.Builder
				for _, p := range porteus.Lint(config) {
					b.WriteString(p.In(l) + "\n")
				}
				golden.Check(t, name+"."+string(l)+".golden", b.String())
			}
		})
	}
}

func FuzzLint(f *testing.F) {
	f.Add([]byte(sound))
	f.Add([]byte("[[ GLOBAL ]]\r\n\r\n[[ A B ]]\r\nx=y\xc3\xa9\n \n[["))
	f.Fuzz(func(t *testing.T, config []byte) {
		problems := porteus.Lint(config)
		last := 0
		for _, p := range problems {
			if p.Line < last || p.In(lang.EN) == "" || p.In(lang.FR) == "" {
				t.Fatalf("problem %+v after line %d", p, last)
			}
			last = p.Line
		}
		// What has no error is what it looks like: its parts are read as the whole is.
		if !porteus.HasErrors(problems) && strings.Contains(string(config), "[[ GLOBAL ]]") {
			for _, id := range []string{"", "ABCD1234", "A"} {
				whole, part := porteus.For(config, id), porteus.For(porteus.Extract(config, id), id)
				for key, v := range whole {
					if part[key] != v {
						t.Fatalf("%q: %s is %q of the whole and %q of the part", id, key, v, part[key])
					}
				}
			}
		}
	})
}

func FuzzFor(f *testing.F) {
	f.Add([]byte(sound), "ABCD1234")
	f.Add([]byte("[[ GLOBAL ]]\na=1\n\n[[ A.C ]]\na=2\n"), "A.C")
	f.Add([]byte("[[[[GLOBAL]]\n[[x]]"), `\(`)
	f.Fuzz(func(t *testing.T, config []byte, pcid string) {
		for key, v := range porteus.For(config, pcid) {
			if key == "" || strings.ContainsAny(key+v, "\n") {
				t.Fatalf("read %q = %q", key, v)
			}
		}
		porteus.Diff(config, []byte(sound))
	})
}
