package creche

import (
	"context"
	"time"

	"libcreche/creche/internal/cx"
)

// Scope runs fn in the caller's goroutine, bounded by options: Timeout, MoveOn, Shielded, Name. It
// returns fn's error; or ErrTimeout if the scope's own time cut fn short (nil with MoveOn).
func Scope(ctx context.Context, fn func(ctx context.Context) error, options ...Option) error {
	l, err := loopOf(ctx)
	if err != nil {
		return err
	}
	b := boundsOf(options)
	outer := l.where(ctx)
	t := &task{wake: make(chan struct{}, 2), around: outer.claim()}
	t.scope.init(l, context.WithoutCancel(ctx), ctx, &b)
	if e := t.open(outer.id.Load(), &b); e != nil {
		t.around.unclaim()
		return e
	}
	t.around.release()
	<-t.wake
	if !b.Bounds.Shield {
		defer outer.follow(ctx, t.scope.id.Load()).stop()
	}
	func() {
		err := errAborted
		defer func() {
			t.finish(err)
			<-t.wake
		}()
		err = fn(&t.scope)
	}()
	switch {
	case t.failure == nil:
		return t.err
	case t.flags&cx.Caught != 0 && b.OnTimeout == cx.MoveOn && Status(t.failure.Status) == ErrCancelled:
		return nil
	case t.failure.Cookie != 0:
		return t.err
	}
	e := newError(t.failure, nil)
	if e.Status == ErrCancelled {
		outer.noteCancelled(e)
	}
	return e.inContext(ctx)
}

// Shield runs fn where no cancellation from outside comes in, for up to timeout: clean-up, a last
// message, a commit. (context.WithoutCancel keeps a context open, but what is started with it stays in the
// scope, and is cancelled there.)
func Shield(ctx context.Context, timeout time.Duration, fn func(ctx context.Context) error) error {
	return Scope(ctx, fn, Shielded(), Timeout(timeout))
}

// Sleep waits for d, or for the end of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	return await(ctx, func(tail cx.Tail) cx.Started { return cx.Sleep(tail, max(d, 0)) })
}

// Yield lets everything go on that could run when it was called, and notices the end of ctx: a
// checkpoint.
func Yield(ctx context.Context) error { return await(ctx, cx.Yield) }

// await waits for an operation that has no result.
func await(ctx context.Context, start func(cx.Tail) cx.Started) error {
	l, err := loopOf(ctx)
	if err != nil {
		return err
	}
	return l.await(ctx, start)
}

func (l *Loop) await(ctx context.Context, start func(cx.Tail) cx.Started) error {
	w := newWaiter(takeValue)
	e := l.call(ctx, w, start)
	w.free()
	if e != nil {
		return e
	}
	return nil
}
