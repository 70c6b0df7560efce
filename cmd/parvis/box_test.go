package main

import (
	"errors"
	"image/png"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/hw/escpos/escpostest"
	"parvis/internal/control"
	"parvis/internal/hublink/wire"
	"parvis/internal/lab"
)

// hardware writes files of the box that the daemon takes for its own.
func (p *place) hardware(files map[string]string) {
	p.t.Helper()
	for name, text := range files {
		path := filepath.Join(p.parvis.Hardware(), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *place) condition() control.Condition {
	p.t.Helper()
	s, err := p.client.Status(ctx(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	return s.Condition
}

func TestTheBoxIsSaidAndWhatItHasNotIsNoFault(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	bare, err := p.parvis.Output(ctx(t), "status")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Box: it does not say which.", "Temperature: no sensor here.", "Wear of the flash: it does not say.", "no battery clock"} {
		if !strings.Contains(bare, want) {
			t.Errorf("no %q in:\n%s", want, bare)
		}
	}
	if problems := p.condition().Problems; slices.ContainsFunc(problems, func(o wire.Problem) bool { return o.Code == "heat" || o.Code == "wear" }) {
		t.Errorf("%v", problems)
	}

	p.hardware(map[string]string{
		"tmp/sysinfo/model":                    "Linksys E8450 (UBI)\n",
		"sys/class/thermal/thermal_zone0/type": "cpu-thermal\n", "sys/class/thermal/thermal_zone0/temp": "91000\n",
		"sys/class/ubi/ubi0/max_ec": "84000\n", "sys/class/ubi/ubi0/bad_peb_count": "1\n", "sys/class/ubi/ubi0/reserved_for_bad": "19\n",
		"sys/class/rtc/rtc0/since_epoch": "1795955998\n", "adjtimex": "0 7000000\n",
	})
	if err := p.client.Shift(ctx(t), measureEvery); err != nil {
		t.Fatal(err)
	}
	p.until("measure", func() bool { return p.condition().Hardware.Board != "" })
	c := p.condition()
	for _, want := range []wire.Problem{{Code: "clock"}, {Code: "heat"}, {Code: "wear", What: "ubi0"}} {
		if !slices.Contains(c.Problems, want) {
			t.Errorf("no %+v in %+v", want, c.Problems)
		}
	}
	status, err := p.parvis.Output(ctx(t), "status")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Box: Linksys E8450 (UBI).", "Temperature: 91 °C (cpu-thermal, the hottest of 1).", "ubi0 84 % used", "a battery clock keeps the time", "off by 7s at most",
		"the box is too hot: 91 °C (cpu-thermal), the limit is 85 °C", "the flash ubi0 is worn: 84 % used", "the clock may be off by 7.0 s, the limit is 5s",
	} {
		if !strings.Contains(status, want) {
			t.Errorf("no %q in:\n%s", want, status)
		}
	}
	probe, _ := p.parvis.Output(ctx(t), "probe")
	for _, want := range []string{"the box has 91 °C", "temperature=91;85;100;0", "worn=84%;80;100;0"} {
		if !strings.Contains(probe, want) {
			t.Errorf("no %q in %s", want, probe)
		}
	}
}

func TestAnLEDSaysThatThePlaceIsOpenAndIsDarkAgainAtTheEnd(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{More: "\n[hw]\nleds = [\"open green:status\", \"guests blue:wlan\"]\n"})
	read := func(led string) string {
		b, err := os.ReadFile(filepath.Join(p.parvis.Hardware(), "sys/class/leds", led, "brightness"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	for _, led := range []string{"green:status", "blue:wlan"} {
		p.hardware(map[string]string{
			"sys/class/leds/" + led + "/trigger": "[none] timer\n", "sys/class/leds/" + led + "/max_brightness": "255\n", "sys/class/leds/" + led + "/brightness": "7\n",
		})
	}
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	p.until("show that it is open and that nobody is there", func() bool { return read("green:status") == "255" && read("blue:wlan") == "0" })
	p.accept(p.guest())
	p.until("show that somebody is there", func() bool { return read("blue:wlan") == "255" })
	if _, err := p.parvis.Output(ctx(t), "site", "pause", "1h"); err != nil {
		t.Fatal(err)
	}
	p.until("show that it is closed", func() bool { return read("green:status") == "0" && read("blue:wlan") == "0" })
	stop(t, p)
	if g, b := read("green:status"), read("blue:wlan"); g != "7" || b != "7" {
		t.Errorf("at the end %s and %s; expected 7", g, b)
	}
}

func TestSystemdIsToldThatTheDaemonIsReadyThatNothingHangsAndThatItEnds(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{})
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "1000000")
	t.Setenv("WATCHDOG_PID", "")
	p.serve()
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	heard := map[string]int{}
	hear := func(until func() bool) {
		buf := make([]byte, 64)
		for !until() {
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatalf("%v; heard %v", err, heard)
			}
			heard[string(buf[:n])]++
		}
	}
	hear(func() bool { return heard["READY=1"] == 1 && heard["WATCHDOG=1"] >= 3 })
	stop(t, p)
	hear(func() bool { return heard["STOPPING=1"] == 1 })
	if heard["READY=1"] != 1 {
		t.Errorf("%v", heard)
	}
}

const ticketPrinterAt = "127.0.0.1:9100"

// ticketPrinter starts one on the router, where only Parvis reaches it.
func (p *place) ticketPrinter() *escpostest.Printer {
	p.t.Helper()
	ln, err := p.Router.Listen(ticketPrinterAt)
	if err != nil {
		p.t.Fatal(err)
	}
	return escpostest.StartOn(p.t, ln)
}

// read is what the QR codes on a paper of a ticket printer say.
func readPaper(t *testing.T, paper escpostest.Paper) []string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ticket.png")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, paper.Image), f.Close()); err != nil {
		t.Fatal(err)
	}
	return strings.Fields(decoder(t, "zbarimg", "-q", "--raw", "-Sdisable", "-Sqr.enable", name))
}

// codeOn is the ticket's code on a paper.
func codeOn(t *testing.T, paper escpostest.Paper) string {
	t.Helper()
	for _, s := range readPaper(t, paper) {
		if _, code, found := strings.Cut(s, portalURL+"/code#"); found {
			return code
		}
	}
	t.Fatal("no code on the paper")
	return ""
}

const withPrinter = "\n[hw]\nprinter = \"" + ticketPrinterAt + "\"\npaper = 58\n"

func TestATicketOfTheTicketPrinterOpensInternet(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{More: withPrinter})
	printer := p.ticketPrinter()
	out, err := p.parvis.Output(ctx(t), "voucher", "make", "2", "--for", "30m", "--print")
	if err != nil || !strings.Contains(out, "2 tickets printed") {
		t.Fatalf("%v: %s", err, out)
	}
	papers := printer.Papers()
	if len(papers) != 2 || !papers[0].Cut || papers[0].Image.Bounds().Dx() != 384 {
		t.Fatalf("%d papers", len(papers))
	}
	if !slices.Contains(readPaper(t, papers[0]), "WIFI:T:nopass;S:"+lab.SSID+";;") {
		t.Error("the first code does not lead into the Wi-Fi")
	}
	g := p.guest()
	p.passes(g, false)
	if to, body := p.types(g, "/code", codeOn(t, papers[1])); !strings.HasPrefix(to, "/ouvert") {
		t.Fatalf("%q: %s", to, body)
	}
	p.passes(g, true)
}

func TestWhatThePrinterLacksIsSaidAndTheRestIsPrintedLater(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{More: withPrinter})
	printer := p.ticketPrinter()
	printer.Say(4, 0x72) // no paper
	var got control.VoucherAnswer
	out, err := p.parvis.Output(ctx(t), "voucher", "make", "3", "--print")
	codes := strings.Fields(out)
	if err == nil || len(codes) != 3 || len(printer.Papers()) != 0 {
		t.Fatalf("%v: %q: who cannot print must have the codes", err, out)
	}
	if c := p.condition(); c.Hardware.Printer != "no-paper" || !slices.Contains(c.Problems, wire.Problem{Code: "printer", What: "tickets"}) {
		t.Errorf("%+v, %+v", c.Hardware, c.Problems)
	}
	list, err := p.client.Vouchers(ctx(t))
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	printer.Say(4, escpostest.Fine)
	p.json(&got.Printed, "voucher", "print", list[0].ID, "--skip", "1")
	if got.Printed.Tickets != 2 || got.Printed.Why != "" {
		t.Errorf("%+v", got.Printed)
	}
	papers := printer.Papers()
	if len(papers) != 2 || codeOn(t, papers[0]) != codes[1] {
		t.Errorf("%d papers", len(papers))
	}
	if c := p.condition(); c.Hardware.Printer != "ready" {
		t.Errorf("%+v", c.Hardware)
	}
	if err := p.client.Shift(ctx(t), 16*time.Minute); err != nil {
		t.Fatal(err)
	}
	if out, err := p.parvis.Output(ctx(t), "voucher", "print", list[0].ID); err == nil {
		t.Errorf("codes are printed that nobody should know any more: %s", out)
	}
}

func TestWithoutAPrinterNothingIsMadeToBePrinted(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	if out, err := p.parvis.Output(ctx(t), "voucher", "make", "1", "--print"); err == nil || out != "" {
		t.Errorf("%v: %s", err, out)
	}
	if list, err := p.client.Vouchers(ctx(t)); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestTheConsolePrintsASheetOnTheTicketPrinter(t *testing.T) {
	p := openConsole(t, func(s *lab.Site) { s.More += withPrinter })
	printer := p.ticketPrinter()
	c := p.colleague(p.guest(), "dsi")
	console := "https://" + consoleName
	status, to, body := p.ask(c, http.MethodPost, console+"/tickets/nouveau", url.Values{"profil": {"visite"}, "nombre": {"2"}, "papier": {"58"}})
	if status != http.StatusSeeOther {
		t.Fatalf("%d: %s", status, body)
	}
	batch, _, _ := strings.Cut(to, "?")
	if status, to, body := p.ask(c, http.MethodPost, console+batch+"/sortir", url.Values{"planche": {"1"}}); status != http.StatusSeeOther || to != batch+"?fait=tickets-sortis" {
		t.Fatalf("%d to %q: %s", status, to, body)
	}
	if papers := printer.Papers(); len(papers) != 2 {
		t.Errorf("%d papers", len(papers))
	}
	printer.Say(2, 0x16)
	if status, _, body := p.ask(c, http.MethodPost, console+batch+"/sortir", url.Values{"planche": {"1"}}); status != http.StatusServiceUnavailable || !strings.Contains(body, "L'imprimante est ouverte.") {
		t.Errorf("%d: %s", status, body)
	}
	if _, _, body := p.ask(c, http.MethodGet, console+"/", nil); !strings.Contains(body, "imprimante à tickets est arrêtée") {
		t.Error("the console's first page does not say it")
	}
}
