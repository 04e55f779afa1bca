package creche

import (
	"context"
	"math"

	"libcreche/creche/internal/cx"
)

// LimiterOptions of NewLimiter. 0 is the default.
type LimiterOptions struct {
	Loop *Loop  // nil: the default one
	Name string // for dumps
}

// Limiter gives out tokens that are held for a while: how many may do something at once. Who comes first
// is served first. It is safe for concurrent use.
type Limiter struct {
	loop *Loop
	id   uint64
}

// NewLimiter opens a limiter with so many tokens; 0 is allowed.
func NewLimiter(total int, options *LimiterOptions) (*Limiter, error) {
	o := LimiterOptions{}
	if options != nil {
		o = *options
	}
	l, err := o.Loop.orDefault()
	if err != nil {
		return nil, err
	}
	opened := cx.LimiterOpen(l.id, count(total), o.Name)
	if opened.Failure != nil {
		return nil, newError(opened.Failure, nil)
	}
	return &Limiter{l, opened.ID}, nil
}

// Acquire waits for a token. It belongs to the task, group or loop of ctx, and is given back at its end if
// not before. If ctx ends first there is none; one that came is the caller's whatever ctx does.
func (l *Limiter) Acquire(ctx context.Context) (*Token, error) { return l.AcquireFor(ctx, 0) }

// AcquireFor is Acquire that says who borrows: a second token for the same borrower is refused
// (ErrState).
func (l *Limiter) AcquireFor(ctx context.Context, borrower uint64) (*Token, error) {
	w := newWaiter(takeValue)
	defer w.free()
	e := l.loop.call(ctx, w, func(tail cx.Tail) cx.Started { return cx.LimiterAcquire(l.id, tail, borrower) })
	if e != nil {
		return nil, e
	}
	return &Token{l.loop, w.value}, nil
}

// TryAcquire takes a token now, for the task, group or loop of ctx. ErrLimit: none is free, or others
// wait.
func (l *Limiter) TryAcquire(ctx context.Context) (*Token, error) { return l.TryAcquireFor(ctx, 0) }

// TryAcquireFor is TryAcquire that says who borrows, as AcquireFor does.
func (l *Limiter) TryAcquireFor(ctx context.Context, borrower uint64) (*Token, error) {
	taken := cx.LimiterTry(l.id, l.loop.where(ctx).id.Load(), borrower)
	if taken.Failure != nil {
		return nil, newError(taken.Failure, nil)
	}
	return &Token{l.loop, taken.ID}, nil
}

// SetTotal changes the number of tokens. More go to those who wait at once; with fewer, those who hold
// one keep it, and none is given out until enough came back.
func (l *Limiter) SetTotal(total int) error { return errorIf(cx.LimiterSetTotal(l.id, count(total))) }

// LimiterState is a look at a limiter.
type LimiterState struct {
	Total    int // tokens
	Borrowed int // of those, given out; more than Total after it was lowered
	Waiting  int // calls of Acquire
}

// State looks at the limiter.
func (l *Limiter) State() (LimiterState, error) {
	total, borrowed, waiting, looked := cx.LimiterState(l.id)
	return LimiterState{int(total), int(borrowed), int(waiting)}, errorIf(looked)
}

// Close fails those who wait with ErrClosed. Tokens stay good.
func (l *Limiter) Close() { cx.LimiterRelease(l.id) }

// Token is a token of a Limiter.
type Token struct {
	loop *Loop
	id   uint64
}

// Release gives the token back: the first who waits has it then. Doing it again is harmless.
func (t *Token) Release() { cx.TokenRelease(t.id) }

// Move makes the token belong to the task, group or loop of ctx.
func (t *Token) Move(ctx context.Context) error {
	return errorIf(cx.TokenMove(t.id, t.loop.where(ctx).id.Load()))
}

// count is a number for C.
func count(n int) uint32 { return uint32(min(max(n, 0), math.MaxUint32)) }

// errorIf is the failure of a call, or nil.
func errorIf(started cx.Started) error {
	if started.Failure != nil {
		return newError(started.Failure, nil)
	}
	return nil
}

func (l *Loop) orDefault() (*Loop, error) {
	if l != nil {
		return l, nil
	}
	return DefaultLoop()
}
