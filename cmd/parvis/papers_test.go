package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/sessions"
)

// types is what a person types on the page of codes; it returns where that leads, or what the page says.
func (p *place) types(g *lab.Guest, page, code string) (to, body string) {
	p.t.Helper()
	resp, err := g.Client().PostForm(portalURL+page, url.Values{"l": {"fr"}, "c": {code}})
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.Header.Get("Location"), string(b)
}

func (p *place) json(into any, args ...string) {
	p.t.Helper()
	out, err := p.parvis.Output(ctx(p.t), append(args, "--json")...)
	if err != nil {
		p.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		p.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

func (p *place) passes(g *lab.Guest, want bool) {
	p.t.Helper()
	resp, err := g.Client().Get("http://" + lab.ServicePublic + "/")
	passes := err == nil && resp.StatusCode == http.StatusOK
	if err == nil {
		resp.Body.Close()
	}
	if passes != want {
		p.t.Fatalf("%s passes: %v (%v), want %v", g.Name, passes, err, want)
	}
}

// A ticket made at the desk lets one device in, whatever happens to the daemon, and can be taken back.
func TestATicketFromTheDeskOpensInternet(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	out, err := p.parvis.Output(ctx(t), "voucher", "make", "3", "--for", "30m", "--label", "Atelier CV")
	codes := strings.Fields(out)
	if err != nil || len(codes) != 3 {
		t.Fatalf("%s, %v", out, err)
	}
	phone, other := p.guest(), p.guest()
	if to, body := p.types(phone, "/code", strings.ToLower(strings.ReplaceAll(codes[0], "-", " "))); !strings.HasPrefix(to, "/ouvert") {
		t.Fatalf("led to %q: %s", to, body)
	}
	p.passes(phone, true)
	if err := p.daemon.Kill(); err != nil {
		t.Fatal(err)
	}
	p.serve()
	if to, body := p.types(other, "/code", codes[0]); to != "" || !strings.Contains(body, "déjà utilisé") {
		t.Errorf("a second device is led to %q: %s", to, body)
	}
	p.passes(other, false)
	var batches []sessions.Batch
	p.json(&batches, "voucher", "list")
	if len(batches) != 1 || batches[0].Used != 1 || batches[0].Left != 2 || batches[0].Label != "Atelier CV" {
		t.Fatalf("%+v", batches)
	}
	var answer control.VoucherAnswer
	p.json(&answer, "voucher", "replace", batches[0].ID, "1")
	if to, _ := p.types(other, "/code", codes[1]); to != "" || len(answer.Tickets) != 2 {
		t.Errorf("a ticket of the spoiled sheet leads to %q; new ones: %+v", to, answer.Tickets)
	}
	if to, body := p.types(other, "/code", answer.Tickets[0].Code); !strings.HasPrefix(to, "/ouvert") {
		t.Fatalf("led to %q: %s", to, body)
	}
	if out, err := p.parvis.Output(ctx(t), "voucher", "revoke", batches[0].ID, "--cut"); err != nil {
		t.Fatal(out, err)
	}
	p.captured(phone)
	p.captured(other)
}

// Everybody in a workshop begins and ends together; who has changed address keeps the place, and one too many is told so.
func TestAWorkshopOnTheCommandLine(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{Line: "100mbit"})
	var w sessions.Workshop
	p.json(&w, "workshop", "make", "--title", "Premiers pas", "--places", "2", "--length", "1h", "--reserve", "10mbit")
	a, b, c := p.guest(), p.guest(), p.guest()
	if to, body := p.types(a, "/code", w.Code); to != "" || !strings.Contains(body, "commenc") {
		t.Errorf("before it starts: %q, %s", to, body)
	}
	p.json(&w, "workshop", "start", w.ID)
	for _, g := range []*lab.Guest{a, b} {
		if to, body := p.types(g, "/code", w.Code); !strings.HasPrefix(to, "/ouvert") {
			t.Fatalf("led to %q: %s", to, body)
		}
		p.passes(g, true)
	}
	if to, body := p.types(c, "/code", w.Code); to != "" || !strings.Contains(body, "complet") {
		t.Errorf("one too many is led to %q: %s", to, body)
	}
	code := p.sessionOf(a).Code
	if err := a.Unplug(true); err != nil {
		t.Fatal(err)
	}
	moved := p.guest() // the same phone with another address
	if to, body := p.types(moved, "/reprendre", code); !strings.HasPrefix(to, "/ouvert") {
		t.Fatalf("led to %q: %s", to, body)
	}
	p.passes(moved, true)
	p.json(&w, "workshop", "prolong", w.ID, "15m")
	if w.Taken != 2 || w.Devices != 2 || w.Left < 74*time.Minute || w.Floor != 5e6 {
		t.Errorf("%+v", w)
	}
	p.json(&w, "workshop", "end", w.ID)
	for _, g := range []*lab.Guest{moved, b} {
		p.captured(g)
	}
	p.json(&w, "workshop", "heads", w.ID, "3")
	if w.State != sessions.Over || w.Heads == nil || *w.Heads != 3 {
		t.Errorf("%+v", w)
	}
	if out, err := p.parvis.Output(ctx(t), "workshop", "make", "--places", "10", "--length", "1h", "--reserve", "60mbit"); err == nil {
		t.Errorf("more than half of the line is reserved: %s", out)
	}
}
