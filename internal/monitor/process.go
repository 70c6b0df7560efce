package monitor

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// writeProcess writes what every program says of itself under Prometheus' own names. What the system does not tell is left out.
func writeProcess(w io.Writer) {
	say := func(name, kind, help string, v float64) {
		fmt.Fprintf(w, "# HELP %[1]s %[2]s\n# TYPE %[1]s %[3]s\n%[1]s %[4]s\n", name, help, kind, value(v))
	}
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		if f := bytes.Fields(b); len(f) > 1 { // proc_pid_statm(5): pages, the second is the resident ones
			if pages, err := strconv.ParseUint(string(f[1]), 10, 64); err == nil {
				say("process_resident_memory_bytes", "gauge", "Memory of the daemon.", float64(pages)*float64(os.Getpagesize()))
			}
		}
	}
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) == nil {
		say("process_cpu_seconds_total", "counter", "Processor time of the daemon.", float64(u.Utime.Nano()+u.Stime.Nano())/1e9)
	}
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		say("process_open_fds", "gauge", "Open files and connections of the daemon.", float64(len(fds)))
	}
	say("go_goroutines", "gauge", "What runs at once in the daemon.", float64(runtime.NumGoroutine()))
}

// value writes a number as Prometheus' text format has it.
func value(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
