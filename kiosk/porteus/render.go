// Package porteus writes, checks and hands out the configuration of terminals that run Porteus Kiosk.
//
// A terminal fetches one text file at each start, over plain HTTP and without proving who it is. Any change of what it
// reads costs a download from Porteus' own hosts, a new image on its disk and a restart: so the file holds nothing that
// lives (no state, no time, no list of sites) and no secret, the same settings give the same bytes, and a change is held
// back until somebody publishes it (Rollout). The rules of the format are in docs/adr/0018-porteus.md, with how sure
// they are.
package porteus

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"parvis/internal/order"
)

// Browser is the program of a terminal.
type Browser string

// The browsers that Porteus Kiosk has.
const (
	Firefox Browser = "firefox"
	Chrome  Browser = "chrome"
)

// Settings are what a place's configuration says. Everything is typed: nothing is copied into the file unseen.
type Settings struct {
	Address     netip.Addr // ours, IPv4, on the terminals' network
	PortalName  string     // DNS name of the portal
	Browser     Browser
	SessionIdle time.Duration // the browser starts anew after so long without a touch: whole minutes up to a day; 0 it does not
	Zone        string        // name of a time zone
	// Notice is shown while our page does not answer, at most 80 characters; what ASCII has not is written without its accent.
	Notice string
	// Restart lets a terminal ask us every few seconds whether its browser must start anew. Not tried on a real terminal.
	Restart   bool
	Terminals []Post
}

// Post is one terminal with a section of its own. One without has the GLOBAL part: no printer, no USB key.
type Post struct {
	PCID   string // as the terminal says it
	Host   string // its host name: one DNS label
	Prints bool
	USB    bool // keys can be read
}

// ErrSettings is returned for settings of which no file can be made.
var ErrSettings = errors.New("settings cannot be written")

var (
	pcidForm = regexp.MustCompile(`^[0-9A-Za-z-]{4,64}$`)
	hostForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
	zoneForm = regexp.MustCompile(`^[A-Za-z0-9_+/-]{1,64}$`)
)

// ValidPCID says whether a terminal's number can head a section: 4 to 64 letters, digits and dashes, which GLOBAL does not
// hold (the terminal looks for its number anywhere in a header).
func ValidPCID(s string) bool {
	return pcidForm.MatchString(s) && !strings.Contains("GLOBAL", s) && !strings.Contains(s, "GLOBAL")
}

// gatePort is the name gate's (docs/adr/0001-names.md).
const gatePort = 3128

// The pieces of Porteus Kiosk that a terminal adds to its image.
const (
	components = "uefi.zip 06-fonts.xzm"
	printing   = components + " 10-printing.xzm"
)

// Render writes the configuration. The same settings give the same bytes, whatever the order of their terminals. Errors wrap
// ErrSettings.
func Render(s Settings) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("porteus: render configuration: %w", err)
	}
	var b strings.Builder
	put := func(key, value string) { b.WriteString(key + "=" + value + "\n") }
	base := "http://" + s.Address.String() + "/kiosk/"

	b.WriteString("[[ GLOBAL ]]\n")
	put("kiosk_config", base+"config.txt")
	put("connection", "wired")
	put("dhcp", "yes")
	put("proxy", fmt.Sprintf("%s:%d", s.Address, gatePort))
	put("proxy_exceptions", "127.0.0.1 "+s.Address.String()+" "+s.PortalName)
	put("browser", string(s.Browser))
	put("homepage", base)
	put("homepage_append", "pcid")
	put("homepage_check", ascii(s.Notice))
	put("allow_popup_windows", "yes")
	if s.Browser == Firefox {
		put("browser_preferences", base+"prefs.js")
		put("disable_address_bar", "yes")
		put("onscreen_buttons", "back forward refresh home close")
		put("onscreen_buttons_position", "top")
	}
	if s.SessionIdle > 0 {
		put("session_idle", fmt.Sprint(int(s.SessionIdle/time.Minute)))
	}
	put("primary_keyboard_layout", "fr")
	put("timezone", s.Zone)
	put("ntp_server", s.Address.String())
	put("additional_components", components)
	if s.Restart {
		put("run_command", restarter(base+"verbe"))
	}
	posts := slices.Clone(s.Terminals)
	order.Func(posts, func(a, b Post) int { return cmp.Compare(a.PCID, b.PCID) })
	for _, p := range posts {
		b.WriteString("\n[[ " + p.PCID + " ]]\n")
		put("hostname", p.Host)
		if p.USB {
			put("removable_devices", "yes")
		}
		if p.Prints {
			put("printer_model", "Generic IPP Everywhere Printer")
			put("printer_connection", "ipp://"+s.Address.String()+"/ipp/print")
			put("paper_size", "A4")
			put("additional_components", printing)
			if s.Browser == Firefox {
				put("onscreen_buttons", "back forward refresh home print close")
			}
		}
	}
	return []byte(b.String()), nil
}

// restarter is the command that asks whether the browser must start anew. It compares what we answer with one word and runs
// what is written here: nothing that a server says is ever run.
func restarter(url string) string {
	return `while sleep 5; do [ "$(wget -q -T 5 -t 1 -O - ` + url + `)" = "relancer" ] && killall firefox chrome; done &`
}

// ascii writes a text with the letters that a terminal keeps: accents and apostrophes go, the two œ and æ are spelt.
func ascii(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		switch {
		case r == 'œ':
			b.WriteString("oe")
		case r == 'Œ':
			b.WriteString("OE")
		case r == 'æ':
			b.WriteString("ae")
		case r == 'Æ':
			b.WriteString("AE")
		case r == '’' || r == '\'':
			b.WriteByte(' ') // a quote of the shell that reads the value
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune(" .,:!?()+-", r):
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (s Settings) check() error {
	wrong := func(what string, value any) error { return fmt.Errorf("%w: %s: %v", ErrSettings, what, value) }
	minutes := s.SessionIdle / time.Minute
	switch notice := ascii(s.Notice); {
	case !s.Address.Is4() || s.Address.IsUnspecified():
		return wrong("address", s.Address)
	case !nameForm.MatchString(s.PortalName):
		return wrong("name of the portal", s.PortalName)
	case s.Browser != Firefox && s.Browser != Chrome:
		return wrong("browser", s.Browser)
	case s.SessionIdle%time.Minute != 0 || minutes < 0 || minutes > 1440:
		return wrong("session_idle", s.SessionIdle)
	case !zoneForm.MatchString(s.Zone):
		return wrong("time zone", s.Zone)
	case !strings.ContainsFunc(notice, unicode.IsLetter) || len(notice) > 80:
		return wrong("notice", notice)
	}
	for i, p := range s.Terminals {
		if !ValidPCID(p.PCID) {
			return wrong("PCID", p.PCID)
		}
		if !hostForm.MatchString(p.Host) {
			return wrong("host name", p.Host)
		}
		for _, q := range s.Terminals[:i] {
			if strings.Contains(p.PCID, q.PCID) || strings.Contains(q.PCID, p.PCID) {
				return wrong("one PCID within another", p.PCID+", "+q.PCID)
			}
		}
	}
	return nil
}
