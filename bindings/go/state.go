package creche

import (
	"context"
	"math"
	"time"

	"libcreche/creche/internal/cx"
)

// ScopeState is a look at a group or scope. Looking changes nothing.
type ScopeState struct {
	Called    bool // it was cancelled itself
	Effective bool // it was, or what is around it and no shield keeps out
	Shield    bool
	Reached   bool      // work in it has ended as cancelled
	Caught    bool      // it would absorb the cancellation if it ended now
	Reason    Reason    // of what makes it effective
	Live      int       // tasks, groups, scopes and leases directly in it
	Deadline  time.Time // its own; zero: none
	Nearest   time.Time // of its own and those around it up to a shield; zero: none, or it is over
}

func (l *Loop) state(id uint64) (ScopeState, error) {
	s, status := cx.ScopeState(id)
	if status != 0 {
		return ScopeState{}, Status(status)
	}
	point := func(at int64) time.Time {
		if at == cx.Never || at == math.MinInt64 {
			return time.Time{}
		}
		return l.at(at)
	}
	return ScopeState{s.Called, s.Effective, s.Shield, s.Reached, s.Caught, Reason(s.Reason), int(s.Live),
		point(s.Deadline), point(s.EffectiveDeadline)}, nil
}

func (l *Loop) setTimeout(id uint64, d time.Duration) error {
	l.moved.Store(true)
	if moved := cx.ScopeSetTimeout(id, max(d, 0)); moved.Failure != nil {
		return newError(moved.Failure, nil)
	}
	return nil
}

func (l *Loop) setShield(id uint64, up bool) error {
	l.moved.Store(true)
	if set := cx.ScopeSetShield(id, up); set.Failure != nil {
		return newError(set.Failure, nil)
	}
	return nil
}

// live is the nearest deadline as it is now; false: the scope is over, or being cancelled.
func (s *scope) live() (time.Time, bool) {
	state, status := cx.ScopeState(s.id.Load())
	if status != 0 || state.EffectiveDeadline == math.MinInt64 {
		return time.Time{}, false
	}
	nearest := s.foreign
	if state.EffectiveDeadline != cx.Never {
		if own := s.loop.at(state.EffectiveDeadline); nearest.IsZero() || own.Before(nearest) {
			nearest = own
		}
	}
	return nearest, true
}

// NoTimeout is a timeout that never runs out, for SetTimeout, PoolOptions and WebSocketOptions.
const NoTimeout = time.Duration(math.MaxInt64)

// State looks at the scope that ctx is of: that of the Run, Go, Scope or Shield around.
func State(ctx context.Context) (ScopeState, error) {
	l, err := loopOf(ctx)
	if err != nil {
		return ScopeState{}, err
	}
	return l.state(l.where(ctx).id.Load())
}

// SetTimeout moves the deadline of the scope that ctx is of to d from now; NoTimeout takes it away. What was
// cancelled stays so (ErrCancelled). In the body of Run the scope is that of the body; for all of the
// group there is Group.SetTimeout.
func SetTimeout(ctx context.Context, d time.Duration) error {
	l, err := loopOf(ctx)
	if err != nil {
		return err
	}
	return l.setTimeout(l.where(ctx).id.Load(), d)
}

// SetShield raises or drops the shield of the scope that ctx is of. Dropping it lets in at once what was
// cancelled outside; raising it does not recall what has come in.
func SetShield(ctx context.Context, up bool) error {
	l, err := loopOf(ctx)
	if err != nil {
		return err
	}
	return l.setShield(l.where(ctx).id.Load(), up)
}

// State looks at the group.
func (g *Group) State() (ScopeState, error) { return g.loop.state(g.id) }

// SetTimeout moves the group's deadline to d from now; NoTimeout takes it away.
func (g *Group) SetTimeout(d time.Duration) error { return g.loop.setTimeout(g.id, d) }

// SetShield raises or drops the group's shield.
func (g *Group) SetShield(up bool) error { return g.loop.setShield(g.id, up) }
