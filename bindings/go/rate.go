package creche

import (
	"context"
	"math"
	"time"

	"libcreche/creche/internal/cx"
)

// RateOptions of NewRate. 0 is the default.
type RateOptions struct {
	Loop  *Loop  // nil: the default one
	Burst int    // permits that the bucket holds; as many as there are in an interval
	Name  string // for dumps
}

// Rate gives out permits that are used up: how often something may be done. Its bucket is full at first
// and gains some in each interval, evenly. Who comes first is served first, never early. It is safe for
// concurrent use.
type Rate struct {
	loop *Loop
	id   uint64
}

// NewRate opens a rate limiter of so many permits in each interval.
func NewRate(permits int, interval time.Duration, options *RateOptions) (*Rate, error) {
	o := RateOptions{}
	if options != nil {
		o = *options
	}
	l, err := o.Loop.orDefault()
	if err != nil {
		return nil, err
	}
	opened := cx.RateOpen(l.id, count(permits), count(o.Burst), interval, o.Name)
	if opened.Failure != nil {
		return nil, newError(opened.Failure, nil)
	}
	return &Rate{l, opened.ID}, nil
}

// Acquire waits until so many permits are there and uses them up; also before those behind who want
// fewer. If ctx ends first it takes none. More than the burst would never be there (ErrInvalid).
func (r *Rate) Acquire(ctx context.Context, permits int) error {
	return r.loop.await(ctx, func(tail cx.Tail) cx.Started { return cx.RateAcquire(r.id, tail, count(permits)) })
}

// TryAcquire uses permits up now, or none. ErrLimit: they are not there, others wait, or it is paused.
func (r *Rate) TryAcquire(permits int) error { return errorIf(cx.RateTry(r.id, count(permits))) }

// Pause gives out nothing for d: what a server wants with Retry-After. A pause is never shortened by
// another. NoTimeout: until Resume.
func (r *Rate) Pause(d time.Duration) error {
	now, status := cx.Now(r.loop.id)
	if status != 0 {
		return Status(status)
	}
	until := int64(math.MaxInt64)
	if int64(d) < until-now {
		until = now + int64(max(d, 0))
	}
	return errorIf(cx.RatePause(r.id, until))
}

// PauseUntil is Pause up to a time by the loop's clock.
func (r *Rate) PauseUntil(t time.Time) error { return r.Pause(t.Sub(r.loop.Now())) }

// Resume ends a pause now.
func (r *Rate) Resume() error { return errorIf(cx.RateResume(r.id)) }

// RateState is a look at a rate limiter.
type RateState struct {
	Available   int       // permits in the bucket, rounded down
	Waiting     int       // calls of Acquire
	Next        time.Time // when the first who waits, else one permit, will be served; zero: not before Resume
	Paused      bool
	PausedUntil time.Time // zero: it is not paused, or until Resume
}

// State looks at the rate limiter.
func (r *Rate) State() (RateState, error) {
	s, looked := cx.RateState(r.id)
	if looked.Failure != nil {
		return RateState{}, newError(looked.Failure, nil)
	}
	state := RateState{Available: int(s.Available), Waiting: int(s.Waiting), Paused: s.PausedUntil != 0}
	if s.Next != cx.Never {
		state.Next = r.loop.at(s.Next)
	}
	if state.Paused && s.PausedUntil != cx.Never {
		state.PausedUntil = r.loop.at(s.PausedUntil)
	}
	return state, nil
}

// Close fails those who wait with ErrClosed.
func (r *Rate) Close() { cx.RateRelease(r.id) }
