package kiosk

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"sync"

	"golang.org/x/net/websocket"
)

// bidi is a conversation in WebDriver BiDi (W3C), which Firefox speaks. Events are not listened to: pages are
// looked at until they say what is expected.
type bidi struct {
	ws *websocket.Conn

	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
	gone    chan struct{} // closed with the conversation
}

// answer is one message from the browser.
type answer struct {
	Type    string          `json:"type"`
	ID      int             `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
}

// speak opens a conversation over a connection that is there already; the origin is the one that Firefox was told to accept.
func speak(conn net.Conn, address string) (*bidi, error) {
	at, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	from, err := url.Parse(origin)
	if err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	ws, err := websocket.NewClient(&websocket.Config{Location: at, Origin: from, Version: websocket.ProtocolVersionHybi13}, conn)
	if err != nil {
		return nil, fmt.Errorf("kiosk: speak with the browser: %w", err)
	}
	ws.MaxPayloadBytes = 64 << 20 // screenshots
	b := &bidi{ws: ws, waiting: map[int]chan answer{}, gone: make(chan struct{})}
	go b.listen()
	return b, nil
}

func (b *bidi) listen() {
	defer close(b.gone)
	for {
		var a answer
		if err := websocket.JSON.Receive(b.ws, &a); err != nil {
			return
		}
		if a.Type == "event" {
			continue
		}
		b.mu.Lock()
		c := b.waiting[a.ID]
		delete(b.waiting, a.ID)
		b.mu.Unlock()
		if c != nil {
			c <- a
		}
	}
}

// call gives one command and reads its result into result, when that is not nil.
func (b *bidi) call(ctx context.Context, method string, params, result any) error {
	c := make(chan answer, 1)
	b.mu.Lock()
	b.next++
	id := b.next
	b.waiting[id] = c
	err := websocket.JSON.Send(b.ws, map[string]any{"id": id, "method": method, "params": params})
	b.mu.Unlock()
	if err != nil {
		return fmt.Errorf("kiosk: %s: %w: %w", method, errEnded, err)
	}
	select {
	case a := <-c:
		if a.Type != "success" {
			return fmt.Errorf("kiosk: %s: %s: %s", method, a.Error, a.Message)
		}
		if result == nil {
			return nil
		}
		if err := json.Unmarshal(a.Result, result); err != nil {
			return fmt.Errorf("kiosk: %s: %w", method, err)
		}
		return nil
	case <-b.gone:
		return fmt.Errorf("kiosk: %s: %w", method, errEnded)
	case <-ctx.Done():
		return fmt.Errorf("kiosk: %s: %w", method, ctx.Err())
	}
}

// close ends the conversation, and waits until nobody listens.
func (b *bidi) close() error {
	err := b.ws.Close()
	<-b.gone
	return err
}
