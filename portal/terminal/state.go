package terminal

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"parvis/internal/mac"
	"parvis/kiosk"
)

const (
	maxStreams = 256                    // open pages that are told of changes, of all posts
	apart      = 200 * time.Millisecond // least time between two events of one page
	heartbeat  = 20 * time.Second       // longest time between two: the minutes on the page go on, and the post is seen to be there
	streamLife = 30 * time.Minute       // the page connects again by itself
)

// warnings are how long before the end the page says so aloud, the nearest first.
var warnings = []time.Duration{time.Minute, 5 * time.Minute}

// news is what the script is told: what the page says, and whether to fetch it anew.
type news struct {
	Stamp string `json:"stamp"` // of what the pages show; another one: the page is to be loaded again
	Left  string `json:"left"`  // the sentence; "" nobody's time runs
	Title string `json:"title"` // the short time for the tab's title
	Warn  int    `json:"warn"`  // minutes of the warning that holds now; 0 none
}

// news of the post behind v. Only what would change a page is in the stamp, and nothing of it can be read from there.
func (v *view) news() (n news, next time.Duration) {
	next = heartbeat
	v.look()
	if v.open {
		v.inside()
		n.Left, n.Title = v.Text("home.left"), v.short()
		left := v.use.Session.Left
		for _, w := range append([]time.Duration{0}, warnings...) {
			if left <= w && w > 0 && n.Warn == 0 {
				n.Warn = int(w / time.Minute)
			}
			if ahead := left - w; ahead > 0 {
				next = min(next, ahead)
			}
		}
		if v.h.Line() {
			n.Warn = 0 // its time stands still
		}
	}
	n.Stamp = v.Stamp()
	return n, next
}

// Stamp tells one state of the pages from another, whichever of them is open.
func (v *view) Stamp() string {
	if !v.known {
		return ""
	}
	now := *v
	now.Closed, now.Call = "", ""
	if now.open {
		now.inside()
	} else {
		now.called()
	}
	st := now.Post.State
	if st == kiosk.Silent {
		st = kiosk.Locked // it is heard of again as it asks
	}
	return digest(
		string(st), now.use.Session.ID, now.use.Message, now.Closed, now.Call, now.Post.Name,
		strings.Join(now.use.Bundles, " "), strings.Join(now.use.Names, " "),
		flags(now.use.Mail, now.Grace, v.h.Line(), v.h.Place().Open, v.updating, now.Post.Prints, now.Post.USB),
	)
}

func flags(all ...bool) string {
	var b strings.Builder
	for _, f := range all {
		b.WriteString(strconv.FormatBool(f))
	}
	return b.String()
}

// state answers the script: once as JSON, or as a stream of events (HTML, "Server-sent events"). Without a place it answers 503,
// after which the script asks by itself.
func (h *Handler) state(w http.ResponseWriter, r *http.Request) {
	a, m, ok := h.machine(r)
	if !ok {
		http.Error(w, "", http.StatusConflict)
		return
	}
	look := func() (news, time.Duration) {
		v := h.view(w, r)
		v.known, v.Post = true, h.seen(kiosk.Visit{MAC: m, IPv4: a})
		return v.news()
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		n, _ := look()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(n) // the client may have gone
		return
	}
	select {
	case h.streams.places <- struct{}{}:
		defer func() { <-h.streams.places }()
	default:
		http.Error(w, "", http.StatusServiceUnavailable)
		return
	}
	h.stream(w, r, look)
}

// stream tells of changes until the page has gone.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, look func() (news, time.Duration)) {
	changed, stop := h.Posts.Changes()
	defer stop()
	called, hangUp := h.Calls.Changes()
	defer hangUp()
	out := http.NewResponseController(w)
	// The server's limits are for pages: this answer lasts, and so does the silence of who reads it.
	_ = out.SetReadDeadline(time.Time{}) // not every writer of tests has deadlines
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	tell := func() (next time.Duration, ok bool) {
		n, next := look()
		line, err := json.Marshal(n)
		if err != nil {
			return 0, false
		}
		_ = out.SetWriteDeadline(time.Now().Add(heartbeat))
		_, err = w.Write([]byte("data: " + string(line) + "\n\n"))
		return next, err == nil && out.Flush() == nil
	}
	if _, err := w.Write([]byte("retry: 3000\n")); err != nil {
		return
	}
	life := time.NewTimer(streamLife)
	defer life.Stop()
	for {
		next, ok := tell()
		if !ok || !h.pause(r, apart) {
			return
		}
		beat := time.NewTimer(next)
		select {
		case <-changed:
		case <-called:
		case <-beat.C:
		case <-life.C:
			beat.Stop()
			return
		case <-h.streams.ended:
			beat.Stop()
			return
		case <-r.Context().Done():
			beat.Stop()
			return
		}
		beat.Stop()
	}
}

// pause waits, unless the page goes or the server stops.
func (h *Handler) pause(r *http.Request, d time.Duration) bool {
	rest := time.NewTimer(d)
	defer rest.Stop()
	select {
	case <-rest.C:
		return true
	case <-h.streams.ended:
	case <-r.Context().Done():
	}
	return false
}

// config hands out the published configuration: the same bytes for HEAD and GET, at any time.
func (h *Handler) config(w http.ResponseWriter, r *http.Request) {
	if a, m, ok := h.machine(r); ok {
		h.Posts.Seen(kiosk.Visit{MAC: m, IPv4: a, Label: label(r)})
	}
	content, ok := h.Config(label(r))
	if !ok {
		http.Error(w, "", http.StatusNotFound)
		return
	}
	text(w, content)
}

// prefs hands out the browser's preferences.
func (h *Handler) prefs(w http.ResponseWriter, _ *http.Request) {
	content := h.Prefs()
	if content == nil {
		http.Error(w, "", http.StatusNotFound)
		return
	}
	text(w, content)
}

// verb is the one word that a post polls.
func (h *Handler) verb(w http.ResponseWriter, r *http.Request) {
	var m mac.Addr
	_, m, ok := h.machine(r)
	if !ok {
		http.Error(w, "", http.StatusConflict)
		return
	}
	text(w, []byte(h.Posts.Verb(m)+"\n"))
}

func text(w http.ResponseWriter, content []byte) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(content) // the client may have gone
}
