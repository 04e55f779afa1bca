package creche

import (
	"context"
	"sync"

	"libcreche/creche/internal/cx"
)

// Start starts fn as a child of g and waits until fn calls started: a server that listens, a connection
// that is made. It returns the value that started was given; fn goes on as a child like any other.
//
// Until then fn belongs to the caller: what cancels ctx or the group cancels it, its error or panic is
// Start's and does not count in the group. If it returns nil without having started, the error is
// ErrNotStarted. started fails if the caller is being cancelled: then fn should clean up and return.
//
// Options are those of Go. A timeout is that of all of fn, not only until it has started.
func Start[T any](ctx context.Context, g *Group, fn func(ctx context.Context, started func(T) error) error,
	options ...Option) (T, error) {
	var value T
	var mu sync.Mutex // somebody else may say it first
	err := g.start(ctx, boundsOf(options), func(ctx context.Context, t *task) error {
		return fn(ctx, func(v T) error {
			mu.Lock()
			defer mu.Unlock()
			if !t.said.Swap(true) {
				value = v
			}
			return t.started()
		})
	})
	if err != nil {
		var none T
		return none, err
	}
	return value, nil
}

func (g *Group) start(ctx context.Context, b bounds, fn func(context.Context, *task) error) error {
	t := &task{group: g, starting: true}
	t.fn = func(ctx context.Context) error { return fn(ctx, t) }
	g.childScope(t, &b)
	user := g.loop.table.add(t)
	w := newWaiter(takeValue)
	defer w.free()
	e := g.loop.call(ctx, w, func(tail cx.Tail) cx.Started {
		return cx.TaskStart(tail, g.id, b.Bounds, b.name, user)
	})
	if e == nil {
		return nil
	}
	if w.failure == nil { // it was never started
		g.loop.table.remove(user)
		return e
	}
	// The child has ended.
	if t.panicked != nil {
		panic(t.panicked)
	}
	if own := g.foreign(w.failure.Cookie); own != nil {
		return own
	}
	return e
}

// started makes the task a child of its group. Called by its goroutine.
func (t *task) started() error {
	moved := cx.TaskStarted(t.scope.id.Load())
	if moved.Failure != nil {
		return newError(moved.Failure, nil)
	}
	t.moved.Store(true)
	return nil
}
