package firewall

import (
	"cmp"
	"slices"
	"strings"
)

// jump is the one rule in a chain of the kernel's that leads into one of ours.
type jump struct {
	table, chain string
	match        string // before "-j"; "" for every packet
	target       string
	last         bool // at the end of the chain instead of its beginning
}

func (j jump) spec() []string { return append(strings.Fields(j.match), "-j", j.target) }

func (j jump) line() string { return strings.Join(append([]string{"-A", j.chain}, j.spec()...), " ") }

// jumps are those of the family. others adds the one to PARVIS-OTHER.
func jumps(f family, c Config, others bool) []jump {
	js := []jump{
		{table: "mangle", chain: "POSTROUTING", target: "PARVIS-STOP"},
		{table: "mangle", chain: "FORWARD", target: "PARVIS-MARK"},
		{table: "filter", chain: "INPUT", target: "PARVIS-IN"},
		{table: "filter", chain: "FORWARD", target: "PARVIS-FWD"},
	}
	if slices.Contains(f.tables(c), "nat") {
		js = append(js,
			jump{table: "nat", chain: "PREROUTING", target: "PARVIS-PRE"},
			jump{table: "nat", chain: "POSTROUTING", match: "-o " + c.WAN, target: "PARVIS-POST"})
	}
	if others {
		js = append(js, jump{table: "filter", chain: "FORWARD", target: "PARVIS-OTHER", last: true})
	}
	return js
}

// saved is the text of iptables-save, by table.
type saved map[string]*savedTable

type savedTable struct {
	policies map[string]string   // of the kernel's own chains
	chains   []string            // of everybody else
	rules    map[string][]string // by chain, each as "-A CHAIN …"
}

// parseSave reads what iptables-save(8) prints. Lines that it does not know are passed over: comments, and what a
// later version may add.
func parseSave(text string) saved {
	s := saved{}
	var t *savedTable
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "*"):
			t = &savedTable{policies: map[string]string{}, rules: map[string][]string{}}
			s[line[1:]] = t
		case t == nil:
		case line == "COMMIT":
			t = nil
		case strings.HasPrefix(line, ":"):
			w := strings.Fields(line[1:])
			if len(w) < 2 {
				continue
			}
			if w[1] == "-" {
				t.chains = append(t.chains, w[0])
			} else {
				t.policies[w[0]] = w[1]
			}
		case strings.HasPrefix(line, "-A "):
			w := strings.Fields(line)
			if len(w) > 1 {
				t.rules[w[1]] = append(t.rules[w[1]], line)
			}
		}
	}
	return s
}

// ours are our chains in the table.
func (s saved) ours(table string) []string {
	var out []string
	if t := s[table]; t != nil {
		for _, c := range t.chains {
			if strings.HasPrefix(c, "PARVIS-") {
				out = append(out, c)
			}
		}
	}
	return out
}

// bodies are our chains and their rules, as text that can be compared.
func (s saved) bodies() string {
	var b strings.Builder
	for _, table := range sortedKeys(s) {
		chains := s.ours(table)
		slices.Sort(chains)
		for _, c := range chains {
			b.WriteString(table + " " + c + "\n")
			for _, r := range s[table].rules[c] {
				b.WriteString(r + "\n")
			}
		}
	}
	return b.String()
}

func (s saved) has(table, chain string) bool { return slices.Contains(s.ours(table), chain) }

// policy of a chain of the kernel's; ACCEPT where the table is not loaded yet.
func (s saved) policy(table, chain string) string {
	if t := s[table]; t != nil && t.policies[chain] != "" {
		return t.policies[chain]
	}
	return "ACCEPT"
}

// used reports whether anybody has rules, chains or a policy here.
func (s saved) used() bool {
	for _, t := range s {
		if len(t.chains) > 0 || len(t.rules) > 0 {
			return true
		}
		for _, p := range t.policies {
			if p != "ACCEPT" {
				return true
			}
		}
	}
	return false
}

// jumpOp is one change: with spec it inserts it at the position (0: at the end), without it deletes what is there.
type jumpOp struct {
	table, chain string
	position     int // from 1
	spec         []string
}

// planJumps returns what makes each wanted jump the first (or last) rule of its chain, and the only one with its target.
// The new rule is put in before an old one is taken out, so that no packet passes between the two. s is then as the
// changes leave it: two jumps may stand in one chain.
func planJumps(s saved, want []jump) []jumpOp {
	var ops []jumpOp
	for _, j := range want {
		t := s[j.table]
		if t == nil {
			t = &savedTable{policies: map[string]string{}, rules: map[string][]string{}}
			s[j.table] = t
		}
		rules := t.rules[j.chain]
		keep := 0
		if j.last {
			keep = len(rules) - 1
		}
		if len(rules) == 0 || rules[keep] != j.line() {
			if j.last {
				ops = append(ops, jumpOp{j.table, j.chain, 0, j.spec()})
				rules = append(rules, j.line())
				keep = len(rules) - 1
			} else {
				ops = append(ops, jumpOp{j.table, j.chain, 1, j.spec()})
				rules = slices.Insert(rules, 0, j.line())
			}
		}
		for i := len(rules) - 1; i >= 0; i-- {
			if i != keep && strings.HasSuffix(rules[i], "-j "+j.target) {
				ops = append(ops, jumpOp{j.table, j.chain, i + 1, nil})
				rules = slices.Delete(rules, i, i+1)
				if i < keep {
					keep--
				}
			}
		}
		t.rules[j.chain] = rules
	}
	return ops
}

// unlay is the text for `iptables-restore --noflush` that takes everything of ours out of the tables, in one step each.
func unlay(s saved, tables []string) string {
	var b strings.Builder
	for _, table := range tables {
		ours := s.ours(table)
		if len(ours) == 0 {
			continue
		}
		b.WriteString("*" + table + "\n")
		if table == "filter" && slices.Contains(ours, "PARVIS-OTHER") {
			b.WriteString("-P FORWARD ACCEPT\n")
		}
		for _, chain := range sortedKeys(s[table].rules) {
			if strings.HasPrefix(chain, "PARVIS-") {
				continue
			}
			for _, r := range s[table].rules[chain] {
				if w := strings.Fields(r); strings.HasPrefix(w[len(w)-1], "PARVIS-") && w[len(w)-2] == "-j" {
					b.WriteString("-D" + strings.TrimPrefix(r, "-A") + "\n")
				}
			}
		}
		for _, c := range ours {
			b.WriteString("-F " + c + "\n")
		}
		for _, c := range ours {
			b.WriteString("-X " + c + "\n")
		}
		b.WriteString("COMMIT\n")
	}
	return b.String()
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
