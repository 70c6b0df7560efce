package box

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"
)

// monitor speaks to qemu (QMP, docs/interop/qmp-spec in its source): one command at a time, events are passed over.
type monitor struct {
	mu   sync.Mutex
	conn net.Conn
	in   *json.Decoder
}

func newMonitor(ctx context.Context, socket string) (*monitor, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("box: monitor: %w", err)
	}
	m := &monitor{conn: conn, in: json.NewDecoder(conn)}
	var greeting struct {
		QMP *struct{} `json:"QMP"`
	}
	if err := m.in.Decode(&greeting); err != nil || greeting.QMP == nil {
		return nil, fmt.Errorf("box: monitor: no greeting: %v", err)
	}
	return m, m.do(ctx, "qmp_capabilities", nil, nil)
}

// do runs a command and reads what it returns into out, unless that is nil.
func (m *monitor) do(ctx context.Context, command string, arguments map[string]any, out any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	deadline, _ := ctx.Deadline() // none is none
	stop := context.AfterFunc(ctx, func() { m.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := m.conn.SetDeadline(deadline); err != nil {
		return fmt.Errorf("box: monitor: %w", err)
	}
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	if err := json.NewEncoder(m.conn).Encode(request); err != nil {
		return fmt.Errorf("box: monitor: %s: %w", command, err)
	}
	for {
		var answer struct {
			Return json.RawMessage
			Event  string
			Error  *struct{ Class, Desc string }
		}
		if err := m.in.Decode(&answer); err != nil {
			return fmt.Errorf("box: monitor: %s: %w", command, err)
		}
		switch {
		case answer.Event != "":
		case answer.Error != nil:
			return fmt.Errorf("box: monitor: %s: %s (%s)", command, answer.Error.Desc, answer.Error.Class)
		case out == nil:
			return nil
		default:
			if err := json.Unmarshal(answer.Return, out); err != nil {
				return fmt.Errorf("box: monitor: %s: %w", command, err)
			}
			return nil
		}
	}
}
