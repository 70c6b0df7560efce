package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"

	"parvis/internal/lab"
)

// rules measures the reference: a router that keeps four iptables rules for each guest, laid as openNDS 9.10 lays them, over
// the same router with the nat table alone. The measured guest is in the middle of the list: half of the others are met first.
func (r *run) rules(ctx context.Context) error {
	return r.each(func(backend string) error { return r.rulesOn(ctx, backend) })
}

func (r *run) rulesOn(ctx context.Context, backend string) (err error) {
	var paths [2]*path
	var routers [2]*lab.Beside
	for i, name := range []string{"plain", "rules"} {
		b, err := r.beside(name, backend)
		if err != nil {
			return err
		}
		defer b.Close()
		if paths[i], err = besidePath(b); err != nil {
			return err
		}
		defer paths[i].close()
		routers[i] = b
	}
	for _, n := range r.scale.rules {
		cmd := exec.CommandContext(ctx, "iptables-"+backend+"-restore", "--noflush")
		cmd.Stdin = strings.NewReader(perGuest(routers[1].Address, routers[1].MAC, n))
		var said strings.Builder
		cmd.Stderr = &said
		if err := routers[1].Router.Run(cmd); err != nil {
			return fmt.Errorf("bench: lay rules of %d guests: %w: %s", n, err, said.String())
		}
		if err := r.packets(fmt.Sprintf("rules_pps_ratio_%d", n), backend, paths[1], paths[0]); err != nil {
			return err
		}
	}
	return errors.Join(ctx.Err())
}

// perGuest is what iptables-restore(8) reads: for each guest a mark by address and MAC and a return on the way out, a mark and
// an accept on the way in; then the rules that all share.
func perGuest(guest netip.Addr, m net.HardwareAddr, n int) string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	w("*mangle\n:PREROUTING ACCEPT\n:POSTROUTING ACCEPT\n:OUTGOING -\n:INCOMING -\n-F PREROUTING\n-F POSTROUTING")
	w("-A PREROUTING -i %s -j OUTGOING\n-A POSTROUTING -o %s -j INCOMING", lab.GuestBridge, lab.GuestBridge)
	for i := range n {
		ip, hw := others(i)
		addr, source := ip.String(), hw.String()
		if i == n/2 {
			addr, source = guest.String(), m.String()
		}
		w("-A OUTGOING -s %s -m mac --mac-source %s -j MARK --set-xmark 0x30000/0xffffffff", addr, source)
		w("-A OUTGOING -s %s -m mac --mac-source %s -j RETURN", addr, source)
		w("-A INCOMING -d %s -j MARK --set-xmark 0x30000/0xffffffff", addr)
		w("-A INCOMING -d %s -j ACCEPT", addr)
	}
	w("COMMIT")
	w("*nat\n:PREROUTING ACCEPT\n:LED -\n-F PREROUTING")
	w("-A PREROUTING -i %s -j LED\n-A LED -m mark --mark 0x30000 -j ACCEPT\n-A LED -p tcp --dport 80 -j REDIRECT --to-ports 2050\nCOMMIT", lab.GuestBridge)
	w("*filter\n:FORWARD ACCEPT\n:FROM -\n-F FORWARD\n-A FORWARD -i %s -j FROM", lab.GuestBridge)
	w("-A FROM -m conntrack --ctstate INVALID -j DROP\n-A FROM -m mark --mark 0x30000 -j ACCEPT")
	w("-A FROM -j REJECT --reject-with icmp-port-unreachable\nCOMMIT")
	return b.String()
}
