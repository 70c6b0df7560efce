package kiosk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"parvis/internal/mac"
	"parvis/kiosk/names"
)

// Bounds of one person's policy.
const (
	mostBundles = 128
	mostNames   = 32 // added by the desk
)

// Open opens a terminal. The row that says so is written first: whatever happens then, the terminal is not opened again before
// its browser has come back clean.
//
// ErrNotFound; ErrNotAdopted; ErrBusy while something is open; ErrNotFresh until its browser has come back clean; ErrNoAddress;
// ErrStore; ErrPhone, with the session, when the terminal is open and the phone is not, unless no phone waits under the code:
// then nothing has been opened, and the session is the zero one. Others are those of the owner of sessions.
func (p *Posts) Open(ctx context.Context, id string, o Opening) (Session, error) {
	if o.For <= 0 || len(o.Bundles) > mostBundles {
		return Session{}, fmt.Errorf("%w: time %v, %d bundles", ErrDetails, o.For, len(o.Bundles))
	}
	p.op.Lock()
	defer p.op.Unlock()
	ctx = context.WithoutCancel(ctx)
	x, err := p.adopted(id)
	if err != nil {
		return Session{}, err
	}
	if s, known := p.o.Sessions.Of(x.MAC); known && s.Open {
		return s, ErrBusy
	}
	switch {
	case x.Dirty:
		return Session{}, ErrNotFresh
	case !x.IPv4.IsValid():
		return Session{}, ErrNoAddress
	}
	next := x.Row
	next.clean()
	next.Dirty, next.Mail, next.Bundles = true, o.Mail, slices.Clone(o.Bundles)
	if o.Bundles == nil {
		next.Bundles = slices.Clone(p.o.Services)
	}
	if err := p.write(ctx, next); err != nil {
		return Session{}, err
	}
	p.push(next)
	s, err := p.o.Sessions.Open(ctx, OpenRequest{MAC: x.MAC, IPv4: x.IPv4, For: o.For})
	if err == nil && o.Phone != "" {
		next.Phone, err = p.phone(ctx, o.Phone, s.Left)
		if errors.Is(err, ErrPhone) { // a wrong code: the gesture is asked for again, whole
			err = errors.Join(err, p.o.Sessions.End(ctx, s.ID))
			s = Session{}
		} else if err != nil {
			err = fmt.Errorf("%w: %w", ErrPhone, err)
		} else {
			err = p.write(ctx, next)
		}
	}
	if s.ID == "" {
		back := next
		back.clean() // nobody has sat there
		_ = p.write(ctx, back)
		p.push(back)
		return Session{}, err
	}
	p.set(x.MAC, func(x *post) { x.running, x.tried = s.ID, 0 })
	p.o.Log.Info("terminal open", "terminal", id, "session", s.ID)
	p.changed()
	return s, err
}

func (p *Posts) phone(ctx context.Context, code string, d time.Duration) (string, error) {
	if p.o.Phones == nil {
		return "", ErrPhone
	}
	return p.o.Phones.Open(ctx, code, d)
}

// clean makes a row that of a terminal on which nothing is open.
func (r *Row) clean() {
	r.Dirty, r.Mail, r.Graced, r.Fixed, r.Phone, r.Bundles, r.Names = false, false, false, false, "", nil, nil
}

// adopted returns a copy of the adopted terminal with this id. Called with op held.
func (p *Posts) adopted(id string) (post, error) {
	x, ok := p.byID(id)
	switch {
	case !ok:
		return post{}, ErrNotFound
	case !x.adopted:
		return post{}, ErrNotAdopted
	}
	return x, nil
}

// running returns the terminal and its open session. Called with op held.
func (p *Posts) running(id string) (post, Session, error) {
	x, err := p.adopted(id)
	if err != nil {
		return post{}, Session{}, err
	}
	s, known := p.o.Sessions.Of(x.MAC)
	if !known || !s.Open {
		return x, s, ErrNotOpen
	}
	return x, s, nil
}

// write makes a row durable, then known. Called with op held.
func (p *Posts) write(ctx context.Context, r Row) error {
	if err := p.o.Store.Put(ctx, r); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	p.set(r.MAC, func(x *post) { x.Row = r })
	return nil
}

// set changes what is known of a terminal. Called with op held.
func (p *Posts) set(a mac.Addr, change func(*post)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if x := p.posts[a]; x != nil {
		change(x)
	}
}

// Extend gives more time or, when by is negative, less: then its end is not put off by itself any more. The phone that was
// opened with it gets the same. ErrNotFound, ErrNotAdopted, ErrNotOpen, and those of the owner of sessions.
func (p *Posts) Extend(ctx context.Context, id string, by time.Duration) (Session, error) {
	p.op.Lock()
	defer p.op.Unlock()
	ctx = context.WithoutCancel(ctx)
	x, s, err := p.running(id)
	if err != nil {
		return s, err
	}
	if by < 0 && !x.Fixed {
		x.Fixed = true
		if err := p.write(ctx, x.Row); err != nil {
			return s, err
		}
	}
	return p.adjust(ctx, x, s, by)
}

// adjust changes the time of a terminal and of the phone that goes with it. Called with op held.
func (p *Posts) adjust(ctx context.Context, x post, s Session, by time.Duration) (Session, error) {
	s, err := p.o.Sessions.Adjust(ctx, s.ID, by)
	if err != nil {
		return s, err
	}
	if x.Phone != "" && p.o.Phones != nil {
		if err := p.o.Phones.Extend(ctx, x.Phone, by); err != nil {
			p.o.Log.Info("the phone does not follow its terminal", "terminal", x.ID, "cause", err)
		}
	}
	p.changed()
	return s, nil
}

// Grace gives the one extension that does not ask who waits. ErrTooEarly before the last minutes; ErrNoMore when it was had, there
// is none, or the place closes at that time.
func (p *Posts) Grace(ctx context.Context, id string) (Session, error) {
	p.op.Lock()
	defer p.op.Unlock()
	ctx = context.WithoutCancel(ctx)
	x, s, err := p.running(id)
	switch {
	case err != nil:
		return s, err
	case x.Graced || p.o.Grace <= 0 || s.Closing:
		return s, ErrNoMore
	case s.LineDown || s.Left > EndingLast:
		return s, ErrTooEarly
	}
	next := x.Row
	next.Graced = true
	if err := p.write(ctx, next); err != nil {
		return s, err
	}
	then, err := p.adjust(ctx, x, s, p.o.Grace)
	if err != nil {
		next.Graced = false
		_ = p.write(ctx, next) // at worst the extension counts as had
		return s, err
	}
	return then, nil
}

// End ends what is open on a terminal, and before it the phone that was opened with the same end: whatever stops between the two,
// the gesture can be made again. ErrNotFound, ErrNotAdopted, ErrNotOpen, and those of the owner of sessions.
func (p *Posts) End(ctx context.Context, id string) error {
	p.op.Lock()
	defer p.op.Unlock()
	ctx = context.WithoutCancel(ctx)
	x, s, err := p.running(id)
	if err != nil {
		return err
	}
	if x.Phone != "" && p.o.Phones != nil {
		if err := p.o.Phones.End(ctx, x.Phone); err != nil {
			p.o.Log.Warn("the phone does not end with its terminal", "terminal", x.ID, "cause", err)
		}
	}
	err = p.o.Sessions.End(ctx, s.ID)
	p.look(ctx)
	p.changed()
	return err
}

// Message leaves a text for who sits there; "" takes it back.
func (p *Posts) Message(ctx context.Context, id, text string) error {
	p.op.Lock()
	defer p.op.Unlock()
	_, s, err := p.running(id)
	if err != nil {
		return err
	}
	return p.o.Sessions.Message(context.WithoutCancel(ctx), s.ID, text)
}

// MessageSeen takes note that a page with the message was sent.
func (p *Posts) MessageSeen(id string) {
	if x, ok := p.byID(id); ok {
		if s, known := p.o.Sessions.Of(x.MAC); known && s.Open {
			p.o.Sessions.MessageSeen(s.ID)
		}
	}
}

// SetBundles changes what is open, for this person. What is open no longer is cut at once.
func (p *Posts) SetBundles(ctx context.Context, id string, bundles []string, mail bool) error {
	if len(bundles) > mostBundles {
		return fmt.Errorf("%w: %d bundles", ErrMany, len(bundles))
	}
	return p.reshape(ctx, id, func(r *Row) error {
		r.Bundles, r.Mail = slices.Clone(bundles), mail
		return nil
	})
}

// AddName opens one host more, for this person. ErrName when it is none that can be allowed, ErrMany after 32.
func (p *Posts) AddName(ctx context.Context, id, host string) error {
	rule, err := names.Parse(host)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrName, err)
	}
	return p.reshape(ctx, id, func(r *Row) error {
		switch {
		case slices.Contains(r.Names, string(rule)):
			return nil
		case len(r.Names) >= mostNames:
			return ErrMany
		}
		r.Names = append(slices.Clone(r.Names), string(rule))
		return nil
	})
}

func (p *Posts) reshape(ctx context.Context, id string, change func(*Row) error) error {
	p.op.Lock()
	defer p.op.Unlock()
	ctx = context.WithoutCancel(ctx)
	x, _, err := p.running(id)
	if err != nil {
		return err
	}
	if err := change(&x.Row); err != nil {
		return err
	}
	if err := p.write(ctx, x.Row); err != nil {
		return err
	}
	p.push(x.Row)
	p.changed()
	return nil
}

// namesOf is what the gate lets a terminal reach.
func (p *Posts) namesOf(r Row) names.List {
	ids := slices.Clone(r.Bundles)
	if r.Mail {
		ids = append(ids, Mail)
	}
	l := slices.Clone(p.o.Catalogue.Names(ids))
	for _, n := range r.Names {
		l = append(l, names.Rule(n))
	}
	return l
}
