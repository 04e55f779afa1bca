package creche

import (
	"context"
	"sync"
	"time"
	"unsafe"

	"libcreche/creche/internal/cx"
)

// EventsRequest asks for server-sent events. 0 is the default.
type EventsRequest struct {
	Request                   // without a BodyReader; Timeouts.ReadGap is how long the stream may be silent: no limit
	LastEventID string        // where to go on
	Once        bool          // the end of the first stream is the end: nothing is asked for again
	Again       bool          // ask again also with a method that is not idempotent, such as POST
	Retry       time.Duration // the wait before the next connection, until the server says another; 3 s; negative: none
	MaxRetry    time.Duration // the longest wait, whoever says so; 30 s; negative: none
	MaxData     int64         // bytes of an event's data; 16 MiB
	MaxHeld     int64         // bytes of events that have come and were not taken by Next; 256 KiB
	Attempts    int           // connections in a row that bring nothing before it fails; 10; negative: no limit
}

// ServerEvent is one of the events of a stream.
type ServerEvent struct {
	Type string // "message" if the server names none
	Data string // lines joined by line feeds
	ID   string // the last that the server has said, in this event or before
	// The number of the connection that brought it, from 1 on: a greater one than before says that the
	// stream was lost in between.
	Connection int
}

// Events are server-sent events as they come. Not taking them holds the server back. They are not safe
// for concurrent use.
type Events struct {
	loop     *Loop
	ctx      context.Context
	in       *scope
	task     uint64
	follower *follower
	event    ServerEvent
	err      error
	over     bool

	mu      sync.Mutex
	changed *sync.Cond
	waiting []heldEvent // not more than the library lets be unreleased
	ended   bool
	closed  bool
	failure *cx.Failure
	watched func() // for when it is over
}

type heldEvent struct {
	handle uint64
	data   unsafe.Pointer
}

// wait of an option: nil is the default, and negative is none at all.
func wait(d time.Duration) *time.Duration {
	if d == 0 {
		return nil
	}
	d = max(d, 0)
	return &d
}

// Events asks for a stream of events, and asks again when it is lost. Whether that works shows with the
// first Next. Close ends it; so does the end of ctx.
func (s *Session) Events(ctx context.Context, r *EventsRequest) (*Events, error) {
	in := s.loop.where(ctx)
	if done := ctx.Done(); done != nil && !in.is(done) && ctx.Err() != nil {
		return nil, cancelledError(ctx)
	}
	w := newWaiter(takeValue) // for its space
	defer w.free()
	w.fill(&r.Request)
	defer func() { w.request.Body = nil }()
	o := cx.EventsOptions{Flags: cx.EventsKeep, LastEventID: r.LastEventID, Retry: wait(r.Retry), MaxRetry: wait(r.MaxRetry),
		MaxData: uint64(max(r.MaxData, 0)), MaxHeld: uint64(max(r.MaxHeld, 0)), Attempts: orNone(r.Attempts)}
	if r.Once {
		o.Flags |= cx.EventsOnce
	}
	if r.Again {
		o.Flags |= cx.EventsAgain
	}
	e := &Events{loop: s.loop, ctx: ctx, in: in, watched: w.watched()}
	e.changed = sync.NewCond(&e.mu)
	user := s.loop.table.add(e)
	started := cx.Events(s.id, s.loop.tail(in, user), &w.request, o)
	if started.Failure != nil {
		s.loop.table.remove(user)
		e.watched()
		return nil, newError(started.Failure, nil)
	}
	e.task = started.ID
	e.follower = in.follow(ctx, e.task)
	return e, nil
}

func (e *Events) deliver(ev *cx.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if ev.Flags&cx.More != 0 {
		if ev.Kind == cx.EventOf && !e.closed {
			ev.Flags &^= cx.Owned
			e.waiting = append(e.waiting, heldEvent{ev.Value, ev.Data})
			e.changed.Signal()
		}
		return // what is not taken is released with its batch
	}
	e.ended = true
	e.watched()
	if ev.Status != 0 {
		if e.failure = ev.Failure(); e.failure == nil {
			e.failure = &cx.Failure{}
		}
		e.failure.Status = ev.Status
	}
	e.changed.Signal()
}

// Next waits for the next event, which Event then gives. It is false after a failure (Err), and when the
// server wants no more connections (204), or at the end of the only stream.
func (e *Events) Next() bool {
	if e.over {
		return false
	}
	e.mu.Lock()
	for len(e.waiting) == 0 && !e.ended {
		e.changed.Wait()
	}
	if len(e.waiting) > 0 {
		held := e.waiting[0]
		e.waiting = append(e.waiting[:0], e.waiting[1:]...)
		e.mu.Unlock()
		e.event.Type, e.event.Data, e.event.ID, e.event.Connection = cx.ServerEvent(held.data)
		cx.ValueRelease(held.handle)
		return true
	}
	e.mu.Unlock()
	e.over, e.event = true, ServerEvent{}
	e.follower.stop()
	if e.failure != nil {
		e.err = e.loop.failed(e.ctx, e.in, e.failure)
	}
	return false
}

// Event is the current event.
func (e *Events) Event() ServerEvent { return e.event }

// Err is the failure that ended Next, if one did.
func (e *Events) Err() error { return e.err }

// Close ends the stream, if it goes on, and waits for that.
func (e *Events) Close() error {
	e.over = true
	e.follower.stop()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for _, held := range e.waiting {
		cx.ValueRelease(held.handle)
	}
	e.waiting = nil
	if !e.ended {
		cx.ScopeCancel(e.task, "the events were closed")
	}
	for !e.ended {
		e.changed.Wait()
	}
	return nil
}
