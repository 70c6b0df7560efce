package sessions

import (
	"context"
	"errors"
	"fmt"

	"parvis/internal/clock"
)

// Redemption is what somebody has typed, or has had typed for them by a QR code.
type Redemption struct {
	Device Device
	Code   string // of a ticket or of a room, however it was typed
	Token  string // of a session that this browser had before; "" none
}

// claim is what a code gives to the opening that it asks for.
type claim struct {
	resumes  *session // the session that goes on; nil: a new one, whatever the device has had before
	ticket   TicketKey
	batch    string // of the ticket
	workshop string
}

// Redeem opens a session by the code of a ticket or of a room. Each ticket opens one session for each device that its batch
// allows, and each session is one use: the row that makes the session durable is the use, so that neither a crash nor a kernel
// that refuses leaves one without the other. Who redeems again what they have redeemed gets their own session back, and nothing
// is used up: the same device, or any device that shows the session's token. One that ended with time left goes on.
//
// Errors: ErrCode, *Throttled; of a ticket ErrUsed, ErrTooOld, ErrTooEarly, ErrRevoked; of a room ErrWorkshopFull,
// ErrWorkshopNotStarted, ErrWorkshopOver; ErrUsed also for a place whose session has used up its volume; those of Open.
func (m *Manager) Redeem(ctx context.Context, r Redemption) (Session, error) {
	req := OpenRequest{Device: r.Device, By: FromVoucher}
	if err := req.check(); err != nil {
		return Session{}, err
	}
	m.op.Lock()
	defer m.unlock()
	defer m.wake()
	if !m.started {
		return Session{}, errors.New("sessions: redeem: not started")
	}
	if err := ctx.Err(); err != nil {
		return Session{}, fmt.Errorf("sessions: redeem: %w", err)
	}
	ctx = context.WithoutCancel(ctx) // a browser that hangs up must not be taken for a disk that fails
	s, err := m.redeem(ctx, m.catchUp(ctx), r, req)
	if errors.Is(err, ErrCode) {
		m.throttle.wrong(r.Device.MAC)
	}
	if err != nil {
		m.refuse(r.Device, req.Profile, err)
	}
	return s, err
}

func (m *Manager) redeem(ctx context.Context, now clock.Boot, r Redemption, req OpenRequest) (Session, error) {
	if err := m.throttle.check(r.Device.MAC); err != nil {
		return Session{}, err
	}
	code, err := parseTyped(r.Code)
	switch {
	case err != nil:
		return Session{}, ErrCode
	case len(code) == roomLength:
		return m.redeemRoom(ctx, now, r, req, code)
	default:
		return m.redeemTicket(ctx, now, r, req, code)
	}
}

// use opens a session that is a use of its ticket or takes a place.
func (m *Manager) use(ctx context.Context, now clock.Boot, p Profile, req OpenRequest) (Session, error) {
	s, err := m.open(ctx, now, p, req)
	if err == nil {
		m.note(Notice{Kind: NoticeRedeemed, Session: s})
	}
	return s, err
}

func (m *Manager) redeemTicket(ctx context.Context, now clock.Boot, r Redemption, req OpenRequest, code string) (Session, error) {
	t := m.papers.tickets[m.papers.keys.of(code)]
	if t == nil {
		return Session{}, ErrCode
	}
	b := m.papers.batches[t.Batch]
	p, ok := m.profile(b.Profile)
	if !ok {
		return Session{}, fmt.Errorf("%w: %q", ErrUnknownProfile, b.Profile)
	}
	req.Profile, req.claim = p.Name, &claim{ticket: t.Key, batch: b.ID}
	if own := m.own(t.holders, r); own != nil && (own.State == Open || !b.Revoked) {
		return m.goOn(ctx, now, p, own, req)
	}
	at := m.date(now)
	switch {
	case b.Revoked || t.Dead:
		return Session{}, ErrRevoked
	case at.old(b.Until):
		return Session{}, ErrTooOld
	case at.early(b.From):
		return Session{}, ErrTooEarly
	case t.used() >= b.Devices:
		return Session{}, ErrUsed
	}
	req.For = b.For
	return m.use(ctx, now, p, req)
}

// own is the session of who redeems, among those that the code has opened: the open one, or the last that ended.
func (m *Manager) own(holders []*session, r Redemption) (own *session) {
	for _, s := range holders {
		if s.Device.MAC != r.Device.MAC && (r.Token == "" || r.Token != s.token) {
			continue
		}
		if own == nil || own.State == Ended && (s.State == Open || s.Ended > own.Ended) {
			own = s
		}
	}
	return own
}

// goOn gives somebody their own session back, on the device that they have now.
func (m *Manager) goOn(ctx context.Context, now clock.Boot, p Profile, own *session, req OpenRequest) (Session, error) {
	switch {
	case own.Device.MAC != req.Device.MAC:
		s, err := m.takeBack(ctx, now, TakeBack{Device: req.Device, Token: own.token, By: FromVoucher})
		if errors.Is(err, ErrNotFound) {
			err = ErrUsed
		}
		return s, err
	case own.State == Open:
		return m.renew(ctx, now, own, OpenRequest{Device: req.Device, Profile: p.Name, By: own.OpenedBy})
	case own.left(now) <= 0:
		return Session{}, ErrUsed
	}
	req.claim.resumes = own
	return m.open(ctx, now, p, req)
}

// stepPapers does what time brings to tickets and workshops, and returns when it will bring more. Called with op held.
func (m *Manager) stepPapers(ctx context.Context, now clock.Boot) (next clock.Boot) {
	at := m.date(now)
	next = min(m.stepWorkshops(ctx, now, at), m.sweep(now, at))
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, p := range m.papers.printed {
		if p.until <= now {
			delete(m.papers.printed, id)
		} else {
			next = min(next, p.until)
		}
	}
	return next
}
