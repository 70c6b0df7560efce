package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/internal/control"
	"parvis/internal/golden"
	"parvis/internal/lab"
	"parvis/internal/lab/kiosk"
)

const configAddress = "http://10.30.0.1/kiosk/config.txt"

func TestTerminalLintSaysWhatToCorrect(t *testing.T) {
	dir := t.TempDir()
	sound := "[[ GLOBAL ]]\nkiosk_config=http://10.30.0.1/kiosk/config.txt\nconnection=wired\ndhcp=yes\n"
	for name, content := range map[string]string{
		"sound":   sound,
		"to-know": sound + "whitelist=caf.fr\n",
		"wrong":   sound + "session_idle=dix\n homepage=http://a.fr/\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		file, lang string
		code       int
	}{
		{"sound", "en", 0},
		{"to-know", "en", 0},
		{"wrong", "en", 1},
		{"wrong", "fr_FR.UTF-8", 1},
		{"absent", "en", 1},
	}
	for _, tt := range tests {
		t.Run(tt.file+"."+tt.lang[:2], func(t *testing.T) {
			var out strings.Builder
			env := func(k string) string { return map[string]string{"LANG": tt.lang}[k] }
			if code := run(t.Context(), []string{"terminal", "lint", filepath.Join(dir, tt.file)}, env, &out, &out); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			golden.Check(t, "cli/terminal-lint-"+tt.file+"."+tt.lang[:2]+".golden", strings.ReplaceAll(out.String(), dir, "DIR"))
		})
	}
}

// withTerminals raises a town whose Parvis serves terminals; more is added to [terminals].
func withTerminals(t *testing.T, more string) *place {
	t.Helper()
	p := town(t, lab.Options{}, lab.Site{Posts: true})
	p.terminals(more)
	p.serve()
	if _, err := p.parvis.DnsmasqTerminals(ctx(t)); err != nil {
		t.Fatal(err)
	}
	return p
}

// terminals writes the configuration anew with more in [terminals], for the next start.
func (p *place) terminals(more string) {
	p.t.Helper()
	if err := p.parvis.Configure(lab.Site{Posts: true}); err != nil {
		p.t.Fatal(err)
	}
	b, err := os.ReadFile(p.parvis.Config)
	if err != nil {
		p.t.Fatal(err)
	}
	b = []byte(strings.Replace(string(b), "[terminals]\n", "[terminals]\n"+more+"\n", 1))
	if err := os.WriteFile(p.parvis.Config, b, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) boot(k *kiosk.Terminal) map[string]string {
	p.t.Helper()
	if err := k.Boot(ctx(p.t), configAddress); err != nil {
		p.t.Fatal(err)
	}
	return k.Settings
}

// register makes a machine that has asked for its configuration one of the place's.
func (p *place) register(k *kiosk.Terminal) string {
	p.t.Helper()
	yes := true
	a, err := p.client.Terminal(ctx(p.t), control.TerminalRequest{Do: control.TerminalAdopt, Which: k.Guest.MAC.String(), PCID: &k.PCID, USB: &yes})
	if err != nil {
		p.t.Fatal(err)
	}
	return a.ID
}

func (p *place) config(r control.TerminalConfigRequest) control.TerminalConfig {
	p.t.Helper()
	a, err := p.client.TerminalConfig(ctx(p.t), r)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// turn waits until it is a terminal's, "" nobody's.
func (p *place) turn(id string) {
	p.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		got := p.config(control.TerminalConfigRequest{Do: control.ConfigShow})
		if got.Current == id {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("it is the turn of %q, not of %q: %+v", got.Current, id, got.Status)
		}
	}
}

// connect asks the gate for a way to a host and returns its answer.
func (p *place) connect(k *kiosk.Terminal, host string) int {
	p.t.Helper()
	conn, err := k.Guest.Dial(ctx(p.t), "tcp", "10.30.0.1:3128")
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(conn, "CONNECT %s:443 HTTP/1.1\r\nHost: %[1]s:443\r\n\r\n", host); err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestAChangeOfTerminalsIsHeldBackThenGivenInTurns(t *testing.T) {
	hosts := fmt.Sprintf("porteus-hosts = [%q]", lab.Video)
	p := withTerminals(t, hosts)
	one, err := kiosk.New(ctx(t), p.Town, "un", "ABCD1234")
	if err != nil {
		t.Fatal(err)
	}
	two, err := kiosk.New(ctx(t), p.Town, "deux", "CC-44-B8-54-20-43")
	if err != nil {
		t.Fatal(err)
	}
	all := []*kiosk.Terminal{one, two}
	var ids []string
	for _, k := range all {
		if s := p.boot(k); s["hostname"] != "" || s["proxy"] != "10.30.0.1:3128" {
			t.Fatalf("a machine that nobody knows reads %v", s)
		}
		ids = append(ids, p.register(k))
	}
	held := p.config(control.TerminalConfigRequest{Do: control.ConfigShow})
	if !slices.Equal(held.Restart, ids) || len(held.Held) == 0 || held.Under {
		t.Fatalf("after the adoptions: %+v", held.Status)
	}
	if s := p.boot(one); s["hostname"] != "" {
		t.Fatalf("what is held back is served: %v", s)
	}
	p.config(control.TerminalConfigRequest{Do: control.ConfigPublish, Now: true})
	p.turn(ids[0])
	if got := p.connect(one, lab.Video); got != http.StatusOK {
		t.Errorf("in its turn the first asks for Porteus' host: %d", got)
	}
	if got := p.connect(two, lab.Video); got != http.StatusForbidden {
		t.Errorf("out of its turn the second asks for Porteus' host: %d", got)
	}
	if got := p.connect(one, lab.CAF); got != http.StatusForbidden {
		t.Errorf("in its turn the first asks for another host: %d", got)
	}
	if s := p.boot(one); s["hostname"] != ids[0] {
		t.Errorf("in its turn the first reads %v", s)
	}
	if s := p.boot(two); s["hostname"] != "" {
		t.Errorf("out of its turn the second reads %v", s)
	}

	if err := p.daemon.Kill(); err != nil {
		t.Fatal(err)
	}
	p.serve()
	if s := p.boot(one); s["hostname"] != ids[0] {
		t.Errorf("after a crash the first reads %v", s)
	}
	p.turn(ids[0])
	if err := p.client.Shift(ctx(t), 20*time.Minute); err != nil {
		t.Fatal(err)
	}
	p.turn(ids[1])
	if got := p.connect(one, lab.Video); got != http.StatusForbidden {
		t.Errorf("after its turn the first asks for Porteus' host: %d", got)
	}
	if s := p.boot(two); s["hostname"] != ids[1] || s["removable_devices"] != "" {
		t.Errorf("in its turn the second reads %v", s) // terminals.usb is not set: no key, whatever its registry says
	}
	if s := p.boot(one); s["hostname"] != ids[0] {
		t.Errorf("after its turn the first reads %v", s)
	}
	for _, k := range all { // their browsers begin anew
		p.home(k)
	}
	if err := p.client.Shift(ctx(t), time.Minute); err != nil {
		t.Fatal(err)
	}
	p.turn("")
	if end := p.config(control.TerminalConfigRequest{Do: control.ConfigShow}); end.Under || len(end.Held) > 0 {
		t.Errorf("both are back: %+v", end.Status)
	}
	if got := p.connect(two, lab.Video); got != http.StatusForbidden {
		t.Errorf("once it is back the second asks for Porteus' host: %d", got)
	}
}

// home is what a browser that has just begun does first.
func (p *place) home(k *kiosk.Terminal) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(ctx(p.t), http.MethodGet, k.Homepage(), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	req.Header.Set("Accept", "text/html")
	resp, err := k.Guest.Client().Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s %v\n%s", resp.Status, err, page)
	}
	return string(page)
}

func TestATerminalThatIsTakenOutEndsThePublication(t *testing.T) {
	p := withTerminals(t, "")
	k, err := kiosk.New(ctx(t), p.Town, "un", "ABCD1234")
	if err != nil {
		t.Fatal(err)
	}
	p.boot(k)
	id := p.register(k)
	p.config(control.TerminalConfigRequest{Do: control.ConfigPublish, Now: true})
	p.turn(id)
	if _, err := p.client.Terminal(ctx(t), control.TerminalRequest{Do: control.TerminalRemove, Which: id}); err != nil {
		t.Fatal(err)
	}
	p.turn("")
	if _, err := p.client.TerminalConfig(ctx(t), control.TerminalConfigRequest{Do: control.ConfigWithdraw}); err == nil {
		t.Error("a publication is still under way")
	}
}

// What a terminal fetches is there when nothing else is, and its page comes with the rest.
func TestATerminalSeesItsPage(t *testing.T) {
	p := withTerminals(t, "")
	k, err := kiosk.New(ctx(t), p.Town, "un", "ABCD1234")
	if err != nil {
		t.Fatal(err)
	}
	p.boot(k)
	p.register(k)
	if page := p.home(k); !strings.Contains(page, "Poste 1") {
		t.Errorf("its page is\n%s", page)
	}
}
