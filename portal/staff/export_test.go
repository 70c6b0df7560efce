package staff

import "context"

// Renew is what Run does from time to time.
func (s *Staff) Renew(ctx context.Context) { s.renew(ctx) }

// Tidy is what Run does after it.
func (s *Staff) Tidy(ctx context.Context) error { return s.tidy(ctx) }

// Gestures are the words that have a name.
var Gestures = gestures
