package hublink

import (
	"context"
	"time"
)

// Send is one turn of Run.
func (l *Link) Send(ctx context.Context) time.Duration { return l.send(ctx) }
