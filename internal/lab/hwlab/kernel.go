package hwlab

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"

	"parvis/internal/lab/box"
)

// ability is something that the kernel of a router has and others may not have, and how to see it: a command that needs it, and one that takes its
// result away.
type ability struct {
	name      string
	try, undo []string
}

var abilities = []ability{
	{"ipset hash:mac", set("hash:mac"), unset},
	{"ipset hash:ip,mac", set("hash:ip,mac"), unset},
	{"ipset hash:ip,mac, IPv6", append(set("hash:ip,mac"), "family", "inet6"), unset},
	{"fq_codel", queue("fq_codel"), unqueue},
	{"cake", queue("cake"), unqueue},
}

var (
	unset   = []string{"ipset", "destroy", "hwlab"}
	unqueue = []string{"tc", "qdisc", "del", "dev", "hwlab0", "root"}
)

func set(kind string) []string { return []string{"ipset", "create", "hwlab", kind} }
func queue(kind string) []string {
	return []string{"tc", "qdisc", "add", "dev", "hwlab0", "root", kind}
}

// onKernel are the tests in which the kernel matters most; the whole suites run on the kernel of who develops.
var onKernel = []tested{
	{"./firewall", "TestARoutersKernelHasEverything|TestProbe|TestAnAdmittedGuest|TestAnotherMAC|TestDropStops|TestAForeignFlush|" +
		"TestTheLineOpens|TestSourcePorts|TestSyncTwice|TestRemoveLeaves|TestARestartAdopts|TestEveryByte|TestWhoHasJustEnded|TestIPv6Stays|" +
		"TestASuspendedSession|TestOnlyStaff|TestTheKernelHasTheClasses|TestIptablesUnderstands", 15},
	{"./sessions/sqlite", "TestADatabaseIsUsedAfterAPowerCut|TestADatabaseOnAReadOnly|TestAChangeIsWhole|TestNoAddressIsReadable|TestWhatIsSaved", 5},
	{"./cmd/parvis", "IPv6", 1},
}

// tryKernel shows what the machine's kernel has beside this one's, and that Parvis' tests pass where all of it is there.
func tryKernel(ctx context.Context, l *Lab) error {
	o, err := l.withTests(ctx)
	if err != nil {
		return err
	}
	b, err := l.Start(ctx, o)
	if err != nil {
		return err
	}
	defer b.Kill()
	if err := l.compare(ctx, b); err != nil {
		return errors.Join(err, b.Kill())
	}
	tests := onKernel
	if l.Quick {
		tests = []tested{{onKernel[0].pkg, "TestARoutersKernelHasEverything", 1}}
	}
	for _, t := range tests {
		printed, testErr := l.test(ctx, b, t)
		for line := range strings.Lines(printed) {
			if _, told, found := strings.Cut(line, "capability: "); found {
				l.Say("Parvis finds %s", strings.TrimSpace(told))
			}
		}
		err = errors.Join(err, testErr)
	}
	return errors.Join(err, b.Kill())
}

// compare tries each ability on the machine and here.
func (l *Lab) compare(ctx context.Context, b *box.Box) error {
	run := func(args []string) error {
		_, err := b.Output(ctx, args...)
		return err
	}
	here := func(args []string) error { return exec.CommandContext(ctx, args[0], args[1:]...).Run() }
	dummy := []string{"ip", "link", "add", "hwlab0", "type", "dummy"}
	if err := run(dummy); err != nil {
		return err
	}
	if err := here(dummy); err != nil {
		if err := here([]string{"ip", "link", "add", "hwlab0", "type", "bridge"}); err != nil { // a kernel without dummy
			return err
		}
	}
	defer here([]string{"ip", "link", "del", "hwlab0"})
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	var missing []string
	for _, a := range abilities {
		there, ours := run(a.try) == nil, here(a.try) == nil
		if there {
			err = errors.Join(err, run(a.undo))
		} else {
			missing = append(missing, a.name)
		}
		if ours {
			err = errors.Join(err, here(a.undo))
		}
		l.Say("%s: %s; here (%s): %s", a.name, yes(there), strings.TrimSpace(string(release)), yes(ours))
	}
	if len(missing) > 0 {
		err = errors.Join(err, errors.New("the machine's kernel has no "+strings.Join(slices.Compact(missing), ", ")))
	}
	return err
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
