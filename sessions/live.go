package sessions

import (
	"cmp"
	"time"

	"parvis/internal/clock"
)

// session is a Row and what is known of it in memory only.
type session struct {
	Row
	profile Profile
	dayEnd  clock.Boot // when the device's day would be used up, had it been online all the time; never: not limited
	closes  clock.Boot // when the place's closing ends it; never: it does not
	room    *workshop  // that it has a place in; nil none
	read    clock.Boot // when its counters were last read
	refused bool       // it was suspended then: what has been counted since did not pass
	rate    float64    // bytes per second between the last two readings
	heard   clock.Boot // the end of the reading that last saw traffic; Active is its beginning
	unsure  bool       // resumed, and not yet known whether the kernel's counters survived
	told    rates      // what the kernel has last been asked for
	toldEnd clock.Boot // likewise
	token   string
	came    clock.Boot // when it was opened or resumed, or this run of the daemon began
}

// rates are bits per second; 0 is the line's.
type rates struct{ down, up uint64 }

// due is when an open session ends by itself, and why. One that is suspended ends like one that is silent, so that a
// contest which nobody settles does not hold a place for ever. While the line is down only the place's closing ends one
// whose time stands still.
func (s *session) due() (at clock.Boot, why Reason) {
	at, why = s.End, ByTime
	switch {
	case s.Suspended != "":
		silent := s.SuspendedAt.Add(cmp.Or(s.profile.Idle, suspendedMost))
		if s.profile.Runs == WhileUsed || s.LineDown || silent < at {
			at, why = silent, ByIdle
		}
	case s.LineDown:
		at = never
	case s.dayEnd < at:
		at, why = s.dayEnd, ByDay
	}
	if s.closes < at {
		at, why = s.closes, ByClosing
	}
	if end := s.room.ends(); end <= at && end != never {
		at, why = end, ByWorkshop
	}
	return at, why
}

// shown is when an open session will end as things are now: for one whose time stands still, were it to go on now.
func (s *session) shown(now clock.Boot) (at clock.Boot, closing bool) {
	at, why := s.due()
	if s.LineDown && s.Suspended == "" {
		if own := min(s.End, s.dayEnd).Add(now.Sub(s.LineAt)); own < at {
			return own, false
		}
	}
	return at, why == ByClosing
}

// left is the time that an open session has; once ended, what coming back would give.
func (s *session) left(now clock.Boot) time.Duration {
	switch {
	case s.State == Open:
		from := now
		switch {
		case s.Suspended != "" && s.profile.Runs == WhileUsed:
			from = s.SuspendedAt
		case s.LineDown:
			from = s.LineAt
		}
		left := s.End.Sub(from)
		if s.dayEnd != never {
			left = min(left, s.dayEnd.Sub(s.online(now)))
		}
		if end := min(s.closes, s.room.ends()); end != never {
			left = min(left, end.Sub(now))
		}
		return max(left, 0)
	case !s.resumable(), s.room.over(), now >= s.Ended.Add(s.profile.Keep), s.spent():
		return 0
	case s.profile.Runs == FromOpening:
		return max(s.End.Sub(now), 0)
	default:
		return s.Left
	}
}

// resumable reports whether an ended session keeps what was left. Closing takes nothing from who has been given a ticket.
func (s *session) resumable() bool {
	if s.profile.Terminal {
		return false // the next one who sits there is another person
	}
	return s.Reason.Resumable() || s.Reason == ByClosing && s.Voucher != ""
}

// online is until when an open session has been online: until now, or until its time stood still.
func (s *session) online(now clock.Boot) clock.Boot {
	switch {
	case s.Suspended != "":
		return s.SuspendedAt
	case s.LineDown:
		return s.LineAt
	}
	return now
}

func (s *session) bytesLeft() uint64 {
	if used := s.Down + s.Up; used < s.profile.Volume {
		return s.profile.Volume - used
	}
	return 0
}

func (s *session) overVolume() bool { return s.profile.Volume > 0 && s.bytesLeft() == 0 }

// spent reports whether the session's volume is used up and ends it, slowed whether it goes on more slowly. Both follow
// from what was counted, so that nothing else has to be remembered.
func (s *session) spent() bool  { return s.overVolume() && s.profile.Slow == 0 }
func (s *session) slowed() bool { return s.overVolume() && s.profile.Slow > 0 }

// rates are those that hold: the profile's or the session's own, and not above Slow once the volume is used up.
func (s *session) rates() rates {
	r := rates{s.profile.Down, s.profile.Up}
	if s.OwnRates {
		r = rates{s.RateDown, s.RateUp}
	}
	if s.slowed() {
		r = rates{slower(r.down, s.profile.Slow), slower(r.up, s.profile.Slow)}
	}
	return r
}

// slower is the lesser of a rate, 0 being the line's, and a limit.
func slower(rate, limit uint64) uint64 {
	if rate == 0 {
		return limit
	}
	return min(rate, limit)
}

// forgetAt is when an ended session is no longer remembered: long enough for its device to be told why it ended and for its
// last count to come, even without any Keep.
func (s *session) forgetAt() clock.Boot { return s.Ended.Add(max(s.profile.Keep, SlotRest)) }

// grant is what the kernel is asked for.
func (s *session) grant() Grant {
	r := s.rates()
	end, _ := s.due()
	if s.LineDown && s.Suspended == "" { // the backstop must not end it meanwhile; a daemon that dies no longer puts it off
		end = min(max(s.End, s.LineAt.Add(lineHold)), s.closes, s.room.ends())
	}
	return Grant{
		Slot: s.Slot, MAC: s.Device.MAC, IPv4: s.Device.IPv4, End: end,
		Down: r.down, Up: r.up, Suspended: s.Suspended != "", Floor: s.room.floor(),
		Terminal: s.profile.Terminal, Named: s.profile.Named, Profile: s.Profile,
	}
}
