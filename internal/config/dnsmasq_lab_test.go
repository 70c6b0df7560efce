package config_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/net/dns/dnsmessage"

	"parvis/internal/config"
	"parvis/internal/lab"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

const hostname = "telephone-de-jeanne"

// house is a router with its guests' dnsmasq, an upstream resolver that notes what it is asked, and a phone.
type house struct {
	phone    *lab.NS
	upstream *upstream
	mu       sync.Mutex
	log      strings.Builder
	leases   string
}

// TestTheGuestsDnsmasqServesAddressesAndNamesAndTellsNothing runs the real program with the written configuration.
func TestTheGuestsDnsmasqServesAddressesAndNamesAndTellsNothing(t *testing.T) {
	lab.NeedsLab(t)
	h := build(t)

	t.Run("a lease with the router, the resolver and the portal's API", func(t *testing.T) {
		env := h.lease(t)
		for _, want := range []string{"router=10.77.0.1", "dns=10.77.0.1", "mask=16", "lease=7200", "opt114=" + fmt.Sprintf("%x", "https://portail.example.org/api/captive")} {
			if !strings.Contains(env, want+"\n") {
				t.Errorf("no %s in\n%s", want, env)
			}
		}
	})
	t.Run("the portal's name is answered here in every type", func(t *testing.T) {
		if a := h.ask(t, "portail.example.org.", dnsmessage.TypeA); a.RCode != dnsmessage.RCodeSuccess || len(a.Answers) != 1 ||
			a.Answers[0].Body.(*dnsmessage.AResource).A != [4]byte{10, 77, 0, 1} || a.Answers[0].Header.TTL != 60 {
			t.Errorf("A: %+v", a)
		}
		if a := h.ask(t, "portail.example.org.", dnsmessage.TypeAAAA); a.RCode != dnsmessage.RCodeSuccess || len(a.Answers) != 0 {
			t.Errorf("AAAA: %+v", a)
		}
		if a := h.ask(t, "www.portail.example.org.", dnsmessage.TypeA); a.RCode != dnsmessage.RCodeNameError {
			t.Errorf("below it: %+v", a)
		}
	})
	t.Run("other names go upstream and words, private addresses and the portal's name do not", func(t *testing.T) {
		h.ask(t, "example.net.", dnsmessage.TypeA)
		h.ask(t, "printer.", dnsmessage.TypeA)
		h.ask(t, "9.1.168.192.in-addr.arpa.", dnsmessage.TypePTR)
		if asked := h.upstream.names(); len(asked) == 0 || slices.ContainsFunc(asked, func(n string) bool { return n != "example.net." }) {
			t.Errorf("asked upstream: %v", asked)
		}
	})
	t.Run("neither name nor address of the device is written down where it need not be", func(t *testing.T) {
		leases, err := os.ReadFile(h.leases)
		if err != nil || !strings.Contains(string(leases), "02:00:00:00:00:77") {
			t.Errorf("leases: %q %v", leases, err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, secret := range []string{hostname, "02:00:00:00:00:77", "example.net"} {
			if strings.Contains(h.log.String(), secret) {
				t.Errorf("%s is in the journal:\n%s", secret, h.log.String())
			}
		}
		if strings.Contains(string(leases), hostname) {
			t.Errorf("the device's name is in the leases: %s", leases)
		}
		if _, err := os.Stat("/run/dnsmasq.pid"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a pid file in the place of the system's own: %v", err)
		}
	})
}

func build(t *testing.T) *house {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	router, err := lab.NewNS("router")
	must(err)
	t.Cleanup(func() { router.Close() })
	phone, err := lab.NewNS("phone")
	must(err)
	t.Cleanup(func() { phone.Close() })
	h := &house{phone: phone, leases: filepath.Join(dir, "leases")}

	far, err := os.Open("/run/netns/phone")
	must(err)
	defer far.Close()
	must(router.Do(func() error {
		mac, _ := net.ParseMAC("02:00:00:00:00:77")
		veth := &nl.Veth{LinkAttrs: nl.LinkAttrs{Name: "br-guest"}, PeerName: "wlan0", PeerHardwareAddr: mac, PeerNamespace: nl.NsFd(far.Fd())}
		if err := nl.LinkAdd(veth); err != nil {
			return err
		}
		addr, err := nl.ParseAddr("10.77.0.1/16")
		if err != nil {
			return err
		}
		if err := nl.AddrAdd(veth, addr); err != nil {
			return err
		}
		h.upstream, err = listen(t)
		return errors.Join(err, nl.LinkSetUp(veth))
	}))
	must(phone.Do(func() error {
		l, err := nl.LinkByName("wlan0")
		if err != nil {
			return err
		}
		return nl.LinkSetUp(l)
	}))

	router.Resolv = filepath.Join(dir, "resolv.conf")
	must(os.WriteFile(router.Resolv, []byte("nameserver 127.0.0.9\n"), 0o644))
	src := strings.Replace(least, "[portal]", "[portal]\ncertificate = \"/c\"\nkey = \"/k\"", 1)
	cfg, ps := config.Parse("parvis.toml", []byte(src))
	if cfg == nil {
		t.Fatal(ps)
	}
	conf := filepath.Join(dir, "dnsmasq.conf")
	must(os.WriteFile(conf, []byte(config.Dnsmasq(cfg, dir, nil)), 0o644))
	h.start(t, router, conf)
	return h
}

// start returns once dnsmasq has said that it serves.
func (h *house) start(t *testing.T, router *lab.NS, conf string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	cmd := exec.CommandContext(ctx, "dnsmasq", "-k", "-C", conf, "--log-facility=-")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	if err := router.Start(cmd); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	ready := make(chan struct{})
	go func() {
		defer r.Close()
		var once sync.Once
		for s := bufio.NewScanner(r); s.Scan(); {
			h.mu.Lock()
			h.log.WriteString(s.Text() + "\n")
			h.mu.Unlock()
			if strings.Contains(s.Text(), "using nameserver") {
				once.Do(func() { close(ready) })
			}
		}
	}()
	select {
	case <-ready:
	case <-ctx.Done():
		h.mu.Lock()
		defer h.mu.Unlock()
		t.Fatalf("dnsmasq does not serve:\n%s", h.log.String())
	}
}

// lease asks for an address as a phone does and returns what the client was told, one "name=value" a line.
func (h *house) lease(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script, out := filepath.Join(dir, "script"), filepath.Join(dir, "env")
	// the phone takes the address, so that it can ask for names afterwards
	text := fmt.Sprintf("#!/bin/sh\n[ \"$1\" = bound ] && { env > %s; ip addr add $ip/$mask dev $interface; }\nexit 0\n", out)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "udhcpc", "-i", "wlan0", "-n", "-q", "-f", "-t", "5", "-T", "1", "-O", "114", "-x", "hostname:"+hostname, "-s", script)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := h.phone.Run(cmd); err != nil {
		t.Fatalf("udhcpc: %v\n%s", err, said.String())
	}
	env, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(env)
}

// ask sends one query from the phone to the router.
func (h *house) ask(t *testing.T, name string, typ dnsmessage.Type) (answer dnsmessage.Message) {
	t.Helper()
	q := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}, Questions: []dnsmessage.Question{
		{Name: dnsmessage.MustNewName(name), Type: typ, Class: dnsmessage.ClassINET},
	}}
	packed, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	err = h.phone.Do(func() error {
		conn, err := net.Dial("udp", "10.77.0.1:53")
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			return err
		}
		if _, err := conn.Write(packed); err != nil {
			return err
		}
		buf := make([]byte, 1500)
		n, err := conn.Read(buf)
		if err != nil {
			return err
		}
		return answer.Unpack(buf[:n])
	})
	if err != nil {
		t.Fatalf("%s %s: %v", name, typ, err)
	}
	return answer
}
