package printing

import (
	"context"
	"time"
)

// States of a job (RFC 8011, section 5.3.7).
const (
	processing = 5
	canceled   = 7 // from here on it is over
)

const (
	every    = 3 * time.Second  // the printer is asked how its jobs are
	patience = 30 * time.Minute // for a printer that does not answer, after a session's end
)

// job is one that is not over.
type job struct {
	state   int32
	pages   int32
	sending bool // its document is on its way
}

func newSession(id, user string) *session {
	s := &session{id: id, user: user, jobs: map[int32]*job{}}
	s.ctx, s.cut = context.WithCancel(context.Background())
	return s
}

// enter begins a request of a session; "" is a terminal without one.
func (f *Front) enter(id string) (*session, uint16) {
	if id == "" {
		return &session{user: newUser(), ctx: context.Background()}, 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions[id]
	if s == nil {
		s = newSession(id, newUser())
		f.sessions[id] = s
	}
	switch {
	case s.ended != 0:
		return nil, notAuthorised
	case s.requests >= maxRequests:
		return nil, busy
	}
	s.requests++
	return s, 0
}

func (f *Front) leave(s *session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.requests--
	f.wake()
}

func (f *Front) owns(s *session, id int32) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return s.jobs[id] != nil
}

// full says whether a session has as many jobs as it may have.
func (f *Front) full(s *session) bool {
	return len(f.ids(s)) >= maxLive || f.jobs(s) >= maxJobs
}

func (f *Front) jobs(s *session) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(s.jobs)
}

func (f *Front) made(s *session, id int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.jobs[id] = &job{}
	f.wake()
}

func (f *Front) sending(s *session, id int32, is bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if j := s.jobs[id]; j != nil {
		j.sending = is || j.sending && s.ctx.Err() != nil // what was cut never arrived whole
	}
}

func (f *Front) wake() {
	select {
	case f.kick <- struct{}{}:
	default: // already awake
	}
}

// Run follows jobs and ends those of sessions that have ended, until ctx ends. changed receives when a session may have.
func (f *Front) Run(ctx context.Context, changed <-chan struct{}) error {
	next := f.o.Clock.Boot()
	for {
		f.end()
		if f.busy() && f.o.Clock.Boot() >= next {
			f.look(ctx)
			next = f.o.Clock.Boot().Add(every)
		}
		var timer <-chan struct{}
		stop := func() {}
		if f.busy() {
			timer, stop = f.o.Clock.At(next)
		}
		select {
		case <-ctx.Done():
			stop()
			f.cutAll()
			return nil
		case <-changed:
		case <-f.kick:
		case <-timer:
		}
		stop()
	}
}

// end cuts what sessions send that are no longer open.
func (f *Front) end() {
	f.mu.Lock()
	var known []*session
	for _, s := range f.sessions {
		if s.ended == 0 {
			known = append(known, s)
		}
	}
	f.mu.Unlock()
	for _, s := range known {
		if !f.o.Open(s.id) {
			f.mu.Lock()
			s.ended = f.o.Clock.Boot()
			s.cut()
			f.mu.Unlock()
		}
	}
}

func (f *Front) cutAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.sessions {
		s.cut()
	}
}

// busy says whether the printer has to be asked.
func (f *Front) busy() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.sessions {
		if s.ended != 0 || s.unknown {
			return true
		}
		for _, j := range s.jobs {
			if j.state < canceled {
				return true
			}
		}
	}
	return false
}

// look asks the printer for every job that is not over, drops what ended sessions have left there, and forgets who has nothing
// more.
func (f *Front) look(ctx context.Context) {
	f.mu.Lock()
	var all []*session
	for _, s := range f.sessions {
		all = append(all, s)
	}
	f.mu.Unlock()
	for _, s := range all {
		f.recall(ctx, s)
		f.follow(ctx, s)
		if f.ended(s) {
			f.drop(ctx, s)
		}
		f.forget(ctx, s)
	}
}

func (f *Front) ended(s *session) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return s.ended != 0 && !s.dropped && s.requests == 0
}

// ids are those of a session's jobs that are not over.
func (f *Front) ids(s *session) (ids []int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, j := range s.jobs {
		if j.state < canceled {
			ids = append(ids, id)
		}
	}
	return ids
}

// follow asks how a session's jobs are, and counts what is over.
func (f *Front) follow(ctx context.Context, s *session) {
	for _, id := range f.ids(s) {
		m, err := f.ask(ctx, asks(jobAttributes, f.uri, s.user, id))
		if err != nil {
			return // next time
		}
		state, pages := int32(0), int32(0)
		if m.code == notFound {
			state = canceled // the printer has forgotten it: what was last seen counts
		}
		for _, g := range m.groups {
			if g.tag != tagJob {
				continue
			}
			state, _ = g.number("job-state")
			if pages, _ = g.number("job-impressions-completed"); pages <= 0 {
				pages, _ = g.number("job-media-sheets-completed")
			}
		}
		f.note(s, id, state, pages)
	}
}

// note writes down how a job is; over, it is counted once.
func (f *Front) note(s *session, id, state, pages int32) {
	f.mu.Lock()
	j := s.jobs[id]
	over := j.state < canceled && state >= canceled
	j.state, j.pages = max(j.state, state), max(j.pages, pages)
	pages = j.pages
	f.mu.Unlock()
	if over && pages > 0 {
		f.o.Counted(s.id, int(pages))
	}
}

// drop cancels what waits in the printer for a session that has ended: jobs that we know, and those whose answer we cut.
func (f *Front) drop(ctx context.Context, s *session) {
	m, err := f.ask(ctx, asks(getJobs, f.uri, s.user, 0))
	if err != nil || m.code >= firstError {
		return // next time
	}
	all := true
	for _, g := range m.groups {
		id, ok := g.number("job-id")
		if g.tag != tagJob || !ok || g.text("job-originating-user-name") != s.user && !f.owns(s, id) {
			continue
		}
		f.mu.Lock()
		j := s.jobs[id]
		if j == nil {
			j = &job{sending: true} // its sending was cut before its number was told
			s.jobs[id] = j
		}
		cutShort := j.sending
		f.mu.Unlock()
		state, _ := g.number("job-state")
		if state >= canceled || state == processing && !cutShort {
			continue
		}
		a, err := f.ask(ctx, asks(cancelJob, f.uri, s.user, id))
		all = all && err == nil && (a.code < firstError || a.code == notPossible || a.code == notFound)
	}
	f.mu.Lock()
	s.dropped = all
	f.mu.Unlock()
}

// forget lets go of a session that has ended and has nothing in the printer, or whose printer does not answer any more.
func (f *Front) forget(ctx context.Context, s *session) {
	f.mu.Lock()
	over := s.ended != 0 && s.dropped && s.requests == 0
	pages := int32(0) // of jobs whose end we shall not see
	for _, j := range s.jobs {
		if j.state < canceled {
			over = false
			pages += j.pages
		}
	}
	late := s.ended != 0 && f.o.Clock.Boot() >= s.ended.Add(patience)
	if over || late {
		delete(f.sessions, s.id)
	}
	f.mu.Unlock()
	if over || late {
		f.forgotten(ctx, s)
	}
	if late && pages > 0 {
		f.o.Counted(s.id, int(pages))
	}
}

// ask is send with an end.
func (f *Front) ask(ctx context.Context, m message) (message, error) {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	return f.send(ctx, m, nil)
}
