// Package monitor is how a place is watched by programs: /metrics in Prometheus' text format, the judgement of a Nagios plugin, and
// e-mails about what breaks and works again. All three look at one control.Condition; nothing of a person is in it.
package monitor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/netutil"

	"parvis/hw/printer"
	"parvis/hw/watchdog"
	"parvis/internal/control"
	"parvis/internal/hublink/wire"
	"parvis/kiosk"
)

// Metric is one family of /metrics. docs/metrics.md is made of them.
type Metric struct {
	Name string // ends with its unit, where it has one
	Unit string // in words
	Help string
	// samples gives each of its values, with the labels as they are written: {code="disk"}; "" none.
	samples func(control.Condition, func(labels string, value float64))
}

// one is a family with a single value.
func one(of func(control.Condition) float64) func(control.Condition, func(string, float64)) {
	return func(c control.Condition, put func(string, float64)) { put("", of(c)) }
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// label writes one label. Values are words of closed vocabularies, or a version; what a label must not hold is left out.
func label(name, value string) string {
	return name + `="` + strings.NewReplacer(`"`, "", `\`, "", "\n", "").Replace(value) + `"`
}

func labels(pairs ...string) string { return "{" + strings.Join(pairs, ",") + "}" }

var terminalStates = []kiosk.State{kiosk.Open, kiosk.Ending, kiosk.Locked, kiosk.Cleaning, kiosk.Waiting, kiosk.Silent}

// Metrics is every family, in the order in which they are written.
var Metrics = []Metric{
	{"parvis_info", "", "Always 1; the label version says which Parvis this is.", func(c control.Condition, put func(string, float64)) {
		put(labels(label("version", c.Version)), 1)
	}},
	{"parvis_uptime_seconds", "seconds", "Since the daemon's start.", one(func(c control.Condition) float64 { return float64(c.Up) })},
	{"parvis_place_open", "1 or 0", "The place is open: by its hours, or by a gesture of the desk.", one(func(c control.Condition) float64 { return yes(c.Place == "open") })},
	{"parvis_clock_synchronised", "1 or 0", "The clock was set since the machine's start.", one(func(c control.Condition) float64 { return yes(c.Clock == "synchronised") })},
	{"parvis_open_sessions", "sessions", "Sessions that are open, those of terminals too.", one(func(c control.Condition) float64 { return float64(c.Open) })},
	{"parvis_suspended_sessions", "sessions", "Open sessions of which nothing passes, because two devices use one identity.", one(func(c control.Condition) float64 { return float64(c.Suspended) })},
	{"parvis_most_sessions", "sessions", "How many can be open at once.", one(func(c control.Condition) float64 { return float64(c.Slots) })},
	{"parvis_waiting_devices", "devices", "Devices that wait for the desk.", one(func(c control.Condition) float64 { return float64(c.Waiting) })},
	{"parvis_line_up", "1 or 0", "The line leads to the internet.", one(func(c control.Condition) float64 { return yes(c.Line.Up) })},
	{"parvis_line_latency_seconds", "seconds", "Until the resolver beyond the line answers, median of the last minutes. Missing while none does.", func(c control.Condition, put func(string, float64)) {
		if c.Line.Latency > 0 {
			put("", float64(c.Line.Latency)/1000)
		}
	}},
	{"parvis_line_lost_ratio", "0 to 1", "Questions to the resolver that had no answer, in the last minutes.", one(func(c control.Condition) float64 { return float64(c.Line.Loss) / 100 })},
	{"parvis_line_used_ratio", "0 to 1", "How full the line was in the last minutes, of its configured rate; the label direction is down or up.", func(c control.Condition, put func(string, float64)) {
		put(labels(label("direction", "down")), float64(c.Line.Down)/100)
		put(labels(label("direction", "up")), float64(c.Line.Upload)/100)
	}},
	{"parvis_terminals", "terminals", "Adopted terminals in each state (docs/adr/0001-names.md).", func(c control.Condition, put func(string, float64)) {
		in := map[string]int{}
		for _, t := range c.Terminals {
			in[t.State]++
		}
		for _, s := range terminalStates {
			put(labels(label("state", string(s))), float64(in[string(s)]))
		}
	}},
	{"parvis_certificate_left_seconds", "seconds", "Until a certificate ends, negative when it has; the label name is portal or console. To the day. Missing while the clock is not set.", func(c control.Condition, put func(string, float64)) {
		for _, name := range slices.Sorted(maps.Keys(c.Expires)) {
			put(labels(label("name", name)), float64(c.Expires[name])*24*time.Hour.Seconds())
		}
	}},
	{"parvis_disk_free_bytes", "bytes", "Free on the disk of the databases.", one(func(c control.Condition) float64 { return float64(c.Disk.Free) })},
	{"parvis_disk_size_bytes", "bytes", "Size of that disk.", one(func(c control.Condition) float64 { return float64(c.Disk.Size) })},
	{"parvis_hub_silent_seconds", "seconds", "Since the hub last answered. Missing where there is no hub.", func(c control.Condition, put func(string, float64)) {
		if c.HubSilent != nil {
			put("", float64(*c.HubSilent))
		}
	}},
	{"parvis_waiting_mails", "mails", "E-mails about problems that the relay has not taken yet.", one(func(c control.Condition) float64 { return float64(c.Mails) })},
	{"parvis_board_info", "", "Always 1; the label model says what board this is. Missing where it does not say.", func(c control.Condition, put func(string, float64)) {
		if c.Hardware.Board != "" {
			put(labels(label("model", c.Hardware.Board)), 1)
		}
	}},
	{"parvis_temperature_celsius", "degrees Celsius", "What each sensor of the box says. Missing where there is none.", func(c control.Condition, put func(string, float64)) {
		for _, t := range c.Hardware.Temperatures {
			put(labels(label("sensor", t.Sensor)), t.Celsius)
		}
	}},
	{"parvis_flash_worn_ratio", "0 to 1 and beyond", "How far a flash is used up: what an eMMC chip says, in tenths, or UBI's most erased block of 100,000 erasures. Missing where none says.", func(c control.Condition, put func(string, float64)) {
		for _, w := range c.Hardware.Wear {
			put(labels(label("device", w.Device)), float64(w.Used)/100)
		}
	}},
	{"parvis_flash_spare_gone", "1 or 0", "The spare blocks of a flash are nearly or wholly used. Missing where none says.", func(c control.Condition, put func(string, float64)) {
		for _, w := range c.Hardware.Wear {
			put(labels(label("device", w.Device)), yes(w.Spare))
		}
	}},
	{"parvis_clock_error_seconds", "seconds", "By how much the clock is off at most, as far as the kernel knows. Missing while no time daemon keeps it.", func(c control.Condition, put func(string, float64)) {
		if c.Hardware.ClockError != nil {
			put("", *c.Hardware.ClockError)
		}
	}},
	{"parvis_clock_battery", "1 or 0", "A clock of the board goes on without power.", one(func(c control.Condition) float64 { return yes(c.Hardware.BatteryClock) })},
	{"parvis_ticket_printer_ready", "1 or 0", "The ticket printer can be printed on. Missing where there is none, and while it is not asked.", func(c control.Condition, put func(string, float64)) {
		if p := c.Hardware.Printer; p != "" && p != control.NotAsked {
			put("", yes(printer.State(p).Works()))
		}
	}},
	{"parvis_watchdog_fed", "1 or 0", "The timer that restarts the board when the daemon hangs is fed. Missing where none is configured.", func(c control.Condition, put func(string, float64)) {
		if w := c.Hardware.Watchdog; w != "" {
			put("", yes(w == string(watchdog.Fed)))
		}
	}},
	{"parvis_problems", "problems", "What needs a hand, by code (docs/adr/0020-hub.md); 0 is said too.", func(c control.Condition, put func(string, float64)) {
		in := map[string]int{}
		for _, p := range c.Problems {
			in[p.Code]++
		}
		for _, code := range append(slices.Clone(wire.ProblemCodes), WentBack) {
			put(labels(label("code", code)), float64(in[code]))
		}
	}},
}

// Write writes every family of a condition.
func Write(w io.Writer, c control.Condition) {
	for _, m := range Metrics {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %[1]s gauge\n", m.Name, m.Help)
		m.samples(c, func(labels string, v float64) { fmt.Fprintf(w, "%s%s %s\n", m.Name, labels, value(v)) })
	}
}

// fresh is how long an answer serves: who asks more often than that costs nothing more.
const fresh = time.Second

// Handler answers GET /metrics, and nothing else.
func Handler(condition func() control.Condition) http.Handler {
	var (
		gate = make(chan struct{}, 1)
		body []byte
		made time.Time
	)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		select {
		case gate <- struct{}{}:
		case <-r.Context().Done():
			return
		}
		if made.IsZero() || time.Since(made) >= fresh {
			var b bytes.Buffer
			Write(&b, condition())
			writeProcess(&b)
			body, made = b.Bytes(), time.Now()
		}
		answer := body
		<-gate
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(answer) // the client may have gone
	})
	return mux
}

// mostScrapes is how many connections are open at once; more wait.
const mostScrapes = 8

// Serve answers on ln until ctx ends.
func Serve(ctx context.Context, ln net.Listener, condition func() control.Condition, log *slog.Logger) error {
	srv := &http.Server{
		Handler: Handler(condition), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(netutil.LimitListener(ln, mostScrapes)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("monitor: serve: %w", err)
	}
	return nil
}
