package printing

import (
	"context"
	"fmt"
)

// Memory remembers under which name a session that has printed is known to the printer.
type Memory interface {
	Printing(context.Context) (users map[string]string, err error) // by session
	// Prints writes it durably before it returns.
	Prints(ctx context.Context, session, user string) error
	HasPrinted(ctx context.Context, session string) error // it has nothing there any more
}

// Start reads who had something in the printer when the last run ended. Before it nobody may be served.
func (f *Front) Start(ctx context.Context) error {
	users, err := f.o.Memory.Printing(ctx)
	if err != nil {
		return fmt.Errorf("printing: start: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, user := range users {
		s := newSession(id, user)
		s.unknown, s.remembered = true, true
		f.sessions[id] = s
	}
	return nil
}

// remember writes down by which name the printer knows a session, once, before it prints.
func (f *Front) remember(ctx context.Context, s *session) error {
	s.memory.Lock()
	defer s.memory.Unlock()
	if s.remembered {
		return nil
	}
	if err := f.o.Memory.Prints(ctx, s.id, s.user); err != nil {
		return err
	}
	s.remembered = true
	return nil
}

// forgotten takes a session that has nothing in the printer out of memory.
func (f *Front) forgotten(ctx context.Context, s *session) {
	s.memory.Lock()
	defer s.memory.Unlock()
	if !s.remembered {
		return
	}
	if err := f.o.Memory.HasPrinted(ctx, s.id); err != nil { // at worst the next start asks the printer for nothing
		f.o.Log.Warn("a session that has printed is still remembered", "err", err)
	}
}

// recall asks for the jobs that an open session has in the printer from before this program began. Those of one that has ended
// are dropped with the rest.
func (f *Front) recall(ctx context.Context, s *session) {
	f.mu.Lock()
	is := s.unknown && s.ended == 0
	f.mu.Unlock()
	if !is {
		return
	}
	m, err := f.ask(ctx, asks(getJobs, f.uri, s.user, 0))
	if err != nil || m.code >= firstError {
		return // next time
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.unknown = false
	for _, g := range m.groups {
		id, ok := g.number("job-id")
		if g.tag == tagJob && ok && g.text("job-originating-user-name") == s.user && s.jobs[id] == nil {
			s.jobs[id] = &job{}
		}
	}
}
