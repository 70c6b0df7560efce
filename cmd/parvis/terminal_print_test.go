package main

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"parvis/internal/control"
	"parvis/internal/lab/kiosk"
)

// ipp asks the router's front of the printer for one operation (RFC 8010, section 3.1) and returns IPP's status; HTTP's where
// that is not 200.
func (p *place) ipp(k *kiosk.Terminal, operation byte) int {
	p.t.Helper()
	body := []byte{2, 0, 0, operation, 0, 0, 0, 1, 1}
	for _, a := range []struct {
		tag         byte
		name, value string
	}{{0x47, "attributes-charset", "utf-8"}, {0x48, "attributes-natural-language", "fr"}, {0x45, "printer-uri", "ipp://10.30.0.1/ipp/print"}} {
		body = append(body, a.tag, 0, byte(len(a.name)))
		body = append(append(body, a.name...), 0, byte(len(a.value)))
		body = append(body, a.value...)
	}
	resp, err := k.Guest.Client().Post("http://10.30.0.1:631/ipp/print", "application/ipp", bytes.NewReader(append(body, 3)))
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode
	}
	return int(answer[2])<<8 | int(answer[3])
}

func TestTerminalsPrintInTheirSessionOnly(t *testing.T) {
	const createJob, printerAttributes, printURI = 0x05, 0x0b, 0x03
	const notAuthorised, notSupported, unavailable = 0x0403, 0x0501, 0x0502 // the last one: who asks may, and no printer is there
	p := withTerminals(t, `printer = "ipp://127.0.0.1:9/ipp/print"`)
	k, err := kiosk.New(ctx(t), p.Town, "un", "ABCD1234")
	if err != nil {
		t.Fatal(err)
	}
	p.boot(k)
	want := func(when string, operation byte, status int) {
		t.Helper()
		if got := p.ipp(k, operation); got != status {
			t.Errorf("%s operation %#x: %#x, want %#x", when, operation, got, status)
		}
	}
	want("not adopted,", printerAttributes, http.StatusForbidden)
	id, yes := p.register(k), true
	if _, err := p.client.Terminal(ctx(t), control.TerminalRequest{Do: control.TerminalChange, Which: id, Prints: &yes}); err != nil {
		t.Fatal(err)
	}
	p.home(k)
	want("locked,", printerAttributes, unavailable)
	want("locked,", createJob, notAuthorised)
	if _, err := p.client.Terminal(ctx(t), control.TerminalRequest{Do: control.TerminalOpen, Which: id}); err != nil {
		t.Fatal(err)
	}
	want("open,", createJob, unavailable)
	want("open,", printURI, notSupported)
	if _, err := p.client.Terminal(ctx(t), control.TerminalRequest{Do: control.TerminalEnd, Which: id}); err != nil {
		t.Fatal(err)
	}
	want("ended,", createJob, notAuthorised)
}
