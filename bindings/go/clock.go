package creche

import (
	"context"
	"sync"
	"time"

	"libcreche/creche/internal/cx"
)

// The virtual clock jumps when nothing can happen any more, so whoever can run holds it. Each
// goroutine of a group or scope has one hold, which it lets go of while it waits for its loop. What
// ends the wait is drained by the loop's goroutine, and that takes the hold back before it wakes the
// other: between the two nobody finds the clock free. scope.held says how many holds there are, which
// are counted again in C. On a real clock none of this happens.

// claim takes the hold of s's goroutine, which is about to wait. release gives it to the clock once what
// it waits for has been started, and resume takes it back; if nothing was started, unclaim. A goroutine
// that has none (it is in no group) gets one for the time in which it starts something, and none back:
// that is the root scope's. nil: the clock is the real one.
func (s *scope) claim() *scope {
	if !s.loop.virtual {
		return nil
	}
	for n := s.held.Load(); n > 0; n = s.held.Load() {
		if s.held.CompareAndSwap(n, n-1) {
			return s
		}
	}
	s.loop.hold()
	return s.loop.root
}

func (s *scope) unclaim() {
	if s == nil {
		return
	}
	if s.root {
		s.release()
	} else {
		s.held.Add(1)
	}
}

func (s *scope) release() {
	if s != nil {
		s.loop.letGo()
	}
}

func (s *scope) resume() {
	if s != nil && s.loop.virtual && !s.root {
		cx.ClockHold(s.loop.id)
		s.held.Add(1)
	}
}

func (l *Loop) hold() {
	if l.virtual {
		cx.ClockHold(l.id)
	}
}

func (l *Loop) letGo() {
	if l.virtual && !l.blocked.owe(l) {
		cx.ClockRelease(l.id)
	}
}

// at is a point of the loop's clock.
func (l *Loop) at(point int64) time.Time {
	if l.virtual {
		return l.epoch.Add(time.Duration(point))
	}
	now, _ := cx.Now(l.id)
	return time.Now().Add(time.Duration(point - now))
}

// Now is the time by the loop's clock. A virtual one begins at the time of NewLoop.
func (l *Loop) Now() time.Time {
	if !l.virtual {
		return time.Now()
	}
	now, _ := cx.Now(l.id)
	return l.epoch.Add(time.Duration(now))
}

// Hold keeps a virtual clock from jumping until release is called. Goroutines of groups do that by
// themselves; it is for others, from before they start something until they wait for it. Does nothing
// on a real clock.
func (l *Loop) Hold() (release func()) {
	l.hold()
	return sync.OnceFunc(l.letGo)
}

// Advance moves a virtual clock forward by d at once, even if it is held. It fails on a real clock
// (ErrState).
func (l *Loop) Advance(d time.Duration) error {
	if status := cx.ClockAdvance(l.id, d); status != 0 {
		return Status(status)
	}
	return nil
}

// Blocked calls fn and lets go of the virtual clock meanwhile: for a goroutine of a group that waits for
// something that the loop knows nothing of, such as a channel or a sync.WaitGroup. The clock does not jump
// as long as fn can go on: whenever somebody else lets go of it, the goroutines in here are looked at, all
// at one moment, and those of them that are not waiting for a channel, a lock or the like keep it. So who is
// woken by the last one that lets go has its hold back before the clock jumps, always. What waits for the
// world outside (time.Sleep, files, sockets, C) is not taken for waiting: it comes by itself, in real time,
// and the clock stands still until then. Goroutines that are neither in a group nor in here are not looked
// at: if one of them stands between two that are, let it Hold the clock.
//
// Looking takes microseconds for each goroutine of the process; NewChan, NewEvent and NewLimiter have waits
// that the clock knows of, and need none of this. On a real clock Blocked just calls fn.
func Blocked(ctx context.Context, fn func()) {
	if s, ok := ctx.Value(scopeKey{}).(*scope); ok {
		if claimed := s.claim(); claimed != nil {
			b := &claimed.loop.blocked
			id := b.enter()
			claimed.release()
			defer func() {
				claimed.resume() // before it is out of sight
				b.leave(id)
			}()
		}
	}
	fn()
}
