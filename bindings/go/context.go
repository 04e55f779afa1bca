package creche

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"libcreche/creche/internal/cx"
)

type scopeKey struct{}

// scope is a task's scope as a context: it ends when the library cancels the scope, and only then.
// (What the contexts around it do reaches it by way of the library.) Most tasks never ask for Done or
// a value, so what these need is made when they do.
type scope struct {
	loop     *Loop
	id       atomic.Uint64 // of the C scope
	root     bool
	context  context.Context // for values; it is never done
	deadline time.Time       // when it was opened
	foreign  time.Time       // the nearest of contexts that are not the library's
	held     atomic.Int32    // holds of a virtual clock

	done atomic.Pointer[chan struct{}]

	mu     sync.Mutex
	ended  bool
	err    error
	cause  error
	inner  context.Context // where context.Cause finds the cause
	cancel context.CancelCauseFunc
	after  map[*func()]struct{}
}

// is: done belongs to this scope.
func (s *scope) is(done <-chan struct{}) bool {
	if s.root {
		return false
	}
	own := s.done.Load()
	return own != nil && (<-chan struct{})(*own) == done
}

// Deadline is the nearest of the groups and scopes around. It is the same each time, unless a program
// moves deadlines.
func (s *scope) Deadline() (time.Time, bool) {
	if s.loop.moved.Load() && !s.root {
		if now, ok := s.live(); ok {
			return now, !now.IsZero()
		}
	}
	if s.deadline.IsZero() {
		return time.Time{}, false
	}
	return s.deadline, true
}

// Done is closed when the scope is cancelled.
func (s *scope) Done() <-chan struct{} {
	if own := s.done.Load(); own != nil {
		return *own
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if own := s.done.Load(); own != nil {
		return *own
	}
	own := make(chan struct{})
	if s.err != nil {
		close(own)
	}
	s.done.Store(&own)
	return own
}

// Err is context.DeadlineExceeded after a deadline, context.Canceled after anything else.
func (s *scope) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Value is that of the context around; the scope itself has a key of its own.
func (s *scope) Value(key any) any {
	if key == (scopeKey{}) {
		return s
	}
	s.mu.Lock()
	if s.inner == nil {
		s.inner, s.cancel = context.WithCancelCause(s.context)
		if s.err != nil {
			s.cancel(s.cause)
		}
	}
	inner := s.inner
	s.mu.Unlock()
	return inner.Value(key)
}

// AfterFunc is how contexts made from this one hear of its end.
func (s *scope) AfterFunc(f func()) func() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		go f()
		return func() bool { return false }
	}
	if s.after == nil {
		s.after = make(map[*func()]struct{})
	}
	key := &f
	s.after[key] = struct{}{}
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, waiting := s.after[key]
		delete(s.after, key)
		return waiting
	}
}

// end ends the context, once.
func (s *scope) end(err, cause error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err, s.cause = err, cause
	if s.cancel != nil {
		s.cancel(cause)
	}
	if own := s.done.Load(); own != nil {
		close(*own)
	}
	after := s.after
	s.after = nil
	s.mu.Unlock()
	for f := range after {
		go (*f)()
	}
}

// noteCancelled ends the context with the reason that a cancelled operation in it brought.
func (s *scope) noteCancelled(e *Error) {
	if s.root || e.Status != ErrCancelled {
		return
	}
	// Only what cancelled the scope ends its context, not what cancelled the operation alone.
	if state, status := cx.ScopeState(s.id.Load()); status == 0 && state.Effective {
		s.endWith(e)
	}
}

// notice ends the context because the library says that the scope was cancelled, and why.
func (s *scope) notice(f *cx.Failure) {
	if f == nil { // no memory
		f = &cx.Failure{Status: int32(ErrCancelled), Phase: uint32(PhaseTask), Message: "the scope was cancelled"}
	}
	s.endWith(newError(f, nil))
}

func (s *scope) endWith(e *Error) {
	if e.Reason == ReasonDeadline {
		s.end(context.DeadlineExceeded, e)
	} else {
		s.end(context.Canceled, e)
	}
}

func (s *scope) cancelled() bool { return s.Err() != nil }

// init prepares the scope of a new task, in the context around.
func (s *scope) init(l *Loop, base, around context.Context, b *bounds) *scope {
	s.loop, s.context = l, base
	if around != nil && !b.Bounds.Shield {
		s.deadline, _ = around.Deadline()
		s.foreign = s.deadline
		if outer, ok := around.Value(scopeKey{}).(*scope); ok {
			if own, _ := outer.Deadline(); own.Equal(s.deadline) {
				s.foreign = outer.foreign
			}
		}
	}
	if b.Timeout > 0 {
		if own := l.Now().Add(b.Timeout); s.deadline.IsZero() || own.Before(s.deadline) {
			s.deadline = own
		}
	}
	return s
}
