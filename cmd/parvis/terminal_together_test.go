package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"parvis/internal/lab"
	"parvis/kiosk"
	"parvis/sessions"
)

// desk is the console in a place with terminals, as one colleague uses it.
type desk struct {
	*place
	c *http.Client
}

// openDesk raises a place with a console and terminals, whose section has these lines more.
func openDesk(t *testing.T, terminals string) *desk {
	t.Helper()
	lab.NeedsLab(t)
	s := consoleSite()
	files := filepath.Join(t.TempDir(), "equipe")
	s.More, s.Posts, s.Idle = strings.ReplaceAll(s.More, "STAFF", files), true, "0s"
	p := town(t, lab.Options{}, s)
	if err := p.CA.WriteCertificate(files+".crt", files+".key", consoleName); err != nil {
		t.Fatal(err)
	}
	rewrite(t, p.parvis.Config, "[terminals]\n", "[terminals]\n"+terminals+"\n")
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.parvis.DnsmasqTerminals(ctx(t)); err != nil {
		t.Fatal(err)
	}
	return &desk{place: p, c: p.colleague(p.guest(), "mediator")}
}

// press makes a gesture, which must be done.
func (d *desk) press(path string, form url.Values) {
	d.t.Helper()
	if status, _, body := d.ask(d.c, http.MethodPost, "https://"+consoleName+path, form); status != http.StatusSeeOther {
		d.t.Fatalf("%s: %d\n%s", path, status, body)
	}
}

// shows is a page of the console that has these sentences.
func (d *desk) shows(path string, sentences ...string) {
	d.t.Helper()
	status, _, body := d.ask(d.c, http.MethodGet, "https://"+consoleName+path, nil)
	for _, s := range sentences {
		if status != http.StatusOK || !strings.Contains(body, s) {
			d.t.Fatalf("%s: %d, without %q:\n%s", path, status, s, body)
		}
	}
}

func (d *desk) shift(by time.Duration) {
	d.t.Helper()
	if err := d.client.Shift(ctx(d.t), by); err != nil {
		d.t.Fatal(err)
	}
}

// left is what an open terminal has left, and whether it is open.
func (d *desk) left(name string) (time.Duration, bool) {
	d.t.Helper()
	u := d.terminal(name).Use
	if u == nil || !u.Session.Open {
		return 0, false
	}
	return u.Session.Left, true
}

var phoneCode = regexp.MustCompile(`\b[A-Z][0-9]-[0-9]{2}\b`)

// waits makes a phone wait for the desk, and is the code on its page.
func (d *desk) waits(phone *lab.Guest) string {
	d.t.Helper()
	status, body := d.get(phone, portalURL+"/attendre")
	code := phoneCode.FindString(body)
	if status != http.StatusOK || code == "" {
		d.t.Fatalf("a phone cannot wait: %d\n%s", status, body)
	}
	return code
}

// One gesture of the desk opens a terminal and the phone of who sits there; both have the same end, by itself and by hand.
func TestAPhoneAndItsTerminalBeginAndEndTogether(t *testing.T) {
	d := openDesk(t, "")
	post, phone := d.adopt("poste1", "Poste 1"), d.guest()
	id := d.terminal("Poste 1").ID
	allowances := escape{try: connects(lab.CAF+":443", lab.CAF)}
	mail := escape{try: connects(lab.Mailbox+":443", lab.Mailbox)}
	both := func(open bool) {
		t.Helper()
		d.passes(phone, open)
		if err := try(t, post, allowances); (err == nil) != open {
			t.Fatalf("the terminal passes: %v (%v), want %v", err == nil, err, open)
		}
	}
	both(false)
	for _, round := range []struct {
		name string
		form url.Values
		mail bool
		end  func()
		why  sessions.Reason
	}{
		{"by its time", nil, false, func() { left, _ := d.left("Poste 1"); d.shift(left) }, sessions.ByTime},
		{"with the mailboxes, by hand", url.Values{"messagerie": {"1"}}, true, func() { d.press("/postes/"+id+"/fin", nil) }, sessions.ByOperator},
	} {
		t.Run(round.name, func(t *testing.T) {
			code := d.waits(phone)
			d.shows("/postes/"+id, "Ouvrir aussi un téléphone", code)
			form := url.Values{"pour": {"30m0s"}, "telephone": {code}}
			for k, v := range round.form {
				form[k] = v
			}
			d.press("/postes/"+id+"/ouvrir", form)
			both(true)
			if err := try(t, post, mail); (err == nil) != round.mail {
				t.Errorf("the terminal reaches a mailbox: %v (%v), want %v", err == nil, err, round.mail)
			}
			d.shows("/postes/"+id, "un téléphone est ouvert avec")
			d.press("/postes/"+id+"/temps", url.Values{"temps": {"15m"}})
			// One answer has both at one moment.
			of := func() (terminal, phoned sessions.Session) {
				t.Helper()
				all, err := d.client.Sessions(ctx(t))
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range all {
					switch {
					case s.Terminal && s.OpenedAt.After(terminal.OpenedAt):
						terminal = s
					case s.Device.IPv4 == phone.Lease().Address.Addr() && s.OpenedAt.After(phoned.OpenedAt):
						phoned = s
					}
				}
				return terminal, phoned
			}
			a, b := of()
			if apart := (a.Left - b.Left).Abs(); apart > 10*time.Second || a.Left < 40*time.Minute {
				t.Errorf("the terminal has %v left and the phone %v", a.Left, b.Left)
			}
			round.end()
			d.until("end both", func() bool {
				a, b = of()
				return a.State == sessions.Ended && b.State == sessions.Ended
			})
			both(false)
			if a.Reason != round.why || b.Reason != round.why {
				t.Errorf("the terminal ended by %s, the phone by %s", a.Reason, b.Reason)
			}
			d.homepage(post, "PCID-poste1")
			d.until("have it ready again", func() bool { return d.terminal("Poste 1").State == kiosk.Locked })
		})
	}
}
