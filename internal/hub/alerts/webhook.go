package alerts

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// webhook posts JSON to any receiver, signed as Standard Webhooks 1.0 says: HMAC-SHA256 of "id.timestamp.body" under a secret that both
// know. The id stays the same when a message comes again.
type webhook struct{ c *client }

// whsec begins a secret of that standard; base64 of 24 to 64 bytes follows.
const whsec = "whsec_"

func (h webhook) send(ctx context.Context, w Way, s sending) (string, error) {
	secret, err := w.secret()
	if err != nil {
		return "", err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, whsec))
	if err != nil || !strings.HasPrefix(secret, whsec) || len(key) < 24 || len(key) > 64 {
		return "", errors.New("read the secret: expected whsec_ and base64 of 24 to 64 bytes, as from: echo whsec_$(openssl rand -base64 32)")
	}
	n := s.note
	at := n.Began
	if n.Event == End {
		at = n.Ended
	}
	body, err := json.Marshal(map[string]any{
		"type": "incident." + string(n.Event), "timestamp": at.UTC().Format(time.RFC3339), "title": n.Title(), "data": n,
	})
	if err != nil {
		return "", err
	}
	id, now := n.id(w.Name), strconv.FormatInt(s.now.Unix(), 10)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", now)
	req.Header.Set("webhook-signature", "v1,"+signature(key, id, now, body))
	_, err = h.c.do(req)
	return "", err
}

func signature(key []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
