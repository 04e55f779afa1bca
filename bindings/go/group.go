package creche

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"libcreche/creche/internal/cx"
)

// Group is a nursery: it owns children, and does not end before they have. Its methods may be called
// from any goroutine until Run returns.
type Group struct {
	loop     *Loop
	id       uint64
	base     context.Context // values for the children
	deadline time.Time
	outside  time.Time // the nearest deadline of contexts that are not the library's

	mu       sync.Mutex
	errs     []error // what tasks were finished with, by cookie
	failures []error // of children, in the order of their ends
	unbegun  []error // children that could not be started
	panicked *PanicError
}

// Run opens a group, runs body in it, and returns when body and all children have ended. The context
// that they get carries the group's deadline and ends with it; context.Cause says why. What ctx does
// reaches the group, too.
//
// The error is nil, or an *Error: ErrGroup with the failures as children (errors.Is and errors.As look
// into them), ErrCancelled if ctx or a group around cancelled it, ErrTimeout if its own time ran out.
// A panic in a child cancels the group, and becomes a panic of Run with a *PanicError.
func Run(ctx context.Context, body func(ctx context.Context, g *Group) error, options ...Option) error {
	l, err := loopOf(ctx)
	if err != nil {
		return err
	}
	b := boundsOf(options)
	outer := l.where(ctx)
	g := &Group{loop: l, base: context.WithoutCancel(ctx)}
	end := newWaiter(takeValue)
	end.around = outer.claim()
	user := l.table.add(end)
	opened := cx.GroupOpen(l.tail(outer, user), b.Bounds, b.name)
	if opened.Failure != nil {
		l.table.remove(user)
		end.around.unclaim()
		return newError(opened.Failure, nil)
	}
	around := end.around
	g.id = opened.ID
	var byContext *atomic.Bool
	if !b.Bounds.Shield {
		follower := outer.follow(ctx, g.id)
		defer follower.stop()
		byContext = &follower.fired
	}
	t := &task{group: g, wake: make(chan struct{}, 2)}
	t.scope.init(l, g.base, ctx, &b)
	g.deadline, g.outside = t.scope.deadline, t.scope.foreign
	if e := t.open(g.id, &bounds{Bounds: cx.Bounds{Flags: cx.Body}}); e != nil {
		cx.GroupClose(g.id)
		around.release()
		<-end.wake
		return e
	}
	around.release()
	<-t.wake
	g.runBody(t, body, end)
	// From here on nobody else has the group.
	if g.panicked != nil {
		panic(g.panicked)
	}
	failure, caught := end.failure, end.flags&cx.Caught != 0
	end.free()
	if failure == nil && len(g.unbegun) == 0 {
		// For the library ctx cancelled the group itself, which is no failure; for the caller it
		// came from outside.
		if caught && byContext != nil && byContext.Load() {
			return cancelledError(ctx)
		}
		return nil
	}
	var e *Error
	if failure != nil {
		e = newError(failure, g.foreign)
		if e.Status == ErrCancelled && ctx.Err() == nil && !b.Bounds.Shield {
			outer.noteCancelled(e)
		}
		e.inContext(ctx)
	}
	if len(g.unbegun) > 0 {
		if e == nil || e.Status != ErrGroup {
			e = &Error{Status: ErrGroup, Message: "children could not be started"}
		}
		e.Children = append(e.Children, g.unbegun...)
	}
	return e
}

// runBody runs the body in the caller's goroutine and waits for the group. A panic of the body, or
// runtime.Goexit in it, goes on when the children have ended.
func (g *Group) runBody(t *task, body func(context.Context, *Group) error, end *waiter) {
	err, returned := errAborted, false
	defer func() {
		if !returned { // whatever the policy is, nobody would wait for the children's results
			cx.ScopeCancel(g.id, "the body panicked")
		}
		t.finish(err)
		<-t.wake
		<-end.wake
	}()
	err = body(&t.scope, g)
	returned = true
}

// Go starts fn in a goroutine, as a child of the group, when the group's limit lets it. An error is
// the child's failure, and what that does is up to the group's policy. A child that is cancelled
// before it began still runs, with a context that has ended, so that it can clean up.
//
// Options are Timeout, MoveOn, Shielded and Name. Go panics if the group has ended, or fn is nil.
func (g *Group) Go(fn func(ctx context.Context) error, options ...Option) {
	if fn == nil {
		panic("creche: Group.Go of a nil function")
	}
	b := boundsOf(options)
	t := &task{group: g, fn: fn}
	g.childScope(t, &b)
	e := t.open(g.id, &b)
	if e == nil {
		return
	}
	if e.Status == ErrEnded || e.Status == ErrClosed {
		panic(e)
	}
	g.mu.Lock()
	g.unbegun = append(g.unbegun, e)
	g.mu.Unlock()
	cx.ScopeCancel(g.id, "a child could not be started")
}

// childScope prepares the scope of a child.
func (g *Group) childScope(t *task, b *bounds) {
	s := t.scope.init(g.loop, g.base, nil, b)
	if b.Bounds.Shield {
		return
	}
	s.foreign = g.outside
	if !g.deadline.IsZero() && (s.deadline.IsZero() || g.deadline.Before(s.deadline)) {
		s.deadline = g.deadline
	}
}

// Cancel cancels the group and all that runs in it. That is no failure: Run returns nil if nothing else
// went wrong.
func (g *Group) Cancel(reason string) { cx.ScopeCancel(g.id, reason) }

// Errors are the failures of children so far, in the order of their ends; all of them when Run has
// returned. With Collect this is where they are found.
func (g *Group) Errors() []error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]error(nil), g.failures...)
}

// keep makes a cookie of an error, for C to carry.
func (g *Group) keep(err error) uintptr {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.errs = append(g.errs, err)
	return uintptr(len(g.errs))
}

func (g *Group) foreign(cookie uintptr) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if cookie == 0 || cookie > uintptr(len(g.errs)) {
		return nil
	}
	return g.errs[cookie-1]
}

func (g *Group) note(f *cx.Failure) {
	if Status(f.Status) == ErrCancelled {
		return
	}
	err := errorOf(f, g.foreign)
	g.mu.Lock()
	g.failures = append(g.failures, err)
	g.mu.Unlock()
}

func (g *Group) notePanic(p *PanicError) {
	g.mu.Lock()
	if g.panicked == nil {
		g.panicked = p
	}
	g.mu.Unlock()
	cx.ScopeCancel(g.id, "a child panicked")
}

// loopOf is the loop that ctx is on.
func loopOf(ctx context.Context) (*Loop, error) {
	if s, ok := ctx.Value(scopeKey{}).(*scope); ok {
		return s.loop, nil
	}
	return DefaultLoop()
}
