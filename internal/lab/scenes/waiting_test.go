package scenes

import (
	"bytes"
	"context"
	"testing"
	"time"

	"parvis/internal/lab"
)

func TestWaitingIsPlayedByItself(t *testing.T) {
	var out bytes.Buffer
	o := options(t, &out)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	s, err := raise(ctx, o, lab.Site{Idle: "0s", Lease: "24h"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := waits(ctx, s); err != nil {
		t.Fatalf("%v\n%s", err, s.lastWords())
	}
}
