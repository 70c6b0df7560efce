package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// zammad opens a ticket for an incident, appends to it and closes it (Zammad's REST API, docs.zammad.org: api/intro, api/ticket). The
// ticket's title has a marker: a hub that does not know whether its ticket was made looks for it before it makes another one.
type zammad struct{ c *client }

type article struct {
	Subject     string `json:"subject"`
	Body        string `json:"body"`
	ContentType string `json:"content_type"`
	Type        string `json:"type"`
	Internal    bool   `json:"internal"`
}

type ticket struct {
	ID       int      `json:"id,omitempty"`
	Title    string   `json:"title,omitempty"`
	Group    string   `json:"group,omitempty"`
	Customer string   `json:"customer,omitempty"`
	State    string   `json:"state,omitempty"`
	Article  *article `json:"article,omitempty"`
}

func (z zammad) send(ctx context.Context, w Way, s sending) (string, error) {
	n := s.note
	text := &article{Subject: n.Title(), Body: n.Text(s.zone), ContentType: "text/plain", Type: "note", Internal: true}
	switch n.Event {
	case Begin, Test:
		t := ticket{Title: n.Title() + " " + n.marker(), Group: w.Group, Customer: w.Customer, Article: text}
		if n.Event == Test {
			t.Title, t.State = n.Title(), "closed"
		}
		if s.again && n.Event == Begin {
			if ref, err := z.find(ctx, w, n.marker()); err != nil || ref != "" {
				return ref, err
			}
		}
		var made ticket
		if err := z.call(ctx, w, http.MethodPost, "/api/v1/tickets", nil, t, &made); err != nil {
			return "", err
		}
		if made.ID == 0 {
			return "", errors.New("the server's answer names no ticket; is the url that of Zammad?")
		}
		return strconv.Itoa(made.ID), nil
	default:
		if s.ref == "" {
			return "", nil // this way was not there yet when the incident began
		}
		t := ticket{Article: text}
		if n.Event == End {
			t.State = "closed"
		}
		err := z.call(ctx, w, http.MethodPut, "/api/v1/tickets/"+url.PathEscape(s.ref), nil, t, &ticket{})
		if errors.Is(err, errGone) {
			return s.ref, nil // somebody has deleted it: they know
		}
		return s.ref, err
	}
}

// find looks for the ticket with a marker in its title. Its search answers with a list of tickets, or with numbers and the tickets
// beside them (docs.zammad.org, api/ticket: Search), by its version.
func (z zammad) find(ctx context.Context, w Way, marker string) (string, error) {
	q := url.Values{"query": {`title:"` + strings.Trim(marker, "[]") + `"`}, "limit": {"10"}, "sort_by": {"created_at"}, "order_by": {"desc"}}
	var raw json.RawMessage
	if err := z.call(ctx, w, http.MethodGet, "/api/v1/tickets/search", q, nil, &raw); err != nil {
		return "", fmt.Errorf("look for the ticket: %w", err)
	}
	var found []ticket
	if json.Unmarshal(raw, &found) != nil {
		var beside struct {
			Assets struct {
				Ticket map[string]ticket
			} `json:"assets"`
		}
		if err := json.Unmarshal(raw, &beside); err != nil {
			return "", fmt.Errorf("look for the ticket: read the answer: %w", err)
		}
		for _, t := range beside.Assets.Ticket {
			found = append(found, t)
		}
	}
	for _, t := range found {
		if strings.Contains(t.Title, marker) { // the search itself is by likeness
			return strconv.Itoa(t.ID), nil
		}
	}
	return "", nil
}

func (z zammad) call(ctx context.Context, w Way, method, path string, q url.Values, in, out any) error {
	secret, err := w.secret()
	if err != nil {
		return err
	}
	var body []byte
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	at := strings.TrimSuffix(w.URL, "/") + path
	if q != nil {
		at += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Token token="+secret)
	req.Header.Set("Content-Type", "application/json")
	answer, err := z.c.do(req)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}
