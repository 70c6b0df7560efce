package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/lab"
)

// outsideEcho runs an echo service on the lab's internet.
func (p *place) outsideEcho(args ...string) (address string) {
	p.t.Helper()
	const port = "4747"
	cmd := exec.Command(self, append([]string{"echo", "--listen", ":" + port}, args...)...)
	e, err := p.Internet.Spawn(cmd)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := e.Stop(); err != nil {
			p.t.Error(err)
		}
	})
	if err := e.WaitPort(ctx(p.t), p.Internet, "127.0.0.1:"+port); err != nil {
		p.t.Fatal(err)
	}
	return "http://" + lab.Gateway().String() + ":" + port
}

// withEcho puts wan.echo into the configuration that the lab wrote.
func (p *place) withEcho(address string) {
	p.t.Helper()
	b, err := os.ReadFile(p.parvis.Config)
	if err != nil {
		p.t.Fatal(err)
	}
	b = []byte(strings.Replace(string(b), "[wan]\n", fmt.Sprintf("[wan]\necho = %q\n", address), 1))
	if err := os.WriteFile(p.parvis.Config, b, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// cue is what a person does or answers when the recette says something.
type cue struct {
	when string
	do   func()
	say  string
}

// recette runs the verb with somebody before it, and returns its exit code and what it found, by step.
func (p *place) recette(into string, cues []cue, args ...string) (int, map[string]jsonStep, string) {
	p.t.Helper()
	cmd, err := p.parvis.Command(append([]string{"recette", "--json", "--into", into}, args...)...)
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.Env = append(cmd.Environ(), "LC_ALL=fr_FR.UTF-8")
	in, answers, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	said, tells, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if cues == nil { // nobody is there: the input ends
		answers.Close()
	}
	var out strings.Builder
	cmd.Stdin, cmd.Stderr, cmd.Stdout = in, tells, &out
	heard := make(chan string)
	go func() {
		var all strings.Builder
		lines := bufio.NewScanner(said)
		for lines.Scan() {
			all.WriteString(lines.Text() + "\n")
			for _, c := range cues {
				if !strings.Contains(lines.Text(), c.when) {
					continue
				}
				if c.do != nil {
					c.do()
				}
				if c.say != "" {
					io.WriteString(answers, c.say+"\n")
				}
			}
		}
		heard <- all.String()
	}()
	err = p.Router.Run(cmd)
	tells.Close()
	text := <-heard
	for _, f := range []*os.File{in, answers, said} {
		f.Close()
	}
	code := 0
	if err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			p.t.Fatal(err)
		}
		code = exit.ExitCode()
	}
	var record struct {
		Accepted bool
		Steps    []jsonStep
	}
	if err := json.Unmarshal([]byte(out.String()), &record); err != nil {
		p.t.Fatalf("%v\n%s\n%s", err, out.String(), text)
	}
	steps := map[string]jsonStep{}
	for _, s := range record.Steps {
		steps[s.ID] = s
	}
	if record.Accepted != (code == 0) {
		p.t.Errorf("accepted: %v, exit code %d", record.Accepted, code)
	}
	return code, steps, text
}

// walk are the cues of a phone that does all that it is told.
func (p *place) walk(g *lab.Guest) []cue {
	return []cue{
		{"rejoignez le Wi-Fi", func() { p.joins(g) }, ""},
		{"rejoignez « ", func() { p.joins(g) }, ""},
		{"s'ouvre-t-elle toute seule", func() { p.captured(g) }, "o"},
		{"Appuyez sur le bouton", func() { p.accept(g) }, ""},
		{"Ouvrez un site", func() { p.browse(g) }, ""},
		{"s'affiche-t-il", nil, "o"},
		{"vient d'être arrêtée", func() { p.captured(g) }, ""},
		{"la page du lieu revient-elle", nil, "o"},
	}
}

func (p *place) joins(g *lab.Guest) {
	if _, err := g.DHCP(ctx(p.t)); err != nil {
		p.t.Error(err)
	}
}

// browse fetches what a page weighs.
func (p *place) browse(g *lab.Guest) {
	resp, err := g.Client().Get("http://" + lab.Trials + "/flux?debit=1000000")
	if err != nil {
		p.t.Error(err)
		return
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(io.Discard, resp.Body, 200_000); err != nil || resp.StatusCode != http.StatusOK {
		p.t.Error(resp.Status, err)
	}
}

func TestASiteIsAcceptedWithAPhone(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{Line: "2mbit"})
	p.withEcho(p.outsideEcho("--measure"))
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	g, err := p.AddGuest(lab.GuestOptions{SLAAC: true})
	if err != nil {
		t.Fatal(err)
	}
	into := t.TempDir()
	_, steps, text := p.recette(into, p.walk(g))
	for _, id := range []string{"line", "ports", "guests-link", "page", "online", "direct", "ipv6", "end"} {
		if s := steps[id]; s.Verdict != "passed" {
			t.Errorf("%s: %s", id, s.Verdict)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	pages, err := filepath.Glob(into + "/recette-*.pdf")
	if err != nil || len(pages) != 1 {
		t.Fatal(pages, err)
	}
	printed, err := exec.Command("pdftotext", "-layout", pages[0], "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"Recette du Wi-Fi public", "La Maison des habitants", "les paquets du téléphone arrivent directement", "Signature :"} {
		if !strings.Contains(strings.ToLower(string(printed)), strings.ToLower(s)) {
			t.Errorf("the page does not say %q:\n%s", s, printed)
		}
	}
	if n := strings.Count(string(printed), "\f"); n != 1 {
		t.Errorf("%d pages", n)
	}
	mac := g.MAC.String()
	for _, f := range append(pages, into+"/affiche.pdf") {
		info, err := os.Stat(f)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info, err)
		}
	}
	if strings.Contains(string(printed)+text, mac) {
		t.Error("the phone's MAC is told")
	}
	list, err := p.client.Sessions(ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.State == "open" {
			t.Errorf("left open: %+v", s)
		}
	}
}

func TestARecetteFindsWhatIsWrongWithThePlace(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{})
	p.withEcho(p.outsideEcho())
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	// Something in front of the router writes other ports.
	for _, proto := range []string{"tcp", "udp"} {
		if out, err := p.Internet.Output(ctx(t), "iptables", "-t", "nat", "-A", "INPUT", "-p", proto, "--dport", "4747", "-j", "SNAT",
			"--to-source", "203.0.113.200:40000-41000"); err != nil {
			t.Fatal(err, out)
		}
	}
	// An access point gives addresses and announces itself.
	box, err := p.AddGuest(lab.GuestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"192.168.1.1/24", "2001:db8:bad::1/64"} {
		if out, err := box.NS.Output(ctx(t), "ip", "address", "add", address, "dev", "eth0", "nodad"); err != nil {
			t.Fatal(err, out)
		}
	}
	cmd := exec.Command("dnsmasq", "--no-daemon", "--port=0", "--conf-file=/dev/null", "--interface=eth0", "--bind-interfaces", "--enable-ra", "--ra-param=eth0,high,4,600",
		"--dhcp-range=192.168.1.10,192.168.1.20,2m", "--dhcp-range=2001:db8:bad::,ra-only", "--dhcp-leasefile="+filepath.Join(t.TempDir(), "leases"), "--user=root")
	other, err := box.NS.Spawn(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	// The phone is behind one that routes.
	phone, err := p.AddGuest(lab.GuestOptions{SLAAC: true})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := phone.NS.Output(ctx(t), "sysctl", "-w", "net.ipv4.ip_default_ttl=63"); err != nil {
		t.Fatal(err, out)
	}
	p.until("see the other server", func() bool { return strings.Contains(other.Log(), "DHCP, IP range") })

	code, steps, text := p.recette(t.TempDir(), p.walk(phone))
	if code != exitNotRight {
		t.Errorf("exit code %d", code)
	}
	for id, says := range map[string]string{
		"line":        "le débit n'a pas pu être mesuré",
		"ports":       "8 connexions sur 8 sont arrivées avec un autre port",
		"guests-link": "un autre serveur DHCP répond sur " + lab.GuestBridge + " : 192.168.1.1",
		"direct":      "sont passés par un autre routeur",
	} {
		found := false
		for _, f := range steps[id].Findings {
			found = found || strings.Contains(f.What, says)
		}
		if !found {
			t.Errorf("%s does not say %q: %+v", id, says, steps[id])
		}
	}
	found := false
	for _, f := range steps["guests-link"].Findings {
		found = found || strings.Contains(f.What, "un autre routeur s'annonce en IPv6")
	}
	if !found {
		t.Errorf("the other router is not told: %+v", steps["guests-link"])
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestARecetteThatNobodyAnswersAcceptsNothing(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{NoTLS: true})
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	code, steps, _ := p.recette(t.TempDir(), nil, "--wait", "1s")
	if code != exitNotRight || steps["page"].Verdict != "failed" || steps["online"].Verdict != "skipped" {
		t.Errorf("%d %+v", code, steps)
	}
}
