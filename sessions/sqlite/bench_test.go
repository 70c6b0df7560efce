package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/sessions"
)

// written is how many bytes this process has given to write(2): the log and its way back into the file (proc_pid_io(5)).
func written(b *testing.B) (n int64) {
	b.Helper()
	io, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(io)) {
		if _, err := fmt.Sscanf(line, "wchar: %d", &n); err == nil {
			return n
		}
	}
	b.Fatal("no wchar in /proc/self/io")
	return 0
}

// BenchmarkSave is what a resident waits for: one durable row beside 240 others; and what the minute costs: the progress of
// all. The percentiles are of single calls. PARVIS_BENCH_DIR chooses the disk.
func BenchmarkSave(b *testing.B) {
	for _, n := range []int{1, 240} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			dir, err := os.MkdirTemp(os.Getenv("PARVIS_BENCH_DIR"), "save")
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { os.RemoveAll(dir) })
			s := open(b, filepath.Join(dir, "parvis.db"))
			defer s.Close()
			rows := make([]sessions.Row, 240)
			for i := range rows {
				rows[i] = openRow()
				rows[i].ID = fmt.Sprintf("%026d", i)
				rows[i].Slot = uint16(0x10 + i)
				rows[i].Device.MAC[5] = byte(i)
			}
			ctx := context.Background()
			if err := s.Save(ctx, sessions.Change{Mark: mark, Put: rows}); err != nil {
				b.Fatal(err)
			}
			before := written(b)
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				at := i % (len(rows) - n + 1)
				put := rows[at : at+n]
				put[0].Down++
				start := time.Now()
				if err := s.Save(ctx, sessions.Change{Mark: mark, Put: put}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			b.ReportMetric(float64(written(b)-before)/float64(len(took)), "written-B/op")
			slices.Sort(took)
			for _, p := range []int{50, 99} {
				b.ReportMetric(float64(took[len(took)*p/100].Microseconds()), fmt.Sprintf("p%d-µs", p))
			}
		})
	}
}
