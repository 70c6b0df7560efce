package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"parvis/sessions"
)

// BenchmarkSave is what a resident waits for: one durable row beside 240 others; and what the minute costs: the progress of
// all. The percentiles are of single calls.
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
			slices.Sort(took)
			for _, p := range []int{50, 99} {
				b.ReportMetric(float64(took[len(took)*p/100].Microseconds()), fmt.Sprintf("p%d-µs", p))
			}
		})
	}
}
