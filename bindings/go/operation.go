package creche

import (
	"bytes"
	"context"
	"sync"
	"unsafe"

	"libcreche/creche/internal/cx"
)

// receiver gets the completions of one operation, on the goroutine that drains the queue: it copies
// what it needs and does not block.
type receiver interface{ deliver(*cx.Event) }

// table knows the receivers by the numbers that C has as `user`.
type table struct {
	mu    sync.Mutex
	slots []receiver
	free  []uint32
}

func (t *table) add(r receiver) uintptr {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		t.slots[i] = r
		return uintptr(i) + 1
	}
	t.slots = append(t.slots, r)
	return uintptr(len(t.slots))
}

func (t *table) remove(user uintptr) {
	t.mu.Lock()
	t.slots[user-1] = nil
	t.free = append(t.free, uint32(user-1))
	t.mu.Unlock()
}

// find looks up the receivers of a batch, and forgets those that have got their last.
func (t *table) find(events []cx.Event, receivers *[cx.BatchSize]receiver) {
	t.mu.Lock()
	for i := range events {
		user := events[i].User
		if user == 0 || user > uintptr(len(t.slots)) {
			continue
		}
		receivers[i] = t.slots[user-1]
		if events[i].Flags&cx.More == 0 {
			t.slots[user-1] = nil
			t.free = append(t.free, uint32(user-1))
		}
	}
	t.mu.Unlock()
}

func (t *table) live() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.slots) - len(t.free)
}

// smallBlock: rows up to this size are copied and need no crossing to be released.
const smallBlock = 64 << 10

// what a waiter does with the data of its completion.
const (
	takeValue  = iota // keep the handle; data is a view into it
	takeRows          // a block of rows: copied if it is small
	takeBytes         // copied to into
	takeCopy          // a copy of its own, in into
	takeResult        // of a statement: what it did, not its rows
)

// waiter is a goroutine that waits for an operation with one completion.
type waiter struct {
	wake    chan struct{}
	take    int
	into    []byte
	kind    uint32
	code    uint32
	flags   uint32
	n       int // bytes in into
	value   uint64
	data    unsafe.Pointer
	size    uintptr
	block   cx.Block
	result  Result
	failure *cx.Failure
	around  *scope // whose goroutine waits, if it lets go of the clock
	tell    func(*WatchEvent)

	// Space for arguments, used again.
	query   cx.Query
	request cx.Request
	scratch []byte
}

var waiters = sync.Pool{New: func() any { return &waiter{wake: make(chan struct{}, 1)} }}

func newWaiter(take int) *waiter {
	w := waiters.Get().(*waiter)
	w.take = take
	return w
}

func (w *waiter) free() {
	w.into, w.data, w.block, w.failure, w.value = nil, nil, cx.Block{}, nil, 0
	w.result, w.around, w.tell = Result{}, nil, nil
	waiters.Put(w)
}

func (w *waiter) deliver(ev *cx.Event) {
	w.flags = ev.Flags
	if ev.Status != 0 {
		if w.failure = ev.Failure(); w.failure == nil {
			w.failure = &cx.Failure{}
		}
		w.failure.Status = ev.Status
		w.n = int(ev.Value) // of many rows the one that failed
	} else {
		w.kind, w.code = ev.Kind, ev.Code
		switch {
		case w.take == takeBytes:
			w.n = copy(w.into, ev.Bytes())
		case w.take == takeCopy:
			w.into = bytes.Clone(ev.Bytes())
		case w.take == takeResult && ev.Data != nil:
			block := cx.ViewBlock(ev.Data, 0)
			w.result = Result{block.Affected(), block.Tag()}
		case w.take == takeRows && ev.Data != nil && cx.BlockSize(ev.Data) <= smallBlock:
			w.block = cx.CopyBlock(ev.Data)
		default:
			ev.Flags &^= cx.Owned
			w.value, w.data, w.size = ev.Value, ev.Data, ev.Size
			if w.take == takeRows && ev.Data != nil {
				w.block = cx.ViewBlock(ev.Data, ev.Value)
			}
		}
	}
	w.around.resume()
	w.wake <- struct{}{}
}

// where is the scope that an operation on loop l with context ctx runs in.
func (l *Loop) where(ctx context.Context) *scope {
	if s, ok := ctx.Value(scopeKey{}).(*scope); ok && s.loop == l {
		return s
	}
	return l.root
}

func (l *Loop) tail(s *scope, user uintptr) cx.Tail {
	return cx.Tail{In: s.id.Load(), Queue: l.queue, User: user}
}

// call starts an operation in the scope of ctx and waits for its end. If ctx ends before, the
// operation is cancelled, and its end is waited for all the same.
func (l *Loop) call(ctx context.Context, w *waiter, start func(tail cx.Tail) cx.Started) *Error {
	return l.callIn(ctx, l.where(ctx), w, start)
}

func (l *Loop) callIn(ctx context.Context, s *scope, w *waiter, start func(tail cx.Tail) cx.Started) *Error {
	return l.callVia(ctx, s, w, w, start)
}

// callVia is callIn, where r gets the completions, and has w deliver the one that is waited for.
func (l *Loop) callVia(ctx context.Context, s *scope, w *waiter, r receiver, start func(tail cx.Tail) cx.Started) *Error {
	done := ctx.Done()
	if done != nil && s.is(done) {
		done = nil // what ends ctx cancels the scope, and with it the operation
	} else if done != nil && ctx.Err() != nil {
		return cancelledError(ctx)
	}
	around := s.claim()
	w.around = around
	user := l.table.add(r)
	started := start(l.tail(s, user))
	if started.Failure != nil {
		l.table.remove(user)
		around.unclaim()
		return newError(started.Failure, nil)
	}
	around.release()
	if done == nil {
		<-w.wake
	} else {
		select {
		case <-w.wake:
		case <-done:
			cx.ScopeCancel(started.ID, reasonOf(ctx))
			<-w.wake
		}
	}
	if w.failure == nil {
		return nil
	}
	return l.failed(ctx, s, w.failure)
}

// failed is the error of an operation that ended badly.
func (l *Loop) failed(ctx context.Context, s *scope, f *cx.Failure) *Error {
	e := newError(f, nil)
	if e.Status == ErrCancelled && ctx.Err() == nil {
		// The scope was cancelled: its context hears of it before the caller does.
		s.noteCancelled(e)
	}
	return e.inContext(ctx)
}

// reasonOf is the text of a cancellation that came from a context.
func reasonOf(ctx context.Context) string {
	if cause := context.Cause(ctx); cause != nil {
		return wordsOf(cause)
	}
	return "the context was cancelled"
}
