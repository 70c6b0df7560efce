package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/lang"
	"parvis/sessions"
	"parvis/sessions/usage"
)

// Daemon is what the socket offers. A nil function is a verb that this run does not have.
type Daemon struct {
	Status   func() Status
	Sessions func() []sessions.Session
	Open     func(context.Context, OpenRequest) (sessions.Session, error)
	End      func(context.Context, EndRequest) ([]sessions.Session, error)
	Confirm  func() error
	Change   func(context.Context, ChangeRequest) ([]sessions.Session, error)
	Site     func() Site
	Gesture  func(context.Context, SiteRequest) (SiteAnswer, error)
	Report   func(context.Context, ReportRequest) (usage.Report, error)
	Desk     func(context.Context, DeskRequest) (sessions.Session, error)
	Staff    func(context.Context, StaffRequest) (StaffAnswer, error)
	Vouchers func() []sessions.Batch
	Voucher  func(context.Context, VoucherRequest) (VoucherAnswer, error)

	Workshops func() []sessions.Workshop
	Workshop  func(context.Context, WorkshopRequest) (sessions.Workshop, error)

	Terminals      func() []TerminalAnswer
	Terminal       func(context.Context, TerminalRequest) (TerminalAnswer, error)
	TerminalConfig func(context.Context, TerminalConfigRequest) (TerminalConfig, error)
	Queue          func(context.Context, QueueRequest) (QueueAnswer, error)

	HubStatus func() Hub
	Hub       func(context.Context, HubRequest) (Hub, error)

	Copy func(context.Context) (Copies, error)

	Shift func(ShiftRequest) error // only with --lab-clock
}

// Listen makes the socket, mode 0600. A socket left by a daemon that was killed is replaced; callers hold
// the daemon's lock, so no other daemon can be behind it.
func Listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("control: remove old socket: %w", err)
	}
	old := unix.Umask(0o177) // born 0600: chmod afterwards would leave a moment
	ln, err := net.Listen("unix", path)
	unix.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("control: listen: %w", err)
	}
	return ln, nil
}

// Serve answers on ln until ctx ends.
func Serve(ctx context.Context, ln net.Listener, d Daemon, log *slog.Logger) error {
	srv := &http.Server{
		Handler:           handler(d),
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		// Who has asked for what ends the daemon hears that it is done.
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		defer cancel()
		if srv.Shutdown(bounded) != nil {
			srv.Close()
		}
	})
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("control: serve: %w", err)
	}
	<-ended
	return nil
}

// lastWords is how long answers that are on their way may take once the daemon ends.
const lastWords = 2 * time.Second

func handler(d Daemon) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, d.Status(), nil)
	})
	mux.HandleFunc("GET /v1/sessions", func(w http.ResponseWriter, _ *http.Request) {
		list := d.Sessions()
		if list == nil {
			list = []sessions.Session{} // [] and not null for programs that read it
		}
		answer(w, list, nil)
	})
	mux.HandleFunc("POST /v1/sessions/open", func(w http.ResponseWriter, r *http.Request) {
		var req OpenRequest
		if !read(w, r, &req) {
			return
		}
		s, err := d.Open(r.Context(), req)
		answer(w, s, err)
	})
	mux.HandleFunc("POST /v1/sessions/end", func(w http.ResponseWriter, r *http.Request) {
		var req EndRequest
		if !read(w, r, &req) {
			return
		}
		list, err := d.End(r.Context(), req)
		answer(w, list, err)
	})
	mux.HandleFunc("POST /v1/sessions/change", func(w http.ResponseWriter, r *http.Request) {
		var req ChangeRequest
		if !read(w, r, &req) {
			return
		}
		list, err := d.Change(r.Context(), req)
		answer(w, list, err)
	})
	deskVerbs(mux, d)
	paperVerbs(mux, d)
	reportVerb(mux, d)
	hubVerbs(mux, d)
	copyVerb(mux, d)
	terminalVerbs(mux, d)
	terminalConfigVerb(mux, d)
	queueVerb(mux, d)
	mux.HandleFunc("POST /v1/confirm", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, struct{}{}, d.Confirm())
	})
	mux.HandleFunc("POST /v1/staff", func(w http.ResponseWriter, r *http.Request) {
		var req StaffRequest
		if read(w, r, &req) {
			a, err := d.Staff(r.Context(), req)
			answer(w, a, err)
		}
	})
	mux.HandleFunc("POST /v1/lab/clock", func(w http.ResponseWriter, r *http.Request) {
		var req ShiftRequest
		if d.Shift == nil {
			answer(w, nil, Refuse(Refused, lang.Text{
				EN: "this daemon's clock cannot be moved: it was not started with --lab-clock",
				FR: "l'horloge de ce service ne peut pas être avancée : il n'a pas été lancé avec --lab-clock",
			}))
			return
		}
		if read(w, r, &req) {
			answer(w, struct{}{}, d.Shift(req))
		}
	})
	return mux
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		answer(w, nil, Refuse(BadInput, lang.Text{
			EN: "the request cannot be read: %v",
			FR: "la demande est illisible : %v",
		}, err))
		return false
	}
	return true
}

func answer(w http.ResponseWriter, v any, err error) {
	status := http.StatusOK
	if err != nil {
		var ref *Refusal
		if !errors.As(err, &ref) {
			ref = &Refusal{Kind: Refused, EN: err.Error(), FR: err.Error()}
		}
		switch v = ref; ref.Kind {
		case NotFound:
			status = http.StatusNotFound
		case BadInput:
			status = http.StatusBadRequest
		default:
			status = http.StatusConflict
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // an error here is a client that went away: nobody to tell
}
