package lab_test

import (
	"context"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"parvis/internal/lab"
)

func TestGuestThatLeavesFreesItsNameAndItsMAC(t *testing.T) {
	town := raise(t, lab.Options{})
	first, err := town.AddGuest(lab.GuestOptions{Name: "anne"})
	if err != nil {
		t.Fatal(err)
	}
	was, err := first.DHCP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := town.AddGuest(lab.GuestOptions{Name: "anne", MAC: first.MAC})
	if err != nil {
		t.Fatal(err)
	}
	is, err := again.DHCP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if is.Address != was.Address || again.Port == first.Port {
		t.Errorf("same MAC: %s on port %s, then %s on port %s; expected the same address on another port", was.Address, first.Port, is.Address, again.Port)
	}
}

func TestUnpluggedGuestIsSilentUntilItIsBack(t *testing.T) {
	town := raise(t, lab.Options{})
	g := join(t, town)
	echo, _ := lab.Echo()
	reach := func(patience time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c, err := g.Dial(ctx, "tcp", echo.String())
		if err == nil {
			c.Close()
		}
		return err
	}
	for _, out := range []bool{true, false} {
		if err := g.Unplug(out); err != nil {
			t.Fatal(err)
		}
		patience := 5 * time.Second
		if out {
			patience = 200 * time.Millisecond
		}
		if err := reach(patience); (err == nil) == out {
			t.Errorf("unplugged %t: %v", out, err)
		}
	}
}

func TestStoppedResolverLeavesAddressesReachable(t *testing.T) {
	town := raise(t, lab.Options{})
	g := join(t, town)
	if err := town.StopUpstream(true); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if a, err := g.Ask(ctx, lab.Impots, dnsmessage.TypeA); err == nil {
		t.Errorf("a stopped resolver answers %v", a)
	}
	echo, _ := lab.Echo()
	c, err := g.Dial(t.Context(), "tcp", echo.String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := town.StopUpstream(false); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Lookup(t.Context(), lab.Impots); err != nil {
		t.Error(err)
	}
}

func TestRenewedLeaseKeepsTheAddress(t *testing.T) {
	town := raise(t, lab.Options{})
	g := join(t, town)
	was := g.Lease()
	is, err := g.DHCP(t.Context()) // a new client, as after a restart
	if err != nil || is.Address != was.Address {
		t.Errorf("%s, then %s, %v", was.Address, is.Address, err)
	}
}
