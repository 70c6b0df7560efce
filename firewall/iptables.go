package firewall

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/coreos/go-iptables/iptables"
)

// xtables is the iptables of one family through one backend.
type xtables struct {
	family family
	prefix string // "iptables-nft": the programs are prefix, prefix-save and prefix-restore
	ipt    *iptables.IPTables

	body    string // what was laid
	printed string // how iptables-save prints it; "" as long as it was not seen
}

// openXtables finds the programs. ErrNotExist when this backend is not installed.
func openXtables(f family, b Backend) (*xtables, error) {
	name := "iptables"
	proto := iptables.ProtocolIPv4
	if f.version == 6 {
		name, proto = "ip6tables", iptables.ProtocolIPv6
	}
	for _, prefix := range []string{name + "-" + string(b), name} {
		if _, err := exec.LookPath(prefix); err != nil {
			continue
		}
		if prefix == name {
			if is, err := flavour(prefix); err != nil || is != b {
				continue
			}
		}
		ipt, err := iptables.New(iptables.IPFamily(proto), iptables.Path(prefix))
		if err != nil {
			return nil, fmt.Errorf("firewall: open %s: %w", prefix, err)
		}
		return &xtables{family: f, prefix: prefix, ipt: ipt}, nil
	}
	return nil, fmt.Errorf("firewall: find %s for the %s backend: %w", name, b, exec.ErrNotFound)
}

// flavour asks the program which backend it writes to: "iptables v1.8.9 (nf_tables)". Before 1.8 there was only legacy.
func flavour(program string) (Backend, error) {
	out, err := run(nil, program, "--version")
	if err != nil {
		return "", err
	}
	if strings.Contains(out, "nf_tables") {
		return NFT, nil
	}
	return Legacy, nil
}

// run runs a program without a shell and returns what it printed. Its error holds the program's own words.
func run(stdin []byte, argv ...string) (string, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// pickBackend: ours from before; else what already holds rules, the default of the machine first; else that default.
func pickBackend(want Backend) (Backend, error) {
	if want != Auto {
		_, err := openXtables(v4, want)
		return want, err
	}
	order := []Backend{NFT, Legacy}
	if is, err := flavour("iptables"); err == nil && is == Legacy {
		order = []Backend{Legacy, NFT}
	}
	var found, used []Backend
	for _, b := range order {
		x, err := openXtables(v4, b)
		if err != nil {
			continue
		}
		s, err := x.save()
		if err != nil {
			continue // the program is there and the kernel's side is not
		}
		found = append(found, b)
		if s.has("filter", "PARVIS-FWD") {
			return b, nil
		}
		if s.used() {
			used = append(used, b)
		}
	}
	switch {
	case len(used) > 0:
		return used[0], nil
	case len(found) > 0:
		return found[0], nil
	default:
		return "", errors.New("firewall: no iptables works here, neither legacy nor nft")
	}
}

func (x *xtables) save() (saved, error) {
	out, err := run(nil, x.prefix+"-save")
	if err != nil {
		return nil, fmt.Errorf("firewall: read rules: %w", err)
	}
	return parseSave(out), nil
}

func (x *xtables) restore(text string) error {
	if text == "" {
		return nil
	}
	if _, err := run([]byte(text), x.prefix+"-restore", "--noflush", "--wait"); err != nil {
		return fmt.Errorf("firewall: lay rules: %w", err)
	}
	return nil
}

// lay makes the skeleton stand, whatever stood before: bodies, jumps, policy. Where it stands already nothing is written,
// and in between no packet meets a chain half laid: each table is replaced in one step. changed is false once it was
// read as it must be.
func (x *xtables) lay(c Config) (changed bool, err error) {
	s, err := x.save()
	if err != nil {
		return false, err
	}
	// The chain is the memory that the policy was ACCEPT before us.
	others := s.policy("filter", "FORWARD") == "ACCEPT" || s.has("filter", "PARVIS-OTHER")
	body := render(x.family, c, others)
	if !x.laid(s, body) {
		changed = true
		if err := x.restore(body); err != nil {
			return false, err
		}
	}
	// Others' accept first and the policy next: from here on guests are refused, and nobody else notices anything.
	want := jumps(x.family, c, others)
	var ops []jumpOp
	if others {
		ops = planJumps(s, want[len(want)-1:])
		if err := x.apply(ops); err != nil {
			return false, err
		}
		want = want[:len(want)-1]
	}
	if s.policy("filter", "FORWARD") != "DROP" {
		changed = true
		if err := x.ipt.ChangePolicy("filter", "FORWARD", "DROP"); err != nil {
			return false, fmt.Errorf("firewall: close FORWARD: %w", err)
		}
	}
	more := planJumps(s, want)
	if err := x.apply(more); err != nil {
		return false, err
	}
	swept, err := x.sweep(c, s, body)
	return changed || swept || len(ops)+len(more) > 0, err
}

// laid reports whether our chains are as body makes them. iptables prints rules in words of its own, so what it prints
// after they were laid is remembered and compared.
func (x *xtables) laid(s saved, body string) bool {
	now := s.bodies()
	if x.body == body && x.printed == "" && strings.Count(now, "\n") == strings.Count(parseSave(body).bodies(), "\n") {
		x.printed = now
	}
	is := x.body == body && x.printed == now
	if !is {
		x.body, x.printed = body, ""
	}
	return is
}

// stands reports whether everything of ours is in the tables as it was laid. It changes nothing.
func (x *xtables) stands(c Config) (bool, error) {
	s, err := x.save()
	if err != nil {
		return false, err
	}
	if x.printed == "" || s.bodies() != x.printed || s.policy("filter", "FORWARD") != "DROP" {
		return false, nil
	}
	return len(planJumps(s, jumps(x.family, c, s.has("filter", "PARVIS-OTHER")))) == 0, nil
}

func (x *xtables) apply(ops []jumpOp) error {
	for _, op := range ops {
		var err error
		switch {
		case op.spec == nil:
			err = x.ipt.DeleteById(op.table, op.chain, op.position)
		case op.position == 0:
			err = x.ipt.Append(op.table, op.chain, op.spec...)
		default:
			err = x.ipt.Insert(op.table, op.chain, op.position, op.spec...)
		}
		if err != nil {
			return fmt.Errorf("firewall: assert jump in %s %s: %w", op.table, op.chain, err)
		}
	}
	return nil
}

// sweep deletes chains of ours that this configuration has no more, such as the port blocks of a larger capacity.
func (x *xtables) sweep(c Config, s saved, body string) (swept bool, err error) {
	if !slices.Contains(x.family.tables(c), "nat") && len(s.ours("nat")) > 0 { // IPv6 that was open before
		swept = true
		if err := x.restore(unlay(s, []string{"nat"})); err != nil {
			return swept, err
		}
	}
	now := parseSave(body)
	for _, table := range x.family.tables(c) {
		for _, chain := range s.ours(table) {
			if now.has(table, chain) {
				continue
			}
			swept = true
			if err := x.ipt.ClearAndDeleteChain(table, chain); err != nil {
				return swept, fmt.Errorf("firewall: sweep %s: %w", chain, err)
			}
		}
	}
	return swept, nil
}

// otherTables are those of the backend that is not ours, as far as they are installed: before somebody changed
// backends, ours were there.
func (f *Firewall) otherTables() []*xtables {
	other := Legacy
	if f.backend == Legacy {
		other = NFT
	}
	var out []*xtables
	for _, fam := range families() {
		if x, err := openXtables(fam, other); err == nil {
			out = append(out, x)
		}
	}
	return out
}

// removeOther takes everything of ours out of the other backend. Where its program works and the kernel's side is not
// there, nothing of ours is either.
func (f *Firewall) removeOther() error {
	var errs []error
	for _, x := range f.otherTables() {
		if _, err := x.save(); err == nil {
			errs = append(errs, x.remove())
		}
	}
	return errors.Join(errs...)
}

// remove takes everything of ours out.
func (x *xtables) remove() error {
	s, err := x.save()
	if err != nil {
		return err
	}
	return x.restore(unlay(s, []string{"mangle", "nat", "filter"}))
}

// letGo empties our chains that refer to sets, so that a set of another shape can be made. Until the next lay every
// guest is unmarked and refused.
func (x *xtables) letGo() error {
	s, err := x.save()
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, c := range []struct{ table, chain string }{{"mangle", "PARVIS-MARK"}, {"nat", "PARVIS-PRE"}} {
		if s.has(c.table, c.chain) {
			fmt.Fprintf(&b, "*%s\n:%s - [0:0]\nCOMMIT\n", c.table, c.chain)
		}
	}
	if s.has("filter", "PARVIS-IN-G") { // emptied, it would let guests on to the router's own rules
		b.WriteString("*filter\n:PARVIS-IN-G - [0:0]\n-A PARVIS-IN-G -j DROP\nCOMMIT\n")
	}
	return x.restore(b.String())
}
