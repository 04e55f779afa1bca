package creche

import (
	"context"

	"libcreche/creche/internal/cx"
)

// EventOptions of NewEvent. 0 is the default.
type EventOptions struct {
	Loop *Loop  // nil: the default one
	Name string // for dumps
}

// Event is something that happens once, and all who wait for it go on. It is safe for concurrent use.
type Event struct {
	loop *Loop
	id   uint64
}

// NewEvent opens an event that is not set.
func NewEvent(options *EventOptions) (*Event, error) {
	o := EventOptions{}
	if options != nil {
		o = *options
	}
	l, err := o.Loop.orDefault()
	if err != nil {
		return nil, err
	}
	opened := cx.EventOpen(l.id, o.Name)
	if opened.Failure != nil {
		return nil, newError(opened.Failure, nil)
	}
	return &Event{l, opened.ID}, nil
}

// Set sets the event: the waits of all who wait stand as ended when it returns. Again is harmless.
func (e *Event) Set() error { return errorIf(cx.EventSet(e.id)) }

// IsSet is true once the event is set, unless it is closed.
func (e *Event) IsSet() bool { return cx.EventIsSet(e.id) == 1 }

// Wait waits until the event is set.
func (e *Event) Wait(ctx context.Context) error {
	return e.loop.await(ctx, func(tail cx.Tail) cx.Started { return cx.EventWait(e.id, tail) })
}

// Close fails those who still wait with ErrClosed.
func (e *Event) Close() { cx.EventRelease(e.id) }
