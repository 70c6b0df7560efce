package staff

import "context"

// Trace is what the person did, newest first.
func (s *Staff) Trace(ctx context.Context, who Person, most int) ([]Entry, error) {
	if who.ID == "" {
		return nil, ErrNotFound
	}
	return s.o.Store.Log(ctx, who.ID, most)
}

// All is what everybody did, newest first.
func (s *Staff) All(ctx context.Context, by Person, most int) ([]Entry, error) {
	if !by.Role.May(ReadLog) {
		return nil, ErrForbidden
	}
	return s.o.Store.Log(ctx, "", most)
}

// Record appends to the audit log. what is a gesture's name, object the id of what it was done to; neither holds a
// resident's data. An entry that cannot be written is told to the daemon's log: the gesture has been made already.
func (s *Staff) Record(ctx context.Context, who Person, what, object string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.change(context.WithoutCancel(ctx), Change{Log: []Entry{entry(who, what, object)}}); err != nil {
		s.o.Log.Error("staff: a gesture is not in the audit log", "what", what, "cause", err)
	}
}

// tidy forgets what is over.
func (s *Staff) tidy(ctx context.Context) error {
	wall := s.o.Clock.Wall()
	s.mu.Lock()
	defer s.mu.Unlock()
	var c Change
	for h, t := range s.tokens {
		if s.over(t.Until) {
			c.ForgetTokens = append(c.ForgetTokens, h)
		}
	}
	for h, l := range s.logins {
		if !s.alive(l) {
			c.ForgetLogins = append(c.ForgetLogins, h)
		}
	}
	for id, a := range s.accounts {
		switch {
		case a.ClosedAt.IsZero() && s.over(a.Until): // a one-day pass
			closed := *a
			closed.ClosedAt, closed.Password, closed.PIN = wall.Time, "", ""
			c.Accounts = append(c.Accounts, closed)
			for _, d := range s.devices {
				if d.Owner == id && !d.Desk {
					c.ForgetDevices = append(c.ForgetDevices, d.ID)
				}
			}
		case !a.ClosedAt.IsZero() && s.certain(wall.Time.Sub(a.ClosedAt) > KeepLog):
			c.ForgetAccounts = append(c.ForgetAccounts, id) // as long as the log that names it
		}
	}
	if len(c.ForgetTokens)+len(c.ForgetLogins)+len(c.Accounts)+len(c.ForgetAccounts) > 0 {
		if err := s.change(ctx, c); err != nil {
			return err
		}
		if err := s.expel(ctx, c.ForgetDevices...); err != nil {
			return err
		}
	}
	if !s.certain(true) {
		return nil
	}
	return s.o.Store.Purge(ctx, wall.Time.Add(-KeepLog))
}
