package hubtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"parvis/internal/hublink/wire"
)

// Copies are those that the site has sent, oldest first.
func (h *Hub) Copies() [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.copies
}

func (h *Hub) keepCopy(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	token := h.token
	h.mu.Unlock()
	if token == "" || r.Header.Get("Authorization") != "Bearer "+token {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, wire.MaxCopy+1))
	sum := sha256.Sum256(b)
	if err != nil || len(b) > wire.MaxCopy || r.Header.Get("Content-Digest") != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" {
		h.wrong(w, http.StatusBadRequest, "a copy of %d bytes, digest %q: %v", len(b), r.Header.Get("Content-Digest"), err)
		return
	}
	h.mu.Lock()
	h.copies = append(h.copies, b)
	h.mu.Unlock()
	_, _ = w.Write([]byte("{}"))
}

func (h *Hub) replacement(w http.ResponseWriter, r *http.Request) {
	var n wire.Newcomer
	if err := decode(r.Body, &n); err != nil || len(n.SealKey) != 32 {
		h.wrong(w, http.StatusBadRequest, "newcomer: %v", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if n.Code != Code || h.used && !bytes.Equal(h.seal, n.SealKey) {
		http.Error(w, "no such code", http.StatusForbidden)
		return
	}
	a := wire.Replacement{Site: siteID, Name: "Maison du Lac", Copies: []wire.KeptCopy{}}
	for i := len(h.copies) - 1; i >= 0; i-- {
		sum := sha256.Sum256(h.copies[i])
		if r.URL.Path == wire.PathReplacementCopy && bytes.Equal(sum[:], n.Copy) {
			_, _ = w.Write(h.copies[i])
			return
		}
		a.Copies = append(a.Copies, wire.KeptCopy{Kept: time.Now().Unix(), Sum: sum[:], Size: len(h.copies[i])})
	}
	if r.URL.Path == wire.PathReplacementCopy {
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(a)
}
