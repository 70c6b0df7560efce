package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// matrix writes into a room (Matrix Client-Server API, PUT /rooms/{roomId}/send/{eventType}/{txnId}). The server takes a transaction of
// one token once, however often it comes.
type matrix struct{ c *client }

func (m matrix) send(ctx context.Context, w Way, s sending) (string, error) {
	secret, err := w.secret()
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(map[string]string{"msgtype": "m.text", "body": strings.TrimSpace(s.note.Text(s.zone))}) // m.notice would ring nowhere
	if err != nil {
		return "", err
	}
	at := strings.TrimSuffix(w.URL, "/") + "/_matrix/client/v3/rooms/" + url.PathEscape(w.Room) + "/send/m.room.message/" +
		url.PathEscape(s.note.id(w.Name))
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, at, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	req.Header.Set("Content-Type", "application/json")
	_, err = m.c.do(req)
	return "", err
}

// waitOf is how long an answer asks to wait: by Retry-After (seconds), or by Matrix's retry_after_ms; a minute when it does not say.
// It is at most an hour.
func waitOf(h http.Header, body []byte) time.Duration {
	wait := time.Minute
	var limit struct {
		After int64 `json:"retry_after_ms"`
	}
	if n, err := strconv.Atoi(h.Get("Retry-After")); err == nil && n > 0 {
		wait = time.Duration(min(n, 3600)) * time.Second
	} else if json.Unmarshal(body, &limit) == nil && limit.After > 0 {
		wait = time.Duration(min(limit.After, 3_600_000)) * time.Millisecond
	}
	return wait
}
