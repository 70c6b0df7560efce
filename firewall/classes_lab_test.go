package firewall

import (
	"testing"
	"time"

	nl "github.com/vishvananda/netlink"

	"parvis/internal/lab"
	"parvis/internal/rtnl"
)

// classTown is an interface with HTB on it.
func classTown(t *testing.T) (*tcConn, side) {
	t.Helper()
	lab.NeedsLab(t)
	attrs := nl.NewLinkAttrs()
	attrs.Name = "classes"
	link := &nl.Bridge{LinkAttrs: attrs}
	if err := nl.LinkAdd(link); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nl.LinkDel(link) })
	c, err := dialTC()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.nl.Close() })
	rt, err := rtnl.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.Close)
	s := side{device: "classes", index: link.Index, line: 100e6, wan: true}
	if displaced, err := (&Firewall{tc: c, rt: rt}).layRoot(s); err != nil || displaced != "noqueue" {
		t.Fatalf("displaced %q, %v", displaced, err)
	}
	if kind, h, err := c.root(s); kind != "htb" || h != handle(0) || err != nil {
		t.Fatalf("the root is %s %#x, %v", kind, h, err)
	}
	return c, s
}

func TestTheKernelHasTheClassesThatItWasTold(t *testing.T) {
	c, s := classTown(t)
	two := sides{guest: s, wan: s, first: firstSlot, last: firstSlot + 600}
	f := &Firewall{tc: c, leaf: CapFifo, sides: two}
	if failed := f.layClasses(planClasses(true, changes{}, nil, two)); len(failed) != 0 {
		t.Fatal(sortedErrors(failed))
	}
	has, err := c.list(s)
	if err != nil {
		t.Fatal(err)
	}
	if len(has) != 601+5 {
		t.Errorf("%d classes", len(has))
	}
	if again := planClasses(true, changes{}, has, two); len(again) != 0 {
		t.Errorf("they are not what was told: %+v", again)
	}
	got, is, err := c.get(two, firstSlot+600)
	if err != nil || !is[1] || got[1] != has[firstSlot+600] {
		t.Errorf("one of them: %+v, %v", got, err)
	}
	if _, is, err := c.get(two, 0x7000); err != nil || is[0] || is[1] {
		t.Errorf("one that is not there: %v, %v", is, err)
	}
}

func TestEachErrorIsThatOfItsClass(t *testing.T) {
	c, s := classTown(t)
	ops := []tcOp{
		classOp(s, classLine, class{rate: 1e6, ceil: 1e6}),
		leafOp(s, 0x20, class{ceil: 1e6}, CapFifo), // no such class
		classOp(s, 0x21, class{parent: classLine, rate: 1e3, ceil: 1e6}),
		dropOp(s, 0x22), // not there, and no error
	}
	failed := c.do(ops)
	if len(failed) != 1 || failed[0x20] == nil {
		t.Errorf("%v, want an error of 1:20 alone", failed)
	}
	if has, err := c.list(s); err != nil || len(has) != 2 {
		t.Errorf("%v, %v: what can be made is made", has, err)
	}
}

// A question long after the last one is no late answer to it.
func TestPatienceBeginsWithEachQuestion(t *testing.T) {
	c, s := classTown(t)
	for name, ask := range map[string]func() error{
		"list": func() error { _, err := c.list(s); return err },
		"get":  func() error { _, _, err := c.get(sides{guest: s, wan: s}, classLine); return err },
		"root": func() error { _, _, err := c.root(s); return err },
	} {
		if err := c.nl.SetReadDeadline(time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := ask(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
