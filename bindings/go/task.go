package creche

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"libcreche/creche/internal/cx"
)

// errGoexit is the failure of a goroutine that ended by runtime.Goexit.
var errGoexit = errors.New("creche: the goroutine of a task called runtime.Goexit")

// errAborted finishes a body that panicked in the caller's goroutine, where the panic goes on, or
// called runtime.Goexit there.
var errAborted = errors.New("creche: the body panicked")

// task is an external task: Go code is its body. It is its own context.
type task struct {
	scope   scope
	group   *Group                      // of a child, and of the body
	fn      func(context.Context) error // of a child: runs in a goroutine of its own
	wake    chan struct{}               // of others: begun, then ended
	err     error                       // what it was finished with
	failure *cx.Failure                 // at its end
	flags   uint32
	around  *scope // of others: whose goroutine goes on at its end, if that lets go of the clock

	// Of a child that Start starts.
	starting bool
	said     atomic.Bool // it called started
	moved    atomic.Bool // it has started, and is the group's
	panicked *PanicError // before
}

// open opens the task in C.
func (t *task) open(in uint64, b *bounds) *Error {
	l := t.scope.loop
	user := l.table.add(t)
	started := cx.TaskOpen(cx.Tail{In: in, Queue: l.queue, User: user}, b.Bounds, b.name)
	if started.Failure != nil {
		l.table.remove(user)
		return newError(started.Failure, nil)
	}
	return nil
}

func (t *task) deliver(ev *cx.Event) {
	switch ev.Kind {
	case cx.Begin:
		t.scope.id.Store(ev.Task)
		t.scope.resume()
		if t.fn != nil {
			go t.run()
		} else {
			t.wake <- struct{}{}
		}
	case cx.Cancel:
		t.scope.notice(ev.Failure())
	case cx.Done:
		if ev.Status != 0 {
			t.failure = ev.Failure()
			if t.failure == nil {
				t.failure = &cx.Failure{}
			}
			t.failure.Status = ev.Status
			if t.group != nil && (!t.starting || t.moved.Load()) {
				t.group.note(t.failure)
			}
		}
		t.flags = ev.Flags
		t.scope.end(context.Canceled, context.Canceled)
		if t.fn == nil {
			t.around.resume()
			t.wake <- struct{}{}
		}
	}
}

// run is the goroutine of a child.
func (t *task) run() {
	err := errGoexit
	defer func() {
		if value := recover(); value != nil {
			p, _ := value.(*PanicError)
			if p == nil {
				p = &PanicError{Value: value, Stack: debug.Stack()}
			}
			if t.starting && !t.moved.Load() {
				t.panicked = p // of Start
			} else {
				t.group.notePanic(p)
			}
			err = p
		}
		t.finish(err)
	}()
	err = t.fn(&t.scope)
}

// finish ends the task with what its function returned.
func (t *task) finish(err error) {
	t.err = err
	id := t.scope.id.Load()
	defer func() { t.scope.claim().release() }()
	switch {
	case err == nil:
		cx.TaskFinish(id, 0, "", 0)
	case t.scope.cancelled() && onlyCancelled(err):
		cx.TaskFinish(id, int32(ErrCancelled), "", 0)
	default:
		var cookie uintptr = 1
		if t.group != nil {
			cookie = t.group.keep(err)
		}
		cx.TaskFinish(id, int32(ErrUser), strings.ToValidUTF8(wordsOf(err), "?"), cookie)
	}
}

// onlyCancelled: err says that work was cancelled, and nothing else.
func onlyCancelled(err error) (only bool) {
	defer func() {
		if recover() != nil { // as in wordsOf
			only = false
		}
	}()
	if err == context.Canceled || err == context.DeadlineExceeded {
		return true
	}
	if e, ok := err.(*Error); ok {
		return e.Status == ErrCancelled
	}
	switch u := err.(type) {
	case interface{ Unwrap() []error }:
		all := u.Unwrap()
		for _, one := range all {
			if !onlyCancelled(one) {
				return false
			}
		}
		return len(all) > 0
	case interface{ Unwrap() error }:
		inner := u.Unwrap()
		return inner != nil && onlyCancelled(inner)
	}
	// Others have no more to say than that they ended with their context, as net.Error does.
	return errors.Is(err, context.Canceled)
}

// follower cancels a scope when a context ends.
type follower struct {
	fired atomic.Bool
	after func() bool
}

// follow cancels scope id when ctx ends, unless the scope around hears of that by itself.
func (s *scope) follow(ctx context.Context, id uint64) *follower {
	f := &follower{}
	done := ctx.Done()
	if done == nil || s.is(done) {
		return f
	}
	cancel := func() {
		f.fired.Store(true)
		cx.ScopeCancel(id, reasonOf(ctx))
	}
	if ctx.Err() != nil {
		cancel()
	} else {
		f.after = context.AfterFunc(ctx, cancel)
	}
	return f
}

func (f *follower) stop() {
	if f.after != nil {
		f.after()
	}
}
