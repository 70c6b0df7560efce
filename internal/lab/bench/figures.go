package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Figure is one thing that was measured.
type Figure struct {
	Name string `json:"name"`
	// Iptables is the backend, where a figure was taken on both.
	Iptables string  `json:"iptables,omitempty"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"` // ratio, ms, %, MB, …
	// With and Without Parvis, in the unit Of: medians of the rounds. Absent where there is nothing to compare with.
	With    float64 `json:"with,omitempty"`
	Without float64 `json:"without,omitempty"`
	Of      string  `json:"of,omitempty"`
	// Low and High are the rounds' extremes of Value.
	Low    float64 `json:"low,omitempty"`
	High   float64 `json:"high,omitempty"`
	Rounds int     `json:"rounds,omitempty"`
	Part   string  `json:"part"`
}

// Machine is what a run was made on.
type Machine struct {
	Kernel   string     `json:"kernel"`
	CPU      string     `json:"cpu"`
	CPUs     int        `json:"cpus"`
	Go       string     `json:"go"`
	Iptables []string   `json:"iptables"` // versions of the backends that were measured; the machine's own first
	Load     [3]float64 `json:"load"`     // averages over 1, 5 and 15 minutes as the run began (proc_loadavg(5))
	Storage  string     `json:"storage"`  // file system that holds the daemon's state
	Leaf     string     `json:"leaf"`     // queue inside a class; "" is the kernel's default
}

// Figures is what a run has measured, and on what.
type Figures struct {
	When    time.Time `json:"when"`
	Took    float64   `json:"took_seconds"`
	Version string    `json:"version"`
	Quick   bool      `json:"quick,omitempty"` // few guests and short rounds: shows that it runs, not how fast
	Only    string    `json:"only,omitempty"`
	Backend string    `json:"backend"` // the machine's own; figures of the other one carry its name
	Machine Machine   `json:"machine"`
	// Results are the values alone, by name; a figure taken on both backends is there under name_backend, and under its
	// name alone for the machine's own.
	Results map[string]float64 `json:"results"`
	Missing map[string]string  `json:"missing,omitempty"` // what was to be measured and why it is not there
	Figures []Figure           `json:"figures"`

	out  io.Writer
	part string
}

func (f *Figures) note(x Figure) {
	x.Part = f.part
	f.Figures = append(f.Figures, x)
	if x.Iptables != "" {
		f.Results[x.Name+"_"+x.Iptables] = x.Value
	}
	if x.Iptables == "" || x.Iptables == f.Backend {
		f.Results[x.Name] = x.Value
	}
	fmt.Fprintln(f.out, x)
}

// value notes a figure that stands for itself.
func (f *Figures) value(name, unit string, v float64) {
	f.note(Figure{Name: name, Unit: unit, Value: v})
}

// miss says why a figure is not there.
func (f *Figures) miss(name string, why any) {
	f.Missing[name] = fmt.Sprint(why)
	fmt.Fprintf(f.out, "%-34s not measured: %v\n", name, why)
}

// String is a line of the table.
func (x Figure) String() string {
	s := fmt.Sprintf("%-34s %-6s %10s %-6s", x.Name, x.Iptables, number(x.Value), x.Unit)
	if x.Of != "" {
		s += fmt.Sprintf("  %s : %s %s", number(x.With), number(x.Without), x.Of)
	}
	if x.Rounds > 1 {
		s += fmt.Sprintf("  (%s to %s in %d rounds)", number(x.Low), number(x.High), x.Rounds)
	}
	return s
}

// number prints three or more digits that count, and no more than two after the point but for what is small.
func number(v float64) string {
	switch a := max(v, -v); {
	case a >= 1000:
		return fmt.Sprintf("%.0f", v)
	case a >= 100:
		return fmt.Sprintf("%.1f", v)
	case a >= 0.1 || a == 0:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.4f", v)
	}
}

// Write writes them as JSON, whole or not at all.
func (f *Figures) Write(path string) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return replaceFile(path, append(b, '\n'))
}

func replaceFile(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if err := os.WriteFile(path+".tmp", b, 0o644); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return nil
}
