package hubtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

// Wants makes a release what the site should run, from now on: its files by architecture. number is that of the decision.
func (h *Hub) Wants(number int64, version string, force bool, files map[string][]byte) error {
	r := wire.Release{Version: version, Force: force, Files: map[string]wire.File{}}
	h.mu.Lock()
	if h.files == nil {
		h.files = map[string][]byte{}
	}
	for arch, b := range files {
		sum := sha256.Sum256(b)
		f := wire.File{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(b))}
		r.Files[arch], h.files[f.SHA256] = f, b
	}
	h.mu.Unlock()
	if err := r.Check(); err != nil {
		return err
	}
	return h.sign(wire.PathRelease, bundle.Payload{Version: number, Release: &r})
}

// WantsNone: the site should run no release any more.
func (h *Hub) WantsNone() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.release = ""
	delete(h.signed, wire.PathRelease)
}

// Spoils gives other bytes out in the place of a file's, under its digest.
func (h *Hub) Spoils(good, bad []byte) {
	sum := sha256.Sum256(good)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files[hex.EncodeToString(sum[:])] = bad
}

// Pieces sets what is asked whether a piece is given out; nil: each is.
func (h *Hub) Pieces(gives func() bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pieces = gives
}

var ranged = regexp.MustCompile(`^bytes=(\d+)-(\d+)$`)

// piece answers a Range that a site may ask for: one of wire.MaxPiece at most, which begins within the file.
func (h *Hub) piece(w http.ResponseWriter, r *http.Request) {
	digest := strings.TrimPrefix(r.URL.Path, wire.PathReleaseFile)
	h.mu.Lock()
	b, token, gives := h.files[digest], h.token, h.pieces
	h.fetched = counted(h.fetched, wire.PathReleaseFile)
	h.mu.Unlock()
	m := ranged.FindStringSubmatch(r.Header.Get("Range"))
	switch {
	case token == "" || r.Header.Get("Authorization") != "Bearer "+token:
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	case b == nil:
		http.NotFound(w, r)
		return
	case m == nil:
		h.wrong(w, http.StatusBadRequest, "range %q", r.Header.Get("Range"))
		return
	case gives != nil && !gives():
		http.Error(w, "later", http.StatusServiceUnavailable)
		return
	}
	from, _ := strconv.ParseInt(m[1], 10, 64)
	to, _ := strconv.ParseInt(m[2], 10, 64)
	if from > to || to-from >= wire.MaxPiece || from >= int64(len(b)) {
		h.wrong(w, http.StatusRequestedRangeNotSatisfiable, "range %s of %s", r.Header.Get("Range"), fmt.Sprint(len(b), " bytes"))
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

func counted(all map[string]int, path string) map[string]int {
	if all == nil {
		all = map[string]int{}
	}
	all[path]++
	return all
}
